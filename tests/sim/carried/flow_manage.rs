//! v2.md section 2.10: looking at flow-control keys, pausing, pinning, resetting.

use qstash_mock_server::engine::{Error, FlowAction, Reply};

use super::words::{A, delayed, flowing, millis, retries, secs, to};
use crate::world::{World, failure, success};

fn send(world: &mut World) -> qstash_mock_server::engine::MessageId {
    world.send(flowing(to(A), "k", 0, 2, 60))
}

fn pin(parallelism: Option<u32>, rate: Option<u32>, period: Option<u64>) -> FlowAction {
    FlowAction::Pin {
        key: "k".into(),
        parallelism,
        rate,
        period: period.map(secs),
    }
}

fn unpin(parallelism: bool, rate: bool) -> FlowAction {
    FlowAction::Unpin {
        key: "k".into(),
        parallelism,
        rate,
    }
}

#[test]
fn a_key_is_there_as_soon_as_a_message_names_it_though_it_is_not_due() {
    let mut world = World::new(1);
    let unknown = Error::FlowKeyNotFound("k".into());
    assert_eq!(world.try_flow("k"), Err(unknown));
    world.send(delayed(flowing(to(A), "k", 5, 7, 60), 100));
    let view = world.flow("k");
    let limits = (view.key.parallelism, view.key.rate, view.key.period);
    assert_eq!(limits, (Some(5), Some(7), secs(60)));
    assert_eq!((view.waiting, view.calls, view.key.rate_count), (0, 0, 0));
    assert_eq!(view.key.window_start, None);
}

#[test]
fn keys_are_listed_by_a_part_of_their_name() {
    let mut world = World::new(1);
    for key in ["user-1", "user-2", "batch"] {
        world.send(flowing(to(A), key, 1, 0, 1));
    }
    let mut list = |search: Option<&str>| {
        let action = FlowAction::List {
            search: search.map(Into::into),
            after: None,
            limit: 100,
        };
        match world.act(action) {
            Ok(Reply::FlowKeys { keys, next: None }) => {
                let names = keys.iter().map(|view| view.key.id.key.to_string());
                names.collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(list(None), ["batch", "user-1", "user-2"]);
    assert_eq!(list(Some("ser-")), ["user-1", "user-2"]);
    assert_eq!(list(Some("nobody")), [""; 0]);
}

#[test]
fn a_paused_key_holds_its_messages_and_resuming_lets_them_go_in_order() {
    let mut world = World::new(1);
    world.flow_act(FlowAction::SetPaused("k".into(), true));
    let ids: Vec<_> = (0..3)
        .map(|_| world.send(flowing(to(A), "k", 2, 0, 1)))
        .collect();
    assert!(world.calls.is_empty());
    let view = world.flow("k");
    assert!(view.key.paused);
    assert_eq!(view.waiting, 3);
    world.flow_act(FlowAction::SetPaused("k".into(), false));
    assert_eq!(world.open(), ids[..2]);
}

#[test]
fn a_retry_falls_due_under_a_paused_key_and_waits() {
    let mut world = World::new(1);
    let first = send(&mut world);
    world.answer_next(failure());
    world.flow_act(FlowAction::SetPaused("k".into(), true));
    world.advance_secs(20);
    assert_eq!(world.flow("k").waiting, 1);
    world.flow_act(FlowAction::SetPaused("k".into(), false));
    assert_eq!(world.called_at(first), [0, 20_000]);
}

#[test]
fn while_a_key_is_paused_its_window_goes_on_and_its_count_is_kept() {
    let mut world = World::new(1);
    send(&mut world);
    send(&mut world);
    let opened = world.now;
    world.flow_act(FlowAction::SetPaused("k".into(), true));
    let third = send(&mut world);
    world.advance_secs(30);
    world.flow_act(FlowAction::SetPaused("k".into(), false));
    let view = world.flow("k").key;
    assert_eq!((view.rate_count, view.window_start), (2, Some(opened)));
    assert_eq!(world.calls.len(), 2, "the rate is pending");
    world.advance(millis(29_999));
    assert_eq!(world.calls.len(), 2);
    world.advance(millis(1));
    assert_eq!(world.open()[2..], [third]);
}

#[test]
fn pinned_values_stand_whatever_messages_say() {
    let mut world = World::new(1);
    world.flow_act(pin(Some(1), None, None));
    world.send(flowing(to(A), "k", 9, 5, 30));
    world.send(flowing(to(A), "k", 9, 5, 30));
    assert_eq!(world.calls.len(), 1);
    let key = world.flow("k").key;
    assert_eq!(
        (key.parallelism, key.rate, key.period),
        (Some(1), Some(5), secs(30))
    );
    assert_eq!((key.pinned_parallelism, key.pinned_rate), (true, false));
    world.flow_act(pin(None, Some(2), Some(60)));
    world.send(flowing(to(A), "k", 9, 5, 30));
    let key = world.flow("k").key;
    assert_eq!(
        (key.parallelism, key.rate, key.period),
        (Some(1), Some(2), secs(60))
    );
    assert!(key.pinned_parallelism && key.pinned_rate);
    world.flow_act(pin(None, None, Some(90)));
    let key = world.flow("k").key;
    assert_eq!(
        (key.rate, key.period),
        (Some(2), secs(90)),
        "the rate is kept"
    );
}

#[test]
fn pinning_begins_a_new_window_with_nothing_started() {
    let mut world = World::new(1);
    send(&mut world);
    send(&mut world);
    let third = send(&mut world);
    world.advance_secs(5);
    let now = world.now;
    world.flow_act(pin(None, Some(1), None));
    assert_eq!(world.open()[2..], [third]);
    let key = world.flow("k").key;
    assert_eq!((key.rate_count, key.window_start), (1, Some(now)));
}

#[test]
fn unpinned_values_stay_until_a_message_brings_others() {
    let mut world = World::new(1);
    world.flow_act(pin(Some(1), Some(1), Some(3600)));
    world.flow_act(unpin(true, false));
    let key = world.flow("k").key;
    assert_eq!((key.pinned_parallelism, key.pinned_rate), (false, true));
    assert_eq!(key.parallelism, Some(1));
    world.send(flowing(to(A), "k", 4, 4, 1));
    let key = world.flow("k").key;
    assert_eq!((key.parallelism, key.rate), (Some(4), Some(1)));
    world.flow_act(unpin(false, true));
    world.send(flowing(to(A), "k", 4, 4, 1));
    let key = world.flow("k").key;
    assert_eq!((key.rate, key.period), (Some(4), secs(1)));
}

#[test]
fn resetting_the_rate_begins_a_new_window_now() {
    let mut world = World::new(1);
    send(&mut world);
    send(&mut world);
    let third = send(&mut world);
    world.advance_secs(10);
    let now = world.now;
    world.flow_act(FlowAction::ResetRate("k".into()));
    assert_eq!(world.open()[2..], [third]);
    let key = world.flow("k").key;
    assert_eq!((key.rate_count, key.window_start), (1, Some(now)));
}

#[test]
fn an_unknown_key_can_be_paused_and_pinned_but_not_unpinned_or_reset() {
    let mut world = World::new(1);
    let unknown = || Err(Error::FlowKeyNotFound("k".into()));
    let mut act = |action| world.act(action);
    assert_eq!(act(unpin(true, true)), unknown());
    assert_eq!(act(FlowAction::ResetRate("k".into())), unknown());
    assert_eq!(
        act(FlowAction::SetPaused("k".into(), true)),
        Ok(Reply::Done)
    );
    assert_eq!(act(pin(Some(1), None, None)), Ok(Reply::Done));
}

#[test]
fn a_key_is_forgotten_after_ten_minutes_without_traffic() {
    let mut world = World::new(1);
    world.send(flowing(to(A), "k", 1, 0, 1));
    world.answer_next(success());
    world.advance(millis(599_999));
    world.flow("k");
    world.advance(millis(1));
    assert!(world.try_flow("k").is_err());
    world.send(flowing(to(A), "k", 1, 0, 1));
    world.flow("k");
}

#[test]
fn traffic_keeps_a_key_and_so_does_whoever_waits() {
    let mut world = World::new(1);
    send(&mut world);
    world.answer_next(success());
    world.advance_secs(400);
    send(&mut world);
    world.advance_secs(400);
    world.flow("k");
    world.advance_secs(1000);
    assert_eq!(world.flow("k").calls, 1, "a call of it is under way");
}

#[test]
fn a_key_that_was_forgotten_comes_back_with_the_message_that_names_it() {
    let mut world = World::new(1);
    let first = world.send(delayed(flowing(to(A), "k", 1, 0, 1), 3600));
    let second = world.send(delayed(flowing(to(A), "k", 1, 0, 1), 3600));
    world.advance_secs(1200);
    assert!(world.try_flow("k").is_err());
    world.advance_secs(2400);
    assert_eq!(world.open(), [first], "its parallelism is 1");
    assert_eq!(world.flow("k").waiting, 1);
    world.answer_next(success());
    assert_eq!(world.open(), [second]);
}

#[test]
fn a_paused_or_pinned_key_is_not_forgotten_until_ten_minutes_after_it_is_let_go() {
    let mut world = World::new(1);
    world.flow_act(pin(Some(1), None, None));
    world.advance_secs(5000);
    assert!(world.flow("k").key.pinned_parallelism);
    world.flow_act(FlowAction::SetPaused("k".into(), true));
    world.flow_act(unpin(true, false));
    world.advance_secs(5000);
    assert!(world.flow("k").key.paused);
    world.flow_act(FlowAction::SetPaused("k".into(), false));
    assert!(
        !world.flow("k").key.paused,
        "it can be looked at after that"
    );
    world.advance(millis(599_999));
    world.flow("k");
    world.advance(millis(1));
    assert!(world.try_flow("k").is_err());
}

#[test]
fn the_retry_of_a_forgotten_keys_message_is_under_its_limits_again() {
    let mut world = World::new(1);
    let ids = [(); 2].map(|()| world.send(flowing(retries(to(A), 3), "k", 2, 0, 1)));
    // Two failures each; the third attempts come half an hour later.
    for _ in 0..4 {
        assert!(world.until_call());
        world.answer_next(failure());
    }
    for _ in 0..2 {
        assert!(world.until_call());
        world.answer_next(failure());
    }
    world.advance_secs(900);
    assert!(world.try_flow("k").is_err());
    assert!(world.until_call());
    assert_eq!(world.open(), ids);
    assert_eq!(world.flow("k").calls, 2);
}
