//! v2.md section 3.5: a second schedule of the same is not created.

use std::sync::Arc;

use qstash_mock_server::engine::{
    Caller, Error, Publish, PutSchedule, Reply, ScheduleAction, ScheduleId,
};

use super::words::{
    A, B, by_content, keyed, millis, schedule, schedule_id, secs, to, to_group, unnamed,
};
use crate::world::{World, saying};

fn daily(send: Publish) -> PutSchedule {
    unnamed(schedule("-", "0 9 * * *", send))
}

/// The id in the answer, and whether it is that of an earlier schedule.
fn put(world: &mut World, put: PutSchedule) -> (ScheduleId, bool) {
    match world.act(ScheduleAction::Put(Box::new(put))) {
        Ok(Reply::SchedulePut { id, deduplicated }) => (id, deduplicated),
        other => panic!("not scheduled: {other:?}"),
    }
}

fn count(world: &mut World) -> usize {
    let (after, limit) = (None, 100);
    match world.act(ScheduleAction::List { after, limit }) {
        Ok(Reply::Schedules { schedules, .. }) => schedules.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_schedule_of_the_same_id_answers_with_the_firsts_and_is_not_created() {
    let mut world = World::new(1);
    let (first, new) = put(&mut world, daily(keyed(to(A), "report")));
    assert!(!new);
    let hourly = unnamed(schedule(
        "-",
        "0 * * * *",
        keyed(saying(to(A), "x"), "report"),
    ));
    assert_eq!(put(&mut world, hourly), (first.clone(), true));
    assert_eq!(count(&mut world), 1);
    world.crash();
    assert_eq!(
        put(&mut world, daily(keyed(to(A), "report"))),
        (first, true)
    );
    assert!(!put(&mut world, daily(keyed(to(A), "other"))).1);
    assert!(
        !put(&mut world, daily(keyed(to(B), "report"))).1,
        "another destination"
    );
    assert_eq!(count(&mut world), 3);
}

#[test]
fn a_second_schedule_of_the_same_content_is_not_created_either() {
    let mut world = World::new(1);
    world.group("g", &[A]);
    for send in [to(A), to_group("g")] {
        let (first, _) = put(&mut world, daily(by_content(send.clone())));
        assert_eq!(
            put(&mut world, daily(by_content(send.clone()))),
            (first, true)
        );
        assert!(!put(&mut world, daily(by_content(saying(send.clone(), "x")))).1);
        assert!(!put(&mut world, daily(send)).1, "only who asks for it");
    }
}

#[test]
fn the_key_of_a_schedule_is_remembered_for_ten_minutes_to_the_millisecond() {
    let mut world = World::new(1);
    let (first, _) = put(&mut world, daily(keyed(to(A), "id")));
    world.advance(millis(599_999));
    assert_eq!(
        put(&mut world, daily(keyed(to(A), "id"))),
        (first.clone(), true)
    );
    world.advance(millis(1));
    let (second, deduplicated) = put(&mut world, daily(keyed(to(A), "id")));
    assert!(!deduplicated && second != first);
    // The first schedule is gone, but the key is the second's by now.
    world.done(ScheduleAction::Delete(first));
    assert_eq!(put(&mut world, daily(keyed(to(A), "id"))), (second, true));
}

#[test]
fn schedules_and_messages_and_accounts_do_not_share_keys() {
    let mut world = World::new(1);
    world.send(keyed(to(A), "id"));
    assert!(!put(&mut world, daily(keyed(to(A), "id"))).1);
    world.send(by_content(to(A)));
    assert!(!put(&mut world, daily(by_content(to(A)))).1);
    assert!(!world.send_one(keyed(to(A), "fresh")).deduplicated);
    let stranger = Arc::new(Caller::owner("stranger"));
    let action = ScheduleAction::Put(Box::new(daily(keyed(to(A), "id"))));
    match world.act_as(&stranger, action) {
        Ok(Reply::SchedulePut { deduplicated, .. }) => assert!(!deduplicated),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_schedule_that_is_named_is_overwritten_whatever_its_key() {
    let mut world = World::new(1);
    let (first, _) = put(&mut world, daily(keyed(to(A), "id")));
    let named = |cron| schedule("mine", cron, keyed(to(A), "id"));
    assert_eq!(
        put(&mut world, named("0 9 * * *")),
        (schedule_id("mine"), false)
    );
    assert_eq!(
        put(&mut world, named("0 8 * * *")),
        (schedule_id("mine"), false)
    );
    // Naming a schedule neither asks for the key nor takes it.
    assert_eq!(
        put(&mut world, daily(keyed(to(A), "id"))),
        (first.clone(), true)
    );
    let over = PutSchedule {
        id: Some(first.clone()),
        ..daily(to(B))
    };
    assert_eq!(put(&mut world, over), (first.clone(), false));
    assert_eq!(
        put(&mut world, daily(keyed(to(A), "id"))),
        (first.clone(), true)
    );
    world.done(ScheduleAction::Delete(first));
    assert!(!put(&mut world, daily(keyed(to(A), "id"))).1);
}

#[test]
fn deleting_a_schedule_forgets_its_key() {
    let mut world = World::new(1);
    let (first, _) = put(&mut world, daily(keyed(to(A), "id")));
    world.done(ScheduleAction::Delete(first.clone()));
    let (second, deduplicated) = put(&mut world, daily(keyed(to(A), "id")));
    assert!(!deduplicated && second != first);
    world.crash();
    world.done(ScheduleAction::Delete(second));
    assert!(!put(&mut world, daily(keyed(to(A), "id"))).1);
}

#[test]
fn the_runs_of_a_schedule_are_not_compared_with_each_other() {
    let mut world = World::new(1);
    let minutely = unnamed(schedule("-", "* * * * *", keyed(to(A), "id")));
    put(&mut world, minutely);
    world.advance_secs(60);
    world.advance(secs(60));
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn the_keys_of_schedules_count_for_the_bound_on_keys() {
    let mut world = crate::bounds::bounded(|it| it.dedup_keys = 1);
    let (first, _) = put(&mut world, daily(keyed(to(A), "one")));
    let refused = Err(Error::Overloaded("too many deduplication keys"));
    let two = ScheduleAction::Put(Box::new(daily(keyed(to(A), "two"))));
    assert_eq!(world.act(two), refused);
    assert_eq!(put(&mut world, daily(keyed(to(A), "one"))), (first, true));
    assert!(!put(&mut world, daily(to(A))).1);
}
