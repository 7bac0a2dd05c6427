//! Accounts, deduplication keys, and what an account may have so many of.

use std::sync::Arc;

use qstash_mock_server::engine::{
    Action, Caller, KeyAction, Publish, QueueAction, Reply, ScheduleAction, UrlGroupAction,
};

use super::{ToLimits, bounded, is_refused};
use crate::carried::words::{
    A, B, C, delayed, endpoint, group_name, keyed, schedule, to, to_group,
};
use crate::world::{but, later, name, owner, publish, put, receive};

fn caller(account: &str) -> Arc<Caller> {
    Arc::new(Caller::owner(account))
}

fn with_key(queue: &str, key: &str) -> Publish {
    but(publish(queue), |it| it.idempotency_key = Some(key.into()))
}

#[test]
fn so_many_accounts_and_no_more_may_do_something() {
    let mut world = bounded(|it| it.accounts = 2);
    for account in ["one", "two"] {
        assert!(world.act_as(&caller(account), publish("work")).is_ok());
    }
    let third = caller("three");
    let group = UrlGroupAction::PutEndpoints(group_name("g"), vec![endpoint(A, None)]);
    let schedule = ScheduleAction::Put(Box::new(schedule("s", "* * * * *", to(A))));
    let actions: [Action; 7] = [
        publish("work").into(),
        to(A).into(),
        put("work", Default::default()).into(),
        KeyAction::Keys.into(),
        KeyAction::Secret.into(),
        group.into(),
        schedule.into(),
    ];
    for action in actions {
        let shown = format!("{action:?}");
        let reply = world.act_only(&third, action);
        assert!(is_refused(&world, &reply), "{shown}: {reply:?}");
    }
    for account in ["one", "two"] {
        assert!(world.act_as(&caller(account), to(A)).is_ok());
    }
}

#[test]
fn an_account_counts_from_its_first_message_on_though_that_is_not_due() {
    for message in [later(publish("work"), 60), delayed(to(A), 60)] {
        let mut world = bounded(|it| it.accounts = 1);
        assert!(world.act_as(&caller("one"), message.clone()).is_ok());
        let reply = world.act_only(&caller("two"), message);
        assert!(is_refused(&world, &reply), "{reply:?}");
        // What was accepted is delivered, within the bound.
        world.advance_secs(60);
    }
}

#[test]
fn accounts_outlive_a_restart() {
    let mut world = bounded(|it| it.accounts = 1);
    world.publish("work");
    world.crash();
    let reply = world.act_only(&caller("two"), publish("work"));
    assert!(is_refused(&world, &reply), "{reply:?}");
    world.publish("work");
}

#[test]
fn so_many_deduplication_keys_are_remembered_and_one_more_is_refused() {
    let mut world = bounded(|it| it.dedup_keys = 2);
    world.publish_with(with_key("work", "a"));
    world.send(keyed(to(A), "b"));
    for message in [
        with_key("work", "c"),
        with_key("new", "a"),
        keyed(to(A), "c"),
    ] {
        let reply = world.act_only(&owner(), message);
        assert!(is_refused(&world, &reply), "{reply:?}");
    }
    let made = world.act(QueueAction::Get(name("new")));
    assert!(made.is_err(), "a refused publish has made its queue");
    assert!(world.publish_one(with_key("work", "a")).deduplicated);
    assert!(world.send_one(keyed(to(A), "b")).deduplicated);
    world.publish("work");
    world.send(to(A));
}

#[test]
fn there_is_room_for_a_key_again_when_one_is_forgotten() {
    let mut world = bounded(|it| it.dedup_keys = 1);
    world.publish_with(with_key("work", "a"));
    world.crash();
    let reply = world.act(with_key("work", "b"));
    assert!(is_refused(&world, &reply), "{reply:?}");
    world.advance_secs(600);
    world.publish_with(with_key("work", "b"));
    assert!(world.publish_one(with_key("work", "b")).deduplicated);
}

#[test]
fn each_message_to_a_group_takes_a_key_and_all_or_none_are_published() {
    let mut world = bounded(|it| it.dedup_keys = 3);
    world.group("g", &[A, B]);
    let grouped = |id| keyed(to_group("g"), id);
    world.send_all(grouped("a"));
    let reply = world.act_only(&owner(), grouped("b"));
    assert!(is_refused(&world, &reply), "{reply:?}");
    assert_eq!(world.calls.len(), 2);
    let Ok(Reply::Published(again)) = world.act(grouped("a")) else {
        panic!("what is known needs no room");
    };
    assert!(again.messages().iter().all(|it| it.deduplicated));
}

fn put_group(name: &str, urls: &[&str]) -> Action {
    let endpoints = urls.iter().map(|url| endpoint(url, None)).collect();
    UrlGroupAction::PutEndpoints(group_name(name), endpoints).into()
}

fn put_schedule(id: &str) -> Action {
    ScheduleAction::Put(Box::new(schedule(id, "0 0 1 1 *", to(A)))).into()
}

fn put_queue(queue: &str) -> Action {
    put(queue, Default::default()).into()
}

#[test]
fn an_account_may_have_so_many_queues_groups_endpoints_and_schedules_and_one_more_is_refused() {
    let three = |thing: fn(&str) -> Action| ["a", "b", "c"].map(thing);
    let things: [(ToLimits, [Action; 3]); 4] = [
        (|it| it.queues = 2, three(put_queue)),
        (|it| it.url_groups = 2, three(|it| put_group(it, &[A]))),
        (|it| it.schedules = 2, three(put_schedule)),
        (
            |it| it.endpoints = 2,
            [&[A][..], &[B], &[C]].map(|urls| put_group("one", urls)),
        ),
    ];
    for (bound, [first, second, third]) in things {
        let mut world = bounded(bound);
        assert!(world.act(first.clone()).is_ok());
        assert!(world.act(second).is_ok());
        let reply = world.act_only(&owner(), third.clone());
        assert!(is_refused(&world, &reply), "{third:?}: {reply:?}");
        assert!(world.act(first).is_ok(), "it is there already");
        // Another account has a bound of its own.
        let reply = world.act_as(&caller("other"), third);
        assert!(reply.is_ok(), "{reply:?}");
    }
}

#[test]
fn so_many_callers_may_wait_on_a_queue_and_one_more_is_refused() {
    let mut world = bounded(|it| it.waiters = 2);
    for queue in ["work", "other"] {
        world.queue(queue, Default::default());
        world.wait(queue, 20);
        world.wait(queue, 20);
        let reply = world.act_only(&owner(), receive(queue, 1, 20));
        assert!(is_refused(&world, &reply), "{reply:?}");
    }
    world.publish("work");
    world.wait("work", 20);
}
