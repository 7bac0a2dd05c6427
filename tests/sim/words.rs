//! Short words for what the tests say most.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use qstash_mock_server::engine::{
    Action, Caller, Outcome, Publish, QueueName, QueuePatch, Receive, Verdict,
};

pub(crate) fn owner() -> Arc<Caller> {
    Arc::new(Caller::owner("defaultUser"))
}

pub(crate) fn name(name: &str) -> QueueName {
    QueueName::parse(name).expect("a queue name")
}

pub(crate) fn publish(queue: &str) -> Publish {
    Publish {
        queue: name(queue),
        body: Bytes::from_static(b"{}"),
        delay: Duration::ZERO,
        idempotency_key: None,
        max_retries: None,
        headers: Arc::new([]),
    }
}

pub(crate) fn receive(queue: &str, max_messages: usize, wait: u64) -> Action {
    Action::Receive(Receive {
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
        headers: std::sync::Arc::new([]),
        body: Bytes::from(format!("answer {status}")),
    }
}

/// The secret that signs an attempt of a queue's message.
pub(crate) fn secret_of(attempt: &qstash_mock_server::engine::Attempt) -> std::sync::Arc<str> {
    match &attempt.envelope {
        qstash_mock_server::engine::Envelope::QueueRules(envelope) => envelope.secret.clone(),
        qstash_mock_server::engine::Envelope::CarriedRules(envelope) => envelope.key.clone(),
    }
}

/// The queue that a message of these tests is in.
pub(crate) fn queue_of(view: &qstash_mock_server::engine::MessageView) -> &str {
    view.queue.as_ref().map_or("", QueueName::as_str)
}
