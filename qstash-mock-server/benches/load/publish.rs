//! (b) publish into a pull queue against (a) a bare handler; and one dialect against the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Plan;
use crate::report::{self, micros, per_second, ratios};
use crate::subject::{Role, Subject};
use crate::wire::{BODY, Connection, bare, message, post};

/// What a run of publishes came to.
#[derive(Clone, Copy, Debug)]
struct Run {
    per_second: f64,
    /// Processor time of the subject for one request, in microseconds.
    processor: Option<f64>,
}

pub(crate) fn publish(subject: &Subject, queue: &str, delay_seconds: u32) -> Vec<u8> {
    let body = message(BODY);
    let body = format!(r#"{{"queue":"{queue}","delay_seconds":{delay_seconds},"message":{body}}}"#);
    post("/v1/publish", &subject.bearer, &body)
}

/// Sends the same request again and again over so many connections; how many were answered, in what time.
pub(crate) async fn repeat(
    subject: &Subject,
    request: &[u8],
    connections: usize,
    time: Duration,
) -> (u64, Duration) {
    let request: Arc<[u8]> = request.into();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::open(subject.address)
            .await
            .expect("a connection");
        let request = Arc::clone(&request);
        tasks.spawn(async move {
            let (mut count, start) = (0, Instant::now());
            while start.elapsed() < time {
                connection.succeed(&request).await;
                count += 1;
            }
            count
        });
    }
    let start = Instant::now();
    let counts = tasks.join_all().await;
    (counts.into_iter().sum(), start.elapsed())
}

async fn measured(subject: &Subject, request: &[u8], connections: usize, time: Duration) -> Run {
    repeat(subject, request, connections, time / 10).await;
    let before = subject.processor_time();
    let (count, elapsed) = repeat(subject, request, connections, time).await;
    let processor = subject
        .processor_time()
        .zip(before)
        .map(|(after, before)| micros(after - before) / count as f64);
    Run {
        per_second: per_second(count, elapsed),
        processor,
    }
}

pub(crate) async fn against_bare(plan: &Plan) {
    report::heading("publish, 1 KiB: (b) into a pull queue, (a) a bare axum handler");
    for &connections in &plan.connections {
        let mut rounds = Vec::new();
        for _ in 0..plan.rounds {
            let subject = Subject::start(Role::Bare, None);
            let request = post("/", "", &message(BODY));
            let a = measured(&subject, &request, connections, plan.time).await;
            drop(subject);
            let subject = Subject::start(Role::Server, None);
            let request = publish(&subject, "load", 0);
            let b = measured(&subject, &request, connections, plan.time).await;
            rounds.push((a, b));
        }
        show(
            connections,
            &rounds,
            ["a", "b"],
            ["aim: >= 0.85", "aim: <= 1.35"],
        );
    }
}

/// v2 against v1: a message to a webhook, due tomorrow.
pub(crate) async fn both_dialects(plan: &Plan) {
    report::heading("publish of a delayed message, 1 KiB: /v2 against /v1");
    for &connections in &plan.connections {
        let mut rounds = Vec::new();
        for _ in 0..plan.rounds {
            let subject = Subject::start(Role::Server, None);
            let request = publish(&subject, "load", 86_400);
            let one = measured(&subject, &request, connections, plan.time).await;
            drop(subject);
            let subject = Subject::start(Role::Server, None);
            if !is_served(&subject).await {
                return report::line("/v2", "is not served", "");
            }
            let headers = format!("{}Upstash-Delay: 1d\r\n", subject.bearer);
            let path = "/v2/publish/http://127.0.0.1:9/hook";
            let request = post(path, &headers, &message(BODY));
            let two = measured(&subject, &request, connections, plan.time).await;
            rounds.push((one, two));
        }
        show(connections, &rounds, ["v1", "v2"], ["aim: >= 0.90", ""]);
    }
}

async fn is_served(subject: &Subject) -> bool {
    let mut connection = Connection::open(subject.address)
        .await
        .expect("a connection");
    let request = bare("GET", "/v2/queues", &subject.bearer);
    matches!(connection.exchange(&request).await, Ok((200, _)))
}

fn show(connections: usize, rounds: &[(Run, Run)], names: [&str; 2], aims: [&str; 2]) {
    let [one, two] = names;
    let rate =
        |run: fn(&(Run, Run)) -> Run| report::median(rounds.iter().map(|it| run(it).per_second));
    let (first, second) = (rate(|it| it.0), rate(|it| it.1));
    report::line(
        format!("{connections} connections: {one}, {two} (messages/s)"),
        format!("{first:.0}, {second:.0}"),
        "",
    );
    let throughput: Vec<f64> = rounds
        .iter()
        .map(|(a, b)| b.per_second / a.per_second)
        .collect();
    ratios(
        format!("{connections} connections: throughput {two} / {one}"),
        &throughput,
        aims[0],
    );
    let processor: Vec<(f64, f64)> = rounds
        .iter()
        .filter_map(|(a, b)| a.processor.zip(b.processor))
        .collect();
    if processor.is_empty() {
        return;
    }
    let (first, second) = (
        report::median(processor.iter().map(|it| it.0)),
        report::median(processor.iter().map(|it| it.1)),
    );
    report::line(
        format!("{connections} connections: processor time {one}, {two} (us/message)"),
        format!("{first:.1}, {second:.1}"),
        "",
    );
    let processor: Vec<f64> = processor.iter().map(|(a, b)| b / a).collect();
    ratios(
        format!("{connections} connections: processor time {two} / {one}"),
        &processor,
        aims[1],
    );
}
