//! No input does work in proportion to what is stored: what is due at once is done in slices.

use qstash_mock_server::engine::{
    Change, Entity, EntityKey, MessageAction, QueueAction, Reply, ScheduleAction, Scope,
    UrlGroupAction, WaiterId,
};

use super::bounded;
use crate::carried::words::{A, B, C, delayed, endpoint, group_name, schedule, secs, to_group};
use crate::world::{World, later, name, owner, publish};

const STEP: usize = 3;

fn world() -> World {
    bounded(|it| it.bulk_step = STEP)
}

/// So many messages changed with the newest input.
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

/// Wakes the engine as often as it wants to be woken; it changes no more than a step of messages at a time.
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
    let endpoints = [A, B, C].map(|url| endpoint(url, None)).to_vec();
    world.done(UrlGroupAction::PutEndpoints(group_name("g"), endpoints));
    for id in ["one", "two", "three"] {
        let put = schedule(id, "* * * * *", delayed(to_group("g"), 60));
        let put = world.act(ScheduleAction::Put(Box::new(put)));
        assert!(put.is_ok(), "{put:?}");
    }
    world.now = world.now + secs(60);
    assert_eq!(in_slices(&mut world), 9);
}

#[test]
fn finished_messages_are_forgotten_in_slices() {
    let mut world = world();
    for _ in 0..10 {
        let id = world.publish("work");
        let cancel = MessageAction::Cancel(id, Scope::Queues);
        assert!(world.act(cancel).is_ok());
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
    let mut begin = |queue: &str| -> WaiterId {
        let purge = QueueAction::Purge(name(queue));
        match world.act_only(&owner(), purge) {
            Ok(Reply::Waiting(waiter)) => waiter,
            other => panic!("it takes more than one slice: {other:?}"),
        }
    };
    let (long, short) = (begin("long"), begin("short"));
    world.tick();
    world.tick();
    assert!(!world.answers.contains_key(&long), "it has slices left");
    assert_eq!(world.answers.get(&short), Some(&Reply::Removed(4)));
}
