//! v2.md section 2.8: making and overwriting schedules, and what is known of their last run.

use qstash_mock_server::engine::{
    Config, Error, PutSchedule, Reply, Schedule, ScheduleAction, ScheduleId, ScheduleState, Seed,
    UrlGroupAction,
};

use super::words::{
    A, B, carrying, flowing, group_name, keyed, labelled, retries, schedule, schedule_id, to,
    to_group,
};
use crate::world::{World, failure, saying, success};

const MINUTELY: &str = "* * * * *";

fn states(schedule: &Schedule) -> Vec<ScheduleState> {
    schedule
        .last_states
        .iter()
        .map(|(_, state)| *state)
        .collect()
}

#[test]
fn a_schedule_without_a_name_gets_one_of_its_own() {
    let mut world = World::new(1);
    let unnamed = || PutSchedule {
        id: None,
        ..schedule("s", MINUTELY, to(A))
    };
    let [one, two] = [(); 2].map(|()| world.put_schedule(unnamed()));
    assert_ne!(one, two);
    assert!(one.as_str().starts_with("scd_"), "{one}");
    let reply = world.act(ScheduleAction::List {
        after: None,
        limit: 100,
    });
    let Ok(Reply::Schedules {
        schedules,
        next: None,
    }) = reply
    else {
        panic!("{reply:?}");
    };
    let mut ids: Vec<ScheduleId> = vec![one, two];
    ids.sort();
    let listed = schedules.into_iter().map(|it| it.schedule.id);
    assert_eq!(listed.collect::<Vec<_>>(), ids);
}

#[test]
fn overwriting_replaces_every_setting() {
    let mut world = World::new(1);
    let rich = labelled(flowing(retries(to(A), 7), "k", 1, 0, 1), &["one"]);
    let rich = saying(rich, "rich");
    world.put_schedule(schedule("s", MINUTELY, rich));
    let made = world.now;
    world.advance_secs(60);
    let poor = saying(to(B), "");
    assert_eq!(
        world.put_schedule(schedule("s", "0 0 1 1 *", poor.clone())),
        schedule_id("s")
    );
    let body = world.try_schedule("s").expect("it is there").body;
    assert_eq!(body.bytes(), "");
    let known = world.schedule("s");
    assert_eq!(*known.to, carrying(poor));
    assert_eq!((known.cron.as_str(), known.created_at), ("0 0 1 1 *", made));
    assert_eq!((known.last_at, states(&known)), (None, vec![]));
    world.advance_secs(600);
    assert_eq!(world.started.len(), 1, "its old times are forgotten");
}

#[test]
fn a_paused_schedule_that_is_overwritten_stays_paused() {
    let mut world = World::new(1);
    world.put_schedule(schedule("s", MINUTELY, to(A)));
    let pause = ScheduleAction::SetPaused(schedule_id("s"), true);
    world.done(pause);
    world.put_schedule(schedule("s", MINUTELY, to(B)));
    assert!(world.schedule("s").paused);
    world.advance_secs(120);
    assert!(world.started.is_empty());
}

#[test]
fn a_message_carries_its_schedules_id_and_the_schedule_tells_how_it_went() {
    let mut world = World::new(1);
    world.put_schedule(schedule("s", MINUTELY, retries(to(A), 1)));
    world.advance_secs(60);
    let id = world.open()[0];
    let message = world.carried(id).expect("it is there");
    let carried = message.carried.expect("its own");
    assert_eq!(carried.schedule, Some(schedule_id("s")));
    let known = world.schedule("s");
    assert_eq!(known.last_states, [(id, ScheduleState::InProgress)]);
    assert_eq!(known.last_at, Some(message.published_at));
    world.answer_next(failure());
    assert_eq!(states(&world.schedule("s")), [ScheduleState::InProgress]);
    world.advance_secs(12);
    world.answer_next(success());
    assert_eq!(states(&world.schedule("s")), [ScheduleState::Success]);
}

#[test]
fn only_the_last_run_is_told_of() {
    let mut world = World::new(1);
    world.put_schedule(schedule("s", MINUTELY, retries(to(A), 0)));
    world.advance_secs(60);
    world.advance_secs(60);
    let [first, second] = world.open()[..] else {
        panic!("two messages");
    };
    world.answer_message(first, failure());
    assert_eq!(
        world.schedule("s").last_states,
        [(second, ScheduleState::InProgress)]
    );
    world.answer_message(second, failure());
    assert_eq!(states(&world.schedule("s")), [ScheduleState::Fail]);
}

#[test]
fn a_cancelled_message_counts_as_failed() {
    let mut world = World::new(1);
    world.put_schedule(schedule("s", MINUTELY, to(A)));
    world.advance_secs(60);
    let ids = world.open();
    assert_eq!(world.cancel_ids(&ids), 1);
    assert_eq!(states(&world.schedule("s")), [ScheduleState::Fail]);
}

#[test]
fn a_schedule_of_a_group_makes_a_message_for_each_endpoint_it_then_has() {
    let mut world = World::new(1);
    world.group("g", &[A]);
    world.put_schedule(schedule("s", MINUTELY, to_group("g")));
    world.group("g", &[B]);
    world.advance_secs(60);
    assert_eq!(world.urls(), [A, B]);
    world.answer_next(success());
    let expected = [ScheduleState::Success, ScheduleState::InProgress];
    assert_eq!(states(&world.schedule("s")), expected);
}

#[test]
fn a_schedule_whose_group_has_vanished_tells_why_and_goes_on_when_it_is_back() {
    let mut world = World::new(1);
    world.group("g", &[A]);
    world.put_schedule(schedule("s", MINUTELY, to_group("g")));
    world.done(UrlGroupAction::Delete(group_name("g")));
    world.advance_secs(60);
    let known = world.schedule("s");
    let unknown = Error::UrlGroupNotFound(group_name("g"));
    assert_eq!(known.error.as_deref(), Some(&unknown));
    assert!(known.last_at.is_some() && states(&known).is_empty());
    world.group("g", &[A]);
    world.advance_secs(60);
    assert_eq!(world.urls(), [A]);
    assert_eq!(world.schedule("s").error, None);
}

#[test]
fn a_schedule_of_an_unknown_group_is_refused() {
    let mut world = World::new(1);
    let put = schedule("s", MINUTELY, to_group("g"));
    let reply = world.act(ScheduleAction::Put(Box::new(put)));
    assert_eq!(reply, Err(Error::UrlGroupNotFound(group_name("g"))));
    assert!(world.try_schedule("s").is_err());
}

#[test]
fn one_run_is_not_a_duplicate_of_the_one_before() {
    let mut world = World::new(1);
    world.put_schedule(schedule("s", MINUTELY, keyed(to(A), "id")));
    world.advance_secs(180);
    assert_eq!(world.calls.len(), 3);
}

#[test]
fn a_run_over_the_days_limit_makes_nothing_and_tells_why() {
    let mut config = Config::new(Seed::from(1));
    config.quotas.messages_per_day = Some(1);
    let mut world = World::with(config);
    world.put_schedule(schedule("s", MINUTELY, to(A)));
    world.advance_secs(120);
    assert_eq!(world.calls.len(), 1);
    let error = world.schedule("s").error.expect("it tells why");
    assert!(
        matches!(*error, Error::DailyLimit { limit: 1, .. }),
        "{error:?}"
    );
}
