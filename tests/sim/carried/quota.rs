//! v2.md section 7: what a plan allows, at the limit and one past it.

use std::sync::Arc;
use std::time::Duration;

use qstash_mock_server::engine::{
    Action, Caller, Config, DeadLetterAction, Entity, Error, QueueAction, QueuePatch, QuotaKind,
    Quotas, Reply, ScheduleAction, Seed, Timestamp, UrlGroupAction,
};

use super::words::{
    A, B, C, DAY, callback, carrying, delayed, endpoint, group_name, retries, schedule, secs,
    through, to, to_group, with,
};
use crate::world::{World, failure, name, saying, success};

fn world(change: impl FnOnce(&mut Quotas)) -> World {
    let mut config = Config::new(Seed::from(1));
    change(&mut config.quotas);
    World::with(config)
}

const fn over(quota: QuotaKind, limit: u64) -> Error {
    Error::Quota { quota, limit }
}

#[test]
fn who_names_no_number_of_retries_gets_no_more_than_the_plan_allows() {
    for (allowed, attempts) in [(0, 1), (2, 3), (5, 4)] {
        let mut world = world(|it| it.retries = Some(allowed));
        world.send(to(A));
        while world.until_call() {
            world.answer_next(failure());
        }
        assert_eq!(world.started.len(), attempts, "{allowed} retries");
    }
}

#[test]
fn more_retries_than_the_plan_allows_are_refused_for_a_message_and_for_its_callbacks() {
    let mut world = world(|it| it.retries = Some(5));
    world.send(retries(to(A), 5));
    let refused = world.try_send(retries(to(A), 6));
    assert_eq!(refused, Err(over(QuotaKind::Retries, 5)));
    let mut callback = callback(B);
    callback.max_retries = Some(6);
    let callback = Some(Arc::new(callback));
    let calls_back = with(to(A), |it| it.callback = callback.clone());
    assert_eq!(world.try_send(calls_back), Err(over(QuotaKind::Retries, 5)));
    let tells = with(to(A), |it| it.failure_callback = callback);
    assert_eq!(world.try_send(tells), Err(over(QuotaKind::Retries, 5)));
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_delay_or_a_not_before_past_what_the_plan_allows_is_refused() {
    let mut world = world(|it| it.delay = Some(secs(7 * DAY)));
    world.send(delayed(to(A), 7 * DAY));
    let refused = || Err(over(QuotaKind::Delay, 604_800));
    assert_eq!(world.try_send(delayed(to(A), 7 * DAY + 1)), refused());
    let late = world.now + secs(7 * DAY) + Duration::from_millis(1);
    let send = with(to(A), |it| it.not_before = Some(late));
    assert_eq!(world.try_send(send), refused());
}

#[test]
fn a_message_larger_than_the_plan_allows_is_refused() {
    let mut world = world(|it| it.message_size = Some(10));
    let of_size = |size| saying(to(A), vec![b'x'; size]);
    world.send(of_size(10));
    let refused = world.try_send(of_size(11));
    assert_eq!(refused, Err(over(QuotaKind::MessageSize, 10)));
}

#[test]
fn a_longer_timeout_than_the_plan_allows_is_refused() {
    let mut world = world(|it| it.timeout = secs(900));
    let within = |seconds| with(to(A), |it| it.timeout = Some(secs(seconds)));
    world.send(within(900));
    assert_eq!(
        world.try_send(within(901)),
        Err(over(QuotaKind::Timeout, 900))
    );
}

#[test]
fn one_url_group_or_one_endpoint_more_than_the_plan_allows_is_refused() {
    let mut world = world(|it| (it.url_groups, it.endpoints) = (Some(1), Some(2)));
    world.group("g", &[A, B]);
    let mut put = |group: &str, urls: &[&str]| {
        let endpoints = urls.iter().map(|url| endpoint(url, None)).collect();
        let action = UrlGroupAction::PutEndpoints(group_name(group), endpoints);
        world.act(action)
    };
    assert_eq!(put("g", &[B]), Ok(Reply::Done), "an endpoint that is there");
    assert_eq!(put("g", &[C]), Err(over(QuotaKind::Endpoints, 2)));
    assert_eq!(put("h", &[A]), Err(over(QuotaKind::UrlGroups, 1)));
    assert_eq!(world.try_group("g").expect("a group").endpoints.len(), 2);
    assert!(world.try_group("h").is_err());
}

#[test]
fn one_schedule_more_than_the_plan_allows_is_refused_and_an_overwritten_one_counts_once() {
    let mut world = world(|it| it.schedules = Some(1));
    world.put_schedule(schedule("s", "* * * * *", to(A)));
    world.put_schedule(schedule("s", "1 * * * *", to(A)));
    let put = schedule("t", "* * * * *", to(A));
    let reply = world.act(ScheduleAction::Put(Box::new(put)));
    assert_eq!(reply, Err(over(QuotaKind::Schedules, 1)));
}

#[test]
fn a_plan_limits_queues_of_the_hosted_protocol_and_their_parallelism_and_no_others() {
    let mut world = world(|it| (it.queues, it.queue_parallelism) = (Some(1), Some(2)));
    world.queue("free", QueuePatch::default());
    world.send(through("free", A));
    world.own_queue("q", 2, false);
    world.own_queue("q", 1, false);
    let mut upsert = |queue: &str, parallelism| {
        world.act(QueueAction::Upsert {
            name: name(queue),
            parallelism,
            paused: false,
        })
    };
    assert_eq!(upsert("q", 3), Err(over(QuotaKind::QueueParallelism, 2)));
    assert_eq!(upsert("r", 1), Err(over(QuotaKind::Queues, 1)));
    assert_eq!(
        world.try_send(through("r", A)),
        Err(over(QuotaKind::Queues, 1))
    );
    assert!(world.act(QueueAction::Get(name("r"))).is_err());
    world.queue("also-free", QueuePatch::default());
}

#[test]
fn more_messages_than_a_day_may_have_are_refused_until_midnight_utc() {
    let mut world = world(|it| it.messages_per_day = Some(2));
    world.send(to(A));
    world.send(to(A));
    let midnight = Timestamp::from_millis(1_700_006_400_000);
    let limit = Error::DailyLimit {
        limit: 2,
        resets_at: midnight,
    };
    assert_eq!(world.try_send(to(A)), Err(limit.clone()));
    let batch = world.act(Action::PublishBatch(vec![to(A), to(B)]));
    let Ok(Reply::Batch { results: items, .. }) = batch else {
        panic!("{batch:?}");
    };
    assert_eq!(items, [Err(limit.clone()), Err(limit.clone())]);
    world.advance(midnight.since(world.now) - Duration::from_millis(1));
    assert_eq!(world.try_send(to(A)), Err(limit));
    world.advance(Duration::from_millis(1));
    world.send(to(A));
}

#[test]
fn the_counters_of_earlier_days_are_forgotten_when_a_new_one_begins() {
    let mut world = world(|it| it.messages_per_day = Some(10));
    let accounts = ["one", "two", "three"].map(|it| Arc::new(Caller::owner(it)));
    let days = |world: &World| world.disk.count(|it| matches!(it, Entity::Day(_)));
    for account in &accounts {
        assert!(world.send_as(account, to(A)).is_ok());
    }
    assert_eq!(days(&world), 3);
    world.advance_secs(DAY);
    assert!(world.send_as(&accounts[0], to(A)).is_ok());
    assert_eq!(days(&world), 1);
}

#[test]
fn what_was_refused_or_a_duplicate_does_not_count_for_the_day_and_a_group_counts_each_message() {
    let mut world = world(|it| (it.messages_per_day, it.retries) = (Some(4), Some(5)));
    assert!(world.try_send(retries(to(A), 6)).is_err());
    let keyed = || super::words::keyed(to(A), "id");
    world.send(keyed());
    assert!(world.send_one(keyed()).deduplicated);
    world.group("g", &[A, B]);
    world.send_all(to_group("g"));
    assert!(matches!(
        world.try_send(to_group("g")),
        Err(Error::DailyLimit { .. })
    ));
    world.send(to(A));
    assert!(matches!(
        world.try_send(to(A)),
        Err(Error::DailyLimit { .. })
    ));
    assert!(world.send_one(keyed()).deduplicated, "it stores nothing");
}

#[test]
fn callbacks_and_retries_from_the_dead_letters_do_not_count_for_the_day() {
    let mut world = world(|it| it.messages_per_day = Some(1));
    world.send(super::words::calling_back(retries(to(A), 0)));
    world.answer_next(failure());
    world.answer_next(success());
    let row = world.dlq()[0].id;
    let retry = DeadLetterAction::Retry(row, Box::default());
    assert!(world.act(retry).is_ok());
}

#[test]
fn a_retry_from_the_dead_letters_is_within_the_plan_too() {
    let mut world = world(|it| it.retries = Some(5));
    world.send(retries(to(A), 0));
    world.answer_next(failure());
    let row = world.dlq()[0].id;
    let retry = DeadLetterAction::Retry(row, Box::new(carrying(retries(to(A), 6)).settings));
    assert_eq!(world.act(retry), Err(over(QuotaKind::Retries, 5)));
    assert_eq!(world.dlq().len(), 1);
}

#[test]
fn the_servers_own_bound_refuses_before_anything_is_made() {
    let mut config = Config::new(Seed::from(1));
    config.limits.held_bytes = 2_000;
    let mut world = World::with(config);
    world.send(to(A));
    let big = saying(through("q", A), vec![0; 1_500]);
    assert!(matches!(world.try_send(big), Err(Error::Overloaded(_))));
    assert!(world.act(QueueAction::Get(name("q"))).is_err());
    world.answer_next(success());
}

#[test]
fn the_published_plans_are_what_the_contract_says() {
    let (free, payg, pro) = (Quotas::free(), Quotas::payg(), Quotas::pro());
    assert_eq!(free.messages_per_day, Some(1_000));
    assert_eq!(
        (payg.messages_per_day, pro.messages_per_day),
        (None, Some(1_000_000))
    );
    let sizes = [&free, &payg, &pro].map(|plan| plan.message_size);
    assert_eq!(sizes, [Some(1 << 20), Some(10 << 20), Some(50 << 20)]);
    let retention = [&free, &payg, &pro].map(|plan| plan.dead_letter_retention);
    assert_eq!(retention, [3, 7, 30].map(|days| secs(days * DAY)));
    let parallel = [&free, &payg, &pro].map(|plan| plan.global_parallelism);
    assert_eq!(parallel, [Some(10), Some(100), Some(200)]);
    let timeouts = [&free, &payg, &pro].map(|plan| plan.timeout.as_secs());
    assert_eq!(timeouts, [900, 7_200, 21_600]);
    assert_eq!(free.retries, Some(5));
}
