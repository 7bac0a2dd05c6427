//! v1.md section 2.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use qstash_mock_server::engine::{
    Action, Caller, Config, Error, MessageId, Permission, Publish, Published, QueueAction,
    QueuePatch, Reply, Seed, Stage,
};

use crate::world::{World, but, failure, later, name, owner, publish, pushed, saying};

fn keyed(key: &str) -> Publish {
    but(publish("work"), |it| it.idempotency_key = Some(key.into()))
}

fn delayed(seconds: u64) -> Publish {
    later(publish("work"), seconds)
}

/// The id that was answered, and whether it was known.
fn published(world: &mut World, publish: Publish) -> (MessageId, bool) {
    let published = world.publish_one(publish);
    (published.id, published.deduplicated)
}

#[test]
fn a_publish_makes_the_queue_with_the_defaults() {
    let mut world = World::new(1);
    world.publish("work");
    let Ok(Reply::Queue(queue)) = world.act(QueueAction::Get(name("work"))) else {
        panic!("there is no queue");
    };
    let settings = queue.settings;
    assert_eq!(settings.max_retries, 3);
    assert_eq!(settings.visibility_timeout, Duration::from_secs(30));
    assert_eq!(settings.delivery_timeout, Duration::from_secs(30));
    assert_eq!(settings.parallelism, 16);
    assert_eq!(
        (settings.webhook_url, settings.dead_letter_queue),
        (None, None)
    );
    assert!(!settings.paused);
}

#[test]
fn the_bytes_of_a_message_are_delivered_unchanged() {
    let mut world = World::new(1);
    let body = Bytes::from_static(b"{ \"b\":1.00, \"a\" : 1e400 }");
    world.publish_with(saying(publish("work"), body.clone()));
    assert_eq!(world.receive_one("work").body, body);
}

#[test]
fn a_delayed_message_is_invisible_until_it_is_due() {
    let mut world = World::new(1);
    let id = world.publish_with(delayed(60));
    assert_eq!(world.stage(id).0, Stage::Delayed);
    world.advance(Duration::from_millis(59_999));
    assert!(world.receive("work", 10).is_empty());
    world.advance(Duration::from_millis(1));
    assert_eq!(world.stage(id).0, Stage::Ready);
    assert_eq!(world.receive_one("work").id, id);
}

#[test]
fn a_delayed_message_takes_no_place_until_it_is_due() {
    let mut world = World::new(1);
    let late = world.publish_with(delayed(10));
    world.advance_secs(5);
    let early = world.publish("work");
    world.advance_secs(10);
    let last = world.publish("work");
    let order: Vec<_> = world.receive("work", 10).iter().map(|it| it.id).collect();
    assert_eq!(order, [early, late, last]);
}

#[test]
fn messages_that_become_due_at_once_keep_the_order_of_publishing() {
    let mut world = World::new(1);
    let ids: Vec<_> = (0..20).map(|_| world.publish_with(delayed(10))).collect();
    let waiters: Vec<_> = (0..20).map(|_| world.wait("work", 20)).collect();
    world.advance_secs(10);
    let order: Vec<_> = waiters
        .into_iter()
        .map(|waiter| world.answered(waiter).expect("answered")[0].id)
        .collect();
    assert_eq!(order, ids);
}

#[test]
fn the_same_key_inside_the_window_stores_nothing() {
    let mut world = World::new(1);
    let first = published(&mut world, keyed("a"));
    let other_content = saying(keyed("a"), "2");
    assert_eq!(published(&mut world, other_content), (first.0, true));
    assert_eq!(world.receive("work", 10).len(), 1);
    let counters = world.counters("work");
    assert_eq!((counters.published, counters.deduplicated), (1, 1));
}

#[test]
fn a_key_is_good_for_one_queue_and_one_window() {
    let mut world = World::new(1);
    let first = world.publish_with(keyed("a"));
    let elsewhere = but(keyed("a"), |it| it.queue = name("other"));
    assert_ne!(world.publish_with(elsewhere), first);
    world.advance(Duration::from_millis(599_999));
    assert_eq!(world.publish_with(keyed("a")), first);
    world.advance(Duration::from_millis(1));
    assert_ne!(world.publish_with(keyed("a")), first, "the window slid");
}

#[test]
fn a_key_outlives_its_message_and_a_crash() {
    let mut world = World::new(1);
    let first = world.publish_with(keyed("a"));
    let held = world.receive_one("work");
    world.acknowledge(&held).expect("held");
    world.crash();
    assert_eq!(world.publish_with(keyed("a")), first);
    assert!(world.receive("work", 1).is_empty());
}

#[test]
fn keys_of_a_deleted_queue_do_not_reach_a_new_one() {
    let mut world = World::new(1);
    let first = world.publish_with(keyed("a"));
    let removed = world.act(QueueAction::Delete(name("work")));
    assert_eq!(removed, Ok(Reply::Removed(1)));
    world.crash();
    world.queue("work", QueuePatch::default());
    let second = published(&mut world, keyed("a"));
    assert_ne!(second, (first, true), "it is promised and not stored");
    assert_eq!(world.receive("work", 10).len(), 1);
}

#[test]
fn one_bad_item_of_a_batch_does_not_stop_the_others() {
    let mut world = World::new(1);
    let caller = Arc::new(Caller {
        queues: Some(vec!["work".into()]),
        ..(*owner()).clone()
    });
    let batch = vec![publish("work"), publish("other"), keyed("a"), keyed("a")];
    let Ok(Reply::Batch { results, .. }) = world.act_as(&caller, Action::PublishBatch(batch))
    else {
        panic!("the batch was refused");
    };
    let forbidden = Error::Forbidden {
        queue: name("other"),
        permission: Permission::Publish,
    };
    assert!(results[0].is_ok());
    assert_eq!(results[1], Err(forbidden));
    let one = |at: usize| match &results[at] {
        Ok(Published::One(one)) => one.clone(),
        other => panic!("not published: {other:?}"),
    };
    let (third, fourth) = (one(2), one(3));
    assert_eq!((fourth.id, fourth.deduplicated), (third.id, true));
    assert_eq!(world.receive("work", 10).len(), 2);
}

#[test]
fn publish_is_refused_loudly_at_the_bound_on_held_bytes() {
    let mut config = Config::new(Seed::from(1));
    // Two of them, their queue and their account.
    config.limits.held_bytes = 11_000;
    let mut world = World::with(config);
    let big = || saying(publish("work"), vec![b'1'; 4_000]);
    let first = world.publish_with(big());
    world.publish_with(big());
    let refused = world.act(big());
    assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
    world.cancel_in_queue(first);
    world.publish_with(big());
    assert_eq!(world.counters("work").published, 3);
}

#[test]
fn what_attempts_leave_behind_counts_for_the_bound_on_held_bytes() {
    let mut config = Config::new(Seed::from(1));
    config.limits.held_bytes = 10_000;
    let mut world = World::with(config);
    world.queue("dead", QueuePatch::default());
    let patch = QueuePatch {
        max_retries: Some(1),
        dead_letter_queue: Some(Some(name("dead"))),
        ..pushed(16)
    };
    world.queue("work", patch);
    let id = world.publish("work");
    let mut answer = failure();
    answer.body = Bytes::from(vec![b'!'; 4_000]);
    let big = |world: &mut World| world.act(saying(publish("dead"), vec![b'1'; 6_000]));
    for stage in [Stage::Delayed, Stage::Ready] {
        world.answer_next(answer.clone());
        assert_eq!(world.stage(id).0, stage);
        let refused = big(&mut world);
        assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
        world.advance_secs(1);
    }
    world.cancel_in_queue(id);
    big(&mut world).expect("there is room again");
}

#[test]
fn a_message_may_have_its_own_retries() {
    let mut world = World::new(1);
    let id = world.publish_with(but(publish("work"), |it| it.max_retries = Some(0)));
    let held = world.receive_one("work");
    world.release(&held, 0).expect("held");
    assert_eq!(world.stage(id).0, Stage::Failed);
}
