//! v2.md section 2.4: cancelling one, some, what matches, everything.

use std::sync::Arc;

use qstash_mock_server::engine::{
    Caller, Config, Error, Filter, MessageAction, MessageId, Reply, ScheduleAction, Scope, Seed,
    Selection,
};

use super::words::{
    A, B, cancel_all, delayed, flowing, labelled, schedule, schedule_id, secs, through, to,
    to_group, with,
};
use crate::world::{World, success};

fn by(change: impl FnOnce(&mut Filter)) -> Filter {
    let mut filter = Filter::default();
    change(&mut filter);
    filter
}

/// Twenty-five messages, and bulk work that takes ten a step.
fn in_steps_of_ten() -> World {
    let mut config = Config::new(Seed::from(1));
    config.limits.bulk_step = 10;
    let mut world = World::with(config);
    for _ in 0..25 {
        world.send(delayed(to(A), 600));
    }
    world
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn one_is_cancelled_once() {
    let mut world = World::new(1);
    let id = world.send(delayed(to(A), 60));
    assert!(world.cancel_one(id));
    let gone = Err(Error::MessageNotFound);
    assert_eq!(
        world.act(MessageAction::Cancel(id, Scope::CarriedRules)),
        gone
    );
    assert_eq!(world.act(MessageAction::Get(id, Scope::CarriedRules)), gone);
    assert!(!world.until_call());
}

#[test]
fn a_finished_message_and_one_of_a_queues_rules_cannot_be_cancelled() {
    let mut world = World::new(1);
    let done = world.send(to(A));
    world.answer_next(success());
    let of_queue = world.publish("q");
    assert!(!world.cancel_one(done), "it is shown, and finished");
    let gone = || Err(Error::MessageNotFound);
    let cancel = |id| MessageAction::Cancel(id, Scope::CarriedRules);
    assert_eq!(world.act(cancel(of_queue)), gone());
    assert_eq!(world.cancel_ids(&[done, of_queue]), 0);
    assert_eq!(world.cancel(Filter::default(), None), 0);
    assert_eq!(world.receive("q", 1).len(), 1);
    world.advance_secs(60);
    assert_eq!(world.act(cancel(done)), gone(), "it is shown no more");
}

#[test]
fn named_ones_are_counted_once_and_unknown_ones_not_at_all() {
    let mut world = World::new(1);
    let one = world.send(to(A));
    let two = world.send(delayed(to(A), 60));
    let spared = world.send(delayed(to(A), 60));
    let unknown = MessageId(Default::default());
    assert_eq!(world.cancel_ids(&[one, two, two, unknown]), 2);
    assert!(world.carried(spared).is_some());
}

#[test]
fn everything_is_cancelled_and_a_second_time_nothing() {
    let mut world = World::new(1);
    world.send(to(A));
    world.send(delayed(to(A), 60));
    world.send(through("q", A));
    world.send(through("q", A));
    assert_eq!(world.cancel(Filter::default(), None), 4);
    assert_eq!(world.cancel(Filter::default(), None), 0);
}

#[test]
fn many_are_cancelled_in_steps_and_counted_exactly() {
    let mut world = in_steps_of_ten();
    let first = world.begin(cancel_all());
    let late = world.send(delayed(to(A), 600));
    world.advance_secs(1);
    assert_eq!(world.answers.remove(&first), Some(Reply::Removed(25)));
    assert!(world.carried(late).is_some(), "it came after the command");
}

#[test]
fn what_is_already_being_cancelled_is_not_counted_again() {
    let mut world = in_steps_of_ten();
    let first = world.begin(cancel_all());
    assert_eq!(world.act(cancel_all()), Ok(Reply::Removed(0)));
    assert_eq!(world.answers.remove(&first), Some(Reply::Removed(25)));
}

#[test]
fn fields_are_or_within_and_and_across() {
    let mut world = World::new(1);
    let one = world.send(delayed(labelled(to(A), &["x", "y"]), 60));
    let two = world.send(delayed(labelled(to(B), &["y"]), 60));
    let three = world.send(delayed(labelled(to(B), &["z"]), 60));
    let filter = by(|it| {
        it.urls = strings(&[B]);
        it.labels = strings(&["x", "y"]);
    });
    assert_eq!(world.cancel(filter, None), 1);
    assert!(world.carried(two).is_none());
    assert_eq!(
        world.cancel(by(|it| it.labels = strings(&["x", "z"])), None),
        2
    );
    assert!(world.carried(one).is_none() && world.carried(three).is_none());
}

#[test]
fn every_field_selects() {
    let mut world = World::new(1);
    world.group("g", &[A]);
    world.put_schedule(schedule("s", "* * * * *", delayed(to(A), 600)));
    world.advance_secs(60);
    world.done(ScheduleAction::Delete(schedule_id("s")));
    world.send(with(delayed(to(A), 600), |it| {
        it.caller_ip = Some("10.0.0.7".into());
    }));
    world.send(delayed(to("https://x.example:9/p"), 600));
    world.send(delayed(flowing(to(A), "k", 1, 0, 1), 600));
    world.send(delayed(through("q", A), 600));
    world.send_all(delayed(to_group("g"), 600));
    let filters = [
        by(|it| it.schedules = strings(&["s"])),
        by(|it| it.caller_ips = strings(&["10.0.0.7"])),
        by(|it| it.hosts = strings(&["x.example"])),
        by(|it| it.flow_keys = strings(&["k"])),
        by(|it| it.queues = strings(&["q"])),
        by(|it| it.groups = strings(&["g"])),
    ];
    for filter in filters {
        assert_eq!(world.cancel(filter.clone(), None), 1, "{filter:?}");
        assert_eq!(world.cancel(filter, None), 0);
    }
    assert_eq!(world.cancel(Filter::default(), None), 0, "nothing is left");
}

#[test]
fn dates_are_inclusive() {
    let mut world = World::new(1);
    let first = world.now;
    for _ in 0..3 {
        world.send(delayed(to(A), 600));
        world.advance_secs(10);
    }
    let second = first + secs(10);
    let filter = by(|it| {
        it.from = Some(second);
        it.to = Some(second);
    });
    assert_eq!(world.cancel(filter, None), 1);
    assert_eq!(world.cancel(by(|it| it.to = Some(first)), None), 1);
    assert_eq!(world.cancel(by(|it| it.from = Some(first)), None), 1);
}

#[test]
fn a_count_takes_the_oldest() {
    let mut world = World::new(1);
    let ids: Vec<_> = (0..20).map(|_| world.send(delayed(to(A), 600))).collect();
    assert_eq!(world.cancel(Filter::default(), Some(8)), 8);
    let left: Vec<_> = ids
        .iter()
        .filter(|id| world.carried(**id).is_some())
        .copied()
        .collect();
    assert_eq!(left, ids[8..]);
}

#[test]
fn nobody_cancels_a_strangers_messages() {
    let mut world = World::new(1);
    let id = world.send(delayed(to(A), 60));
    let stranger = Arc::new(Caller::owner("stranger"));
    let gone = Err(Error::MessageNotFound);
    assert_eq!(
        world.act_as(&stranger, MessageAction::Cancel(id, Scope::CarriedRules)),
        gone
    );
    for selection in [
        Selection::Ids(vec![id]),
        Selection::Filter {
            filter: Box::default(),
            count: None,
        },
    ] {
        let reply = world.act_as(&stranger, MessageAction::CancelMany(selection));
        assert_eq!(reply, Ok(Reply::Removed(0)));
    }
    assert!(world.carried(id).is_some());
}
