//! Short words for what the tests say most.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use qstash_mock_server::engine::{
    Attempt, Caller, Envelope, MessageView, MetricsAction, Outcome, Publish, PullAction,
    QueueAction, QueueName, QueuePatch, Receive, To, ToQueue, Verdict,
};

pub(crate) fn owner() -> Arc<Caller> {
    Arc::new(Caller::owner("defaultUser"))
}

pub(crate) fn name(name: &str) -> QueueName {
    QueueName::parse(name).expect("a queue name")
}

pub(crate) fn publish(queue: &str) -> Publish {
    let to = ToQueue {
        queue: name(queue),
        delay: Duration::ZERO,
        idempotency_key: None,
        max_retries: None,
        headers: Arc::new([]),
    };
    Publish::to_queue(to, Bytes::from_static(b"{}"))
}

/// Cancels all messages of a queue, and forgets no key.
pub(crate) fn purge(queue: QueueName) -> QueueAction {
    QueueAction::Purge {
        queue,
        forget_keys: false,
    }
}

/// The same message to a queue, with something else said of it.
pub(crate) fn but(mut publish: Publish, change: impl FnOnce(&mut ToQueue)) -> Publish {
    match &mut publish.to {
        To::Queue(to) => change(to),
        other => panic!("not to a queue: {other:?}"),
    }
    publish
}

/// The same message, invisible for so long.
pub(crate) fn later(publish: Publish, seconds: u64) -> Publish {
    but(publish, |it| it.delay = Duration::from_secs(seconds))
}

/// The same with another body.
pub(crate) fn saying(publish: Publish, body: impl Into<Bytes>) -> Publish {
    Publish {
        body: body.into(),
        ..publish
    }
}

pub(crate) fn put(queue: &str, patch: QueuePatch) -> QueueAction {
    QueueAction::Put(name(queue), Box::new(patch))
}

/// The metrics of all queues in one page.
pub(crate) const fn all_metrics() -> MetricsAction {
    let (after, limit) = (None, usize::MAX);
    MetricsAction::Queues { after, limit }
}

/// Sends dead letters of the queue `dead` back to where they died, or to one queue.
pub(crate) fn redrive(to: Option<&str>, max_messages: Option<usize>) -> QueueAction {
    QueueAction::Redrive {
        queue: name("dead"),
        to: to.map(name),
        max_messages,
    }
}

pub(crate) fn receive(queue: &str, max_messages: usize, wait: u64) -> PullAction {
    PullAction::Receive(Receive {
        queue: name(queue),
        max_messages,
        wait: Duration::from_secs(wait),
        visibility_timeout: None,
    })
}

pub(crate) fn pushed(parallelism: u32) -> QueuePatch {
    QueuePatch {
        webhook_url: Some(Some("http://consumer.test/hook".into())),
        parallelism: Some(parallelism),
        ..QueuePatch::default()
    }
}

pub(crate) fn dead_letters_to(queue: &str) -> QueuePatch {
    QueuePatch {
        dead_letter_queue: Some(Some(name(queue))),
        ..QueuePatch::default()
    }
}

pub(crate) fn success() -> Outcome {
    outcome(Verdict::Success, 200)
}

pub(crate) fn accepted() -> Outcome {
    outcome(Verdict::Accepted, 202)
}

pub(crate) fn failure() -> Outcome {
    outcome(Verdict::Failure { retry_after: None }, 500)
}

pub(crate) fn failure_with_retry_after(seconds: u64) -> Outcome {
    let retry_after = Some(Duration::from_secs(seconds));
    outcome(Verdict::Failure { retry_after }, 503)
}

pub(crate) fn outcome(verdict: Verdict, status: u16) -> Outcome {
    let failed = matches!(verdict, Verdict::Failure { .. } | Verdict::Rejected);
    Outcome {
        verdict,
        status: Some(status),
        error: failed.then(|| format!("status {status}")),
        headers: Arc::new([]),
        body: Bytes::from(format!("answer {status}")),
    }
}

/// The secret that signs an attempt of a queue's message.
pub(crate) fn secret_of(attempt: &Attempt) -> Arc<str> {
    match &attempt.envelope {
        Envelope::QueueRules(envelope) => Arc::clone(&envelope.secret),
        Envelope::CarriedRules(envelope) => Arc::clone(&envelope.key),
    }
}

/// The queue that a message of these tests is in.
pub(crate) fn queue_of(view: &MessageView) -> &str {
    view.queue.as_ref().map_or("", QueueName::as_str)
}
