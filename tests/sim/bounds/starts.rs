//! One input starts a bounded number of attempts, however many may start.

use qstash_mock_server::engine::{MessageId, QueueAction, QueuePatch};

use super::bounded;
use crate::carried::words::{A, delayed, secs, through, to};
use crate::world::{World, name, owner, publish, pushed, success};

const STARTS: usize = 3;

fn world() -> World {
    bounded(|it| it.starts = STARTS)
}

/// Wakes the engine as often as it wants to be woken, and returns how many calls that started each time.
fn steps(world: &mut World) -> Vec<usize> {
    let mut steps = vec![];
    while world
        .engine
        .poll_timeout()
        .is_some_and(|at| at <= world.now)
    {
        assert!(steps.len() < 100, "the engine never comes to rest");
        let before = world.started.len();
        world.tick();
        steps.push(world.started.len() - before);
    }
    steps
}

/// A paused queue with a webhook and so many messages.
fn paused(world: &mut World, count: usize) -> Vec<MessageId> {
    world.queue("hook", pushed(100));
    world.pause("hook", true);
    (0..count).map(|_| world.publish("hook")).collect()
}

fn resume(world: &mut World, queue: &str) {
    let resumed = world.act_only(&owner(), QueueAction::SetPaused(name(queue), false));
    assert!(resumed.is_ok());
}

#[test]
fn a_resumed_queue_starts_at_most_so_many_at_once_and_all_in_order() {
    let mut world = world();
    let messages = paused(&mut world, 8);
    resume(&mut world, "hook");
    assert_eq!(world.open(), messages[..3]);
    assert_eq!(steps(&mut world), [3, 2]);
    assert_eq!(world.order(), messages);
}

#[test]
fn as_many_as_one_input_may_start_leave_nothing_for_the_next() {
    let mut world = world();
    let messages = paused(&mut world, STARTS);
    resume(&mut world, "hook");
    assert_eq!(world.open(), messages);
    assert_eq!(steps(&mut world), Vec::<usize>::new());
}

#[test]
fn messages_that_are_due_at_one_instant_start_in_steps() {
    let mut world = world();
    let sent = (0..7).map(|_| world.send(delayed(to(A), 60)));
    let messages: Vec<_> = sent.collect();
    world.now = world.now + secs(60);
    assert_eq!(steps(&mut world), [3, 3, 1]);
    assert_eq!(world.order(), messages);
}

#[test]
fn a_slot_of_a_queue_counts_like_a_start() {
    let mut world = world();
    world.own_queue("q", 100, true);
    let messages: Vec<_> = (0..5).map(|_| world.send(through("q", A))).collect();
    resume(&mut world, "q");
    assert_eq!(world.open(), [], "three slots are given");
    let steps = steps(&mut world);
    assert!(steps.iter().all(|count| *count <= STARTS), "{steps:?}");
    assert_eq!(world.order(), messages);
}

#[test]
fn who_pauses_the_queue_meanwhile_stops_the_rest() {
    let mut world = world();
    let messages = paused(&mut world, 5);
    resume(&mut world, "hook");
    world.pause("hook", true);
    assert_eq!(world.open(), messages[..STARTS]);
    resume(&mut world, "hook");
    steps(&mut world);
    assert_eq!(world.order(), messages);
}

#[test]
fn an_outcome_starts_the_rest_without_another_input() {
    let mut world = world();
    let messages = paused(&mut world, 5);
    resume(&mut world, "hook");
    world.answer_only(0, success());
    assert_eq!(world.started.len(), messages.len(), "without another input");
    assert_eq!(world.order(), messages);
}

#[test]
fn a_halted_engine_does_not_ask_to_go_on() {
    let mut world = world();
    paused(&mut world, 5);
    resume(&mut world, "hook");
    world.engine.halt();
    let waking = world.engine.poll_timeout();
    assert!(waking.is_none_or(|at| at > world.now), "{waking:?}");
}

#[test]
fn whoever_waits_is_served_whatever_was_started() {
    let mut world = world();
    paused(&mut world, 8);
    world.queue("pulled", QueuePatch::default());
    let waiter = world.wait("pulled", 10);
    resume(&mut world, "hook");
    let published = world.act_only(&owner(), publish("pulled"));
    assert!(published.is_ok());
    assert_eq!(world.answered(waiter).map(|it| it.len()), Some(1));
}
