//! A schedule at nine in the morning in Berlin, over the weekend on which summer time ends: the days are
//! 24, 25 and 24 hours long, and it is nine o'clock each time.

use std::time::Duration;

use qstash_client::Client;
use qstash_examples::{Failure, ensure};
use qstash_mock_server::MockServer;
use qstash_mock_server::engine::Timestamp;

const HOUR: u64 = 3600;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run().await
}

async fn run() -> Result<(), Failure> {
    // Friday, 2026-10-23, 12:00 UTC.
    let start = Timestamp::from_millis(1_792_756_800_000);
    let server = MockServer::builder().manual_clock(start).start().await?;
    let consumer = server.consumer().start();
    let client = Client::builder()
        .base_url(server.uri())
        .token(server.token())
        .build()?;
    let schedules = client.v2().schedules();
    let schedule = schedules.create(consumer.url(), "0 9 * * *");
    schedule.time_zone("Europe/Berlin").send().await?;

    server.advance(Duration::from_secs(4 * 24 * HOUR)).await?;

    let deliveries = server.deliveries().to(consumer.url()).all();
    let hours: Vec<_> = deliveries
        .iter()
        .map(|it| it.started_at().since(start).as_secs() / HOUR)
        .collect();
    for hour in &hours {
        println!("{hour} hours after Friday noon, UTC");
    }
    // Nine in Berlin is 07:00 UTC in summer, and 08:00 UTC from Sunday on.
    let expected = [19, 19 + 25, 19 + 49, 19 + 73];
    ensure(hours == expected, "it is nine o'clock each time")?;
    let verified = consumer.received().iter().all(|it| it.signature().is_ok());
    ensure(verified, "every delivery was signed in the server's time")
}

#[tokio::test]
async fn it_is_nine_o_clock_each_time() {
    run().await.unwrap();
}
