//! Times: one that lies behind the true one, parts of a millisecond, and the longest wait.

use std::time::Duration;

use qstash_mock_server::engine::{Config, Seed, To};

use crate::world::{World, but, failure, failure_with_retry_after, publish, pushed};

/// The engine is told milliseconds that have begun: what came at the end of one must not be due at the beginning of
/// another.
#[test]
fn no_delay_is_over_early_though_the_clock_lies_behind() {
    let mut config = Config::new(Seed::from(1));
    config.clock_step = Duration::from_millis(1);
    let mut world = World::with(config);
    world.queue("hook", pushed(16));
    let mut message = publish("hook");
    let To::Queue(to) = &mut message.to else {
        panic!("it is for a queue");
    };
    to.delay = Duration::from_secs(10);
    world.act(message).expect("it is published");
    world.advance(Duration::from_secs(10));
    assert!(world.calls.is_empty(), "up to a millisecond early");
    world.advance(Duration::from_millis(1));
    assert_eq!(world.calls.len(), 1);
    world.answer_next(failure());
    world.advance(Duration::from_secs(1));
    assert!(
        world.calls.is_empty(),
        "the backoff is not over for certain"
    );
    world.advance(Duration::from_millis(1));
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_delay_of_a_part_of_a_millisecond_is_over_when_that_has_ended() {
    let mut world = World::new(1);
    world.queue("hook", pushed(16));
    let delay = Duration::from_micros(1_500);
    world.publish_with(but(publish("hook"), |it| it.delay = delay));
    world.advance(Duration::from_millis(1));
    assert!(world.calls.is_empty(), "half a millisecond early");
    world.advance(Duration::from_millis(1));
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn no_consumer_puts_a_message_off_for_more_than_ninety_days() {
    const DAY: u64 = 24 * 60 * 60;
    let mut world = World::new(1);
    world.queue("hook", pushed(16));
    world.publish("hook");
    world.answer_next(failure_with_retry_after(2_000 * DAY));
    world.advance_secs(90 * DAY - 1);
    assert!(world.calls.is_empty());
    world.advance_secs(1);
    assert_eq!(world.calls.len(), 1);
}
