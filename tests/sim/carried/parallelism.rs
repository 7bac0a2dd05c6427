//! v2.md section 3.7: the plan's parallelism bounds everything of an account.

use std::sync::Arc;

use qstash_mock_server::engine::{Caller, Config, FlowAction, MetricsAction, Reply, Seed};

use super::words::{A, B, delayed, flowing, retries, secs, through, to, with};
use crate::world::{World, failure, pushed, success};

fn world(most: u64) -> World {
    let mut config = Config::new(Seed::from(1));
    config.quotas.global_parallelism = Some(most);
    World::with(config)
}

#[test]
fn an_account_has_so_many_calls_at_once_whatever_they_belong_to() {
    let mut world = world(2);
    let ids = [
        world.send(to(A)),
        world.send(flowing(to(A), "k", 0, 0, 1)),
        world.send(through("q", A)),
        world.send(to(B)),
    ];
    assert_eq!(world.open(), ids[..2]);
    let reply = world.act(MetricsAction::Parallelism);
    let (max, count) = (Some(2), 2);
    assert_eq!(reply, Ok(Reply::GlobalParallelism { max, count }));
    world.answer_next(success());
    assert_eq!(world.open(), ids[1..3]);
    world.answer_next(success());
    assert_eq!(world.open(), ids[2..4]);
}

#[test]
fn places_are_given_in_the_order_of_messages_with_and_without_keys() {
    let mut world = world(1);
    let ids: Vec<_> = (0..8)
        .map(|n| match n % 4 {
            0 => world.send(to(A)),
            1 => world.send(flowing(to(A), "k", 1, 0, 1)),
            2 => world.send(flowing(to(A), "l", 0, 100, 1)),
            _ => world.send(flowing(to(A), "k", 1, 0, 1)),
        })
        .collect();
    for id in &ids {
        assert_eq!(world.open(), [*id]);
        world.answer_next(success());
    }
    assert_eq!(world.order(), ids);
}

#[test]
fn a_place_that_a_key_leaves_goes_to_the_oldest_message_and_not_to_the_keys_next() {
    let mut world = world(1);
    let first = world.send(flowing(to(A), "k", 5, 0, 1));
    let without_key = world.send(to(A));
    let second = world.send(flowing(to(A), "k", 5, 0, 1));
    world.answer_next(success());
    assert_eq!(world.open(), [without_key]);
    world.answer_next(success());
    assert_eq!(world.order(), [first, without_key, second]);
}

#[test]
fn several_places_that_are_freed_at_once_are_given_in_order() {
    let mut world = world(2);
    let short = |send| with(retries(send, 0), |it| it.timeout = Some(secs(5)));
    let mut ids = vec![world.send(short(to(A))), world.send(short(to(A)))];
    ids.push(world.send(flowing(to(A), "k", 5, 0, 1)));
    ids.push(world.send(flowing(to(A), "k", 5, 0, 1)));
    ids.push(world.send(to(A)));
    ids.push(world.send(flowing(to(A), "l", 5, 0, 1)));
    world.advance_secs(5);
    assert_eq!(world.open(), ids[2..4]);
    world.answer_next(success());
    world.answer_next(success());
    assert_eq!(world.order(), ids);
}

#[test]
fn messages_that_fall_due_at_one_instant_go_in_their_order() {
    let mut world = world(1);
    let ids = [
        world.send(delayed(to(A), 10)),
        world.send(delayed(flowing(to(A), "k", 5, 0, 1), 10)),
        world.send(delayed(to(A), 10)),
    ];
    world.advance_secs(10);
    for id in ids {
        assert_eq!(world.open(), [id]);
        world.answer_next(success());
    }
}

#[test]
fn a_key_that_is_closed_does_not_hold_up_the_account() {
    let mut world = world(1);
    world.flow_act(FlowAction::SetPaused("k".into(), true));
    let held = world.send(flowing(to(A), "k", 1, 0, 1));
    let free = world.send(to(A));
    assert_eq!(world.open(), [free]);
    let later = world.send(to(A));
    world.flow_act(FlowAction::SetPaused("k".into(), false));
    world.answer_next(success());
    assert_eq!(world.open(), [held], "it is older than {later:?}");
}

#[test]
fn a_key_that_closes_while_it_waits_for_the_account_lets_others_pass() {
    let mut world = world(1);
    world.send(to(A));
    let held = world.send(flowing(to(A), "k", 1, 0, 1));
    let free = world.send(to(A));
    world.flow_act(FlowAction::SetPaused("k".into(), true));
    world.answer_next(success());
    assert_eq!(world.open(), [free]);
    world.answer_next(success());
    assert!(world.calls.is_empty());
    world.flow_act(FlowAction::SetPaused("k".into(), false));
    assert_eq!(world.open(), [held]);
}

#[test]
fn a_waiting_message_takes_no_unit_of_its_keys_rate() {
    let mut world = world(1);
    world.send(to(A));
    world.send(flowing(to(A), "k", 0, 1, 60));
    assert_eq!(world.flow("k").key.rate_count, 0);
    world.advance_secs(30);
    let opened = world.now;
    world.answer_next(success());
    let key = world.flow("k").key;
    assert_eq!((key.rate_count, key.window_start), (1, Some(opened)));
}

#[test]
fn a_retry_waits_for_a_place_and_goes_before_younger_messages() {
    let mut world = world(1);
    let first = world.send(to(A));
    world.answer_next(failure());
    let second = world.send(to(A));
    let third = world.send(to(A));
    world.advance_secs(12);
    assert_eq!(world.open(), [second]);
    world.answer_next(success());
    assert_eq!(world.open(), [first]);
    world.answer_next(success());
    assert_eq!(world.open(), [third]);
}

#[test]
fn a_cancelled_call_keeps_the_accounts_place_until_it_is_over() {
    let mut world = world(1);
    let first = world.send(to(A));
    let second = world.send(to(A));
    assert_eq!(world.cancel_ids(&[first]), 1);
    assert_eq!(world.open(), [first]);
    world.answer_next(success());
    assert_eq!(world.open(), [second]);
}

#[test]
fn accounts_and_pushed_queues_take_no_places_from_each_other() {
    let mut world = world(1);
    world.queue("hook", pushed(5));
    world.send(to(A));
    world.publish("hook");
    world.publish("hook");
    let stranger = Arc::new(Caller::owner("stranger"));
    assert!(world.send_as(&stranger, to(B)).is_ok());
    assert_eq!(world.calls.len(), 4);
}

#[test]
fn without_a_plan_there_is_no_bound() {
    let mut world = World::new(1);
    world.send(to(A));
    let reply = world.act(MetricsAction::Parallelism);
    let (max, count) = (None, 1);
    assert_eq!(reply, Ok(Reply::GlobalParallelism { max, count }));
}
