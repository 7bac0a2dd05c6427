//! Short words for messages that carry their own rules.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use qstash_mock_server::engine::{
    Callback, Cron, DeadLetterQuery, Deduplication, Destination, Endpoint, EndpointRef, Filter,
    FlowControl, GroupName, LogKind, LogQuery, MessageAction, Method, Outcome, Publish,
    PutSchedule, RetryDelay, ScheduleId, Selection, Settings, Target, To, ToDestination, Verdict,
};

use crate::words::{name, outcome};

pub(crate) const A: &str = "https://a.example/hook";
pub(crate) const B: &str = "https://b.example/hook";
pub(crate) const C: &str = "https://c.example/hook";
pub(crate) const BACK: &str = "https://back.example/callback";
pub(crate) const FAILED: &str = "https://back.example/failed";

pub(crate) const HOUR: u64 = 60 * 60;
pub(crate) const DAY: u64 = 24 * HOUR;

fn to_destination(destination: Destination) -> Publish {
    let to = ToDestination {
        destination,
        queue: None,
        settings: Settings::default(),
    };
    Publish::to_destination(to, Bytes::from_static(b"{}"))
}

pub(crate) fn to(url: &str) -> Publish {
    to_destination(Destination::Url(url.into()))
}

pub(crate) fn through(queue: &str, url: &str) -> Publish {
    into_queue(to(url), queue)
}

pub(crate) fn to_group(group: &str) -> Publish {
    to_destination(Destination::Group(group_name(group)))
}

/// Destination, queue and settings of a message that carries its rules.
pub(crate) fn carrying(publish: Publish) -> ToDestination {
    match publish.to {
        To::Destination(Target::Destination(to)) => *to,
        other => panic!("its settings are not complete: {other:?}"),
    }
}

fn change(publish: Publish, change: impl FnOnce(&mut ToDestination)) -> Publish {
    let body = publish.body.clone();
    let mut to = carrying(publish);
    change(&mut to);
    Publish::to_destination(to, body)
}

/// The same through a queue.
pub(crate) fn into_queue(publish: Publish, queue: &str) -> Publish {
    change(publish, |it| it.queue = Some(name(queue)))
}

/// The same with other settings.
pub(crate) fn with(publish: Publish, settings: impl FnOnce(&mut Settings)) -> Publish {
    change(publish, |it| settings(&mut it.settings))
}

pub(crate) fn retries(send: Publish, retries: u32) -> Publish {
    with(send, |it| it.max_retries = Some(retries))
}

pub(crate) fn delayed(send: Publish, seconds: u64) -> Publish {
    with(send, |it| it.delay = Some(secs(seconds)))
}

pub(crate) fn labelled(send: Publish, labels: &[&str]) -> Publish {
    let labels = labels.iter().map(|label| Arc::from(*label)).collect();
    with(send, |it| it.labels = Some(labels))
}

/// Under a flow-control key with these limits; 0 is no limit.
pub(crate) fn flowing(
    send: Publish,
    key: &str,
    parallelism: u32,
    rate: u32,
    period: u64,
) -> Publish {
    let limit = |limit: u32| (limit > 0).then_some(limit);
    let flow = FlowControl {
        key: key.into(),
        parallelism: limit(parallelism),
        rate: limit(rate),
        period: secs(period),
    };
    with(send, |it| it.flow_control = Some(Arc::new(flow)))
}

pub(crate) fn keyed(send: Publish, id: &str) -> Publish {
    with(send, |it| {
        it.deduplication = Some(Deduplication::Id(id.into()))
    })
}

pub(crate) fn by_content(send: Publish) -> Publish {
    with(send, |it| it.deduplication = Some(Deduplication::Content))
}

pub(crate) fn callback(url: &str) -> Callback {
    Callback {
        url: url.into(),
        method: Method::Post,
        max_retries: None,
        retry_delay: None,
        delay: Duration::ZERO,
        timeout: None,
        flow_control: None,
        headers: Arc::new([]),
    }
}

pub(crate) fn calling_back(send: Publish) -> Publish {
    with(send, |it| it.callback = Some(Arc::new(callback(BACK))))
}

pub(crate) fn telling_failure(send: Publish) -> Publish {
    with(send, |it| {
        it.failure_callback = Some(Arc::new(callback(FAILED)))
    })
}

pub(crate) fn expression(text: &str) -> Option<Arc<RetryDelay>> {
    Some(Arc::new(RetryDelay::parse(text).expect("an expression")))
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn rejected() -> Outcome {
    outcome(Verdict::Rejected, 489)
}

/// Nobody answered.
pub(crate) fn unreachable() -> Outcome {
    let mut outcome = outcome(Verdict::Failure { retry_after: None }, 0);
    outcome.status = None;
    outcome.error = Some("connection refused".into());
    outcome
}

pub(crate) fn group_name(group: &str) -> GroupName {
    GroupName::parse(group).expect("a name of a group")
}

pub(crate) fn endpoint(url: &str, name: Option<&str>) -> Endpoint {
    Endpoint {
        url: url.into(),
        name: name.map(Into::into),
    }
}

pub(crate) fn endpoint_ref(url: Option<&str>, name: Option<&str>) -> EndpointRef {
    EndpointRef {
        url: url.map(Into::into),
        name: name.map(Into::into),
    }
}

pub(crate) fn schedule_id(id: &str) -> ScheduleId {
    ScheduleId::parse(id).expect("a name of a schedule")
}

pub(crate) fn schedule(id: &str, cron: &str, send: Publish) -> PutSchedule {
    PutSchedule {
        id: Some(schedule_id(id)),
        cron: Cron::parse(cron).expect("a cron expression"),
        body: send.body.clone(),
        to: carrying(send).into(),
    }
}

/// The same without an id, so that the engine makes one.
pub(crate) fn unnamed(put: PutSchedule) -> PutSchedule {
    PutSchedule { id: None, ..put }
}

pub(crate) fn cancel_all() -> MessageAction {
    let (filter, count) = (Box::default(), None);
    MessageAction::CancelMany(Selection::Filter { filter, count })
}

/// Everything, newest first.
pub(crate) fn all_dead() -> DeadLetterQuery {
    DeadLetterQuery {
        ids: vec![],
        filter: Filter::default(),
        cursor: None,
        count: 100,
        earliest_first: false,
    }
}

/// Everything, oldest first.
pub(crate) fn all_rows() -> LogQuery {
    LogQuery {
        kind: LogKind::CarriedRules,
        filter: Filter::default(),
        events: vec![],
        cursor: None,
        count: 1_000,
        earliest_first: true,
    }
}
