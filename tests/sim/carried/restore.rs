//! What a restart keeps of messages that carry their own rules: everything that was acknowledged.

use qstash_mock_server::engine::{
    Config, Error, Event, FlowAction, MessageAction, QueueAction, ScheduleState, Scope, Seed, Stage,
};

use super::words::{
    A, B, BACK, C, calling_back, delayed, flowing, keyed, millis, retries, schedule, secs,
    telling_failure, through, to, to_group,
};
use crate::world::{World, failure, name, success};

#[test]
fn an_attempt_whose_outcome_was_never_recorded_is_made_again_under_its_number() {
    let mut world = World::new(1);
    let id = world.send(to(A));
    world.answer_next(failure());
    world.advance_secs(12);
    assert_eq!(world.calls[0].number, 2);
    world.crash();
    assert_eq!(world.open(), [id]);
    assert_eq!(world.calls[0].number, 2);
    world.answer_next(success());
    let events = world.events(id);
    assert_eq!(
        events.iter().filter(|it| **it == Event::Delivered).count(),
        1
    );
}

#[test]
fn a_queues_slot_outlives_a_restart_between_two_attempts() {
    let mut world = World::new(1);
    let first = world.send(through("q", A));
    let second = world.send(through("q", B));
    world.answer_next(failure());
    world.crash();
    assert!(world.calls.is_empty());
    world.advance_secs(12);
    assert_eq!(world.open(), [first]);
    world.answer_next(success());
    assert_eq!(world.open(), [second]);
}

#[test]
fn a_queues_slot_outlives_a_restart_while_only_a_callback_keeps_it() {
    let mut world = World::new(1);
    world.send(calling_back(through("q", A)));
    let second = world.send(through("q", B));
    world.answer_next(success());
    // The source is finished and, after a minute, forgotten.
    world.answer_next(failure());
    world.advance_secs(12);
    world.answer_next(failure());
    world.advance_secs(100);
    world.crash();
    assert!(world.calls.is_empty());
    assert!(world.until_call());
    assert_eq!(world.urls(), [BACK]);
    world.answer_next(success());
    assert_eq!(world.open(), [second]);
}

#[test]
fn pause_and_order_of_a_queue_outlive_a_restart() {
    let mut world = World::new(1);
    let ids = [A, B, C].map(|url| world.send(through("q", url)));
    world.answer_next(failure());
    world.pause("q", true);
    world.advance_secs(60);
    world.crash();
    assert!(world.calls.is_empty());
    world.pause("q", false);
    for id in ids {
        assert_eq!(world.open(), [id]);
        world.answer_next(success());
    }
}

#[test]
fn a_flow_keys_window_and_count_outlive_a_restart() {
    let mut world = World::new(1);
    let send = |world: &mut World| world.send(flowing(to(A), "k", 0, 2, 60));
    for _ in 0..2 {
        send(&mut world);
        world.answer_next(success());
    }
    let opened = world.now;
    let third = send(&mut world);
    world.advance_secs(10);
    world.crash();
    let key = world.flow("k").key;
    assert_eq!((key.rate_count, key.window_start), (2, Some(opened)));
    world.advance(millis(49_999));
    assert!(world.calls.is_empty());
    world.advance(millis(1));
    assert_eq!(world.open(), [third]);
}

#[test]
fn a_paused_and_pinned_key_stays_so() {
    let mut world = World::new(1);
    world.flow_act(FlowAction::Pin {
        key: "k".into(),
        parallelism: Some(1),
        rate: None,
        period: None,
    });
    world.flow_act(FlowAction::SetPaused("k".into(), true));
    world.send(flowing(to(A), "k", 9, 0, 1));
    world.advance_secs(5_000);
    world.crash();
    let view = world.flow("k");
    assert!(view.key.paused && view.key.pinned_parallelism);
    assert_eq!((view.key.parallelism, view.waiting), (Some(1), 1));
}

#[test]
fn dead_letters_keep_their_bodies_and_their_expiry() {
    let mut world = World::new(1);
    let dead = world.send(retries(telling_failure(to(A)), 0));
    world.answer_next(failure());
    world.answer_next(success());
    let before = world.dlq();
    world.advance_secs(1_000);
    world.crash();
    assert_eq!(world.dlq(), before);
    assert_eq!(&before[0].body.bytes()[..], b"{}");
    assert_eq!(before[0].message, dead);
    world.advance_secs(7 * 24 * 3_600);
    assert!(world.dlq().is_empty());
}

#[test]
fn schedules_go_on_and_do_not_make_up_for_the_time_of_the_crash() {
    let mut world = World::new(1);
    world.put_schedule(schedule("s", "* * * * *", to(A)));
    world.advance_secs(60);
    let before = world.schedule("s");
    world.crash();
    let after = world.schedule("s");
    assert_eq!(after.created_at, before.created_at);
    assert_eq!(after.last_states[0].1, ScheduleState::InProgress);
    world.answer_next(success());
    assert_eq!(world.schedule("s").last_states[0].1, ScheduleState::Success);
    world.now = world.now + secs(600);
    world.crash();
    assert!(world.calls.is_empty());
    world.advance_secs(60);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn the_log_deduplication_and_groups_outlive_a_restart() {
    let mut world = World::new(1);
    world.group("g", &[A, B]);
    let id = world.send(keyed(delayed(to(A), 60), "id"));
    let before = world.rows_of(id);
    world.crash();
    assert_eq!(world.rows_of(id), before);
    let again = world.send_one(keyed(to(A), "id"));
    assert_eq!((again.id, again.deduplicated), (id, true));
    assert_eq!(world.send_all(to_group("g")).len(), 2);
    world.advance_secs(599);
    assert!(world.send_one(keyed(to(A), "id")).deduplicated);
    world.advance_secs(1);
    assert!(!world.send_one(keyed(to(A), "id")).deduplicated);
}

#[test]
fn no_id_comes_twice_after_a_restart() {
    let mut world = World::new(1);
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..5 {
        for _ in 0..5 {
            assert!(ids.insert(world.send(retries(to(A), 0))));
        }
        world.crash();
        let rows = world.rows(super::words::all_rows()).0;
        let rows: std::collections::BTreeSet<_> = rows.iter().map(|row| row.id).collect();
        assert!(rows.len() >= ids.len());
    }
}

#[test]
fn a_cancellation_is_remembered() {
    let mut world = World::new(1);
    let id = world.send(delayed(to(A), 60));
    assert_eq!(world.cancel_ids(&[id]), 1);
    world.crash();
    let gone = Err(Error::MessageNotFound);
    assert_eq!(
        world.act(MessageAction::Cancel(id, Scope::CarriedRules)),
        gone
    );
    assert!(!world.until_call());
    let end = [Event::Created, Event::CancelRequested, Event::Cancelled];
    assert_eq!(world.events(id), end);
}

#[test]
fn a_delay_outlives_a_restart_and_one_that_passed_meanwhile_is_over() {
    let mut world = World::new(1);
    let soon = world.send(delayed(to(A), 60));
    let late = world.send(delayed(to(A), 600));
    world.now = world.now + secs(100);
    world.crash();
    assert_eq!(world.open(), [soon]);
    let stage = world.carried(late).expect("it is there").stage;
    assert_eq!(stage, Stage::Delayed);
    world.advance_secs(500);
    assert_eq!(world.called_at(late), [600_000]);
    assert!(world.cancel_one(late));
}

/// The callback is read before the messages that bring the queue's index back.
#[test]
fn a_callback_keeps_its_slot_of_a_queue_whose_deletion_a_crash_interrupted() {
    let mut config = Config::new(Seed::from(1));
    config.limits.bulk_step = 1;
    let mut world = World::with(config);
    world.own_queue("q", 5, false);
    let source = world.send(calling_back(through("q", A)));
    world.answer_message(source, success());
    world.send(through("q", B));
    world.send(through("q", C));
    world.begin(QueueAction::Delete(name("q")));
    // Every input checks the invariants.
    world.crash();
    assert_eq!(world.urls(), [BACK]);
}
