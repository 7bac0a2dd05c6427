//! v2.md sections 2.9 and 3.8: what a URL group says by default, and what a publisher says instead.

use std::sync::Arc;

use bytes::Bytes;
use qstash_mock_server::engine::{
    Error, FlowLimits, GivenHeader, GivenValue, MessageId, PartialSettings, Publish, PutSchedule,
    Reply, ScheduleAction, SettingsFault, SettingsOf, ToGroup, UrlGroupAction,
};

use super::words::{A, B, BACK, group_name, schedule, secs, to_group};
use crate::world::{World, name, success};

fn said(change: impl FnOnce(&mut PartialSettings)) -> PartialSettings {
    let mut settings = PartialSettings::default();
    change(&mut settings);
    settings
}

fn set(world: &mut World, defaults: PartialSettings) -> Result<Reply, Error> {
    let defaults = Arc::new(defaults);
    world.act(UrlGroupAction::SetDefaults(group_name("g"), defaults))
}

fn to_group_with(settings: PartialSettings) -> ToGroup {
    let (group, queue) = (group_name("g"), None);
    ToGroup {
        group,
        queue,
        settings,
    }
}

/// A message to the group with these settings.
fn message(settings: PartialSettings) -> Publish {
    Publish::to_destination(to_group_with(settings), Bytes::from_static(b"{}"))
}

fn header(name: &str, value: &str) -> GivenHeader {
    GivenHeader {
        name: name.into(),
        value: GivenValue::Text(value.into()),
    }
}

fn retries_of(world: &mut World, id: MessageId) -> u32 {
    let carried = world.carried(id).expect("it is there").carried;
    carried.expect("its own rules").max_retries
}

/// A group of one endpoint with defaults.
fn world(defaults: PartialSettings) -> World {
    let mut world = World::new(1);
    world.group("g", &[A]);
    assert_eq!(set(&mut world, defaults), Ok(Reply::Done));
    world
}

#[test]
fn defaults_are_kept_until_they_are_replaced() {
    let defaults = said(|it| it.message.max_retries = Some(1));
    let mut world = world(defaults.clone());
    world.group("g", &[B]);
    world.crash();
    let kept = world.try_group("g").expect("a group").defaults;
    assert_eq!(*kept, defaults);
    assert_eq!(set(&mut world, said(|_| {})), Ok(Reply::Done));
    let replaced = world.try_group("g").expect("a group").defaults;
    assert_eq!(*replaced, PartialSettings::default());
    world.done(UrlGroupAction::Delete(group_name("g")));
    let unknown = Error::UrlGroupNotFound(group_name("g"));
    assert_eq!(set(&mut world, defaults), Err(unknown));
}

#[test]
fn a_group_speaks_where_the_publisher_is_silent() {
    let mut world = world(said(|it| {
        it.message.max_retries = Some(1);
        it.message.timeout = Some(secs(7));
        it.message.forward = vec![header("X-One", "group"), header("X-Two", "group")];
        it.callback.options.max_retries = Some(0);
    }));
    let silent = world.send_all(message(said(|_| {})))[0].id;
    assert_eq!(retries_of(&mut world, silent), 1);
    let said = said(|it| {
        it.message.max_retries = Some(9);
        it.message.forward = vec![header("x-one", "mine")];
        it.callback.url = Some(BACK.into());
    });
    let id = world.send_all(message(said))[0].id;
    let view = world.carried(id).expect("it is there");
    let carried = view.carried.expect("its own rules");
    assert_eq!((carried.max_retries, carried.timeout), (9, Some(secs(7))));
    let callback = carried.callback.as_ref().expect("a URL from one side");
    assert_eq!((&*callback.url, callback.max_retries), (BACK, Some(0)));
    let sent = view.headers.iter();
    let sent = sent.map(|(name, value)| (name.as_str(), value.as_str()));
    let expected = [("x-one", "mine"), ("X-Two", "group")];
    assert_eq!(sent.collect::<Vec<_>>(), expected);
}

#[test]
fn the_defaults_of_the_moment_count_and_change_nothing_that_is_published() {
    let mut world = world(said(|it| it.message.max_retries = Some(1)));
    let before = world.send_all(message(said(|_| {})))[0].id;
    let defaults = said(|it| it.message.max_retries = Some(2));
    assert_eq!(set(&mut world, defaults), Ok(Reply::Done));
    let after = world.send_all(message(said(|_| {})))[0].id;
    assert_eq!([before, after].map(|id| retries_of(&mut world, id)), [1, 2]);
}

#[test]
fn what_only_the_sum_breaks_is_refused_and_changes_nothing() {
    let mut world = world(said(|it| it.message.flow_key = Some("k".into())));
    let commits = world.commits.len();
    let missing = SettingsFault::FlowLimitsMissing(SettingsOf::Message);
    let refused = world.try_send(message(said(|_| {})));
    assert_eq!(refused, Err(Error::Settings(missing)));
    assert!(world.commits[commits..].iter().all(|it| it.is_empty()));
    let limits = FlowLimits {
        parallelism: Some(1),
        rate: None,
        period: secs(1),
    };
    let with_limits = || message(said(|it| it.message.flow_limits = Some(limits)));
    world.send_all(with_limits());
    world.send_all(with_limits());
    assert_eq!(world.flow("k").waiting, 1);
}

#[test]
fn a_group_may_be_published_to_through_a_queue_and_an_unknown_one_not_at_all() {
    let mut world = world(said(|it| it.message.delay = Some(secs(5))));
    world.group("g", &[B]);
    let through = ToGroup {
        queue: Some(name("q")),
        ..to_group_with(said(|_| {}))
    };
    world.send_all(Publish::to_destination(through, Bytes::new()));
    assert!(world.calls.is_empty());
    world.advance_secs(5);
    assert_eq!(world.urls(), [A]);
    world.answer_next(success());
    assert_eq!(world.urls(), [B]);
    world.done(UrlGroupAction::Delete(group_name("g")));
    let unknown = Error::UrlGroupNotFound(group_name("g"));
    assert_eq!(world.try_send(message(said(|_| {}))), Err(unknown));
}

#[test]
fn a_schedule_has_the_defaults_of_the_moment_when_it_was_made() {
    let mut world = world(said(|it| it.message.max_retries = Some(1)));
    let put = || PutSchedule {
        to: to_group_with(said(|_| {})).into(),
        ..schedule("s", "* * * * *", to_group("g"))
    };
    world.put_schedule(put());
    let defaults = said(|it| it.message.max_retries = Some(2));
    assert_eq!(set(&mut world, defaults), Ok(Reply::Done));
    world.advance_secs(60);
    let id = world.open()[0];
    assert_eq!(retries_of(&mut world, id), 1);
    let forwards = said(|it| it.forward_incoming = Some(true));
    assert_eq!(set(&mut world, forwards), Ok(Reply::Done));
    let put = ScheduleAction::Put(Box::new(put()));
    let fault = SettingsFault::ScheduleForwardsIncoming;
    assert_eq!(world.act(put), Err(Error::Settings(fault)));
}
