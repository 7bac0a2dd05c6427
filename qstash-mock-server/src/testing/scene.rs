//! The scene of a report: what a person needs to know of the server beside the deliveries in question.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::delivery::Delivery;
use super::seed::Seed;
use super::watch::Watch;
use crate::driver::Driver;
use crate::engine::{
    AccountName, QueueMetrics, QueueName, QueueOutlook, Stage, Timestamp, Upcoming,
};
use crate::instruments::{Refused, masked};
use crate::text::rfc3339;

/// How many messages that are due next are told, and how many consumers that did not answer.
const MOST_TOLD: usize = 3;
/// How many queues are told.
const MOST_QUEUES: usize = 50;

/// The state of a server at the time of a report.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    captured: usize,
    forgotten: u64,
    /// The consumers that did not answer in time, one line for each.
    silent: Vec<String>,
    clock: String,
    due: Vec<String>,
    queues: Vec<String>,
    refused: RefusedCalls,
    seed: Option<u64>,
}

impl Scene {
    pub(super) fn of(watch: &Watch) -> Self {
        let driver = watch.driver();
        let captured = &driver.instruments().captured;
        let deliveries: Vec<_> = captured.all().into_iter().map(Delivery::of).collect();
        let (now, due) = (driver.now(), driver.upcoming(MOST_TOLD));
        Self {
            captured: deliveries.len(),
            forgotten: captured.forgotten(),
            silent: silent(&deliveries),
            clock: clock(driver.is_manual(), watch.is_auto(), now),
            due: due.iter().map(|it| due_line(it, now)).collect(),
            queues: queues(driver, &deliveries),
            refused: RefusedCalls::of(driver),
            seed: driver.instruments().faults.seed(),
        }
    }

    /// How many requests are captured in all.
    pub(super) const fn captured(&self) -> usize {
        self.captured
    }
}

/// Which clock the server has, and what moves it.
fn clock(manual: bool, auto: bool, now: Timestamp) -> String {
    let now = rfc3339(now);
    match (manual, auto) {
        (false, _) => format!("that of the operating system, {now}"),
        (true, false) => {
            format!(
                "manual, stands at {now} until `advance`, `advance_to` or `advance_to_next` moves it"
            )
        }
        (true, true) => format!(
            "automatic, stands at {now}; it skips idle time while the test awaits `settle`, `wait_for` or `verify`"
        ),
    }
}

fn due_line(due: &Upcoming, now: Timestamp) -> String {
    let message = super::delivery::spelled(due.message, due.carried);
    let queue = due.queue.as_ref();
    let queue = queue.map_or_else(String::new, |queue| format!(" in queue `{queue}`"));
    let (at, wait) = (rfc3339(due.at), due.at.since(now).as_secs_f64());
    let what = match due.stage {
        Stage::Leased => "the lease ends of message",
        _ => "message",
    };
    format!("{at}, in {wait} s: {what} {message}{queue}")
}

/// A line for each consumer that did not answer within the real-time limit.
fn silent(deliveries: &[Delivery]) -> Vec<String> {
    let mut silent: BTreeMap<String, (Duration, usize)> = BTreeMap::new();
    for delivery in deliveries {
        if let Some(limit) = delivery.record.waited() {
            let entry = silent.entry(masked(delivery.url())).or_insert((limit, 0));
            entry.1 += 1;
        }
    }
    let line = |(url, (limit, count)): (String, (Duration, usize))| {
        let limit = limit.as_secs_f64();
        format!(
            "{url}, {count} times: the real-time limit of {limit} s (`real_time_limit`) was over"
        )
    };
    silent.into_iter().take(MOST_TOLD).map(line).collect()
}

/// A line for each queue.
fn queues(driver: &Driver, deliveries: &[Delivery]) -> Vec<String> {
    let metrics = driver.all_metrics();
    let all = metrics.iter().flat_map(|(account, metrics)| {
        let queues = metrics.queues.iter();
        queues.map(move |(name, queue)| (account, name, queue))
    });
    let line = |(account, name, queue): (&AccountName, &QueueName, &QueueMetrics)| {
        let is_captured = |it: &Delivery| {
            // A message of /v2 does not tell its queue.
            let queue = it.queue().is_none_or(|queue| queue == name.as_str());
            queue && it.account() == account.as_str()
        };
        let captured = deliveries.iter().any(is_captured);
        let outlook = driver.queue_outlook(account, name).unwrap_or_default();
        let notes = notes(queue, outlook, captured);
        format!(
            "{name} of {account}: {} ready, {} delayed, {} in flight, {} delivered, {} failed, {} dead-lettered{notes}",
            queue.ready,
            queue.delayed,
            queue.in_flight,
            queue.counters.delivered,
            queue.counters.failed,
            queue.counters.dead_lettered
        )
    };
    let mut lines: Vec<_> = all.clone().take(MOST_QUEUES).map(line).collect();
    let more = all.count() - lines.len();
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// What a queue's figures do not say.
fn notes(queue: &QueueMetrics, outlook: QueueOutlook, captured: bool) -> String {
    let QueueOutlook {
        has_webhook,
        paused,
        receivable,
        leased,
    } = outlook;
    let mut notes = String::new();
    if paused {
        notes.push_str("; it is paused");
    }
    if !has_webhook && receivable > 0 {
        notes.push_str(
            "; it has no webhook, so its messages are not pushed but wait to be received",
        );
    }
    if leased > 0 {
        notes.push_str(&format!(
            "; {leased} in flight were pulled by a consumer, which is no delivery"
        ));
    }
    if !has_webhook && !captured && queue.counters.delivered > 0 {
        notes.push_str(
            "; what was delivered was pulled by a consumer, which is no delivery that is captured",
        );
    }
    notes
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "captured in all: {} requests", self.captured)?;
        if self.forgotten > 0 {
            writeln!(f, "forgotten for the sake of the bound: {}", self.forgotten)?;
        }
        for silent in &self.silent {
            writeln!(f, "no answer from {silent}")?;
        }
        writeln!(f, "clock: {}", self.clock)?;
        for due in &self.due {
            writeln!(f, "due next: {due}")?;
        }
        for queue in &self.queues {
            writeln!(f, "queue {queue}")?;
        }
        write!(f, "{}", self.refused)?;
        write!(f, "{}", Seed(self.seed))
    }
}

/// The newest calls of the API that were refused. `Display` writes a line for each, and nothing if there was none.
#[derive(Clone, Debug)]
pub(crate) struct RefusedCalls {
    newest: Vec<Refused>,
    all: u64,
}

impl RefusedCalls {
    pub(crate) fn of(driver: &Driver) -> Self {
        let (newest, all) = driver.instruments().refusals.newest();
        Self { newest, all }
    }
}

impl fmt::Display for RefusedCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.newest {
            let (at, method, path, status) = (rfc3339(it.at), &it.method, &it.path, it.status);
            let colon = if it.reason.is_empty() { "" } else { ": " };
            writeln!(
                f,
                "refused at {at}: {method} {path}: {status}{colon}{}",
                it.reason
            )?;
        }
        let more = self.all - self.newest.len() as u64;
        if more > 0 {
            writeln!(f, "refused before: {more} more calls")?;
        }
        Ok(())
    }
}
