//! What the engine makes of a time that lies behind the true one.

use std::time::Duration;

use qstash_mock_server::engine::{Config, Seed, To};

use crate::world::{World, failure, publish, pushed};

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
