//! No input does work in proportion to what is stored: what is due at once is done in slices.

use qstash_mock_server::engine::{Change, Entity, EntityKey, Reply};

use super::bounded;
use crate::carried::words::{A, B, C, delayed, schedule, secs, to_group};
use crate::world::{World, later, name, publish, purge};

const STEP: usize = 3;

fn world() -> World {
    bounded(|it| it.bulk_step = STEP)
}

/// How many messages the newest input changed.
fn changed(world: &World) -> usize {
    let newest = world.commits.last().expect("an input");
    let is_message = |change: &&Change| {
        matches!(
            change,
            Change::Put(Entity::State(..)) | Change::Delete(EntityKey::State(_))
        )
    };
    newest.changes.iter().filter(is_message).count()
}

/// Wakes the engine as often as it wants to be woken, and returns how many messages that changed in all: no more than
/// [`STEP`] at a time.
fn in_slices(world: &mut World) -> usize {
    let mut all = 0;
    for _ in 0..100 {
        world.tick();
        assert!(changed(world) <= STEP, "{} messages", changed(world));
        all += changed(world);
        if world.engine.poll_timeout().is_none_or(|at| at > world.now) {
            return all;
        }
    }
    panic!("the engine never comes to rest");
}

#[test]
fn messages_that_fall_due_at_one_instant_do_so_in_slices() {
    let mut world = world();
    for _ in 0..10 {
        world.publish_with(later(publish("work"), 60));
    }
    world.now = world.now + secs(60);
    assert_eq!(in_slices(&mut world), 10);
    assert_eq!(world.receive("work", 99).len(), 10);
}

#[test]
fn schedules_that_are_due_at_one_instant_publish_in_slices() {
    let mut world = world();
    world.group("g", &[A, B, C]);
    for id in ["one", "two", "three"] {
        world.put_schedule(schedule(id, "* * * * *", delayed(to_group("g"), 60)));
    }
    world.now = world.now + secs(60);
    assert_eq!(in_slices(&mut world), 9);
}

#[test]
fn finished_messages_are_forgotten_in_slices() {
    let mut world = world();
    for _ in 0..10 {
        let id = world.publish("work");
        world.cancel_in_queue(id);
    }
    world.now = world.now + secs(600);
    assert_eq!(in_slices(&mut world), 10);
    assert_eq!(world.disk.messages().count(), 0);
}

#[test]
fn a_short_bulk_operation_does_not_wait_for_the_end_of_a_long_one() {
    let mut world = world();
    for (queue, messages) in [("long", 30), ("short", 4)] {
        for _ in 0..messages {
            world.publish(queue);
        }
    }
    let [long, short] = ["long", "short"].map(|queue| world.begin(purge(name(queue))));
    world.tick();
    world.tick();
    assert!(!world.answers.contains_key(&long), "it has slices left");
    assert_eq!(world.answers.get(&short), Some(&Reply::Removed(4)));
}
