//! The logs: rows and bytes of an account, bytes of all accounts.

use std::sync::Arc;

use qstash_mock_server::engine::{
    Action, Caller, DeadLetterAction, Engine, Entity, Event, LogKind, LogQuery, LogView, MessageId,
    Reply,
};

use super::bounded;
use crate::carried::words::{A, DAY, all_rows, delayed, retries, secs, to};
use crate::world::{World, failure, later, publish, saying, success};

use Event::{Active, CancelRequested, Cancelled, Created, Delivered};

/// How many rows are stored, those of a time to come included.
fn stored(world: &World) -> usize {
    world.disk.count(|it| matches!(it, Entity::Log(_)))
}

fn log_of(world: &mut World, account: &str) -> Vec<LogView> {
    let query = Action::Log(Box::new(all_rows()));
    match world.act_as(&Arc::new(Caller::owner(account)), query) {
        Ok(Reply::Log { rows, .. }) => rows,
        other => panic!("{other:?}"),
    }
}

fn deliver(world: &mut World) -> MessageId {
    let id = world.send(to(A));
    world.answer_message(id, success());
    id
}

#[test]
fn rows_of_a_time_to_come_are_forgotten_in_the_order_in_which_they_were_written() {
    let mut world = bounded(|it| it.log_rows = 6);
    for _ in 0..5 {
        let id = world.send(delayed(to(A), 30 * DAY));
        assert!(world.cancel_one(id));
    }
    assert_eq!(stored(&world), 6);
    let first = deliver(&mut world);
    assert_eq!(world.events(first), [Created, Active, Delivered]);
    let second = deliver(&mut world);
    assert_eq!(world.events(second), [Created, Active, Delivered]);
    world.crash();
    assert_eq!(world.events(first), [Created, Active, Delivered]);
    let third = deliver(&mut world);
    assert_eq!(world.events(first), []);
    assert_eq!(world.events(third), [Created, Active, Delivered]);
    assert_eq!(stored(&world), 6);
}

#[test]
fn rows_of_a_queues_messages_too_are_forgotten_in_the_order_in_which_they_were_written() {
    let mut world = bounded(|it| it.log_rows = 6);
    for _ in 0..5 {
        let id = world.publish_with(later(publish("work"), 30 * DAY));
        world.cancel_in_queue(id);
    }
    let id = world.publish("work");
    let held = world.receive_one("work");
    world.acknowledge(&held).expect("held");
    let query = LogQuery {
        kind: LogKind::QueueRules,
        ..all_rows()
    };
    let rows = world.rows(query).0.into_iter();
    let events: Vec<_> = rows
        .filter(|row| row.message == id)
        .map(|row| row.event)
        .collect();
    assert_eq!(events, [Created, Active, Delivered]);
    assert_eq!(stored(&world), 6);
}

#[test]
fn the_two_logs_of_an_account_take_no_rows_from_each_other() {
    let mut world = bounded(|it| it.log_rows = 3);
    let id = deliver(&mut world);
    for _ in 0..5 {
        world.publish("work");
    }
    assert_eq!(world.events(id), [Created, Active, Delivered]);
    assert_eq!(stored(&world), 6);
}

#[test]
fn over_the_bytes_of_all_logs_the_row_written_first_of_all_goes_whosever_it_is() {
    let mut world = bounded(|it| it.all_log_bytes = 3_000);
    let first = deliver(&mut world);
    let stranger = Arc::new(Caller::owner("stranger"));
    let send = |world: &mut World| {
        let reply = world.send_as(&stranger, to(A));
        assert!(reply.is_ok(), "{reply:?}");
        world.answer_next(success());
    };
    send(&mut world);
    assert_eq!(world.events(first), [Created, Active, Delivered]);
    assert_eq!(log_of(&mut world, "stranger").len(), 3);
    while world.events(first).len() == 3 {
        send(&mut world);
    }
    assert_eq!(
        world.events(first),
        [Active, Delivered],
        "the first row goes first"
    );
    while !world.events(first).is_empty() {
        send(&mut world);
    }
    let theirs = log_of(&mut world, "stranger");
    assert!(theirs.len() >= 6, "{}", theirs.len());
    assert_eq!(theirs.last().map(|row| row.event), Some(Delivered));
    let newest = deliver(&mut world);
    assert_eq!(world.events(newest), [Created, Active, Delivered]);
}

#[test]
fn what_only_the_log_keeps_counts_for_it_as_soon_as_nobody_else_does() {
    let mut world = bounded(|it| it.all_log_bytes = 5_000);
    let small = deliver(&mut world);
    let big = world.send(saying(to(A), vec![b'1'; 10_000]));
    world.answer_message(big, success());
    assert_eq!(world.events(big).len(), 3);
    // The message is forgotten; its created row alone would keep the body.
    world.advance_secs(60);
    assert_eq!(world.events(big), [Active, Delivered]);
    assert_eq!(world.events(small), [], "it was written before");
}

#[test]
fn a_deleted_dead_letter_leaves_no_more_than_the_log_may_keep() {
    let mut world = bounded(|it| it.all_log_bytes = 5_000);
    let big = world.send(retries(saying(to(A), vec![b'1'; 10_000]), 0));
    world.answer_next(failure());
    world.advance_secs(60);
    assert_eq!(world.events(big).len(), 4);
    let entry = world.dlq()[0].id;
    assert_eq!(world.act(DeadLetterAction::Delete(entry)), Ok(Reply::Done));
    assert!(!world.events(big).contains(&Created));
    assert!(world.disk.bodies.is_empty());
}

#[test]
fn a_server_with_smaller_bounds_goes_on_with_what_a_larger_one_stored() {
    let mut world = bounded(|_| {});
    let ids = [(); 4].map(|()| deliver(&mut world));
    let cancelled = world.send(delayed(to(A), 600));
    assert!(world.cancel_one(cancelled));
    world.advance_secs(3_600);
    for rows in 0..16 {
        let mut config = world.config.clone();
        config.limits.log_rows = rows;
        let restored = Engine::restore(config, world.now, world.disk.stored());
        restored.expect("it restores").check_invariants();
    }
    world.config.limits.log_rows = 4;
    world.crash();
    assert_eq!(world.events(ids[3]), [Delivered]);
    let all = [Created, CancelRequested, Cancelled];
    assert_eq!(world.events(cancelled), all);
    assert_eq!(stored(&world), 4);
    world.advance(secs(1));
}

#[test]
fn after_a_restart_too_rows_of_a_time_to_come_go_in_the_order_in_which_they_were_written() {
    let mut world = bounded(|it| it.log_rows = 6);
    let cancelled = world.send(delayed(to(A), 30 * DAY));
    assert!(world.cancel_one(cancelled));
    let first = deliver(&mut world);
    world.crash();
    let second = deliver(&mut world);
    for id in [first, second] {
        assert_eq!(world.events(id), [Created, Active, Delivered]);
    }
    assert_eq!(world.events(cancelled), []);
}
