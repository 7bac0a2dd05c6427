//! Each bound is tested at the limit and one past it, for every way in which the bounded thing can come about.

mod answers;
mod bulk;
mod bytes;
mod flow;
mod log;
mod numbers;
mod pages;
mod properties;
mod publishes;
mod room;
mod slices;
mod starts;

use qstash_mock_server::engine::{Config, Error, Limits, Reply, Seed};

use crate::world::World;

/// Sets one bound.
type ToLimits = fn(&mut Limits);

/// A world with other bounds.
pub(crate) fn bounded(change: impl FnOnce(&mut Limits)) -> World {
    let mut config = Config::new(Seed::from(1));
    change(&mut config.limits);
    World::with(config)
}

/// Whether the newest input was refused for want of room and changed nothing.
fn is_refused(world: &World, reply: &Result<Reply, Error>) -> bool {
    let changed = world
        .commits
        .last()
        .is_some_and(|commit| !commit.is_empty());
    matches!(reply, Err(Error::Overloaded(_))) && !changed
}
