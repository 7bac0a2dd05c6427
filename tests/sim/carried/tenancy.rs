//! v2.md sections 1.3 and 2.11: read-only and limited grants, accounts, signing keys.

use std::sync::Arc;

use qstash_mock_server::engine::{
    AccountName, Action, Caller, Config, DeadLetterAction, Error, FlowAction, KeyAction,
    MessageAction, MetricsAction, Permission, Permissions, Published, QueueAction, Reply,
    ScheduleAction, Scope, Secret, Seed, Selection, SigningKeys, UrlGroupAction,
};

use super::words::{
    A, all_dead, all_rows, delayed, endpoint, flowing, group_name, retries, schedule, schedule_id,
    through, to,
};
use crate::disk::Commit;
use crate::words::secret_of;
use crate::world::{World, failure, name, success};

fn writes(world: &mut World) -> Vec<Action> {
    let id = world.send(delayed(to(A), 60));
    let row = world.dlq()[0].id;
    let selection = Selection::Filter {
        filter: Box::default(),
        count: None,
    };
    let put = schedule("t", "* * * * *", to(A));
    let endpoints = vec![endpoint(A, None)];
    vec![
        to(A).into(),
        Action::PublishBatch(vec![to(A)]),
        MessageAction::Cancel(id, Scope::CarriedRules).into(),
        MessageAction::CancelMany(selection).into(),
        QueueAction::Upsert {
            name: name("q"),
            parallelism: 1,
            paused: true,
        }
        .into(),
        QueueAction::SetPaused(name("q"), true).into(),
        QueueAction::Delete(name("q")).into(),
        DeadLetterAction::Delete(row).into(),
        DeadLetterAction::DeleteMany(all_dead()).into(),
        DeadLetterAction::Retry(row, Box::default()).into(),
        DeadLetterAction::RetryMany(all_dead(), Box::default()).into(),
        UrlGroupAction::PutEndpoints(group_name("g"), endpoints).into(),
        UrlGroupAction::RemoveEndpoints(group_name("g"), vec![]).into(),
        UrlGroupAction::SetDefaults(group_name("g"), Default::default()).into(),
        UrlGroupAction::Delete(group_name("g")).into(),
        ScheduleAction::Put(Box::new(put)).into(),
        ScheduleAction::Delete(schedule_id("s")).into(),
        ScheduleAction::SetPaused(schedule_id("s"), true).into(),
        FlowAction::SetPaused("k".into(), true).into(),
        FlowAction::ResetRate("k".into()).into(),
        KeyAction::RotateKeys.into(),
    ]
}

fn reads(world: &mut World) -> Vec<Action> {
    let id = world.send(delayed(to(A), 60));
    let row = world.dlq()[0].id;
    vec![
        MessageAction::Get(id, Scope::CarriedRules).into(),
        QueueAction::Get(name("q")).into(),
        DeadLetterAction::List(all_dead()).into(),
        DeadLetterAction::Get(row).into(),
        Action::Log(Box::new(all_rows())),
        UrlGroupAction::List {
            after: None,
            limit: 100,
        }
        .into(),
        UrlGroupAction::Get(group_name("g")).into(),
        ScheduleAction::List {
            after: None,
            limit: 100,
        }
        .into(),
        ScheduleAction::Get(schedule_id("s")).into(),
        FlowAction::List {
            search: None,
            after: None,
            limit: 100,
        }
        .into(),
        FlowAction::Get("k".into()).into(),
        MetricsAction::Parallelism.into(),
        KeyAction::Keys.into(),
    ]
}

/// One of everything.
fn furnished() -> World {
    let mut world = World::new(1);
    world.own_queue("q", 1, false);
    world.group("g", &[A]);
    world.put_schedule(schedule("s", "0 0 1 1 *", to(A)));
    world.send(flowing(retries(to(A), 0), "k", 1, 0, 1));
    world.answer_next(failure());
    world
}

#[test]
fn a_read_only_caller_reads_everything_and_changes_nothing() {
    let mut world = furnished();
    let reader = Arc::new(Caller {
        read_only: true,
        ..Caller::owner("defaultUser")
    });
    let (reads, writes) = (reads(&mut world), writes(&mut world));
    let commits = world.commits.len();
    for action in writes {
        let shown = format!("{action:?}");
        assert_eq!(
            world.act_as(&reader, action),
            Err(Error::ReadOnly),
            "{shown}"
        );
    }
    for action in reads {
        let shown = format!("{action:?}");
        let reply = world.act_as(&reader, action);
        assert!(reply.is_ok(), "{shown}: {reply:?}");
    }
    assert!(world.commits[commits..].iter().all(Commit::is_empty));
}

#[test]
fn a_limited_caller_enqueues_to_its_queue_and_may_do_nothing_else() {
    let mut world = furnished();
    let limited = Arc::new(Caller {
        queues: Some(vec!["q".into()]),
        permissions: Permissions::from_iter([Permission::Publish]),
        ..Caller::owner("defaultUser")
    });
    let actions = [reads(&mut world), writes(&mut world)].concat();
    let commits = world.commits.len();
    for action in actions {
        let shown = format!("{action:?}");
        match world.act_as(&limited, action) {
            Err(
                Error::Forbidden { .. }
                | Error::ForbiddenPermission { .. }
                | Error::ForbiddenAccount { .. },
            ) => {}
            Ok(Reply::Batch { results: items, .. }) => assert!(items[0].is_err(), "{shown}"),
            other => panic!("{shown}: {other:?}"),
        }
    }
    assert!(world.commits[commits..].iter().all(Commit::is_empty));
    assert!(world.send_as(&limited, through("q", A)).is_ok());
    let other = world.send_as(&limited, through("r", A));
    assert!(matches!(other, Err(Error::Forbidden { .. })), "{other:?}");
}

#[test]
fn a_caller_limited_by_permissions_alone_does_what_they_allow_in_the_whole_account() {
    let with = |permissions: &[Permission]| {
        Arc::new(Caller {
            permissions: permissions.iter().copied().collect(),
            ..Caller::owner("defaultUser")
        })
    };
    let publishes = |action: &Action| {
        matches!(action, Action::Publish(_) | Action::PublishBatch(_))
            || matches!(action, Action::Schedules(ScheduleAction::Put(_)))
    };
    let mut world = furnished();
    let actions = [reads(&mut world), writes(&mut world)].concat();
    for action in actions {
        let shown = format!("{action:?}");
        let needs = match &action {
            Action::Metrics(_) => Permission::Metrics,
            publish if publishes(publish) => Permission::Publish,
            _ => Permission::Manage,
        };
        let others: Vec<_> = Permission::ALL
            .into_iter()
            .filter(|it| *it != needs)
            .collect();
        match world.act_as(&with(&others), action.clone()) {
            Err(
                Error::Forbidden { permission, .. } | Error::ForbiddenPermission { permission },
            ) => {
                assert_eq!(permission, needs, "{shown}");
            }
            Ok(Reply::Batch { results: items, .. }) => assert!(items[0].is_err(), "{shown}"),
            other => panic!("{shown}: {other:?}"),
        }
        // What an action before it took away is missing, not forbidden.
        let allowed = world.act_as(&with(&[needs]), action);
        let missing = matches!(
            allowed,
            Err(Error::DeadLetterNotFound(_)
                | Error::ScheduleNotFound(_)
                | Error::UrlGroupNotFound(_))
        );
        assert!(allowed.is_ok() || missing, "{shown}: {allowed:?}");
    }
}

#[test]
fn accounts_see_nothing_of_each_other() {
    let mut world = furnished();
    let stranger = Arc::new(Caller::owner("stranger"));
    for action in reads(&mut world) {
        let shown = format!("{action:?}");
        let empty = match world.act_as(&stranger, action) {
            Ok(Reply::DeadLetters { entries, .. }) => entries.is_empty(),
            Ok(Reply::Log { rows, .. }) => rows.is_empty(),
            Ok(Reply::UrlGroups { groups, .. }) => groups.is_empty(),
            Ok(Reply::Schedules { schedules, .. }) => schedules.is_empty(),
            Ok(Reply::FlowKeys { keys, .. }) => keys.is_empty(),
            Ok(Reply::GlobalParallelism { count, .. }) => count == 0,
            Ok(Reply::SigningKeys(keys)) => {
                Ok(Reply::SigningKeys(keys)) != world.act(KeyAction::Keys)
            }
            Err(_) => true,
            other => panic!("{shown}: {other:?}"),
        };
        assert!(empty, "{shown}");
    }
}

#[test]
fn the_same_names_in_two_accounts_are_two_things() {
    let mut world = World::new(1);
    let stranger = Arc::new(Caller::owner("stranger"));
    let send = || flowing(through("q", A), "k", 1, 1, 60);
    let mine = world.send(send());
    let theirs = match world.send_as(&stranger, send()) {
        Ok(Reply::Published(Published::One(sent))) => sent.id,
        other => panic!("{other:?}"),
    };
    assert_eq!(world.open(), [mine, theirs]);
    let pause = FlowAction::SetPaused("k".into(), true);
    world.done_as(&stranger, pause);
    assert!(!world.flow("k").key.paused);
    let key = |world: &World, n: usize| secret_of(&world.calls[n]);
    assert_ne!(
        key(&world, 0),
        key(&world, 1),
        "each signs with its own key"
    );
}

fn keys(reply: Result<Reply, Error>) -> SigningKeys {
    match reply {
        Ok(Reply::SigningKeys(keys)) => keys,
        other => panic!("no keys: {other:?}"),
    }
}

#[test]
fn a_rotation_makes_the_next_key_the_current_one_and_messages_are_signed_by_it() {
    let mut world = World::new(1);
    let before = keys(world.act(KeyAction::Keys));
    world.send(to(A));
    assert_eq!(secret_of(&world.calls[0]), before.current);
    let after = keys(world.act(KeyAction::RotateKeys));
    assert_eq!(after.current, before.next);
    let all = [&before.current, &before.next, &after.next];
    let distinct: std::collections::BTreeSet<_> = all.into_iter().collect();
    assert_eq!(distinct.len(), 3, "a fresh next key");
    assert_eq!(keys(world.act(KeyAction::Keys)), after);
    world.answer_next(failure());
    world.advance_secs(12);
    assert_eq!(secret_of(&world.calls[0]), after.current, "a retry too");
    let third = keys(world.act(KeyAction::RotateKeys));
    assert_eq!(third.current, after.next);
    world.crash();
    assert_eq!(keys(world.act(KeyAction::Keys)), third);
}

#[test]
fn configured_keys_are_used_until_they_are_rotated() {
    let mut config = Config::new(Seed::from(1));
    let pair = ["sig_current", "sig_next"].map(|key| Secret(key.into()));
    config
        .signing_keys
        .insert(AccountName::new("defaultUser"), pair);
    let mut world = World::with(config);
    let first = keys(world.act(KeyAction::Keys));
    assert_eq!((&*first.current, &*first.next), ("sig_current", "sig_next"));
    world.send(to(A));
    assert_eq!(&*secret_of(&world.calls[0]), "sig_current");
    world.answer_next(success());
    let second = keys(world.act(KeyAction::RotateKeys));
    assert_eq!(&*second.current, "sig_next");
    world.crash();
    assert_eq!(keys(world.act(KeyAction::Keys)), second);
}
