//! A change touches what changed: what an attempt and a retry hand to storage, in bytes.

mod size;

use bytes::Bytes;
use qstash_mock_server::engine::{Outcome, Publish, QueuePatch};

use self::size::Written;
use crate::carried::words::{
    A, callback, delayed, expression, flowing, retries, through, to, with,
};
use crate::world::{World, but, failure, later, publish, pushed, saying, success};

const AN_ATTEMPT: usize = 400;
const A_RETRY: usize = 600;

/// With a body that exceeds the bounds, so that a test fails if an attempt or a retry writes it again.
fn large(publish: Publish) -> Publish {
    saying(publish, vec![b'1'; 10_000])
}

fn headers() -> std::sync::Arc<[(String, String)]> {
    let header = |n: usize| (format!("X-Header-{n}"), "value".repeat(20));
    (0..20).map(header).collect()
}

/// A failure with a long answer, another one each time, and a sentence of some length.
fn failing(n: usize) -> Outcome {
    Outcome {
        error: Some("connection refused by consumer.internal.example:8443".into()),
        headers: headers(),
        body: Bytes::from(format!("{n:3000}")),
        ..failure()
    }
}

/// What all inputs since that of commit `from` have written.
fn written(world: &World, from: usize) -> Written {
    let commits = &world.commits[from..];
    assert!(commits.iter().all(|commit| commit.bodies.is_empty()));
    let changes = commits.iter().flat_map(|commit| &commit.changes);
    changes.map(size::of).sum()
}

/// Lets a message fail and be tried again so many times, and checks what each attempt and each retry writes.
fn check(world: &mut World, times: usize) {
    for n in 0..times {
        let before = world.commits.len();
        assert!(world.until_call(), "it has retries left");
        let attempt = written(world, before);
        assert!(
            attempt.state <= AN_ATTEMPT,
            "attempt {n} writes {attempt:?}"
        );
        assert_eq!(attempt.answer, 0);
        let before = world.commits.len();
        let call = world.calls[0].id;
        world.answer(call, failing(n));
        let retry = written(world, before);
        assert!(retry.state <= A_RETRY, "retry {n} writes {retry:?}");
        assert!(retry.answer >= 3_000, "the answer is kept: {retry:?}");
    }
}

/// A world in which account and queue are there, and nothing else is.
fn prepared(first: Publish) -> World {
    let mut world = World::new(1);
    world.queue("hook", pushed(16));
    assert!(world.act(first).is_ok());
    world.answer_next(success());
    world.advance_secs(601);
    world
}

#[test]
fn an_attempt_and_a_retry_of_a_queues_message_write_little_however_large_and_old_it_is() {
    let mut world = prepared(publish("hook"));
    let message = but(large(later(publish("hook"), 60)), |it| {
        it.max_retries = Some(200);
        it.headers = headers();
    });
    world.publish_with(message);
    // More than as many records as are kept of a message.
    check(&mut world, 120);
}

#[test]
fn an_attempt_and_a_retry_of_a_message_that_carries_its_rules_write_little_however_large_it_is() {
    let mut world = prepared(to(A));
    let message = with(large(delayed(retries(to(A), 200), 60)), |it| {
        it.headers = Some(headers());
        it.labels = Some((0..20).map(|n| format!("label {n}").into()).collect());
        it.failure_callback = Some(callback(A).into());
        it.retry_delay = expression("1000");
    });
    world.send(message);
    check(&mut world, 120);
}

#[test]
fn an_attempt_and_a_retry_write_little_through_a_queue_and_under_a_flow_control_key_too() {
    let limited = || {
        flowing(
            through("a-queue-with-quite-a-long-name", A),
            "key",
            5,
            5,
            60,
        )
    };
    let mut world = prepared(limited());
    let message = with(large(delayed(retries(limited(), 200), 60)), |it| {
        it.retry_delay = expression("1000");
    });
    world.send(message);
    check(&mut world, 120);
}

#[test]
fn handing_out_a_message_and_taking_it_back_write_little() {
    let mut world = World::new(1);
    let patch = QueuePatch {
        max_retries: Some(100),
        ..QueuePatch::default()
    };
    world.queue("work", patch);
    world.publish("work");
    let held = world.receive_one("work");
    world.acknowledge(&held).expect("held");
    world.publish_with(large(publish("work")));
    for _ in 0..20 {
        let before = world.commits.len();
        let held = world.receive_one("work");
        let lease = written(&world, before);
        assert!(lease.state <= AN_ATTEMPT, "{lease:?}");
        let before = world.commits.len();
        world.release(&held, 0).expect("held");
        let release = written(&world, before);
        assert!(release.state <= A_RETRY, "{release:?}");
        assert_eq!(release.answer, 0);
    }
}

#[test]
fn whoever_waits_behind_a_message_writes_nothing_for_it() {
    let mut world = prepared(publish("hook"));
    world.queue("hook", pushed(1));
    for _ in 0..50 {
        world.publish_with(but(publish("hook"), |it| it.max_retries = Some(9)));
        world.send(through("hook", A));
    }
    let before = world.commits.len();
    let call = world.calls[0].id;
    world.answer(call, failing(0));
    let retry = written(&world, before);
    assert!(retry.state <= A_RETRY, "{retry:?}");
    let before = world.commits.len();
    assert!(world.until_call());
    let attempt = written(&world, before);
    assert!(attempt.state <= AN_ATTEMPT, "{attempt:?}");
}

#[test]
fn an_answer_that_is_the_same_again_is_not_written_again() {
    let mut world = prepared(publish("hook"));
    world.publish_with(but(publish("hook"), |it| it.max_retries = Some(9)));
    for written_before in [false, true] {
        assert!(world.until_call());
        let before = world.commits.len();
        world.answer_next(failing(7));
        let retry = written(&world, before);
        assert_eq!(retry.answer == 0, written_before, "{retry:?}");
    }
}

#[test]
fn an_input_that_changes_nothing_writes_nothing() {
    let mut world = World::new(1);
    world.publish("work");
    let held = world.receive_one("work");
    for nothing_new in [false, true] {
        let extended = world.extend(held.id, Some(held.lease), 90);
        assert!(extended.is_ok(), "{extended:?}");
        let newest = world.commits.last().expect("an input");
        assert_eq!(newest.is_empty(), nothing_new, "{newest:?}");
    }
}
