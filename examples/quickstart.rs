//! The main job, offline and in seconds: a server, a consumer that verifies every delivery, a producer
//! with the typed client, and a worker that pulls. Prints what happened to each order, and exits 0 only
//! if all of it went as it should.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use comfy_table::Table;
use qstash_client::Client;
use qstash_client::v1::{Backoff, MessageState, MessageView};
use qstash_examples::{Failure, ensure, serve};
use qstash_mock_server::MockServer;
use qstash_verify::Verifier;
use qstash_verify::axum::Verified;
use serde::{Deserialize, Serialize};

/// One line of `examples/data/orders.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    order_id: u64,
    customer: String,
    item: String,
    total_cents: u64,
    fate: Fate,
}

/// What is to happen to an order on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    Delivered,
    FailsTwice,
    NeverAccepted,
    PublishedTwice,
    Delayed,
    Pulled,
}

/// How often each order was seen by the consumer.
type Seen = Arc<Mutex<HashMap<u64, u32>>>;

#[derive(Clone)]
struct Consumer {
    verifier: Verifier,
    seen: Seen,
}

impl FromRef<Consumer> for Verifier {
    fn from_ref(consumer: &Consumer) -> Self {
        consumer.verifier.clone()
    }
}

async fn consume(
    State(consumer): State<Consumer>,
    Verified(Json(order)): Verified<Json<Order>>,
) -> StatusCode {
    let mut seen = consumer.seen.lock().expect("no handler panics");
    let times = seen.entry(order.order_id).or_default();
    *times += 1;
    match order.fate {
        Fate::NeverAccepted => StatusCode::INTERNAL_SERVER_ERROR,
        Fate::FailsTwice if *times <= 2 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    story().await?;
    println!("everything went as it should");
    Ok(())
}

async fn story() -> Result<(), Failure> {
    let server = MockServer::start().await;
    let client = Client::builder()
        .base_url(server.uri())
        .token(server.token())
        .build()?;
    let seen = Seen::default();
    let webhook = start_consumer(server.signing_secret(), Arc::clone(&seen)).await?;
    create_queues(&client, &webhook).await?;

    let orders: Vec<Order> = serde_json::from_str(include_str!("data/orders.json"))?;
    let worker = tokio::spawn(pull(client.clone()));
    let mut story = Vec::new();
    for order in &orders {
        story.push((order.clone(), publish(&client, order).await?));
    }
    let extended = worker.await??;

    let mut finished = Vec::new();
    for (order, id) in story {
        finished.push((order, until_settled(&client, &id).await?));
    }
    print_story(&finished);
    print_metrics(&client).await?;
    check(&client, &finished, &seen, extended).await?;
    server.shutdown().await;
    Ok(())
}

async fn start_consumer(secret: &str, seen: Seen) -> Result<String, Failure> {
    let verifier = Verifier::builder().secret(secret).build()?;
    let app = Router::new()
        .route("/orders", post(consume))
        .with_state(Consumer { verifier, seen });
    Ok(format!("{}/orders", serve(app).await?))
}

async fn create_queues(client: &Client, webhook: &str) -> Result<(), Failure> {
    let backoff = Backoff::Fixed {
        wait: Duration::from_millis(100),
    };
    client
        .v1()
        .queues()
        .create("order-events")
        .webhook_url(webhook)
        .max_retries(3)
        .retry_backoff(backoff)
        .dead_letter_queue("order-failures")
        .send()
        .await?;
    client.v1().queues().create("order-packing").send().await?;
    Ok(())
}

/// Publishes an order the way its fate has it, and returns the message's id.
async fn publish(client: &Client, order: &Order) -> Result<String, Failure> {
    let queue = if order.fate == Fate::Pulled {
        "order-packing"
    } else {
        "order-events"
    };
    let key = format!("order-{}", order.order_id);
    let mut publish = client.v1().publish(queue, order).idempotency_key(&key);
    if order.fate == Fate::Delayed {
        publish = publish.delay(Duration::from_millis(500));
    }
    let published = publish.send().await?;
    if order.fate == Fate::PublishedTwice {
        let again = client
            .v1()
            .publish(queue, order)
            .idempotency_key(&key)
            .send()
            .await?;
        ensure(
            again.deduplicated && again.message_id == published.message_id,
            "the second publish is a duplicate",
        )?;
    }
    Ok(published.message_id.as_str().to_owned())
}

/// The worker: waits for an order, extends its lease, acknowledges it. Tells whether that worked.
async fn pull(client: Client) -> Result<bool, Failure> {
    let wait = Duration::from_secs(10);
    let leases = client
        .v1()
        .receive::<Order>("order-packing")
        .wait(wait)
        .send()
        .await?;
    let mut extended = false;
    for mut lease in leases {
        let before = lease.expires_at();
        extended = lease.extend(Duration::from_secs(120)).await? > before;
        lease.ack().await?;
    }
    Ok(extended)
}

/// Looks at a message until it is finished or a dead letter.
async fn until_settled(client: &Client, id: &str) -> Result<MessageView, Failure> {
    let started = Instant::now();
    loop {
        let message = client.v1().messages().get(id).send().await?;
        let finished = matches!(
            message.state,
            MessageState::Delivered | MessageState::Failed
        );
        if finished || message.dead_letter.is_some() {
            return Ok(message);
        }
        ensure(
            started.elapsed() < Duration::from_secs(30),
            "every order is settled within 30 s",
        )?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn print_story(finished: &[(Order, MessageView)]) {
    let mut table = Table::new();
    table.set_header([
        "order", "customer", "message", "attempts", "outcome", "latency",
    ]);
    for (order, message) in finished {
        let outcome = match &message.dead_letter {
            Some(letter) => format!("dead letter of {}", letter.source_queue),
            None => format!("{:?}", message.state).to_lowercase(),
        };
        table.add_row([
            order.order_id.to_string(),
            order.customer.clone(),
            message.id.to_string(),
            message.attempts.len().to_string(),
            outcome,
            latency(message).map_or_else(|| "-".to_owned(), |it| format!("{} ms", it.as_millis())),
        ]);
    }
    println!("{table}");
}

/// From publishing to the end of the last attempt.
fn latency(message: &MessageView) -> Option<Duration> {
    let last = message.attempts.last()?;
    let waited = last.started_at?.as_millis() - message.published_at?.as_millis();
    Some(Duration::from_millis(u64::try_from(waited).ok()?) + last.duration?)
}

async fn print_metrics(client: &Client) -> Result<(), Failure> {
    let metrics = client.v1().metrics().send().await?;
    let mut table = Table::new();
    table.set_header([
        "queue",
        "published",
        "deduplicated",
        "delivered",
        "retried",
        "dead-lettered",
        "pending",
    ]);
    for (name, queue) in &metrics.queues {
        table.add_row([
            name.to_string(),
            queue.published.to_string(),
            queue.deduplicated.to_string(),
            queue.delivered.to_string(),
            queue.retried.to_string(),
            queue.dead_lettered.to_string(),
            queue.pending.to_string(),
        ]);
    }
    println!("{table}");
    Ok(())
}

async fn check(
    client: &Client,
    finished: &[(Order, MessageView)],
    seen: &Seen,
    extended: bool,
) -> Result<(), Failure> {
    let seen = seen.lock().expect("no handler panics").clone();
    for (order, message) in finished {
        let times = seen.get(&order.order_id).copied().unwrap_or(0);
        let (dead, attempts, calls) = match order.fate {
            Fate::FailsTwice => (false, 3, 3),
            Fate::NeverAccepted => (true, 4, 4),
            Fate::Pulled => (false, 1, 0),
            Fate::Delivered | Fate::PublishedTwice | Fate::Delayed => (false, 1, 1),
        };
        let name = format!("order {} ({:?})", order.order_id, order.fate);
        ensure(
            message.dead_letter.is_some() == dead,
            &format!("{name} ends where it should"),
        )?;
        ensure(
            message.attempts.len() == attempts,
            &format!("{name} takes {attempts} attempts"),
        )?;
        ensure(
            times == calls,
            &format!("{name} reaches the webhook {calls} times"),
        )?;
        if order.fate == Fate::Delayed {
            ensure(
                latency(message) >= Some(Duration::from_millis(500)),
                &format!("{name} waits its delay"),
            )?;
        }
    }
    ensure(extended, "the worker extends its lease")?;
    let metrics = client.v1().metrics().send().await?;
    let events = &metrics.queues["order-events"];
    let counts = (
        events.published,
        events.deduplicated,
        events.delivered,
        events.dead_lettered,
        events.pending,
    );
    ensure(
        counts == (5, 1, 4, 1, 0),
        "the metrics of order-events add up",
    )?;
    ensure(
        metrics.queues["order-failures"].pending == 1,
        "one dead letter waits",
    )
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn everything_goes_as_it_should() {
        super::story().await.unwrap();
    }
}
