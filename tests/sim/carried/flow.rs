//! v2.md section 3.7: limits that messages share by a key.

use super::words::{A, B, C, DAY, expression, flowing, millis, retries, secs, to, with};
use crate::world::{World, failure, success};

#[test]
fn a_keys_parallelism_bounds_calls_across_urls() {
    let mut world = World::new(1);
    let urls = [A, B, C, A, B];
    let ids = urls.map(|url| world.send(flowing(to(url), "k", 2, 0, 1)));
    assert_eq!(world.open(), ids[..2]);
    assert_eq!(world.flow("k").waiting, 3);
    world.answer_message(ids[1], success());
    assert_eq!(world.open(), [ids[0], ids[2]]);
    let view = world.flow("k");
    assert_eq!(
        (view.waiting, view.calls, view.key.parallelism),
        (2, 2, Some(2))
    );
}

#[test]
fn a_message_between_attempts_leaves_its_place_under_the_key_to_others() {
    let mut world = World::new(1);
    let first = world.send(flowing(to(A), "k", 1, 0, 1));
    let second = world.send(flowing(to(A), "k", 1, 0, 1));
    world.answer_next(failure());
    assert_eq!(world.open(), [second]);
    world.advance_secs(12);
    assert_eq!(world.open(), [second], "the retry waits for the place");
    let third = world.send(flowing(to(A), "k", 1, 0, 1));
    world.answer_next(success());
    assert_eq!(world.open(), [first], "it was there before the third");
    world.answer_next(success());
    assert_eq!(world.open(), [third]);
}

#[test]
fn a_rate_bounds_starts_in_a_window_to_the_millisecond() {
    let mut world = World::new(1);
    world.advance(millis(123));
    let begin = world.now;
    let ids: Vec<_> = (0..5)
        .map(|_| world.send(flowing(to(A), "k", 0, 2, 10)))
        .collect();
    assert_eq!(world.open(), ids[..2]);
    world.advance(millis(9_999));
    assert_eq!(world.open(), ids[..2]);
    world.advance(millis(1));
    assert_eq!(world.open(), ids[..4]);
    world.advance_secs(10);
    assert_eq!(world.open(), ids, "in the order they came");
    let starts: Vec<_> = world
        .started
        .iter()
        .map(|(at, _)| at.since(begin).as_millis())
        .collect();
    assert_eq!(starts, [0, 0, 10_000, 10_000, 20_000]);
}

#[test]
fn a_window_opens_with_the_first_start_after_the_one_before() {
    let mut world = World::new(1);
    let send = |world: &mut World| world.send(flowing(to(A), "k", 0, 2, 10));
    send(&mut world);
    world.advance(millis(13_700));
    let opened = world.now;
    send(&mut world);
    assert_eq!(world.flow("k").key.window_start, Some(opened));
    world.advance(millis(9_000));
    send(&mut world);
    send(&mut world);
    assert_eq!(
        world.calls.len(),
        3,
        "the second of this window, not the first of another"
    );
    world.advance(millis(1_000));
    assert_eq!(world.calls.len(), 4);
}

#[test]
fn a_calls_end_gives_no_rate_back() {
    let mut world = World::new(1);
    world.send(flowing(to(A), "k", 0, 1, 60));
    world.send(flowing(to(A), "k", 0, 1, 60));
    world.answer_next(success());
    assert!(world.calls.is_empty());
    world.advance_secs(60);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_retry_takes_a_unit_of_the_rate_and_waits_for_one() {
    let mut world = World::new(1);
    let first = world.send(flowing(to(A), "k", 0, 1, 60));
    world.answer_next(failure());
    world.advance_secs(12);
    assert!(world.calls.is_empty(), "due, and the window is used up");
    assert_eq!(world.flow("k").waiting, 1);
    world.advance_secs(48);
    assert_eq!(world.called_at(first), [0, 60_000]);
}

#[test]
fn a_retry_leaves_one_less_of_the_rate_to_others() {
    let mut world = World::new(1);
    let retried = with(flowing(to(A), "k", 0, 1, 60), |it| {
        it.retry_delay = expression("100000");
    });
    world.send(retried);
    world.answer_next(failure());
    world.advance_secs(100);
    assert_eq!(world.calls.len(), 1, "it opens a window of its own");
    assert_eq!(world.flow("k").key.rate_count, 1);
    let other = world.send(flowing(to(A), "k", 0, 1, 60));
    world.advance_secs(59);
    assert_eq!(world.calls.len(), 1, "the retry has used the window up");
    world.advance_secs(1);
    assert_eq!(world.called_at(other), [60_000]);
}

#[test]
fn rate_and_parallelism_hold_together() {
    let mut world = World::new(1);
    let ids: Vec<_> = (0..6)
        .map(|_| world.send(flowing(to(A), "k", 2, 3, 10)))
        .collect();
    assert_eq!(world.open(), ids[..2], "the parallelism");
    world.answer_next(success());
    assert_eq!(world.open(), ids[1..3]);
    world.answer_next(success());
    assert_eq!(world.open(), [ids[2]], "the rate");
    world.advance_secs(10);
    assert_eq!(world.open(), ids[2..4]);
}

#[test]
fn a_window_may_last_a_week() {
    let mut world = World::new(1);
    world.send(flowing(retries(to(A), 0), "k", 0, 1, 7 * DAY));
    world.answer_next(success());
    let second = world.send(flowing(to(B), "k", 0, 1, 7 * DAY));
    world.advance(millis(7 * DAY * 1000 - 1));
    assert!(world.calls.is_empty());
    world.advance(millis(1));
    assert_eq!(world.open(), [second]);
}

#[test]
fn the_newest_messages_values_are_the_keys() {
    let mut world = World::new(1);
    let ids: Vec<_> = (0..4)
        .map(|_| world.send(flowing(to(A), "k", 1, 0, 1)))
        .collect();
    assert_eq!(world.open(), ids[..1]);
    let newest = world.send(flowing(to(A), "k", 3, 0, 1));
    assert_eq!(world.open(), ids[..3], "those that wait go first");
    let view = world.flow("k");
    assert_eq!((view.key.parallelism, view.waiting), (Some(3), 2));
    world.send(flowing(to(A), "k", 0, 9, 30));
    let view = world.flow("k");
    let values = (view.key.parallelism, view.key.rate, view.key.period);
    assert_eq!(
        values,
        (None, Some(9), secs(30)),
        "what it does not name is no limit"
    );
    assert!(world.open().contains(&newest));
}

#[test]
fn a_shorter_period_ends_the_window_that_is_open() {
    let mut world = World::new(1);
    world.send(flowing(to(A), "k", 0, 1, 3600));
    let second = world.send(flowing(to(A), "k", 0, 1, 3600));
    world.advance_secs(5);
    world.send(flowing(to(A), "k", 0, 1, 10));
    assert_eq!(world.calls.len(), 1);
    world.advance_secs(5);
    assert_eq!(world.open()[1..], [second]);
}

#[test]
fn a_message_that_waits_keeps_its_turn_whatever_becomes_of_others() {
    let mut world = World::new(1);
    let ids: Vec<_> = (0..4)
        .map(|_| world.send(flowing(to(A), "k", 1, 0, 1)))
        .collect();
    assert_eq!(world.cancel_ids(&[ids[1]]), 1);
    world.answer_next(success());
    assert_eq!(world.open(), [ids[2]]);
    assert_eq!(world.flow("k").waiting, 1);
}

#[test]
fn a_cancelled_call_keeps_its_place_until_it_is_over() {
    let mut world = World::new(1);
    let first = world.send(flowing(to(A), "k", 1, 0, 1));
    let second = world.send(flowing(to(A), "k", 1, 0, 1));
    assert_eq!(world.cancel_ids(&[first]), 1);
    assert_eq!(world.open(), [first], "the consumer still works on it");
    world.answer_next(failure());
    assert_eq!(world.open(), [second]);
}

#[test]
fn keys_know_nothing_of_each_other() {
    let mut world = World::new(1);
    let one = world.send(flowing(to(A), "k", 1, 0, 1));
    let other = world.send(flowing(to(A), "l", 1, 0, 1));
    let none = world.send(to(A));
    assert_eq!(world.open(), [one, other, none]);
}

#[test]
fn a_callback_has_a_key_of_its_own() {
    let mut world = World::new(1);
    let mut callback = super::words::callback(super::words::BACK);
    let flow = super::words::carrying(flowing(to(A), "back", 1, 0, 1))
        .settings
        .flow_control;
    callback.flow_control = flow;
    let callback = Some(std::sync::Arc::new(callback));
    for _ in 0..2 {
        let callback = callback.clone();
        world.send(with(to(A), |it| it.callback = callback));
    }
    world.answer_next(success());
    world.answer_next(success());
    assert_eq!(world.urls(), [super::words::BACK]);
    assert_eq!(world.flow("back").waiting, 1);
}
