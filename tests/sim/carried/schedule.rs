//! v2.md sections 2.8 and 3.9: when schedules make messages.

use qstash_mock_server::engine::{Config, QueueAction, Reply, ScheduleAction, Seed, Timestamp};

use super::words::{A, HOUR, delayed, schedule, schedule_id, secs, through, to};
use crate::world::{World, name, success};

/// A world that begins at this many seconds of the epoch.
fn world_at(seconds: u64) -> World {
    World::starting(
        Config::new(Seed::from(1)),
        Timestamp::from_millis(seconds * 1000),
    )
}

/// The seconds of the epoch at which messages were sent in so many days.
fn runs(start: u64, days: u64, cron: &str) -> Vec<u64> {
    let mut world = world_at(start);
    world.put_schedule(schedule("s", cron, to(A)));
    for _ in 0..days * 24 {
        world.advance_secs(HOUR);
        while !world.calls.is_empty() {
            world.answer_next(success());
        }
    }
    world
        .started
        .iter()
        .map(|(at, _)| at.as_millis() / 1000)
        .collect()
}

/// 2026-03-01T00:00:00Z, 2026-10-15T00:00:00Z and 2026-10-20T00:00:00Z.
const MARCH: u64 = 1_772_323_200;
const OCTOBER_15: u64 = 1_792_022_400;
const OCTOBER_20: u64 = OCTOBER_15 + 5 * 24 * HOUR;

/// 09:00 of each day's wall clock, by hand: `before` hours of UTC until day `change`, then `after`.
fn nine_o_clock(start: u64, days: u64, change: u64, before: u64, after: u64) -> Vec<u64> {
    let hour = |day| if day < change { before } else { after };
    (0..days)
        .map(|day| start + (day * 24 + hour(day)) * HOUR)
        .collect()
}

#[test]
fn a_month_of_nine_o_clock_in_new_york_across_both_changes_of_clocks() {
    let cron = "CRON_TZ=America/New_York 0 9 * * *";
    // UTC-5 until 8 March 07:00Z, then UTC-4.
    assert_eq!(runs(MARCH, 31, cron), nine_o_clock(MARCH, 31, 7, 14, 13));
    // UTC-4 until 1 November 06:00Z, the 17th day after 15 October, then UTC-5.
    let autumn = nine_o_clock(OCTOBER_15, 31, 17, 13, 14);
    assert_eq!(runs(OCTOBER_15, 31, cron), autumn);
}

#[test]
fn a_month_of_nine_o_clock_in_berlin_across_both_changes_of_clocks() {
    let cron = "CRON_TZ=Europe/Berlin 0 9 * * *";
    // UTC+1 until 29 March 01:00Z, then UTC+2.
    assert_eq!(runs(MARCH, 31, cron), nine_o_clock(MARCH, 31, 28, 8, 7));
    // UTC+2 until 25 October 01:00Z, then UTC+1.
    let autumn = nine_o_clock(OCTOBER_20, 31, 5, 7, 8);
    assert_eq!(runs(OCTOBER_20, 31, cron), autumn);
}

#[test]
fn without_a_zone_the_clock_is_utcs() {
    let nine = (0..5).map(|day| MARCH + (day * 24 + 9) * HOUR);
    assert_eq!(runs(MARCH, 5, "0 9 * * *"), nine.collect::<Vec<_>>());
}

#[test]
fn every_fifth_minute_is_every_fifth_minute_on_the_wall_clock() {
    let start = MARCH + 61;
    let mut world = world_at(start);
    world.put_schedule(schedule("s", "*/5 * * * *", to(A)));
    assert_eq!(
        world.schedule("s").next_at,
        Some(Timestamp::from_millis((MARCH + 300) * 1000))
    );
    world.advance_secs(HOUR);
    let times = world
        .started
        .iter()
        .map(|(at, _)| at.as_millis() / 1000 - MARCH);
    assert_eq!(
        times.collect::<Vec<_>>(),
        (1..=12).map(|n| n * 300).collect::<Vec<_>>()
    );
}

#[test]
fn a_date_that_never_comes_makes_nothing_and_is_kept() {
    let mut world = world_at(MARCH);
    world.put_schedule(schedule("s", "1 1 31 2 *", to(A)));
    assert_eq!(world.schedule("s").next_at, None);
    world.advance_secs(400 * 24 * HOUR);
    assert!(world.started.is_empty());
}

#[test]
fn a_delay_is_applied_to_every_message() {
    let mut world = world_at(MARCH);
    world.put_schedule(schedule("s", "* * * * *", delayed(to(A), 30)));
    world.advance_secs(150);
    let times = world
        .started
        .iter()
        .map(|(at, _)| at.as_millis() / 1000 - MARCH);
    assert_eq!(times.collect::<Vec<_>>(), [90, 150]);
}

#[test]
fn a_paused_schedule_skips_its_times_and_makes_up_for_none() {
    let mut world = world_at(MARCH);
    world.put_schedule(schedule("s", "* * * * *", to(A)));
    let pause = |paused| ScheduleAction::SetPaused(schedule_id("s"), paused);
    world.advance_secs(60);
    world.done(pause(true));
    world.done(pause(true));
    assert!(world.schedule("s").paused);
    world.advance_secs(5 * 60);
    assert_eq!(world.started.len(), 1);
    world.done(pause(false));
    assert_eq!(world.started.len(), 1);
    world.advance_secs(60);
    assert_eq!(world.started.len(), 2);
}

#[test]
fn times_that_pass_while_nobody_looks_are_not_made_up_for() {
    let mut world = world_at(MARCH);
    world.put_schedule(schedule("s", "* * * * *", to(A)));
    world.now = world.now + secs(10 * 60 + 5);
    world.tick();
    assert_eq!(world.calls.len(), 1);
    world.advance_secs(55);
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn a_schedule_through_a_queue_waits_its_turn_there() {
    let mut world = world_at(MARCH);
    let holder = world.send(through("q", A));
    world.put_schedule(schedule("s", "* * * * *", through("q", A)));
    world.advance_secs(120);
    assert_eq!(world.open(), [holder]);
    let reply = world.act(QueueAction::Get(name("q")));
    assert!(matches!(reply, Ok(Reply::Queue(view)) if view.pending == 3));
    world.answer_next(success());
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_deleted_schedule_makes_no_more_and_what_it_made_goes_on() {
    let mut world = world_at(MARCH);
    world.put_schedule(schedule("s", "* * * * *", delayed(to(A), 300)));
    world.advance_secs(60);
    let delete = || ScheduleAction::Delete(schedule_id("s"));
    world.done(delete());
    assert!(world.act(delete()).is_err());
    assert!(world.try_schedule("s").is_err());
    world.advance_secs(300);
    assert_eq!(world.calls.len(), 1);
    world.advance_secs(600);
    assert_eq!(world.started.len(), 1);
}
