//! v1.md sections 1, 3 and 6: scopes, queues, metrics.

use std::sync::Arc;
use std::time::Duration;

use qstash_mock_server::engine::{
    Action, Caller, Config, Error, KeyAction, MessageAction, Permission, Permissions, QueueAction,
    QueuePatch, Reply, Scope, Seed,
};

use crate::world::{
    World, all_metrics, but, dead_letters_to, later, name, owner, publish, purge, pushed, put,
    receive, success,
};

fn scoped(globs: &[&str]) -> Arc<Caller> {
    Arc::new(Caller {
        queues: Some(globs.iter().map(|glob| (*glob).into()).collect()),
        ..(*owner()).clone()
    })
}

fn allowed(permissions: &[Permission]) -> Arc<Caller> {
    Arc::new(Caller {
        permissions: Permissions::from_iter(permissions.iter().copied()),
        ..(*owner()).clone()
    })
}

fn list() -> QueueAction {
    QueueAction::List {
        prefix: String::new(),
        after: None,
        limit: 100,
    }
}

#[test]
fn a_scoped_caller_sees_only_its_queues() {
    let mut world = World::new(1);
    for queue in ["order-events", "order-dlq", "payments"] {
        world.publish(queue);
    }
    let caller = scoped(&["order-*"]);
    let Ok(Reply::Queues { queues, more }) = world.act_as(&caller, list()) else {
        panic!("no list");
    };
    let names: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!((names, more), (vec!["order-dlq", "order-events"], false));
    let Ok(Reply::Metrics { metrics, .. }) = world.act_as(&caller, all_metrics()) else {
        panic!("no figures");
    };
    let names: Vec<_> = metrics.queues.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["order-dlq", "order-events"]);
}

#[test]
fn a_scoped_caller_cannot_touch_other_queues() {
    let mut world = World::new(1);
    let id = world.publish("payments");
    let caller = scoped(&["order-*"]);
    let queue = name("payments");
    let actions: [Action; 8] = [
        publish("payments").into(),
        receive("payments", 1, 0).into(),
        purge(queue.clone()).into(),
        QueueAction::Delete(queue.clone()).into(),
        QueueAction::Get(queue.clone()).into(),
        QueueAction::SetPaused(queue.clone(), true).into(),
        put("payments", QueuePatch::default()).into(),
        put("order-x", dead_letters_to("payments")).into(),
    ];
    for action in actions {
        let refused = world.act_as(&caller, action.clone());
        assert!(
            matches!(&refused, Err(Error::Forbidden { queue: at, .. }) if *at == queue),
            "{action:?}: {refused:?}"
        );
    }
    for action in [
        MessageAction::Get(id, Scope::Queues),
        MessageAction::Cancel(id, Scope::Queues),
    ] {
        assert_eq!(world.act_as(&caller, action), Err(Error::MessageNotFound));
    }
    let refused = world.act_as(&caller, KeyAction::RotateSecret);
    assert!(matches!(refused, Err(Error::ForbiddenAccount { .. })));
}

#[test]
fn a_scoped_caller_cannot_redrive_into_other_queues() {
    let mut world = World::new(1);
    world.queue("payments", dead_letters_to("order-dlq"));
    world.publish_with(but(publish("payments"), |it| it.max_retries = Some(0)));
    let held = world.receive_one("payments");
    world.release(&held, 0).expect("held");
    for to in [None, Some(name("payments"))] {
        let redrive = QueueAction::Redrive {
            queue: name("order-dlq"),
            to,
            max_messages: None,
        };
        let refused = world.act_as(&scoped(&["order-*"]), redrive);
        assert!(
            matches!(refused, Err(Error::Forbidden { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn each_permission_allows_its_own_commands_only() {
    let mut world = World::new(1);
    world.publish("work");
    let actions: [(_, Action); 4] = [
        (Permission::Publish, publish("work").into()),
        (Permission::Consume, receive("work", 1, 0).into()),
        (Permission::Manage, purge(name("work")).into()),
        (Permission::Metrics, all_metrics().into()),
    ];
    for has in Permission::ALL {
        for (needs, action) in &actions {
            let reply = world.act_as(&allowed(&[has]), action.clone());
            assert_eq!(
                reply.is_ok(),
                has == *needs,
                "{has:?}: {action:?}: {reply:?}"
            );
        }
    }
}

#[test]
fn a_put_changes_the_given_settings_only() {
    let mut world = World::new(1);
    let created = world.act(put("work", pushed(7)));
    assert!(matches!(created, Ok(Reply::QueuePut { created: true, .. })));
    let second = QueuePatch {
        max_retries: Some(9),
        ..QueuePatch::default()
    };
    let Ok(Reply::QueuePut { created, queue }) = world.act(put("work", second)) else {
        panic!("not changed");
    };
    assert!(!created);
    assert_eq!(
        (queue.settings.parallelism, queue.settings.max_retries),
        (7, 9)
    );
    assert!(queue.settings.webhook_url.is_some());
}

#[test]
fn a_named_dead_letter_queue_is_made() {
    let mut world = World::new(1);
    world.queue("work", dead_letters_to("dead"));
    assert!(world.act(QueueAction::Get(name("dead"))).is_ok());
}

#[test]
fn a_dead_letter_cycle_is_refused() {
    let mut world = World::new(1);
    let itself = world.act(put("a", dead_letters_to("a")));
    assert!(
        matches!(itself, Err(Error::DeadLetterCycle(_))),
        "{itself:?}"
    );
    let made = world.act(QueueAction::Get(name("a")));
    assert_eq!(made, Err(Error::QueueNotFound(name("a"))));
    world.queue("a", dead_letters_to("b"));
    world.queue("b", dead_letters_to("c"));
    let circle = world.act(put("c", dead_letters_to("a")));
    assert!(
        matches!(circle, Err(Error::DeadLetterCycle(_))),
        "{circle:?}"
    );
}

#[test]
fn a_dead_letter_target_cannot_be_deleted() {
    let mut world = World::new(1);
    world.queue("work", dead_letters_to("dead"));
    let by = name("work");
    let refused = world.act(QueueAction::Delete(name("dead")));
    assert_eq!(refused, Err(Error::QueueIsDeadLetterTarget { by }));
    let removed = Ok(Reply::Removed(0));
    assert_eq!(world.act(QueueAction::Delete(name("work"))), removed);
    assert_eq!(world.act(QueueAction::Delete(name("dead"))), removed);
    let again = world.act(QueueAction::Delete(name("dead")));
    assert_eq!(again, Err(Error::QueueNotFound(name("dead"))));
}

#[test]
fn a_queue_is_deleted_with_its_messages() {
    let mut world = World::new(1);
    let id = world.publish("work");
    let waiting = QueueAction::Delete(name("work"));
    assert_eq!(world.act(waiting), Ok(Reply::Removed(1)));
    assert_eq!(world.message(id), None);
    world.queue("work", QueuePatch::default());
    assert!(world.receive("work", 1).is_empty());
}

#[test]
fn who_waits_on_a_deleted_queue_is_sent_away() {
    let mut world = World::new(1);
    world.queue("work", QueuePatch::default());
    let waiter = world.wait("work", 20);
    world
        .act(QueueAction::Delete(name("work")))
        .expect("deleted");
    assert_eq!(world.answered(waiter), Some(vec![]));
}

#[test]
fn a_purge_removes_what_is_not_finished_and_says_how_many() {
    let mut world = World::new(1);
    world.publish_with(later(publish("work"), 9));
    world.publish("work");
    world.publish("work");
    let held = world.receive_one("work");
    world.receive_one("work");
    world.acknowledge(&held).expect("held");
    let purged = world.act(purge(name("work")));
    assert_eq!(purged, Ok(Reply::Removed(2)));
    let figures = world.figures("work");
    assert_eq!((figures.pending(), figures.counters.cancelled), (0, 2));
}

#[test]
fn a_paused_queue_keeps_who_waits_until_it_goes_on() {
    let mut world = World::new(1);
    world.queue("work", QueuePatch::default());
    let pause = |paused| QueueAction::SetPaused(name("work"), paused);
    world.act(pause(true)).expect("paused");
    let id = world.publish("work");
    assert!(world.receive("work", 1).is_empty());
    let waiter = world.wait("work", 20);
    world.act(pause(false)).expect("it goes on");
    assert_eq!(world.answered(waiter).expect("answered")[0].id, id);
}

#[test]
fn queues_are_listed_by_name_in_pages() {
    let mut world = World::new(1);
    for queue in ["c", "a", "b", "x"] {
        world.queue(queue, QueuePatch::default());
    }
    let page = |after: Option<&str>| QueueAction::List {
        prefix: String::new(),
        after: after.map(Into::into),
        limit: 2,
    };
    for (after, expected, goes_on) in [(None, ["a", "b"], true), (Some("b"), ["c", "x"], false)] {
        let Ok(Reply::Queues { queues, more }) = world.act(page(after)) else {
            panic!("no list");
        };
        let names: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!((names.as_slice(), more), (&expected[..], goes_on));
    }
}

#[test]
fn queues_whose_names_begin_alike_are_listed_wherever_the_page_begins() {
    let mut world = World::new(1);
    for queue in [
        "a", "or", "order", "order-1", "order-2", "orders", "ordf", "x",
    ] {
        world.queue(queue, QueuePatch::default());
    }
    let mut page = |prefix: &str, after: Option<&str>| {
        let list = QueueAction::List {
            prefix: prefix.into(),
            after: after.map(Into::into),
            limit: 100,
        };
        let Ok(Reply::Queues { queues, .. }) = world.act(list) else {
            panic!("no list");
        };
        let names: Vec<_> = queues.iter().map(|it| it.name.to_string()).collect();
        names.join(" ")
    };
    let all = "order order-1 order-2 orders";
    assert_eq!(page("order", None), all);
    assert_eq!(page("order", Some("a")), all);
    assert_eq!(page("order", Some("order-1")), "order-2 orders");
    assert_eq!(page("order", Some("x")), "");
    assert_eq!(page("not a name", None), "");
    assert_eq!(page("", Some("orders")), "ordf x");
}

#[test]
fn pending_is_every_message_that_is_not_finished() {
    let mut world = World::new(1);
    world.publish_with(later(publish("work"), 90));
    for _ in 0..3 {
        world.publish("work");
    }
    let held = world.receive("work", 2);
    world.acknowledge(&held[0]).expect("held");
    world.advance_secs(4);
    let figures = world.figures("work");
    assert_eq!(
        (figures.ready, figures.delayed, figures.in_flight),
        (1, 1, 1)
    );
    assert_eq!(figures.pending(), 3);
    assert_eq!(figures.oldest_ready_age, Some(Duration::from_secs(4)));
    assert_eq!(figures.counters.delivered, 1);
}

#[test]
fn delivery_latency_runs_from_publishing_to_delivery() {
    let mut world = World::new(1);
    world.queue("hook", pushed(1));
    world.publish("hook");
    world.advance_secs(4);
    world.answer_next(success());
    let latency = world
        .figures("hook")
        .delivery_latency
        .expect("one delivery");
    for percentile in latency {
        let error = percentile.as_secs_f64() / 4.0;
        assert!((0.87..=1.13).contains(&error), "{percentile:?}");
    }
}

#[test]
fn secrets_have_a_seed_of_their_own() {
    let world = |secret_seed: u64| {
        let mut config = Config::new(Seed::from(1));
        config.secret_seed = Seed::from(secret_seed);
        let mut world = World::with(config);
        let id = world.publish("orders");
        let lease = world.receive_one("orders").lease;
        let first = world.engine.default_signing_secret();
        let Ok(Reply::SigningSecret(rotated)) = world.act(KeyAction::RotateSecret) else {
            panic!("an owner may rotate the secret");
        };
        let [current, next] = world.engine.default_signing_keys().map(|key| key.0);
        let secrets = [first.0, rotated.current, current, next];
        ((id, lease), secrets)
    };
    let (ids, secrets) = world(1);
    let (same_ids, other_secrets) = world(2);
    assert_eq!(ids, same_ids);
    for secret in &secrets {
        assert!(!other_secrets.contains(secret), "{secret}");
    }
    assert_eq!(
        world(1),
        (ids, secrets),
        "the same seed makes the same secrets"
    );
}
