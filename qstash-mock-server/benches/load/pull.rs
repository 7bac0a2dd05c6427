//! A batched pull cycle: send 10 in one request, receive 10 in one, acknowledge each.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Plan;
use crate::report::{self, per_second};
use crate::subject::{Role, Subject};
use crate::wire::{BODY, Connection, message, post};

const BATCH: usize = 10;

pub(crate) async fn cycle(plan: &Plan) {
    report::heading("pull: send 10, receive 10, acknowledge 10");
    for &connections in &plan.connections {
        let mut rates = Vec::new();
        for _ in 0..plan.rounds {
            let subject = Subject::start(Role::Server, None);
            run(&subject, connections, plan.time / 10).await;
            rates.push(run(&subject, connections, plan.time).await);
        }
        let rate = report::median(rates);
        let what = format!("{connections} connections: messages/s");
        report::line(what, format!("{rate:.0}"), "aim: > 20,000 at 32");
    }
}

async fn run(subject: &Subject, connections: usize, time: Duration) -> f64 {
    let item = format!(r#"{{"queue":"load","message":{}}}"#, message(BODY));
    let items = vec![item; BATCH].join(",");
    let send = post(
        "/v1/publish/batch",
        &subject.bearer,
        &format!(r#"{{"messages":[{items}]}}"#),
    );
    let receive = post(
        "/v1/queues/load/receive",
        &subject.bearer,
        &format!(r#"{{"max_messages":{BATCH}}}"#),
    );
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (send, receive, bearer) = (send.clone(), receive.clone(), subject.bearer.clone());
        let mut connection = Connection::open(subject.address)
            .await
            .expect("a connection");
        tasks.spawn(async move {
            let (mut count, start) = (0, Instant::now());
            while start.elapsed() < time {
                connection.succeed(&send).await;
                let leases = leases(connection.succeed(&receive).await);
                assert_eq!(leases.len(), BATCH, "everybody takes as many as it sends");
                for (message, lease) in leases {
                    let path = format!("/v1/messages/{message}/ack");
                    let body = format!(r#"{{"lease_id":"{lease}"}}"#);
                    connection.succeed(&post(&path, &bearer, &body)).await;
                    count += 1;
                }
            }
            count
        });
    }
    let start = Instant::now();
    let count = tasks.join_all().await.into_iter().sum();
    per_second(count, start.elapsed())
}

/// The ids and leases of the messages in an answer.
fn leases(answer: &[u8]) -> Vec<(String, String)> {
    let answer = std::str::from_utf8(answer).expect("UTF-8");
    let texts = |name: &str| -> Vec<String> {
        answer
            .split(name)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap_or_default().to_owned())
            .collect()
    };
    let (ids, leases) = (texts(r#""message_id":""#), texts(r#""lease_id":""#));
    ids.into_iter().zip(leases).collect()
}
