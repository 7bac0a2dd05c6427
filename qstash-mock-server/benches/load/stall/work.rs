//! What runs while the lock is watched.

use std::time::Instant;

use tokio::task::JoinSet;

use super::held::Field;
use crate::Plan;
use crate::wire::{Connection, bare, next_page};

/// Dead letters of one retry: the most that one request may reach.
const RETRIED: usize = 100;

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) work: Work,
    /// Whether there is an aim for the time that it may hold the lock; the others are there for comparison.
    pub(super) has_aim: bool,
}

/// What is done.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Cancel all messages that have one of these labels.
    Cancel(Vec<String>),
    /// Cancel all messages of a queue.
    Purge,
    /// Send the messages of one queue to another.
    Redrive,
    /// Publish dead letters again, [`RETRIED`] with each request. They fail again and become dead letters again.
    Retries,
    /// Resume a queue in which many messages wait; all of them fail.
    Resume,
    /// Walk through the pages of a list.
    Pages(String),
    /// The same by four clients at once.
    PagesForFour(String),
    /// Publish messages to be purged.
    QueueBatches,
    /// Publish messages to be cancelled.
    UrlBatches,
}

/// Everything that is measured.
pub(super) fn all(plan: &Plan) -> Vec<Operation> {
    let bulk = plan.held / 10;
    let operation = |name: String, work, has_aim| Operation {
        name,
        work,
        has_aim,
    };
    let mut all = vec![
        operation(
            format!("publish {bulk} in batches of 1,000 (v1)"),
            Work::QueueBatches,
            false,
        ),
        operation(format!("purge {bulk} (v1)"), Work::Purge, true),
        operation(format!("redrive {bulk} (v1)"), Work::Redrive, true),
        operation(
            format!("publish {bulk} in batches of 1,000 (v2)"),
            Work::UrlBatches,
            false,
        ),
        operation(
            format!("cancel {bulk} by filter (v2)"),
            Work::Cancel(vec!["bulk".to_owned()]),
            true,
        ),
        operation(
            format!("cancel {bulk} by a filter of 1,000 labels (v2)"),
            Work::Cancel(many_labels("bulk")),
            true,
        ),
        operation(
            format!("{} DLQ retries of {RETRIED} (v2)", plan.held / 1_000),
            Work::Retries,
            true,
        ),
        operation(
            format!("resume a queue of {} messages (v2)", bulk / 10),
            Work::Resume,
            true,
        ),
    ];
    let many = many_labels("nobody").join(",");
    for path in [
        "/v1/queues?limit=1000",
        "/v1/queues?limit=1000&prefix=x",
        "/v1/queues/load/messages?limit=1000",
        "/v1/queues/load/messages?limit=1000&state=delivered",
        "/v2/queues",
        "/v2/dlq",
        "/v2/dlq?label=nobody",
        &format!("/v2/dlq?label={many}"),
        "/v2/logs",
        "/v2/logs?state=RETRY",
        "/v2/logs?label=nobody",
        &format!("/v2/logs?label={many}"),
        "/v2/schedules",
        "/v2/topics",
        "/v2/flowControl",
        "/v2/flowControl?search=nobody",
        "/v1/metrics",
        "/metrics",
    ] {
        let shown = path.replace(&many, "<1,000 labels>");
        let work = Work::Pages(path.to_owned());
        all.push(operation(format!("GET {shown}"), work, true));
    }
    let work = Work::PagesForFour("/v2/logs".to_owned());
    all.push(operation("GET /v2/logs, 4 clients".to_owned(), work, true));
    all.retain(|it| it.name.contains(&plan.matching));
    all
}

/// As many labels as a filter may have, the last of which is `last`.
fn many_labels(last: &str) -> Vec<String> {
    let others = (1..1_000).rev().map(|index| format!("other-{index}"));
    others.chain([last.to_owned()]).collect()
}

impl Work {
    /// Sees to it that there is something to do.
    pub(super) async fn prepare(&self, field: &mut Field) {
        let bulk = field.bulk;
        match self {
            Self::Cancel(_) => field.publish_to_url("bulk", bulk).await,
            Self::Purge => field.publish_to_queue("purged", bulk).await,
            Self::Resume => {
                let queue = r#"{"queueName":"resumed","parallelism":100000,"paused":true}"#;
                field.post("/v2/queues", queue).await;
                field.publish_through_queue("resumed", bulk / 10).await;
            }
            Self::Redrive
            | Self::Retries
            | Self::Pages(_)
            | Self::PagesForFour(_)
            | Self::QueueBatches
            | Self::UrlBatches => {}
        }
    }

    pub(super) async fn run(&self, field: &mut Field) {
        match self {
            Self::Cancel(labels) => cancel(field, labels).await,
            Self::Purge => purge(field, "purged").await,
            Self::Redrive => redrive(field).await,
            Self::Retries => retry(field).await,
            Self::Resume => {
                field.post("/v2/queues/resumed/resume", "").await;
                field.empty("resumed").await;
            }
            Self::Pages(path) => walk(field, path).await,
            Self::PagesForFour(path) => walk_for_four(field, path).await,
            Self::QueueBatches => field.publish_to_queue("batches", field.bulk).await,
            Self::UrlBatches => field.publish_to_url("batches", field.bulk).await,
        }
    }

    /// Puts back what the next round needs, or takes away what it would find too much.
    pub(super) async fn settle(&self, field: &mut Field) {
        match self {
            Self::Retries | Self::Resume => field.quiet().await,
            Self::QueueBatches => purge(field, "batches").await,
            Self::UrlBatches => cancel(field, &["batches".to_owned()]).await,
            Self::Cancel(_)
            | Self::Purge
            | Self::Redrive
            | Self::Pages(_)
            | Self::PagesForFour(_) => {}
        }
    }
}

async fn cancel(field: &mut Field, labels: &[String]) {
    let path = format!("/v2/messages?label={}", labels.join(","));
    let request = bare("DELETE", &path, &field.bearer);
    let answer = field.connection.succeed(&request).await;
    reached(answer, "cancelled", field.bulk);
}

async fn purge(field: &mut Field, queue: &str) {
    let bulk = field.bulk;
    let path = format!("/v1/queues/{queue}/purge");
    let answer = field.post(&path, "{}").await;
    reached(answer, "purged", bulk);
}

async fn redrive(field: &mut Field) {
    let ([from, to], bulk) = (field.redrive, field.bulk);
    let path = format!("/v1/queues/{from}/redrive");
    let answer = field.post(&path, &format!(r#"{{"to":"{to}"}}"#)).await;
    reached(answer, "redriven", bulk);
    field.redrive = [to, from];
}

/// The answer of a bulk operation says how many it reached.
fn reached(answer: &[u8], word: &str, count: usize) {
    let answer = String::from_utf8_lossy(answer);
    assert_eq!(answer, format!(r#"{{"{word}":{count}}}"#));
}

async fn retry(field: &mut Field) {
    for _ in 0..field.retries {
        let path = format!("/v2/dlq/retry?count={RETRIED}&order=earliestFirst");
        let answer = field.post(&path, "").await;
        let sent = String::from_utf8_lossy(answer);
        assert_eq!(
            sent.matches("messageId").count(),
            RETRIED,
            "there are enough"
        );
    }
}

async fn walk(field: &mut Field, path: &str) {
    let end = Instant::now() + field.time;
    walk_until(end, &mut field.connection, &field.bearer, path).await;
}

async fn walk_until(end: Instant, connection: &mut Connection, bearer: &str, path: &str) {
    let mut place = String::new();
    while Instant::now() < end {
        let request = bare("GET", &format!("{path}{place}"), bearer);
        place = place_of_next(path, connection.succeed(&request).await);
    }
}

/// What follows the path in the request for the next page.
fn place_of_next(path: &str, page: &[u8]) -> String {
    let and = if path.contains('?') { '&' } else { '?' };
    next_page(page).map_or_else(String::new, |cursor| format!("{and}cursor={cursor}"))
}

async fn walk_for_four(field: &Field, path: &str) {
    let end = Instant::now() + field.time;
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let (address, path, bearer) = (field.address, path.to_owned(), field.bearer.clone());
        clients.spawn(async move {
            let connection = Connection::open(address).await;
            let mut connection = connection.expect("a connection");
            walk_until(end, &mut connection, &bearer, &path).await;
        });
    }
    clients.join_all().await;
}
