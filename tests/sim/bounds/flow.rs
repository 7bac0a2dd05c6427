//! Flow-control keys and their timers.

use std::sync::Arc;

use qstash_mock_server::engine::{Command, Engine, FlowAction, Publish, Reply, Timestamp};

use super::{bounded, is_refused};
use crate::carried::words::{A, DAY, callback, carrying, delayed, flowing, millis, secs, to, with};
use crate::world::{World, owner, success};

fn under(key: &str) -> Publish {
    flowing(to(A), key, 1, 0, 1)
}

/// How often the engine wants to be woken until a time.
fn wakes(engine: &mut Engine, until: Timestamp) -> usize {
    let mut wakes = 0;
    while let Some(at) = engine.poll_timeout().filter(|at| *at <= until) {
        engine.handle_timeout(at);
        engine.forget_changes();
        wakes += 1;
    }
    wakes
}

#[test]
fn ten_thousand_publishes_on_one_key_leave_one_timer() {
    let world = World::new(1);
    let (mut engine, mut now) = (world.engine, world.now);
    for _ in 0..10_000 {
        now = now + millis(1);
        let publish = delayed(flowing(to(A), "k", 1, 1_000, 1), DAY);
        let (caller, action) = (owner(), publish.into());
        let reply = engine.handle(now, Command { caller, action });
        assert!(matches!(reply, Ok(Reply::Published(_))), "{reply:?}");
        engine.forget_changes();
        engine.take_body_changes();
    }
    engine.check_invariants();
    // The key's timer may be that of its first use; the next one is that of its last.
    let woken = wakes(&mut engine, now + secs(600));
    assert!(woken <= 2, "{woken} timers");
    let (caller, action) = (owner(), FlowAction::Get("k".into()).into());
    let reply = engine.handle(now + secs(600), Command { caller, action });
    assert!(reply.is_err(), "it is forgotten: {reply:?}");
    engine.check_invariants();
}

#[test]
fn a_window_and_the_time_to_be_forgotten_share_the_timer_of_a_key() {
    let mut world = World::new(1);
    for _ in 0..50 {
        world.send(flowing(to(A), "k", 0, 10, 60));
    }
    for windows in 1..=5 {
        assert_eq!(world.started.len(), windows * 10);
        while !world.calls.is_empty() {
            world.answer_next(success());
        }
        world.advance_secs(60);
    }
    // The messages are forgotten, and nothing but the key is left.
    world.advance_secs(60);
    world.flow("k");
    let woken = wakes(&mut world.engine, world.now + secs(5_000));
    assert!(woken <= 2, "{woken} timers");
    assert!(world.try_flow("k").is_err());
}

#[test]
fn so_many_keys_are_known_and_one_more_is_refused() {
    let mut world = bounded(|it| it.flow_keys = 2);
    world.send(under("a"));
    world.flow_act(FlowAction::SetPaused("b".into(), true));
    let reply = world.act_only(&owner(), under("c"));
    assert!(is_refused(&world, &reply), "{reply:?}");
    let reply = world.act_only(&owner(), FlowAction::SetPaused("c".into(), true));
    assert!(is_refused(&world, &reply), "{reply:?}");
    world.send(to(A));
}

#[test]
fn a_known_key_needs_no_more_room() {
    let mut world = bounded(|it| it.flow_keys = 1);
    world.send(under("a"));
    world.send(under("a"));
    world.flow_act(FlowAction::SetPaused("a".into(), true));
    world.crash();
    world.send(under("a"));
}

#[test]
fn keys_of_callbacks_and_keys_that_come_back_stay_within_the_bound() {
    let mut world = bounded(|it| it.flow_keys = 1);
    let mut back = callback(A);
    back.flow_control = carrying(under("back")).settings.flow_control;
    let calls_back = with(to(A), |it| it.callback = Some(Arc::new(back)));
    world.send(calls_back);
    world.send(delayed(under("a"), 3_600));
    // Forgotten after ten minutes; another one takes its place.
    world.advance_secs(3_000);
    assert!(world.try_flow("a").is_err());
    world.flow_act(FlowAction::SetPaused("b".into(), true));
    while world.until_call() {
        world.answer_next(success());
    }
    assert_eq!(world.started.len(), 3, "everything is delivered");
}
