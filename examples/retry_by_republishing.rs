//! Retrying by publishing a copy: a consumer that cannot do its work now publishes the message again, with
//! a delay and a higher `attempt`, and answers 202. It decides itself when the next attempt comes, and the
//! attempt travels in the message.
//!
//! A 202 means *accepted, not processed*. What becomes of the original is the queue's setting:
//!
//! - `on_accepted: done`: the original is finished, the copy alone carries on;
//! - the default: the original comes back when its lease ends. The consumer needs a guard on the business
//!   id, which turns away what a copy has taken over.
//!
//! Both ways run here, on a manual clock: a quarter of an hour of retries takes as long as the answers.
//! Delivery is at least once, so a consumer that moves money wants the guard in either case.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use comfy_table::Table;
use qstash_client::Client;
use qstash_client::v1::OnAccepted;
use qstash_examples::{Failure, ensure, serve};
use qstash_mock_server::MockServer;
use qstash_mock_server::engine::Timestamp;
use qstash_verify::Verifier;
use qstash_verify::axum::Verified;
use serde::{Deserialize, Serialize};

const QUEUE: &str = "payments";
const START: Timestamp = Timestamp::from_millis(1_795_510_800_000);
/// The longest wait before the next attempt, in seconds.
const DELAY_MAX: u64 = 300;

/// One line of `examples/data/payments.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Payment {
    payment_id: String,
    payer: String,
    iban: String,
    amount_cents: u64,
    currency: String,
    /// How often the payment gateway is out of order before it takes this payment.
    gateway_failures: usize,
}

/// What is published: a payment and how often it was tried before.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    attempt: u32,
    payment: Payment,
}

impl Job {
    /// The job to be published when this one did not work out, and when it is due.
    fn next(&self) -> (Self, Duration) {
        let seconds = 2_u64.saturating_pow(self.attempt).min(DELAY_MAX);
        let job = Self {
            attempt: self.attempt + 1,
            payment: self.payment.clone(),
        };
        (job, Duration::from_secs(seconds))
    }
}

/// The two settings under which the pattern works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    AcceptedIsDone,
    Guarded,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    for way in [Way::AcceptedIsDone, Way::Guarded] {
        let payments = story(way).await?;
        println!("{way:?}: {payments} payments, each charged exactly once\n");
    }
    Ok(())
}

/// Publishes all payments, lets time pass until nothing is left to do, and checks what came of it. The
/// number of payments.
async fn story(way: Way) -> Result<usize, Failure> {
    let payments: Vec<Payment> = serde_json::from_str(include_str!("data/payments.json"))?;
    let server = MockServer::builder().manual_clock(START).start().await?;
    let server = Arc::new(server);
    let client = Client::builder()
        .base_url(server.uri())
        .token(server.token())
        .build()?;
    let consumer = Consumer {
        verifier: Verifier::builder()
            .secret(server.signing_secret())
            .build()?,
        client: client.clone(),
        server: Arc::clone(&server),
        gateway: Arc::default(),
        guard: (way == Way::Guarded).then(Guard::default),
    };
    let app = Router::new()
        .route("/payments", post(consume))
        .with_state(consumer.clone());
    create_queue(&client, way, &serve(app).await?).await?;

    for payment in &payments {
        let job = Job {
            attempt: 0,
            payment: payment.clone(),
        };
        let publish = client.v1().publish(QUEUE, &job);
        publish.idempotency_key(&payment.payment_id).send().await?;
    }
    server.advance(Duration::from_secs(20 * 60)).await?;

    print_story(&payments, &consumer.gateway());
    check_payments(&payments, &consumer)?;
    check_queue(&payments, &client, way).await?;
    Ok(payments.len())
}

async fn create_queue(client: &Client, way: Way, consumer: &str) -> Result<(), Failure> {
    let mut create = client.v1().queues().create(QUEUE);
    if way == Way::AcceptedIsDone {
        create = create.on_accepted(OnAccepted::Done);
    }
    create
        .webhook_url(format!("{consumer}/payments"))
        .send()
        .await?;
    Ok(())
}

#[derive(Clone)]
struct Consumer {
    verifier: Verifier,
    client: Client,
    /// Tells the time that it is.
    server: Arc<MockServer>,
    gateway: Arc<Mutex<Gateway>>,
    guard: Option<Guard>,
}

impl Consumer {
    fn gateway(&self) -> MutexGuard<'_, Gateway> {
        self.gateway.lock().expect("no handler panics")
    }
}

impl FromRef<Consumer> for Verifier {
    fn from_ref(consumer: &Consumer) -> Self {
        consumer.verifier.clone()
    }
}

async fn consume(
    State(consumer): State<Consumer>,
    Verified(Json(job)): Verified<Json<Job>>,
) -> StatusCode {
    let guard = consumer.guard.as_ref();
    match guard.map_or(Claim::Granted, |guard| guard.claim(&job)) {
        Claim::Granted => {}
        Claim::Finished => return StatusCode::OK,
        // The queue delivers it again later.
        Claim::Busy => return StatusCode::SERVICE_UNAVAILABLE,
    }
    let charged = consumer
        .gateway()
        .charge(&job.payment, consumer.server.now());
    let (result, answer) = if charged {
        (Claimed::Paid, StatusCode::OK)
    } else if republish(&consumer.client, &job).await.is_ok() {
        (Claimed::HandedOn, StatusCode::ACCEPTED)
    } else {
        // Nothing carries on: the queue has to deliver this one again.
        (Claimed::Failed, StatusCode::INTERNAL_SERVER_ERROR)
    };
    if let Some(guard) = guard {
        guard.settle(&job, result);
    }
    answer
}

/// The pattern itself. The key makes it safe to repeat: one attempt has one copy.
async fn republish(client: &Client, job: &Job) -> Result<(), qstash_client::Error> {
    let (copy, delay) = job.next();
    let key = format!("{}-retry-{}", job.payment.payment_id, job.attempt);
    let publish = client.v1().publish(QUEUE, &copy);
    publish.delay(delay).idempotency_key(key).send().await?;
    Ok(())
}

/// What the consumer remembers by business id: how far each payment has come.
#[derive(Clone, Default)]
struct Guard(Arc<Mutex<HashMap<String, Progress>>>);

#[derive(Default)]
struct Progress {
    /// Attempts before this one were handed on to a copy.
    next_attempt: u32,
    /// A delivery is being worked on.
    claimed: bool,
    paid: bool,
    /// Deliveries of what was paid or handed on already.
    turned_away: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Claim {
    /// Do the work, then settle.
    Granted,
    /// Paid, or handed on to a copy.
    Finished,
    /// Another delivery of the same payment is being worked on.
    Busy,
}

enum Claimed {
    Paid,
    HandedOn,
    Failed,
}

impl Guard {
    fn progress(&self) -> MutexGuard<'_, HashMap<String, Progress>> {
        self.0.lock().expect("no handler panics")
    }

    fn claim(&self, job: &Job) -> Claim {
        let mut payments = self.progress();
        let progress = payments.entry(job.payment.payment_id.clone()).or_default();
        if progress.paid || job.attempt < progress.next_attempt {
            progress.turned_away += 1;
            Claim::Finished
        } else if std::mem::replace(&mut progress.claimed, true) {
            Claim::Busy
        } else {
            Claim::Granted
        }
    }

    fn settle(&self, job: &Job, result: Claimed) {
        let mut payments = self.progress();
        let progress = payments.entry(job.payment.payment_id.clone()).or_default();
        progress.claimed = false;
        match result {
            Claimed::Paid => progress.paid = true,
            Claimed::HandedOn => progress.next_attempt = job.attempt + 1,
            Claimed::Failed => {}
        }
    }
}

/// Stands for the bank's side: fails as often as the payment says, then charges each time it is asked.
#[derive(Default)]
struct Gateway {
    calls: HashMap<String, Vec<Timestamp>>,
    charges: HashMap<String, usize>,
}

impl Gateway {
    fn charge(&mut self, payment: &Payment, now: Timestamp) -> bool {
        let calls = self.calls.entry(payment.payment_id.clone()).or_default();
        calls.push(now);
        if calls.len() <= payment.gateway_failures {
            return false;
        }
        *self.charges.entry(payment.payment_id.clone()).or_default() += 1;
        true
    }
}

/// Seconds from the start to each call of the gateway.
fn call_times(gateway: &Gateway, payment: &Payment) -> Vec<u64> {
    let calls = gateway.calls.get(&payment.payment_id);
    let since_start = |call: &Timestamp| (call.as_millis() - START.as_millis()) / 1_000;
    calls.into_iter().flatten().map(since_start).collect()
}

fn print_story(payments: &[Payment], gateway: &Gateway) {
    let mut table = Table::new();
    table.set_header(["payment", "payer", "amount", "charges", "tried after (s)"]);
    for payment in payments {
        let times = call_times(gateway, payment);
        let times: Vec<_> = times.iter().map(u64::to_string).collect();
        let charges = gateway.charges.get(&payment.payment_id);
        table.add_row([
            payment.payment_id.clone(),
            payment.payer.clone(),
            format!(
                "{}.{:02} {}",
                payment.amount_cents / 100,
                payment.amount_cents % 100,
                payment.currency
            ),
            charges.copied().unwrap_or(0).to_string(),
            times.join(", "),
        ]);
    }
    println!("{table}");
}

/// Each payment was charged once, tried at the times that the delays add up to, and, where there is a
/// guard, each original that came back was turned away.
fn check_payments(payments: &[Payment], consumer: &Consumer) -> Result<(), Failure> {
    let gateway = consumer.gateway();
    for payment in payments {
        let name = &payment.payment_id;
        ensure(
            gateway.charges.get(name) == Some(&1),
            &format!("{name} is charged exactly once"),
        )?;
        let mut due = vec![0];
        for attempt in 0..payment.gateway_failures {
            due.push(due[attempt] + 2_u64.pow(attempt.try_into()?).min(DELAY_MAX));
        }
        ensure(
            call_times(&gateway, payment) == due,
            &format!("{name} is tried after {due:?} seconds"),
        )?;
        if let Some(guard) = &consumer.guard {
            let turned_away = guard.progress()[name].turned_away;
            ensure(
                turned_away == payment.gateway_failures,
                &format!("every original of {name} comes back and is turned away"),
            )?;
        }
    }
    Ok(())
}

/// Nothing is left over, and nothing was published, delivered or dead-lettered beyond the story.
async fn check_queue(payments: &[Payment], client: &Client, way: Way) -> Result<(), Failure> {
    let metrics = client.v1().metrics().send().await?;
    let queue = &metrics.queues[QUEUE];
    let copies: u64 = payments
        .iter()
        .map(|payment| payment.gateway_failures as u64)
        .sum();
    let messages = payments.len() as u64 + copies;
    // Where a 202 is not the end, each original is delivered once more.
    let retried = if way == Way::Guarded { copies } else { 0 };
    let counts = (queue.published, queue.delivered, queue.retried);
    ensure(
        counts == (messages, messages, retried),
        &format!("{messages} messages are published and delivered, {retried} of them twice"),
    )?;
    ensure(
        (queue.pending, queue.failed, queue.dead_lettered) == (0, 0, 0),
        "no message is left over or lost",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_that_takes_202_for_done_charges_each_payment_once() {
        story(Way::AcceptedIsDone).await.unwrap();
    }

    #[tokio::test]
    async fn a_guard_on_the_business_id_charges_each_payment_once_on_a_default_queue() {
        story(Way::Guarded).await.unwrap();
    }

    #[test]
    fn the_guard_lets_one_delivery_work_at_a_time_and_none_after_the_payment() {
        let guard = Guard::default();
        let payments: Vec<Payment> =
            serde_json::from_str(include_str!("data/payments.json")).unwrap();
        let first = Job {
            attempt: 0,
            payment: payments[0].clone(),
        };
        let (second, _) = first.next();
        assert_eq!(guard.claim(&first), Claim::Granted);
        assert_eq!(guard.claim(&first), Claim::Busy);
        guard.settle(&first, Claimed::Failed);
        assert_eq!(guard.claim(&first), Claim::Granted);
        guard.settle(&first, Claimed::HandedOn);
        assert_eq!(guard.claim(&first), Claim::Finished);
        assert_eq!(guard.claim(&second), Claim::Granted);
        guard.settle(&second, Claimed::Paid);
        assert_eq!(guard.claim(&second), Claim::Finished);
    }
}
