//! v2.md section 2.7: making, changing and deleting queues.

use qstash_mock_server::engine::{
    Config, Error, Event, MessageId, QueueAction, QueueView, Reply, Seed,
};

use super::words::{A, B, BACK, calling_back, schedule, through, to};
use crate::world::{World, failure, name, success};

fn look(world: &mut World, queue: &str) -> QueueView {
    match world.act(QueueAction::Get(name(queue))) {
        Ok(Reply::Queue(view)) => view,
        other => panic!("no queue: {other:?}"),
    }
}

#[test]
fn a_queue_that_a_message_makes_has_parallelism_one() {
    let mut world = World::new(1);
    world.send(through("q", A));
    let view = look(&mut world, "q");
    assert_eq!(
        (view.settings.parallelism, view.settings.paused),
        (1, false)
    );
    assert_eq!(view.pending, 1);
}

#[test]
fn neither_a_message_nor_a_schedule_resets_a_queues_parallelism() {
    let mut world = World::new(1);
    world.own_queue("q", 7, false);
    world.send(through("q", A));
    let every_minute = schedule("s", "* * * * *", through("q", A));
    world.put_schedule(every_minute);
    world.advance_secs(60);
    assert_eq!(world.calls.len(), 2);
    assert_eq!(look(&mut world, "q").settings.parallelism, 7);
}

#[test]
fn an_upsert_sets_parallelism_and_pause_both_ways() {
    let mut world = World::new(1);
    world.own_queue("q", 3, true);
    world.advance_secs(1);
    let before = look(&mut world, "q");
    assert_eq!(
        (before.settings.parallelism, before.settings.paused),
        (3, true)
    );
    world.own_queue("q", 2, false);
    let after = look(&mut world, "q");
    assert_eq!(
        (after.settings.parallelism, after.settings.paused),
        (2, false)
    );
    assert_eq!(before.created_at, after.created_at);
    assert_eq!(after.updated_at, world.now);
}

#[test]
fn the_lag_counts_messages_until_they_are_finished() {
    let mut world = World::new(1);
    for lag in 1..4 {
        world.send(through("q", A));
        assert_eq!(look(&mut world, "q").pending, lag);
    }
    world.answer_next(failure());
    assert_eq!(look(&mut world, "q").pending, 3, "one waits for its retry");
    world.advance_secs(12);
    world.answer_next(success());
    assert_eq!(look(&mut world, "q").pending, 2);
}

#[test]
fn deleting_a_queue_cancels_its_messages_and_spares_their_callbacks() {
    let mut world = World::new(1);
    let first = world.send(calling_back(through("q", A)));
    let second = world.send(through("q", B));
    world.answer_next(success());
    assert_eq!(world.urls(), [BACK]);
    let reply = world.act(QueueAction::Delete(name("q")));
    assert_eq!(reply, Ok(Reply::Removed(1)));
    assert_eq!(world.carried(first), None);
    assert_eq!(world.carried(second), None);
    let cancelled = [Event::Created, Event::CancelRequested, Event::Cancelled];
    assert_eq!(world.events(second), cancelled);
    world.answer_next(failure());
    world.advance_secs(12);
    assert_eq!(world.urls(), [BACK]);
    world.answer_next(success());
    let gone = Err(Error::QueueNotFound(name("q")));
    assert_eq!(world.act(QueueAction::Get(name("q"))), gone);
}

#[test]
fn an_answer_for_a_message_of_a_deleted_queue_is_ignored() {
    let mut world = World::new(1);
    let first = world.send(calling_back(through("q", A)));
    let reply = world.act(QueueAction::Delete(name("q")));
    assert_eq!(reply, Ok(Reply::Removed(1)));
    let attempt = world.calls[0].id;
    world.answer(attempt, success());
    assert!(world.calls.is_empty(), "nothing is reported of it");
    assert!(!world.events(first).contains(&Event::Delivered));
}

#[test]
fn a_queue_made_again_under_its_old_name_is_empty_and_works() {
    let mut world = World::new(1);
    world.own_queue("q", 5, true);
    world.send(through("q", A));
    let reply = world.act(QueueAction::Delete(name("q")));
    assert_eq!(reply, Ok(Reply::Removed(1)));
    let id = world.send(through("q", B));
    assert_eq!(world.open(), [id]);
    let view = look(&mut world, "q");
    assert_eq!((view.settings.parallelism, view.pending), (1, 1));
}

#[test]
fn pausing_twice_is_pausing_once_and_an_unknown_queue_cannot_be_paused() {
    let mut world = World::new(1);
    world.own_queue("q", 1, false);
    world.pause("q", true);
    world.pause("q", true);
    let id = world.send(through("q", A));
    world.pause("q", false);
    world.pause("q", false);
    assert_eq!(world.open(), [id]);
    let unknown = Err(Error::QueueNotFound(name("r")));
    assert_eq!(world.act(QueueAction::SetPaused(name("r"), true)), unknown);
}

/// A queue with two messages under way and two that wait for a place of the account. Its deletion has begun, and
/// has reached only the first.
fn half_deleted() -> (World, Vec<MessageId>) {
    let mut config = Config::new(Seed::from(1));
    config.quotas.global_parallelism = Some(2);
    config.limits.bulk_step = 1;
    let mut world = World::with(config);
    world.own_queue("q", 5, false);
    let ids: Vec<_> = (0..4).map(|_| world.send(through("q", A))).collect();
    world.begin(QueueAction::Delete(name("q")));
    (world, ids)
}

#[test]
fn messages_of_a_queue_that_is_being_deleted_take_no_place_of_the_account() {
    let (mut world, _) = half_deleted();
    world.answer_only(0, success());
    assert_eq!(world.calls.len(), 1);
    let other = world.send(to(B));
    assert_eq!(world.open()[1..], [other]);
}

#[test]
fn a_message_that_ends_while_its_queue_is_being_deleted_is_cancelled_and_counted_like_the_others() {
    let (mut world, ids) = half_deleted();
    world.answer_only(1, success());
    world.advance_secs(1);
    let removed = world.answers.pop_first().map(|(_, reply)| reply);
    assert_eq!(removed, Some(Reply::Removed(4)));
    for id in ids {
        assert_eq!(world.events(id).last(), Some(&Event::Cancelled));
    }
}

#[test]
fn a_paused_queue_is_deleted_with_messages_that_had_started() {
    let mut world = World::new(1);
    let first = world.send(through("q", A));
    world.send(through("q", B));
    world.answer_next(failure());
    world.pause("q", true);
    world.advance_secs(12);
    let reply = world.act(QueueAction::Delete(name("q")));
    assert_eq!(reply, Ok(Reply::Removed(2)));
    assert_eq!(world.carried(first), None);
    assert!(!world.until_call());
}
