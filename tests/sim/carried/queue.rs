//! v2.md section 3.6: first in first out through a queue, retries and callbacks included.

use qstash_mock_server::engine::{Event, QueueAction, Reply};

use super::words::{
    A, B, BACK, C, FAILED, calling_back, delayed, flowing, retries, secs, telling_failure, through,
};
use crate::world::{World, failure, name, success};

#[test]
fn the_next_message_waits_for_the_retries_of_the_one_before() {
    let mut world = World::new(1);
    let first = world.send(retries(through("q", A), 1));
    let second = world.send(through("q", B));
    assert_eq!(world.open(), [first]);
    world.answer_next(failure());
    assert!(world.calls.is_empty(), "it is between two attempts");
    world.advance_secs(12);
    assert_eq!(world.open(), [first]);
    world.answer_next(failure());
    assert_eq!(world.open(), [second]);
}

#[test]
fn the_next_message_waits_for_the_callbacks_of_the_one_before() {
    let mut world = World::new(1);
    world.send(calling_back(through("q", A)));
    let second = world.send(through("q", B));
    world.answer_next(success());
    assert_eq!(world.urls(), [BACK]);
    world.answer_next(failure());
    world.advance_secs(11);
    assert!(
        world.calls.is_empty(),
        "the callback is retried, and keeps the slot"
    );
    world.advance_secs(1);
    assert_eq!(world.urls(), [BACK]);
    world.answer_next(success());
    assert_eq!(world.open(), [second]);
}

#[test]
fn the_next_message_waits_for_every_callback_of_every_attempt_and_the_failure_callback() {
    let mut world = World::new(1);
    let first = telling_failure(calling_back(retries(through("q", A), 1)));
    world.send(first);
    let second = world.send(through("q", B));
    world.answer_next(failure());
    world.advance_secs(12);
    assert_eq!(world.urls(), [BACK, A]);
    world.answer_message(world.open()[1], failure());
    assert_eq!(world.urls(), [BACK, BACK, FAILED]);
    for _ in 0..3 {
        assert!(!world.open().contains(&second));
        world.answer_next(success());
    }
    assert_eq!(world.open(), [second]);
}

#[test]
fn a_cancelled_holder_or_its_cancelled_callback_frees_the_slot() {
    let mut world = World::new(1);
    let first = world.send(calling_back(through("q", A)));
    let second = world.send(through("q", B));
    let third = world.send(through("q", C));
    world.answer_next(success());
    let callback = world.open()[0];
    assert_ne!(callback, first);
    assert!(world.cancel_one(callback));
    assert!(world.open().contains(&second));
    assert!(world.cancel_one(second));
    assert!(world.open().contains(&third));
}

#[test]
fn parallelism_n_is_n_messages_at_once_from_first_attempt_to_last_callback() {
    let mut world = World::new(1);
    world.own_queue("q", 2, false);
    let ids: Vec<_> = (0..4).map(|_| world.send(through("q", A))).collect();
    assert_eq!(world.open(), ids[..2]);
    world.answer_message(ids[0], failure());
    assert_eq!(world.open(), [ids[1]], "the one that failed keeps its slot");
    world.answer_message(ids[1], success());
    assert_eq!(world.open(), [ids[2]]);
    world.advance_secs(12);
    assert_eq!(world.open(), [ids[2], ids[0]]);
    world.answer_message(ids[0], success());
    assert_eq!(world.open(), [ids[2], ids[3]]);
}

#[test]
fn raising_the_parallelism_lets_those_who_wait_go() {
    let mut world = World::new(1);
    let ids: Vec<_> = (0..4).map(|_| world.send(through("q", A))).collect();
    assert_eq!(world.open(), ids[..1]);
    world.own_queue("q", 3, false);
    assert_eq!(world.open(), ids[..3]);
    world.own_queue("q", 1, false);
    world.answer_next(success());
    world.answer_next(success());
    assert_eq!(
        world.open(),
        [ids[2]],
        "no new one before it is below the bound"
    );
}

#[test]
fn a_paused_queue_takes_messages_and_sends_none() {
    let mut world = World::new(1);
    world.own_queue("q", 1, true);
    let ids = [(); 3].map(|()| world.send(through("q", A)));
    assert!(world.calls.is_empty());
    world.pause("q", false);
    assert_eq!(world.open(), [ids[0]], "the oldest goes first");
}

#[test]
fn a_retry_that_falls_due_in_a_paused_queue_goes_first_when_it_is_resumed() {
    let mut world = World::new(1);
    let first = world.send(through("q", A));
    let second = world.send(through("q", B));
    world.answer_next(failure());
    world.pause("q", true);
    world.advance_secs(100);
    assert!(world.calls.is_empty());
    world.pause("q", false);
    assert_eq!(world.open(), [first]);
    world.answer_next(success());
    assert_eq!(world.open(), [second]);
}

#[test]
fn pausing_between_attempts_and_resuming_before_the_retry_changes_nothing() {
    let mut world = World::new(1);
    let first = world.send(through("q", A));
    world.answer_next(failure());
    world.pause("q", true);
    world.advance_secs(5);
    world.pause("q", false);
    assert!(world.calls.is_empty());
    world.advance_secs(7);
    assert_eq!(world.called_at(first), [0, 12_000]);
}

#[test]
fn a_call_under_way_ends_in_a_paused_queue() {
    let mut world = World::new(1);
    let first = world.send(through("q", A));
    let second = world.send(through("q", A));
    world.pause("q", true);
    world.answer_next(success());
    assert!(world.events(first).contains(&Event::Delivered));
    assert!(world.calls.is_empty());
    world.pause("q", false);
    assert_eq!(world.open(), [second]);
}

#[test]
fn a_delayed_message_takes_its_place_when_it_is_due() {
    let mut world = World::new(1);
    let late = world.send(delayed(through("q", A), 10));
    let early = world.send(through("q", B));
    world.advance_secs(5);
    let later = world.send(through("q", C));
    world.advance_secs(10);
    let last = world.send(through("q", C));
    for id in [early, later, late, last] {
        assert_eq!(world.open(), [id]);
        world.answer_next(success());
    }
}

#[test]
fn a_queues_messages_that_wait_for_their_key_keep_their_slots() {
    let mut world = World::new(1);
    let under_key = |url| flowing(through("q", url), "k", 0, 1, 60);
    let first = world.send(under_key(A));
    let second = world.send(under_key(A));
    let third = world.send(through("q", B));
    world.answer_next(success());
    assert!(
        world.calls.is_empty(),
        "the second has the slot and waits for the window"
    );
    world.advance(secs(60));
    assert_eq!(world.open(), [second]);
    world.answer_next(success());
    assert_eq!(world.order(), [first, second, third]);
}

#[test]
fn queues_do_not_wait_for_each_other() {
    let mut world = World::new(1);
    let one = world.send(through("q", A));
    let other = world.send(through("r", A));
    world.answer_next(failure());
    assert_eq!(world.open(), [other]);
    assert_eq!(world.order(), [one, other]);
    let reply = world.act(QueueAction::Get(name("q")));
    let Ok(Reply::Queue(view)) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(view.pending, 1, "the lag counts what is not finished");
}
