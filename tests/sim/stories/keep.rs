//! v1.md section 5: dead letters, redrive, and what survives a crash.

use std::time::Duration;

use qstash_mock_server::engine::{
    Change, Config, EntityKey, Error, MessageId, Published, QueueAction, QueuePatch, Reply, Seed,
    Stage,
};

use crate::carried::words::{A, keyed, through};
use crate::world::{
    World, accepted, but, dead_letters_to, failure, name, owner, publish, purge, pushed, redrive,
    saying, success,
};

/// `work` gives up at once, to `dead`.
fn world() -> World {
    let mut config = Config::new(Seed::from(1));
    config.limits.bulk_step = 2;
    let mut world = World::with(config);
    let patch = QueuePatch {
        max_retries: Some(0),
        ..dead_letters_to("dead")
    };
    world.queue("work", patch);
    world
}

fn die(world: &mut World) -> MessageId {
    let id = world.publish("work");
    let held = world.receive_one("work");
    world.release(&held, 0).expect("held");
    assert_eq!(world.stage(id), (Stage::Ready, "dead".into()));
    id
}

#[test]
fn a_message_out_of_retries_moves_to_the_dead_letter_queue() {
    let mut world = world();
    world.queue("work", pushed(16));
    let id = world.publish_with(saying(publish("work"), "[1]"));
    world.answer_next(failure());
    let letter = world.receive_one("dead");
    assert_eq!((letter.id, letter.attempt), (id, 1));
    assert_eq!(&letter.body.bytes()[..], b"[1]");
    let why = letter.dead_letter.expect("a dead letter");
    assert_eq!(
        (why.source, why.at, why.attempts),
        (name("work"), world.now, 1)
    );
    assert_eq!(
        (why.last_status, why.last_error.as_deref()),
        (Some(500), Some("status 500"))
    );
    assert_eq!(&why.last_body[..], b"answer 500");
    let (work, dead) = (world.figures("work"), world.figures("dead"));
    assert_eq!((work.counters.dead_lettered, work.counters.failed), (1, 0));
    assert_eq!(
        (work.pending(), dead.pending(), dead.counters.published),
        (0, 1, 0)
    );
}

#[test]
fn the_answer_of_a_dead_letter_is_the_one_that_came_last() {
    let mut world = world();
    let patch = QueuePatch {
        max_retries: Some(1),
        ..pushed(16)
    };
    world.queue("work", patch);
    world.publish("work");
    world.answer_next(failure());
    world.advance_secs(1);
    world.answer_next(accepted());
    world.advance_secs(30);
    let letter = world.receive_one("dead").dead_letter;
    let why = letter.expect("a dead letter");
    assert_eq!(why.last_error.as_deref(), Some("the lease ran out"));
    assert_eq!(why.last_status, Some(202));
    assert_eq!(&why.last_body[..], b"answer 202");
}

#[test]
fn a_message_out_of_retries_fails_where_no_dead_letter_queue_is_named() {
    let mut world = world();
    let none = QueuePatch {
        dead_letter_queue: Some(None),
        ..QueuePatch::default()
    };
    world.queue("work", none);
    let id = world.publish("work");
    let held = world.receive_one("work");
    world.release(&held, 0).expect("held");
    assert_eq!(world.stage(id), (Stage::Failed, "work".into()));
}

#[test]
fn a_dead_letter_queue_may_push_to_a_webhook() {
    let mut world = world();
    world.queue("dead", pushed(1));
    let id = world.publish("work");
    let held = world.receive_one("work");
    world.release(&held, 0).expect("held");
    assert_eq!((world.calls[0].message, world.calls[0].number), (id, 1));
    world.answer_next(success());
    assert_eq!(world.stage(id), (Stage::Delivered, "dead".into()));
}

#[test]
fn redrive_gives_fresh_attempts() {
    let mut world = world();
    let id = die(&mut world);
    assert_eq!(world.act(redrive(None, None)), Ok(Reply::Redriven(1)));
    assert_eq!(world.stage(id), (Stage::Ready, "work".into()));
    let held = world.receive_one("work");
    assert_eq!((held.attempt, held.dead_letter), (1, None));
}

#[test]
fn redrive_takes_what_was_published_first_and_no_more_than_asked() {
    let mut world = world();
    let ids = [(); 3].map(|()| world.publish("work"));
    let held = world.receive("work", 3);
    // The last one dies first.
    for held in held.iter().rev() {
        world.release(held, 0).expect("held");
        world.advance_secs(1);
    }
    assert_eq!(world.act(redrive(None, Some(2))), Ok(Reply::Redriven(2)));
    assert_eq!(ids.map(|id| world.stage(id).1), ["work", "work", "dead"]);
}

#[test]
fn redrive_may_name_another_queue_but_not_the_same() {
    let mut world = world();
    let id = die(&mut world);
    assert_eq!(
        world.act(redrive(Some("dead"), None)),
        Err(Error::RedriveToItself)
    );
    assert_eq!(
        world.act(redrive(Some("other"), None)),
        Ok(Reply::Redriven(1))
    );
    assert_eq!(world.stage(id), (Stage::Ready, "other".into()));
}

#[test]
fn a_bulk_operation_goes_on_in_steps_until_all_are_done() {
    let mut world = world();
    for _ in 0..7 {
        die(&mut world);
    }
    assert_eq!(world.act(redrive(None, None)), Ok(Reply::Redriven(7)));
    let purged = world.act(purge(name("work")));
    assert_eq!(purged, Ok(Reply::Removed(7)));
    assert_eq!(world.figures("work").pending(), 0);
}

#[test]
fn a_bulk_operation_spares_what_came_after_its_start() {
    let mut world = world();
    for _ in 0..5 {
        world.publish("work");
    }
    let purging = world.begin(purge(name("work")));
    let later = world.publish("work");
    assert_eq!(world.answers.remove(&purging), Some(Reply::Removed(5)));
    assert_eq!(world.stage(later).0, Stage::Ready);
}

/// A publish with a key, and whether it was a duplicate.
fn publish_keyed(world: &mut World, queue: &str, key: &str) -> bool {
    let publish = but(publish(queue), |it| it.idempotency_key = Some(key.into()));
    match world.act(publish) {
        Ok(Reply::Published(Published::One(one))) => one.deduplicated,
        other => panic!("{other:?}"),
    }
}

fn purge_with_keys(queue: &str) -> QueueAction {
    QueueAction::Purge {
        queue: name(queue),
        forget_keys: true,
    }
}

#[test]
fn a_purge_keeps_the_deduplication_keys_unless_it_is_asked_to_forget_them() {
    let mut world = world();
    for key in ["1", "2", "3", "4", "5"] {
        assert!(!publish_keyed(&mut world, "work", key));
        assert!(!publish_keyed(&mut world, "other", key));
    }
    world.send(keyed(through("work", A), "1"));
    let held = world.receive_one("work");
    world.acknowledge(&held).expect("it is held");
    assert_eq!(world.act(purge(name("work"))), Ok(Reply::Removed(5)));
    assert!(publish_keyed(&mut world, "work", "1"));
    assert_eq!(world.act(purge_with_keys("work")), Ok(Reply::Removed(0)));
    for key in ["1", "2", "3", "4", "5"] {
        assert!(!publish_keyed(&mut world, "work", key), "{key}");
        assert!(publish_keyed(&mut world, "other", key), "another queue's");
    }
    let carried = world.send_one(keyed(through("work", A), "1"));
    assert!(carried.deduplicated, "the key is the account's");
}

#[test]
fn a_purge_forgets_keys_in_slices_and_spares_those_that_came_after_its_start() {
    let mut world = world();
    for key in ["1", "2", "3", "4", "5"] {
        publish_keyed(&mut world, "work", key);
    }
    let purging = world.begin(purge_with_keys("work"));
    let sixth = but(publish("work"), |it| it.idempotency_key = Some("6".into()));
    world.act_only(&owner(), sixth).expect("it is published");
    while !world.answers.contains_key(&purging) {
        world.tick();
        let newest = world.commits.last().expect("an input");
        let key = |it: &&Change| matches!(it, Change::Delete(EntityKey::DedupKey(_)));
        assert!(newest.changes.iter().filter(key).count() <= 2);
    }
    assert_eq!(world.answers.remove(&purging), Some(Reply::Removed(5)));
    assert!(publish_keyed(&mut world, "work", "6"));
    assert!(!publish_keyed(&mut world, "work", "5"));
}

#[test]
fn a_lease_that_ends_while_its_queue_is_being_deleted_stalls_nobody() {
    let mut world = world();
    for _ in 0..9 {
        world.publish("gone");
    }
    world.receive("gone", 9);
    world.advance_secs(29);
    let deleting = world.begin(QueueAction::Delete(name("gone")));
    world.now = world.now + Duration::from_secs(1);
    world.tick();
    world.advance_secs(1);
    assert_eq!(world.answers.remove(&deleting), Some(Reply::Removed(9)));
    assert!(!world.metrics().queues.contains_key(&name("gone")));
}

#[test]
fn a_call_that_ends_while_its_queue_is_being_deleted_leaves_nothing_behind() {
    let mut world = world();
    world.queue("gone", pushed(16));
    for _ in 0..9 {
        world.publish("gone");
    }
    let last = world.calls[8].id;
    let delete = QueueAction::Delete(name("gone"));
    world.act_only(&owner(), delete).expect("it is deleted");
    world.answer(last, failure());
    world.advance_secs(60);
    assert!(world.calls.is_empty());
}

#[test]
fn a_redriven_message_does_not_vanish_with_the_queue_it_left() {
    let mut world = world();
    // The deletion begins with these, so that the redrive gets ahead of it.
    for _ in 0..9 {
        world.publish("dead");
    }
    let ids: Vec<_> = (0..9).map(|_| die(&mut world)).collect();
    let none = QueuePatch {
        dead_letter_queue: Some(None),
        ..QueuePatch::default()
    };
    world.queue("work", none);
    let redriving = world.begin(redrive(None, None));
    let delete = QueueAction::Delete(name("dead"));
    world.act(delete).expect("it is deleted");
    let Some(Reply::Redriven(redriven)) = world.answers.remove(&redriving) else {
        panic!("the redrive was not answered");
    };
    let kept = ids
        .iter()
        .filter(|id| world.message(**id).is_some())
        .count();
    assert_eq!(kept, redriven, "it said so many were sent back");
}

#[test]
fn an_attempt_whose_outcome_was_not_recorded_is_made_again() {
    let mut world = world();
    world.queue("work", pushed(16));
    let id = world.publish("work");
    world.crash();
    assert_eq!((world.calls[0].message, world.calls[0].number), (id, 1));
    assert_ne!(world.started[0].1.lease(), world.started[1].1.lease());
}

#[test]
fn a_lease_outlives_a_crash() {
    let mut world = world();
    world.publish("work");
    let held = world.receive_one("work");
    world.crash();
    assert!(world.receive("work", 1).is_empty());
    world.acknowledge(&held).expect("the lease is good");
}

#[test]
fn a_crash_in_the_middle_of_a_deletion_leaves_no_message_of_the_queue() {
    let mut world = world();
    let ids: Vec<_> = (0..9).map(|_| world.publish("gone")).collect();
    let delete = QueueAction::Delete(name("gone"));
    world.act_only(&owner(), delete).expect("it is deleted");
    world.crash();
    for id in ids {
        assert_eq!(world.message(id), None);
    }
    world.publish("gone");
    assert_eq!(world.receive("gone", 99).len(), 1);
}

#[test]
fn a_restarted_engine_never_repeats_an_id() {
    let mut world = world();
    let first = world.publish("work");
    world
        .act(QueueAction::Delete(name("work")))
        .expect("it is deleted");
    world.crash();
    let second = world.publish("work");
    assert_ne!(first, second);
}

#[test]
fn an_id_that_was_made_but_not_stored_is_not_made_again() {
    let mut world = world();
    let stored = world.commits.len();
    let lost = world.publish("work");
    world.crash_after(stored);
    assert_eq!(world.message(lost), None);
    assert_ne!(world.publish("work"), lost);
}
