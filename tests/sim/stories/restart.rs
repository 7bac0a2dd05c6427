//! What a restart must not repeat or leave behind, and what must be gone when a server goes on with another state.

use std::collections::BTreeSet;

use qstash_mock_server::engine::{
    BodyId, Change, Command, Config, Entity, EntityKey, Secret, Seed, Stage,
};

use crate::carried::words::{A, delayed, flowing, retries, schedule, secs, to, to_group};
use crate::world::{World, failure, owner, publish, pushed, saying, success};

fn specs(entities: &[Entity]) -> usize {
    let is_spec = |it: &&Entity| matches!(it, Entity::Spec(_));
    entities.iter().filter(is_spec).count()
}

#[test]
fn a_lease_that_was_given_but_not_stored_is_not_given_again() {
    let mut world = World::new(1);
    world.publish("work");
    let stored = world.commits.len();
    let lost = world.receive_one("work");
    world.crash_after(stored);
    let again = world.receive_one("work");
    assert_eq!(again.id, lost.id);
    assert_ne!(again.lease, lost.lease);
}

#[test]
fn numbers_that_stored_things_show_are_not_given_again_though_no_count_is_stored() {
    let mut world = World::new(1);
    for _ in 0..3 {
        world.publish("work");
    }
    let stored = world.disk.stored();
    let stored = stored.filter(|entity| !matches!(entity, Entity::Meta(_)));
    let mut engine = world.restored(stored);
    let (caller, action) = (owner(), publish("work").into());
    let reply = engine.handle(world.now, Command { caller, action });
    assert!(reply.is_ok(), "{reply:?}");
    engine.check_invariants();
    assert_eq!(specs(&engine.entities()), 4);
}

#[test]
fn a_stored_message_of_which_nothing_tells_any_more_is_dropped_with_its_body() {
    let mut world = World::new(1);
    world.publish("work");
    let tells = |it: &Entity| matches!(it, Entity::State(..) | Entity::Log(_));
    let stored = world.disk.stored().filter(|entity| !tells(entity));
    let engine = world.restored(stored);
    engine.check_invariants();
    let left = engine.entities();
    assert_eq!(specs(&left), 0);
    assert!(!left.iter().any(|it| matches!(it, Entity::Body(_))));
}

/// The entities that a restart writes.
fn written(world: &World) -> Vec<EntityKey> {
    let mut engine = world.restored(world.disk.stored());
    let changes = engine.take_changes().into_iter();
    assert_eq!(engine.take_body_changes(), []);
    let keys = changes.map(|change| match change {
        Change::Put(entity) => entity.key(),
        Change::Delete(key) => key,
    });
    keys.collect()
}

#[test]
fn a_restart_writes_only_what_it_changes() {
    let mut world = World::new(1);
    world.queue("hook", pushed(1));
    world.publish("hook");
    world.answer_next(success());
    world.send(delayed(flowing(to(A), "k", 1, 1, 60), 60));
    world.send(retries(to(A), 0));
    world.answer_next(failure());
    world.group("g", &[A]);
    world.put_schedule(schedule("s", "* * * * *", to_group("g")));
    assert_eq!(written(&world), [EntityKey::Meta]);
    let open = world.publish_one(publish("hook"));
    let keys = written(&world);
    let [EntityKey::Meta, EntityKey::State(sequence)] = keys[..] else {
        panic!("{keys:?}");
    };
    assert_eq!(world.disk.message(sequence), open.id);
    world.answer_next(success());
    world.now = world.now + secs(60);
    let id = ("defaultUser", "s");
    let keys = written(&world);
    let [EntityKey::Meta, EntityKey::Schedule(account, name)] = &keys[..] else {
        panic!("{keys:?}");
    };
    assert_eq!((account.as_str(), name.as_str()), id, "its run was missed");
}

#[test]
fn a_signing_secret_that_is_configured_anew_is_written() {
    let mut world = World::new(1);
    world.publish("work");
    world.config.signing_secret = Some(Secret("another".into()));
    let keys = written(&world);
    let [EntityKey::Meta, EntityKey::Account(account)] = &keys[..] else {
        panic!("{keys:?}");
    };
    assert_eq!(account.as_str(), "defaultUser");
}

/// What a world holds is replaced by what it held before: the same process goes on.
#[test]
fn what_is_replaced_is_gone_and_an_answer_to_one_of_its_calls_changes_nothing() {
    let mut config = Config::new(Seed::from(1));
    config.limits.log_rows = 0;
    let mut world = World::with(config);
    world.queue("hook", pushed(16));
    let kept = world.publish("hook");
    let entities: Vec<_> = world.disk.stored().collect();
    let bodies = world.disk.bodies.clone();
    let bodies: Vec<(BodyId, _)> = bodies.into_iter().collect();
    world.answer_next(success());
    world.advance_secs(601);
    assert!(world.disk.bodies.is_empty());
    let replaced = world.publish_with(saying(publish("hook"), "something else"));
    let old_call = world.calls.remove(0).id;

    let result = world.engine.replace(world.now, entities, &bodies);
    assert_eq!(result, Ok(()));
    world.tick();
    // `tick` has compared the disk with the engine: all that was replaced is gone from both.
    assert_eq!(world.disk.messages().collect::<Vec<_>>(), [kept]);
    assert_eq!(world.message(replaced), None);
    let fresh = world.publish("hook");
    assert!(![kept, replaced].contains(&fresh));
    let calls = world.started.iter().map(|(_, call)| call.id);
    let distinct: BTreeSet<_> = calls.collect();
    assert_eq!(distinct.len(), world.started.len(), "an id came twice");
    world.answer(old_call, success());
    assert_eq!(world.open(), [kept, fresh], "both are still under way");
    for id in [kept, fresh] {
        assert_eq!(world.stage(id).0, Stage::InFlight);
    }
}
