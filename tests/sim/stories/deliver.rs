//! v1.md section 5: push delivery, retries, order.

use std::time::Duration;

use qstash_mock_server::engine::{
    Backoff, KeyAction, OnAccepted, PullAction, QueueAction, QueuePatch, Reply, Stage, Timestamp,
};

use crate::world::{
    World, accepted, failure, failure_with_retry_after, later, name, publish, pushed, success,
};

fn fixed(seconds: u64) -> Option<Backoff> {
    Some(Backoff::Fixed(Duration::from_secs(seconds)))
}

fn world(patch: QueuePatch) -> World {
    let mut world = World::new(1);
    world.queue("hook", patch);
    world
}

/// Answers every call this way for so long.
fn always(world: &mut World, outcome: &qstash_mock_server::engine::Outcome, seconds: u64) {
    for _ in 0..seconds {
        while !world.calls.is_empty() {
            world.answer_next(outcome.clone());
        }
        world.advance_secs(1);
    }
}

#[test]
fn a_message_is_pushed_at_once_and_a_2xx_ends_it() {
    let mut world = world(pushed(16));
    let id = world.publish("hook");
    let call = world.calls[0].clone();
    assert_eq!((call.message, call.number), (id, 1));
    assert_eq!(call.queue(), Some(&name("hook")));
    assert_eq!(&*call.url, "http://consumer.test/hook");
    assert_eq!(world.stage(id).0, Stage::InFlight);
    world.answer_next(success());
    assert_eq!(world.stage(id).0, Stage::Delivered);
    assert_eq!(world.counters("hook").delivered, 1);
}

#[test]
fn a_queue_may_get_its_webhook_after_the_messages() {
    let mut world = World::new(1);
    let id = world.publish("hook");
    assert!(world.calls.is_empty());
    world.queue("hook", pushed(1));
    assert_eq!(world.calls[0].message, id);
}

#[test]
fn a_failed_attempt_is_retried_after_the_backoff() {
    let mut world = world(pushed(16));
    let id = world.publish("hook");
    always(&mut world, &failure(), 20);
    assert_eq!(world.gaps(), [1, 2, 4]);
    let numbers: Vec<_> = world.started.iter().map(|(_, call)| call.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(world.stage(id).0, Stage::Failed);
    let counters = world.counters("hook");
    assert_eq!((counters.retried, counters.failed), (3, 1));
}

#[test]
fn a_list_of_waits_repeats_its_last() {
    let waits = [1, 5].map(Duration::from_secs);
    let mut world = world(QueuePatch {
        retry_backoff: Some(Backoff::List(waits.into())),
        ..pushed(16)
    });
    world.publish("hook");
    always(&mut world, &failure(), 20);
    assert_eq!(world.gaps(), [1, 5, 5]);
}

#[test]
fn retry_after_beats_a_shorter_backoff() {
    let mut world = world(pushed(16));
    world.publish("hook");
    always(&mut world, &failure_with_retry_after(3), 20);
    assert_eq!(world.gaps(), [3, 3, 4]);
}

#[test]
fn an_attempt_that_takes_too_long_has_failed() {
    let mut world = world(QueuePatch {
        delivery_timeout: Some(Duration::from_secs(5)),
        ..pushed(16)
    });
    let id = world.publish("hook");
    let late = world.calls[0].id;
    world.advance_secs(5);
    assert!(world.aborted.contains(&late));
    assert_eq!(world.stage(id).0, Stage::Delayed);
    world.answer(late, success());
    assert_eq!(world.stage(id).0, Stage::Delayed, "it came too late");
    world.advance_secs(1);
    assert_eq!(world.calls[0].number, 2);
}

#[test]
fn a_202_leases_for_the_visibility_timeout_and_is_no_failure() {
    let mut world = world(pushed(16));
    let id = world.publish("hook");
    world.answer_next(accepted());
    assert_eq!(world.stage(id).0, Stage::Leased);
    assert_eq!(world.figures("hook").pending(), 1);
    world.advance_secs(29);
    assert!(world.calls.is_empty());
    world.advance_secs(1);
    assert_eq!(world.calls[0].number, 2, "no backoff after it");
    world.answer_next(success());
    assert_eq!(world.stage(id).0, Stage::Delivered);
}

#[test]
fn a_202_counts_toward_the_retries_so_that_nothing_circles_for_ever() {
    let mut world = world(QueuePatch {
        max_retries: Some(1),
        ..pushed(16)
    });
    let id = world.publish("hook");
    always(&mut world, &accepted(), 120);
    assert_eq!(world.gaps(), [30]);
    assert_eq!(world.stage(id).0, Stage::Failed);
}

#[test]
fn a_202_is_done_where_the_queue_says_so() {
    let mut world = world(QueuePatch {
        on_accepted: Some(OnAccepted::Done),
        ..pushed(16)
    });
    let id = world.publish("hook");
    world.answer_next(accepted());
    assert_eq!(world.stage(id).0, Stage::Delivered);
}

#[test]
fn a_202_leases_until_the_later_of_visibility_and_extension() {
    for (extension, lease) in [(100, 100), (5, 30)] {
        let mut world = world(pushed(16));
        let id = world.publish("hook");
        world.extend(id, None, extension).expect("it is in flight");
        world.answer_next(accepted());
        let until = world.message(id).expect("it is there").next_at;
        assert_eq!(until, Some(world.now + Duration::from_secs(lease)));
    }
}

#[test]
fn extend_during_delivery_moves_the_timeout_only_later() {
    let mut world = world(pushed(16));
    let id = world.publish("hook");
    let start: Timestamp = world.now;
    for (seconds, timeout) in [(5, 30), (100, 100)] {
        let expires_at = start + Duration::from_secs(timeout);
        let reply = world.extend(id, None, seconds);
        assert_eq!(reply, Ok(Reply::Extended { id, expires_at }));
    }
    world.advance_secs(99);
    assert_eq!(world.calls.len(), 1);
    world.advance_secs(1);
    assert!(world.calls.is_empty());
}

#[test]
fn the_lease_of_an_attempt_is_good_during_delivery_and_after_a_202() {
    let mut world = world(pushed(16));
    for answer in [None, Some(accepted())] {
        let id = world.publish("hook");
        let call = world.calls[0].clone();
        answer.map(|outcome| world.answer_next(outcome));
        let lease = call.lease();
        world.extend(id, lease, 60).expect("the lease is good");
        world
            .act(PullAction::Acknowledge(id, lease.into()))
            .expect("the lease is good");
        assert_eq!(world.stage(id).0, Stage::Delivered);
        world.answer(call.id, failure());
        assert_eq!(world.stage(id).0, Stage::Delivered);
    }
}

#[test]
fn calls_in_flight_are_bounded_by_parallelism() {
    let mut world = world(pushed(2));
    let ids = [(); 3].map(|()| world.publish("hook"));
    assert_eq!(world.calls.len(), 2);
    world.answer_next(success());
    assert_eq!([world.calls[0].message, world.calls[1].message], ids[1..]);
}

#[test]
fn a_cancelled_call_keeps_its_slot_until_it_is_over() {
    let mut world = world(pushed(1));
    let [first, second] = [(); 2].map(|()| world.publish("hook"));
    world.cancel_in_queue(first);
    let open: Vec<_> = world.calls.iter().map(|call| call.message).collect();
    assert!(
        open == [first] || open == [second],
        "two calls at once: {open:?}"
    );
}

#[test]
fn parallelism_one_holds_the_slot_through_backoff() {
    let mut world = world(pushed(1));
    let [first, second] = [(); 2].map(|()| world.publish("hook"));
    world.answer_next(failure());
    assert!(world.calls.is_empty(), "the second must wait");
    world.advance_secs(1);
    assert_eq!(world.calls[0].message, first);
    world.answer_next(failure_with_retry_after(50));
    world.advance_secs(49);
    assert!(world.calls.is_empty());
    world.advance_secs(1);
    world.answer_next(accepted());
    world.advance_secs(29);
    assert!(world.calls.is_empty());
    world.advance_secs(1);
    world.answer_next(success());
    assert_eq!(world.calls[0].message, second);
}

#[test]
fn parallelism_one_holds_the_slot_through_a_crash() {
    let mut world = world(pushed(1));
    let [first, second] = [(); 2].map(|()| world.publish("hook"));
    world.answer_next(failure());
    world.crash();
    assert!(world.calls.is_empty(), "the first is in its backoff");
    world.advance_secs(1);
    assert_eq!(world.calls[0].message, first);
    world.crash();
    assert_eq!((world.calls[0].message, world.calls[0].number), (first, 2));
    world.answer_next(success());
    assert_eq!(world.calls[0].message, second);
}

#[test]
fn parallelism_one_pushes_what_becomes_due_at_once_in_order() {
    let mut world = world(pushed(1));
    let message = || later(publish("hook"), 10);
    let ids: Vec<_> = (0..20).map(|_| world.publish_with(message())).collect();
    world.advance_secs(10);
    let order: Vec<_> = (0..20)
        .map(|_| world.answer_next(success()).message)
        .collect();
    assert_eq!(order, ids);
}

#[test]
fn a_failing_message_does_not_block_a_wide_queue() {
    let mut world = world(QueuePatch {
        retry_backoff: fixed(600),
        ..pushed(2)
    });
    let failing = [(); 2].map(|()| world.publish("hook"));
    let healthy = [(); 3].map(|()| world.publish("hook"));
    for _ in failing {
        world.answer_next(failure());
    }
    for id in healthy {
        assert_eq!(world.answer_next(success()).message, id);
    }
    assert_eq!(failing.map(|id| world.stage(id).0), [Stage::Delayed; 2]);
}

#[test]
fn a_retry_that_is_due_goes_before_newer_messages() {
    let mut world = world(pushed(2));
    let first = world.publish("hook");
    world.answer_next(failure());
    for _ in 0..5 {
        world.publish("hook");
    }
    world.advance_secs(1);
    world.answer_next(success());
    let next = world.calls.last().expect("a call").message;
    assert_eq!(next, first, "its place is the time it first became due");
}

#[test]
fn a_paused_queue_accepts_messages_and_hands_out_none() {
    let mut world = world(pushed(1));
    world
        .act(QueueAction::SetPaused(name("hook"), true))
        .expect("it pauses");
    let id = world.publish("hook");
    world.advance_secs(60);
    assert!(world.calls.is_empty());
    world
        .act(QueueAction::SetPaused(name("hook"), false))
        .expect("it goes on");
    assert_eq!(world.calls[0].message, id);
}

#[test]
fn a_halted_engine_starts_nothing_more_and_still_takes_outcomes() {
    let mut world = world(pushed(1));
    let [first, second] = [(); 2].map(|()| world.publish("hook"));
    world.engine.halt();
    world.answer_next(success());
    let third = world.publish("hook");
    world.advance_secs(60);
    assert!(world.calls.is_empty());
    let stages = [first, second, third].map(|id| world.stage(id).0);
    assert_eq!(stages, [Stage::Delivered, Stage::Ready, Stage::Ready]);
    world.crash();
    assert_eq!(world.calls[0].message, second);
}

#[test]
fn each_attempt_is_signed_with_the_secret_of_its_time() {
    let mut world = world(pushed(16));
    world.publish("hook");
    let Ok(Reply::SigningSecret(rotated)) = world.act(KeyAction::RotateSecret) else {
        panic!("not rotated");
    };
    world.answer_next(failure());
    world.advance_secs(1);
    let secrets: Vec<_> = world
        .started
        .iter()
        .map(|(_, call)| crate::words::secret_of(call))
        .collect();
    assert_eq!(Some(&secrets[0]), rotated.previous.as_ref());
    assert_eq!(secrets[1], rotated.current);
    assert_ne!(secrets[0], secrets[1]);
}
