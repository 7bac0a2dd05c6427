//! The report of expectations that were not met: what came nearest, and what is still in the queues.

use std::fmt;

use super::super::delivery::Delivery;
use super::super::seed::Seed;
use super::ledger::Entry;
use crate::driver::Driver;

/// How many deliveries the report shows for each expectation.
const NEAREST: usize = 3;

/// The error of [`MockServer::try_verify`](crate::MockServer::try_verify): expectations were not met. `Display` and
/// `Debug` both write a report for a person, so that a test that ends with this error shows it.
#[derive(Clone)]
pub struct Unmet {
    missed: Vec<Missed>,
    captured: usize,
    forgotten: u64,
    queues: Vec<String>,
    seed: Option<u64>,
}

impl std::error::Error for Unmet {}

impl fmt::Debug for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One expectation that was not met.
#[derive(Clone, Debug)]
pub(super) struct Missed {
    wanted: String,
    count: usize,
    nearest: Vec<Near>,
}

/// A delivery that comes near to an expectation.
#[derive(Clone, Debug)]
struct Near {
    delivery: Delivery,
    differences: Vec<String>,
}

impl Missed {
    /// `count` of the deliveries match the expectation.
    pub(super) fn of(entry: &Entry, count: usize, deliveries: &[Delivery]) -> Self {
        let mut near: Vec<Near> = deliveries
            .iter()
            .map(|delivery| Near {
                delivery: delivery.clone(),
                differences: entry.criteria.differences(delivery).collect(),
            })
            .collect();
        // Deliveries that match come first, because there may be too many of them; of equals the newest comes first.
        near.reverse();
        near.sort_by_key(|near| near.differences.len());
        near.truncate(NEAREST);
        Self {
            wanted: wanted(entry),
            count,
            nearest: near,
        }
    }
}

fn wanted(entry: &Entry) -> String {
    let criteria = &entry.criteria;
    let mut text = format!("{} of {}", criteria.ending.name(), criteria.filter);
    if !criteria.body.is_empty() {
        text.push_str(", with a matching body");
    }
    text.push_str(&format!(", {}", entry.times));
    if let Some(within) = entry.within {
        text.push_str(&format!(", within {} s", within.as_secs_f64()));
    }
    text.push_str(&format!(" ({}:{})", entry.at.file(), entry.at.line()));
    text
}

impl Unmet {
    pub(super) fn new(missed: Vec<Missed>, deliveries: &[Delivery], driver: &Driver) -> Self {
        Self {
            missed,
            captured: deliveries.len(),
            forgotten: driver.instruments().captured.forgotten(),
            queues: queues(driver),
            seed: driver.instruments().faults.seed(),
        }
    }
}

/// A line for each queue.
fn queues(driver: &Driver) -> Vec<String> {
    let metrics = driver.all_metrics();
    let of_account = |(account, metrics): &(crate::engine::AccountName, crate::engine::Metrics)| {
        let account = account.clone();
        let lines = metrics.queues.iter().map(move |(name, queue)| {
            format!(
                "{name} of {account}: {} ready, {} delayed, {} in flight, {} delivered, {} failed, {} dead-lettered",
                queue.ready,
                queue.delayed,
                queue.in_flight,
                queue.counters.delivered,
                queue.counters.failed,
                queue.counters.dead_lettered
            )
        });
        lines.collect::<Vec<_>>()
    };
    metrics.iter().flat_map(of_account).collect()
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} expectation(s) not met", self.missed.len())?;
        for missed in &self.missed {
            writeln!(f, "\n- expected: {}", missed.wanted)?;
            writeln!(f, "  happened: {} times", missed.count)?;
            for near in &missed.nearest {
                writeln!(f, "  near: {:?}", near.delivery)?;
                for difference in &near.differences {
                    writeln!(f, "    {difference}")?;
                }
            }
        }
        writeln!(f, "\ncaptured in all: {} attempts", self.captured)?;
        if self.forgotten > 0 {
            writeln!(f, "forgotten for the sake of the bound: {}", self.forgotten)?;
        }
        for queue in &self.queues {
            writeln!(f, "queue {queue}")?;
        }
        writeln!(f, "{}", Seed(self.seed))
    }
}
