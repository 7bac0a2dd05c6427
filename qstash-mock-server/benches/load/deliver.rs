//! (d) publish to a webhook against (c) a toy relay: messages that arrive in a second.

use std::time::{Duration, Instant};

use crate::Plan;
use crate::consumer::Consumer;
use crate::publish::{publish, repeat};
use crate::report::{self, per_second, ratios};
use crate::subject::{PARALLELISM, Role, Subject};
use crate::wire::{BODY, Connection, message, post};

/// A server with a queue whose webhook is the consumer, and the request that publishes to it.
pub(crate) async fn webhook(consumer: &Consumer) -> (Subject, Vec<u8>) {
    let subject = Subject::start(Role::Server, None);
    let url = consumer.address;
    let queue =
        format!(r#"{{"name":"load","webhook_url":"http://{url}/","parallelism":{PARALLELISM}}}"#);
    let request = post("/v1/queues", &subject.bearer, &queue);
    let mut connection = Connection::open(subject.address)
        .await
        .expect("a connection");
    connection.succeed(&request).await;
    let request = publish(&subject, "load", 0);
    (subject, request)
}

/// A relay to the consumer, and the request that it relays.
pub(crate) fn relay(consumer: &Consumer) -> (Subject, Vec<u8>) {
    let subject = Subject::start(Role::Relay, Some(consumer.address));
    (subject, post("/", "", &message(BODY)))
}

pub(crate) async fn against_relay(plan: &Plan) {
    report::heading("publish to receipt, 1 KiB: (d) signed webhooks, (c) a toy relay");
    let consumer = Consumer::start().await;
    for &connections in &plan.connections {
        let (mut relayed, mut delivered, mut shares) = (vec![], vec![], vec![]);
        for _ in 0..plan.rounds {
            let (subject, request) = relay(&consumer);
            let c = receipts(&subject, &request, &consumer, connections, plan.time).await;
            drop(subject);
            let (subject, request) = webhook(&consumer).await;
            let d = receipts(&subject, &request, &consumer, connections, plan.time).await;
            relayed.push(c);
            delivered.push(d);
            shares.push(d / c);
        }
        let (c, d) = (report::median(relayed), report::median(delivered));
        report::line(
            format!("{connections} connections: c, d (messages/s)"),
            format!("{c:.0}, {d:.0}"),
            "",
        );
        let what = format!("{connections} connections: throughput d / c");
        ratios(what, &shares, "aim: >= 0.85");
    }
}

/// Publishes for a while, then waits for what is still under way: receipts a second over all of it.
async fn receipts(
    subject: &Subject,
    request: &[u8],
    consumer: &Consumer,
    connections: usize,
    time: Duration,
) -> f64 {
    let before = consumer.count();
    let (count, _) = repeat(subject, request, connections, time / 10).await;
    consumer.reaches(before + count).await;
    let (before, start) = (consumer.count(), Instant::now());
    let (count, _) = repeat(subject, request, connections, time).await;
    consumer.reaches(before + count).await;
    per_second(count, start.elapsed())
}
