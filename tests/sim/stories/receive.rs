//! v1.md section 4: polling, leases, `extend`.

use std::time::Duration;

use qstash_mock_server::engine::{
    Error, LeaseId, MessageAction, PullAction, QueuePatch, Reply, Scope, Stage,
};

use crate::world::{World, dead_letters_to, later, name, owner, publish, pushed, receive};

fn retries(max_retries: u32) -> QueuePatch {
    QueuePatch {
        max_retries: Some(max_retries),
        ..QueuePatch::default()
    }
}

#[test]
fn the_oldest_visible_message_comes_first() {
    let mut world = World::new(1);
    let ids: Vec<_> = (0..30).map(|_| world.publish("work")).collect();
    let received: Vec<_> = world.receive("work", 30).iter().map(|it| it.id).collect();
    assert_eq!(received, ids);
}

#[test]
fn a_leased_message_is_hidden_until_the_lease_ends() {
    let mut world = World::new(1);
    world.publish("work");
    let held = world.receive_one("work");
    assert_eq!(held.expires_at, world.now + Duration::from_secs(30));
    assert_eq!(world.stage(held.id).0, Stage::Leased);
    world.advance(Duration::from_millis(29_999));
    assert!(world.receive("work", 1).is_empty());
    world.advance(Duration::from_millis(1));
    let again = world.receive_one("work");
    assert_eq!((again.id, again.attempt), (held.id, 2));
    assert_ne!(again.lease, held.lease);
}

#[test]
fn an_expired_lease_counts_as_a_failed_attempt_and_adds_no_backoff() {
    let mut world = World::new(1);
    world.queue("work", retries(1));
    let id = world.publish("work");
    world.receive_one("work");
    world.advance_secs(30);
    assert_eq!(world.stage(id).0, Stage::Ready);
    assert_eq!(world.receive_one("work").attempt, 2);
    world.advance_secs(30);
    assert_eq!(world.stage(id).0, Stage::Failed);
    let counters = world.counters("work");
    assert_eq!(
        (counters.expired_leases, counters.retried, counters.failed),
        (2, 1, 1)
    );
}

#[test]
fn a_command_finds_done_what_was_due_before_it() {
    let mut world = World::new(1);
    world.publish("work");
    let held = world.receive_one("work");
    world.now = world.now + Duration::from_secs(31);
    assert_eq!(world.acknowledge(&held), Err(Error::LeaseLost));
}

#[test]
fn retries_are_judged_when_the_lease_ends() {
    let mut world = World::new(1);
    world.queue("work", retries(0));
    let id = world.publish("work");
    world.receive_one("work");
    world.queue("work", retries(1));
    world.advance_secs(30);
    assert_eq!(world.stage(id).0, Stage::Ready);
}

#[test]
fn a_release_counts_as_a_failed_attempt_and_waits_for_its_delay_only() {
    let mut world = World::new(1);
    let id = world.publish("work");
    let held = world.receive_one("work");
    world.release(&held, 7).expect("held");
    assert_eq!(world.stage(id).0, Stage::Delayed);
    world.advance_secs(6);
    assert!(world.receive("work", 1).is_empty());
    world.advance_secs(1);
    assert_eq!(world.receive_one("work").attempt, 2);
}

#[test]
fn a_released_message_keeps_its_place() {
    let mut world = World::new(1);
    let first = world.publish("work");
    let second = world.publish("work");
    let held = world.receive_one("work");
    world.release(&held, 0).expect("held");
    let order: Vec<_> = world.receive("work", 2).iter().map(|it| it.id).collect();
    assert_eq!(order, [first, second]);
}

#[test]
fn extend_hides_a_message_for_so_long_from_now() {
    let mut world = World::new(1);
    world.publish("work");
    let held = world.receive_one("work");
    world.advance_secs(20);
    let expires_at = world.now + Duration::from_secs(60);
    let id = held.id;
    let extended = world.extend(id, Some(held.lease), 60);
    assert_eq!(extended, Ok(Reply::Extended { id, expires_at }));
    world.advance_secs(59);
    assert!(world.receive("work", 1).is_empty());
    world.advance_secs(1);
    assert_eq!(world.receive_one("work").attempt, 2);
}

#[test]
fn extend_by_less_shortens_and_by_zero_makes_visible_at_once() {
    let mut world = World::new(1);
    world.publish("work");
    let held = world.receive_one("work");
    world.extend(held.id, None, 5).expect("held");
    world.advance_secs(5);
    let again = world.receive_one("work");
    world.extend(again.id, None, 0).expect("held");
    assert_eq!(world.stage(held.id).0, Stage::Ready);
    assert_eq!(world.receive_one("work").attempt, 3);
}

#[test]
fn only_a_leased_message_can_be_extended() {
    let mut world = World::new(1);
    let id = world.publish("work");
    assert_eq!(world.extend(id, None, 5), Err(Error::NotLeased));
    let held = world.receive_one("work");
    world.acknowledge(&held).expect("held");
    assert_eq!(world.extend(id, None, 5), Err(Error::NotLeased));
    world.advance_secs(600);
    assert_eq!(world.extend(id, None, 5), Err(Error::MessageNotFound));
}

#[test]
fn who_lost_the_lease_cannot_touch_somebody_elses_work() {
    let mut world = World::new(1);
    world.publish("work");
    let lost = world.receive_one("work");
    world.advance_secs(30);
    let held = world.receive_one("work");
    assert_eq!(world.acknowledge(&lost), Err(Error::LeaseLost));
    assert_eq!(world.release(&lost, 0), Err(Error::LeaseLost));
    assert_eq!(
        world.extend(lost.id, Some(lost.lease), 9),
        Err(Error::LeaseLost)
    );
    assert_eq!(
        world.extend(lost.id, Some(LeaseId(0)), 9),
        Err(Error::LeaseLost)
    );
    world.acknowledge(&held).expect("the newest lease holds");
    assert_eq!(world.acknowledge(&held), Err(Error::LeaseLost));
}

#[test]
fn a_long_poll_is_answered_at_once_when_a_message_becomes_visible() {
    let mut world = World::new(1);
    world.queue("work", QueuePatch::default());
    let waiter = world.wait("work", 20);
    world.advance_secs(3);
    assert_eq!(world.answered(waiter), None);
    let id = world.publish("work");
    assert_eq!(world.answered(waiter).expect("answered")[0].id, id);
}

#[test]
fn a_long_poll_is_answered_in_order_of_waiting() {
    let mut world = World::new(1);
    world.queue("work", QueuePatch::default());
    let waiters = [20, 5, 10].map(|seconds| world.wait("work", seconds));
    let ids = [(); 3].map(|()| world.publish("work"));
    let handed = waiters.map(|waiter| world.answered(waiter).expect("answered")[0].id);
    assert_eq!(handed, ids);
}

#[test]
fn a_long_poll_ends_empty_at_its_time() {
    let mut world = World::new(1);
    world.queue("work", QueuePatch::default());
    let waiter = world.wait("work", 20);
    world.advance(Duration::from_millis(19_999));
    assert_eq!(world.answered(waiter), None);
    world.advance(Duration::from_millis(1));
    assert_eq!(world.answered(waiter), Some(vec![]));
}

#[test]
fn a_message_that_becomes_due_as_the_long_poll_ends_is_handed_out() {
    let mut world = World::new(1);
    world.publish_with(later(publish("work"), 20));
    let waiter = world.wait("work", 20);
    world.advance_secs(20);
    assert_eq!(
        world.answered(waiter).map(|received| received.len()),
        Some(1)
    );
}

#[test]
fn a_message_handed_to_a_caller_that_is_gone_counts_no_attempt() {
    let mut world = World::new(1);
    world.queue("work", retries(0));
    let waiter = world.wait("work", 20);
    let id = world.publish("work");
    let second = world.publish("work");
    let lost = world.answered(waiter).expect("answered").remove(0);
    let handed = vec![(lost.id, lost.lease)];
    let abandoned = world.act(PullAction::Abandon { waiter, handed });
    assert_eq!(abandoned, Ok(Reply::Abandoned));
    let order = world.receive("work", 2);
    assert_eq!([order[0].id, order[1].id], [id, second]);
    assert_eq!(order[0].attempt, 1);
    assert_ne!(order[0].lease, lost.lease);
}

#[test]
fn a_caller_that_is_gone_waits_no_more() {
    let mut world = World::new(1);
    world.queue("work", QueuePatch::default());
    let waiter = world.wait("work", 20);
    let handed = vec![];
    world
        .act(PullAction::Abandon { waiter, handed })
        .expect("gone");
    world.publish("work");
    assert_eq!(world.answered(waiter), None);
    assert_eq!(world.receive_one("work").attempt, 1);
}

#[test]
fn a_pushed_queue_cannot_be_received_from() {
    let mut world = World::new(1);
    world.queue("work", QueuePatch::default());
    let waiter = world.wait("work", 20);
    world.queue("work", pushed(1));
    assert_eq!(
        world.answered(waiter),
        Some(vec![]),
        "it would wait in vain"
    );
    let refused = world.act(receive("work", 1, 0));
    assert_eq!(refused, Err(Error::QueueIsPushed(name("work"))));
}

#[test]
fn receive_ignores_parallelism() {
    let mut world = World::new(1);
    let patch = QueuePatch {
        parallelism: Some(1),
        ..QueuePatch::default()
    };
    world.queue("work", patch);
    let published = [(); 3].map(|()| world.publish("work"));
    assert_eq!(world.receive("work", 10).len(), published.len());
}

#[test]
fn cancel_is_idempotent_and_a_finished_message_stays_readable_for_ten_minutes() {
    let mut world = World::new(1);
    let id = world.publish("work");
    for cancelled in [true, false] {
        let reply = world.act(MessageAction::Cancel(id, Scope::Queues));
        assert_eq!(reply, Ok(Reply::Cancelled { id, cancelled }));
    }
    assert!(world.receive("work", 1).is_empty());
    world.advance(Duration::from_millis(599_999));
    assert_eq!(world.stage(id).0, Stage::Cancelled);
    world.advance(Duration::from_millis(1));
    assert_eq!(world.message(id), None);
    assert_eq!(world.counters("work").cancelled, 1);
}

#[test]
fn a_list_looks_without_leasing() {
    let mut world = World::new(1);
    let ids = [(); 3].map(|()| world.publish("work"));
    world.receive_one("work");
    let list = |state, after, limit| MessageAction::List {
        queue: name("work"),
        state,
        after,
        limit,
    };
    let Ok(Reply::Messages { messages, next }) = world.act(list(None, None, 2)) else {
        panic!("no list");
    };
    assert_eq!([messages[0].id, messages[1].id], ids[..2]);
    let Ok(Reply::Messages { messages, next }) = world.act(list(None, next, 2)) else {
        panic!("no list");
    };
    assert_eq!((messages[0].id, next), (ids[2], None));
    let Ok(Reply::Messages { messages, .. }) = world.act(list(Some(Stage::Ready), None, 9)) else {
        panic!("no list");
    };
    assert_eq!(messages.len(), 2);
    assert_eq!(world.receive("work", 9).len(), 2);
}

#[test]
fn release_and_expiry_never_exhaust_in_a_dead_letter_queue() {
    let mut world = World::new(1);
    world.queue("work", dead_letters_to("dead"));
    world.queue("dead", retries(0));
    let id = world.publish("dead");
    for _ in 0..4 {
        let held = world.receive_one("dead");
        world.release(&held, 0).expect("held");
        world.receive_one("dead");
        world.advance_secs(30);
    }
    assert_eq!(world.stage(id), (Stage::Ready, "dead".into()));
}

#[test]
fn a_release_during_delivery_never_exhausts_in_a_dead_letter_queue_either() {
    let mut world = World::new(1);
    world.queue("work", dead_letters_to("dead"));
    let alert = QueuePatch {
        max_retries: Some(0),
        ..pushed(1)
    };
    world.queue("dead", alert);
    let id = world.publish("dead");
    let lease = world.calls[0].lease().expect("a push has a lease");
    let action = PullAction::Release(id, Some(lease).into(), Duration::from_secs(5));
    world.act_as(&owner(), action).expect("it is in flight");
    assert_eq!(world.stage(id), (Stage::Delayed, "dead".into()));
}
