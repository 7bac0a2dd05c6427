//! The story of every message that follows its queue's rules: one row for each step, in a log of their own.

use qstash_mock_server::engine::{
    Action, Caller, Error as Refusal, Event, LeaseClaim, LogKind, LogQuery, LogView, MessageId,
    Permission, Permissions, PullAction, QueueAction, QueuePatch, Reply,
};

use crate::carried::words::{all_rows, to};
use crate::world::{
    World, accepted, but, dead_letters_to, failure, later, name, owner, publish, purge, pushed,
    redrive, success,
};

use Event::{
    Active, CancelRequested, Cancelled, Created, DeadLettered, Delivered, Error, Failed, Redriven,
    Retry,
};

/// All of the log, oldest first.
fn query() -> LogQuery {
    LogQuery {
        kind: LogKind::QueueRules,
        ..all_rows()
    }
}

fn rows(world: &mut World, id: MessageId) -> Vec<LogView> {
    let mut query = query();
    query.filter.messages = vec![id];
    world.rows(query).0
}

fn events(world: &mut World, id: MessageId) -> Vec<Event> {
    rows(world, id).into_iter().map(|row| row.event).collect()
}

fn redrive_one(world: &mut World, to: Option<&str>) {
    assert_eq!(world.act(redrive(to, None)), Ok(Reply::Redriven(1)));
}

/// `work` pushes, retries once and gives up to `dead`.
fn world() -> World {
    let mut world = World::new(1);
    let patch = QueuePatch {
        max_retries: Some(1),
        ..pushed(16)
    };
    world.queue("work", patch);
    world.queue("work", dead_letters_to("dead"));
    world
}

#[test]
fn a_pushed_message_is_created_active_delivered() {
    let mut world = world();
    let id = world.publish_with(later(publish("work"), 5));
    assert_eq!(events(&mut world, id), [Created]);
    world.advance_secs(5);
    assert_eq!(events(&mut world, id), [Created, Active]);
    world.advance_secs(2);
    world.answer_next(success());
    assert_eq!(events(&mut world, id), [Created, Active, Delivered]);
    let rows = rows(&mut world, id);
    let first = rows[0].id.at;
    let times = rows.iter().map(|row| row.id.at.since(first).as_secs());
    assert_eq!(times.collect::<Vec<_>>(), [0, 5, 7]);
    assert_eq!(rows[0].next_delivery, Some(rows[1].id.at));
}

#[test]
fn a_received_message_is_active_until_it_is_acknowledged() {
    let mut world = World::new(1);
    let id = world.publish("work");
    let held = world.receive_one("work");
    assert_eq!(events(&mut world, id), [Created, Active]);
    world.acknowledge(&held).expect("held");
    assert_eq!(events(&mut world, id), [Created, Active, Delivered]);
}

#[test]
fn a_failed_attempt_tells_why_and_when_the_next_one_comes() {
    let mut world = world();
    let id = world.publish("work");
    world.answer_next(failure());
    assert_eq!(events(&mut world, id), [Created, Active, Error, Retry]);
    let rows = rows(&mut world, id);
    assert_eq!(rows[2].error.as_deref(), Some("status 500"));
    assert_eq!(rows[2].response, None, "the answer stands with the message");
    let due = world.now + std::time::Duration::from_secs(1);
    assert_eq!(rows[3].next_delivery, Some(due));
    world.advance_secs(1);
    world.answer_next(success());
    let all = [Created, Active, Error, Retry, Active, Delivered];
    assert_eq!(events(&mut world, id), all);
}

#[test]
fn a_lease_that_ends_is_an_error_and_a_retry() {
    let mut world = World::new(1);
    let id = world.publish("work");
    let held = world.receive_one("work");
    world.release(&held, 7).expect("held");
    world.advance_secs(7);
    world.receive_one("work");
    world.advance_secs(30);
    let attempt = [Active, Error, Retry];
    let all = [&[Created], &attempt[..], &attempt].concat();
    assert_eq!(events(&mut world, id), all);
    let errors: Vec<_> = rows(&mut world, id)
        .into_iter()
        .filter_map(|row| row.error)
        .collect();
    let errors: Vec<_> = errors.iter().map(|error| &**error).collect();
    assert_eq!(errors, ["released", "the lease ran out"]);
}

#[test]
fn a_message_that_was_taken_and_not_processed_stays_active() {
    let mut world = world();
    let id = world.publish("work");
    world.answer_next(accepted());
    assert_eq!(events(&mut world, id), [Created, Active]);
    let done = PullAction::Acknowledge(id, LeaseClaim::Unnamed);
    assert!(world.act(done).is_ok());
    assert_eq!(events(&mut world, id), [Created, Active, Delivered]);
}

#[test]
fn a_message_without_retries_fails_where_no_dead_letter_queue_is_named() {
    let mut world = World::new(1);
    world.queue("hook", pushed(16));
    let id = world.publish_with(but(publish("hook"), |it| it.max_retries = Some(0)));
    world.answer_next(failure());
    assert_eq!(events(&mut world, id), [Created, Active, Error, Failed]);
}

#[test]
fn a_message_tells_of_its_way_to_the_dead_letters_and_back() {
    let mut world = world();
    let id = world.publish("work");
    world.answer_next(failure());
    world.advance_secs(1);
    world.answer_next(failure());
    let death = [Created, Active, Error, Retry, Active, Error, DeadLettered];
    assert_eq!(events(&mut world, id), death);
    redrive_one(&mut world, None);
    world.answer_next(success());
    let back = [Redriven, Active, Delivered];
    assert_eq!(events(&mut world, id), [&death[..], &back].concat());
    let rows = rows(&mut world, id);
    let queue = |row: &LogView| row.queue.clone().expect("a queue");
    assert!(rows[..7].iter().all(|row| queue(row) == name("work")));
    assert_eq!(queue(&rows[7]), name("dead"));
    assert!(rows[8..].iter().all(|row| queue(row) == name("work")));
}

#[test]
fn a_dead_letter_may_be_received_and_sent_to_another_queue() {
    let mut world = world();
    let id = world.publish_with(but(publish("work"), |it| it.max_retries = Some(0)));
    world.answer_next(failure());
    let held = world.receive_one("dead");
    world.release(&held, 0).expect("held");
    redrive_one(&mut world, Some("other"));
    let held = world.receive_one("other");
    world.acknowledge(&held).expect("held");
    let died = [Created, Active, Error, DeadLettered];
    let looked_at = [Active, Error, Retry];
    let sent_back = [Redriven, Active, Delivered];
    let all = [&died[..], &looked_at, &sent_back].concat();
    assert_eq!(events(&mut world, id), all);
}

#[test]
fn a_cancelled_message_is_cancelled_when_it_would_have_been_due() {
    let mut world = world();
    let one = world.publish_with(later(publish("work"), 60));
    world.cancel_in_queue(one);
    assert_eq!(events(&mut world, one), [Created, CancelRequested]);
    world.advance_secs(60);
    let all = [Created, CancelRequested, Cancelled];
    assert_eq!(events(&mut world, one), all);
    let two = world.publish("other");
    let purged = purge(name("other"));
    assert_eq!(world.act(purged), Ok(Reply::Removed(1)));
    assert_eq!(events(&mut world, two), all);
    let three = world.publish("other");
    let delete = QueueAction::Delete(name("other"));
    assert_eq!(world.act(delete), Ok(Reply::Removed(1)));
    assert_eq!(events(&mut world, three), all);
}

#[test]
fn a_duplicate_leaves_no_row() {
    let mut world = World::new(1);
    let keyed = || but(publish("work"), |it| it.idempotency_key = Some("a".into()));
    let id = world.publish_with(keyed());
    assert_eq!(world.publish_with(keyed()), id);
    assert_eq!(events(&mut world, id), [Created]);
}

#[test]
fn each_kind_of_messages_has_its_own_log() {
    let mut world = world();
    let pushed = world.publish("work");
    let carried = world.send(to("https://a.example"));
    let all = |world: &mut World, kind| {
        let rows = world.rows(LogQuery { kind, ..query() }).0;
        rows.into_iter().map(|row| row.message).collect::<Vec<_>>()
    };
    assert_eq!(all(&mut world, LogKind::QueueRules), [pushed; 2]);
    assert_eq!(all(&mut world, LogKind::CarriedRules), [carried; 2]);
    for row in rows(&mut world, pushed) {
        assert_eq!((row.carried, row.body), (None, None));
    }
}

#[test]
fn rows_are_found_by_queue_event_and_time_and_not_by_what_only_carried_rules_say() {
    let mut world = World::new(1);
    let [one, two] = ["one", "two"].map(|queue| {
        world.advance_secs(10);
        world.publish(queue)
    });
    let start = world.now;
    let mut found = |change: &dyn Fn(&mut LogQuery)| {
        let mut query = query();
        change(&mut query);
        let rows = world.rows(query).0;
        rows.into_iter().map(|row| row.message).collect::<Vec<_>>()
    };
    assert_eq!(found(&|it| it.filter.queues = vec!["one".into()]), [one]);
    assert_eq!(found(&|it| it.filter.from = Some(start)), [two]);
    assert_eq!(found(&|it| it.events = vec![Created]), [one, two]);
    assert_eq!(found(&|it| it.events = vec![Active]), []);
    assert_eq!(found(&|it| it.filter.urls = vec!["".into()]), []);
    assert_eq!(found(&|it| it.filter.labels = vec!["a".into()]), []);
}

#[test]
fn the_log_outlives_its_messages_and_a_restart_for_a_week() {
    let mut world = World::new(1);
    let id = world.publish("work");
    let held = world.receive_one("work");
    world.acknowledge(&held).expect("held");
    world.advance_secs(600);
    assert_eq!(world.message(id), None);
    world.crash();
    assert_eq!(events(&mut world, id), [Created, Active, Delivered]);
    world.advance_secs(7 * 24 * 3_600 - 600);
    assert_eq!(events(&mut world, id).len(), 3);
    world.advance(std::time::Duration::from_millis(1));
    assert_eq!(events(&mut world, id), []);
}

#[test]
fn whoever_is_limited_to_some_queues_or_may_not_manage_reads_no_log() {
    let mut world = World::new(1);
    world.publish("work");
    let limited = Caller {
        queues: Some(vec!["work".into()]),
        ..Caller::owner("defaultUser")
    };
    let publisher = Caller {
        permissions: Permissions::from_iter([Permission::Publish]),
        ..Caller::owner("defaultUser")
    };
    let log = || Action::Log(Box::new(query()));
    let permission = Permission::Manage;
    let refused = world.act_as(&limited.into(), log());
    assert_eq!(refused, Err(Refusal::ForbiddenAccount { permission }));
    let refused = world.act_as(&publisher.into(), log());
    assert_eq!(refused, Err(Refusal::ForbiddenPermission { permission }));
    let Ok(Reply::Log { rows, .. }) = world.act_as(&owner(), log()) else {
        panic!("the owner reads it");
    };
    assert_eq!(rows.len(), 1);
}
