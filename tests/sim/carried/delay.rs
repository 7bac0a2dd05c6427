//! v2.md section 3.4: delay and not-before.

use qstash_mock_server::engine::{Event, Stage};

use super::words::{A, delayed, millis, secs, to, with};
use crate::world::{World, failure, success};

#[test]
fn a_delayed_message_goes_out_to_the_millisecond() {
    let mut world = World::new(1);
    let id = world.send(with(to(A), |it| it.delay = Some(millis(1_500))));
    let due = world.now + millis(1_500);
    let message = world.carried(id).expect("it is readable");
    assert_eq!(message.due_at, due);
    assert_eq!(
        (message.stage, message.next_at),
        (Stage::Delayed, Some(due))
    );
    world.advance(millis(1_499));
    assert!(world.calls.is_empty());
    world.advance(millis(1));
    assert_eq!(world.open(), [id]);
}

#[test]
fn not_before_is_a_time_and_beats_the_delay() {
    let mut world = World::new(1);
    let at = world.now + secs(30);
    let id = world.send(with(delayed(to(A), 5), |it| it.not_before = Some(at)));
    world.advance_secs(29);
    assert!(world.calls.is_empty());
    world.advance_secs(1);
    assert_eq!(world.called_at(id), [30_000]);
}

#[test]
fn a_not_before_in_the_past_is_now_even_if_there_is_a_delay() {
    let mut world = World::new(1);
    let past = world.now - secs(3600);
    let id = world.send(with(delayed(to(A), 5), |it| it.not_before = Some(past)));
    assert_eq!(world.open(), [id]);
    let message = world.carried(id).expect("it is readable");
    assert_eq!(message.due_at, message.published_at);
}

#[test]
fn not_before_now_is_no_delay() {
    let mut world = World::new(1);
    let now = world.now;
    let id = world.send(with(to(A), |it| it.not_before = Some(now)));
    assert_eq!(world.open(), [id]);
}

#[test]
fn the_ladder_begins_when_the_first_attempt_failed() {
    let mut world = World::new(1);
    let id = world.send(delayed(to(A), 100));
    world.advance_secs(100);
    world.answer_next(failure());
    world.advance_secs(12);
    world.answer_next(success());
    assert_eq!(world.called_at(id), [100_000, 112_000]);
}

#[test]
fn the_log_tells_when_a_delayed_message_is_due() {
    let mut world = World::new(1);
    let id = world.send(delayed(to(A), 100));
    let due = world.now + secs(100);
    let row = world.rows_of(id).remove(0);
    assert_eq!((row.event, row.next_delivery), (Event::Created, Some(due)));
    let now = world.send(to(A));
    assert_eq!(world.rows_of(now)[0].next_delivery, None);
}
