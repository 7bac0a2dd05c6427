//! A ladder of seven retries over 48 hours, climbed in less than a second: the server's clock stands still
//! and moves from deadline to deadline.

use std::time::{Duration, Instant};

use qstash_client::Client;
use qstash_client::v1::Backoff;
use qstash_examples::{Failure, ensure};
use qstash_mock_server::MockServer;
use qstash_mock_server::engine::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    climb().await
}

async fn climb() -> Result<(), Failure> {
    let begun = Instant::now();
    let start = Timestamp::from_millis(1_800_000_000_000);
    let server = MockServer::builder().manual_clock(start).start().await?;
    // Down for two days, and back for the last rung.
    let consumer = server
        .consumer()
        .respond([503, 503, 503, 503, 503, 503, 503, 200])
        .start();
    let client = Client::builder()
        .base_url(server.uri())
        .token(server.token())
        .build()?;
    let rungs = [
        MINUTE,
        5 * MINUTE,
        30 * MINUTE,
        2 * HOUR,
        5 * HOUR,
        16 * HOUR + 24 * MINUTE,
        24 * HOUR,
    ];
    client
        .v1()
        .queues()
        .create("payments")
        .webhook_url(consumer.url())
        .max_retries(7)
        .retry_backoff(Backoff::List {
            waits: rungs.to_vec(),
        })
        .send()
        .await?;
    server
        .expect()
        .message_to("payments")
        .delivered()
        .times(1)
        .within(48 * HOUR);
    client.v1().publish("payments", &42).send().await?;

    server.advance(48 * HOUR).await?;

    let mut at = Duration::ZERO;
    let mut expected = vec![at];
    for rung in rungs {
        at += rung;
        expected.push(at);
    }
    let deliveries = server.deliveries().of("payments").all();
    for delivery in &deliveries {
        let hours = delivery.started_at().since(start).as_secs_f64() / 3600.0;
        let status = delivery.status().unwrap_or_default();
        println!(
            "attempt {} after {hours:6.2} h: {status}",
            delivery.attempt()
        );
    }
    let times: Vec<_> = deliveries
        .iter()
        .map(|it| it.started_at().since(start))
        .collect();
    ensure(times == expected, "each rung is met to the millisecond")?;
    server.verify().await;
    println!("48 hours in {:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn the_ladder_is_climbed() {
    climb().await.unwrap();
}
