//! v2.md sections 3.2 and 3.3: what ends an attempt, and when the next one comes.

use std::sync::Arc;

use qstash_mock_server::engine::{Event, Method, Stage, Verdict};

use super::words::{
    A, DAY, HOUR, expression, millis, rejected, retries, secs, to, unreachable, with,
};
use crate::words::{failure_with_retry_after, outcome};
use crate::world::{World, failure, success};

#[test]
fn a_message_is_sent_at_once_and_a_2xx_ends_it() {
    let mut world = World::new(1);
    let headers: Arc<[_]> = Arc::new([("X-Tenant".into(), "7".into())]);
    let id = world.send(with(to(A), |it| {
        it.method = Some(Method::Put);
        it.headers = Some(Arc::clone(&headers));
    }));
    let call = world.calls[0].clone();
    assert_eq!((call.message, call.number, &*call.url), (id, 1, A));
    assert_eq!(
        (call.headers, &call.body.bytes()[..]),
        (headers, &b"{}"[..])
    );
    assert_eq!(
        world.carried(id).expect("it is there").stage,
        Stage::InFlight
    );
    world.answer_next(success());
    world.always(&failure());
    assert_eq!(world.started.len(), 1);
}

#[test]
fn every_2xx_is_a_success_and_202_holds_no_lease() {
    let mut world = World::new(1);
    let id = world.send(to(A));
    world.answer_next(crate::world::accepted());
    assert_eq!(world.carried(id).expect("readable").stage, Stage::Delivered);
}

#[test]
fn a_delivered_message_is_readable_for_a_minute_and_a_failed_one_not_at_all() {
    let mut world = World::new(1);
    let delivered = world.send(to(A));
    world.answer_next(success());
    let failed = world.send(retries(to(A), 0));
    world.answer_next(failure());
    assert_eq!(world.carried(failed), None);
    world.advance(millis(59_999));
    let shown = world.carried(delivered).expect("readable");
    assert_eq!(&shown.body.expect("its body").bytes()[..], b"{}");
    world.advance(millis(1));
    assert_eq!(world.carried(delivered), None);
}

#[test]
fn the_default_ladder_climbs_from_12_seconds_to_a_day() {
    let mut world = World::new(1);
    let id = world.send(retries(to(A), 6));
    world.always(&failure());
    let waits = [
        12,
        2 * 60 + 28,
        30 * 60 + 8,
        6 * HOUR + 7 * 60 + 6,
        DAY,
        DAY,
    ];
    assert_eq!(world.gaps(), waits);
    let last = waits.iter().sum::<u64>() * 1000;
    assert_eq!(
        world.called_at(id).last(),
        Some(&last.into()),
        "whole seconds"
    );
    let numbers: Vec<_> = world.started.iter().map(|(_, call)| call.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_message_has_three_retries_by_default() {
    let mut world = World::new(1);
    world.send(to(A));
    world.always(&failure());
    assert_eq!(world.gaps(), [12, 148, 1808]);
    assert_eq!(world.started.len(), 4);
}

#[test]
fn an_expression_takes_the_ladders_place_and_starts_with_zero_retries() {
    let mut world = World::new(1);
    let id = world.send(with(to(A), |it| {
        it.retry_delay = expression("1500 + 1000 * retried");
    }));
    world.always(&failure());
    assert_eq!(world.called_at(id), [0, 1_500, 4_000, 7_500]);
}

#[test]
fn an_expression_waits_a_day_at_most() {
    let mut world = World::new(1);
    world.send(with(retries(to(A), 1), |it| {
        it.retry_delay = expression("pow(10, 12)");
    }));
    world.always(&failure());
    assert_eq!(world.gaps(), [DAY]);
}

#[test]
fn retry_after_counts_up_to_a_day_and_beats_the_expression() {
    let mut world = World::new(1);
    world.send(with(to(A), |it| it.retry_delay = expression("1000")));
    for seconds in [5, DAY, DAY + 1] {
        assert!(world.until_call());
        world.answer_next(failure_with_retry_after(seconds));
    }
    assert!(world.until_call());
    assert_eq!(
        world.gaps(),
        [5, DAY, 1],
        "longer than a day is not believed"
    );
}

#[test]
fn retry_after_more_than_a_day_leaves_the_default_ladder() {
    let mut world = World::new(1);
    world.send(to(A));
    world.answer_next(failure_with_retry_after(DAY + 1));
    assert!(world.until_call());
    assert_eq!(world.gaps(), [12]);
}

#[test]
fn retry_after_zero_is_a_retry_at_once() {
    let mut world = World::new(1);
    let id = world.send(retries(to(A), 2));
    world.answer_next(failure_with_retry_after(0));
    world.answer_next(failure_with_retry_after(0));
    assert_eq!(world.called_at(id), [0, 0, 0]);
    world.answer_next(failure_with_retry_after(0));
    assert_eq!(world.started.len(), 3, "no more than the retries it has");
}

#[test]
fn retry_after_is_exact_to_the_millisecond() {
    let mut world = World::new(1);
    let id = world.send(to(A));
    let retry_after = Some(millis(1_234));
    world.answer_next(outcome(Verdict::Failure { retry_after }, 429));
    assert!(world.until_call());
    assert_eq!(world.called_at(id), [0, 1_234]);
}

#[test]
fn a_rejected_message_is_never_tried_again() {
    let mut world = World::new(1);
    let id = world.send(retries(to(A), 5));
    world.answer_next(failure());
    assert!(world.until_call());
    world.answer_next(rejected());
    world.always(&failure());
    assert_eq!(world.started.len(), 2);
    let events = [Event::Created, Event::Active, Event::Error, Event::Retry];
    let end = [Event::Active, Event::Error, Event::Failed];
    assert_eq!(world.events(id), [&events[..], &end[..]].concat());
}

#[test]
fn without_retries_one_failure_is_the_end() {
    let mut world = World::new(1);
    let id = world.send(retries(to(A), 0));
    world.answer_next(failure());
    assert_eq!(world.dlq()[0].message, id);
    world.always(&failure());
    assert_eq!(world.started.len(), 1);
}

#[test]
fn a_timeout_is_a_failed_attempt_without_an_answer() {
    let mut world = World::new(1);
    let id = world.send(with(to(A), |it| it.timeout = Some(secs(5))));
    let attempt = world.calls[0].id;
    world.advance(millis(4_999));
    assert!(world.aborted.is_empty());
    world.advance(millis(1));
    assert!(world.aborted.contains(&attempt));
    assert!(world.until_call());
    assert_eq!(
        world.called_at(id),
        [0, 17_000],
        "12 s after it was given up"
    );
    let rows = world.rows_of(id);
    let error = rows.iter().find(|row| row.event == Event::Error);
    let error = error.expect("a failed attempt is logged");
    assert_eq!(error.error.as_deref(), Some("no answer within 5 s"));
    assert_eq!(error.response, None);
}

#[test]
fn a_late_answer_changes_nothing() {
    let mut world = World::new(1);
    let id = world.send(with(to(A), |it| it.timeout = Some(secs(5))));
    let attempt = world.calls[0].id;
    world.advance_secs(5);
    world.answer(attempt, success());
    assert_eq!(world.carried(id).expect("it waits").stage, Stage::Delayed);
}

#[test]
fn without_a_timeout_the_plans_longest_answer_is_waited_for() {
    let mut world = World::new(1);
    world.send(to(A));
    world.advance(millis(2 * HOUR * 1000 - 1));
    assert_eq!(world.calls.len(), 1);
    world.advance(millis(1));
    assert!(world.calls.is_empty());
}

#[test]
fn no_connection_is_a_failure_like_any_other() {
    let mut world = World::new(1);
    let id = world.send(retries(to(A), 1));
    world.always(&unreachable());
    assert_eq!(world.gaps(), [12]);
    let dead = world.dlq().remove(0);
    assert_eq!((dead.message, dead.response), (id, None));
    assert_eq!(dead.error.as_deref(), Some("connection refused"));
}

#[test]
fn messages_go_out_in_parallel_unless_something_limits_them() {
    let mut world = World::new(1);
    for _ in 0..300 {
        world.send(to(A));
    }
    assert_eq!(world.calls.len(), 300);
}
