//! The report of expectations that were not met: what came nearest, and what is still in the queues.

use std::fmt;
use std::time::Duration;

use super::super::delivery::Delivery;
use super::super::scene::Scene;
use super::super::watch::Watch;
use super::ledger::Entry;

/// How many deliveries the report shows for each expectation.
const NEAREST: usize = 3;

/// The error of [`MockServer::try_verify`](crate::MockServer::try_verify): expectations were not met. `Display` and
/// `Debug` both write a report for a person, so that a test that ends with this error shows it.
#[derive(Clone)]
pub struct Unmet {
    missed: Vec<Missed>,
    judged: Judged,
    scene: Box<Scene>,
}

/// When expectations are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// After a wait that saw what it waited for, or on a clock that is not waited for.
    Now,
    /// After a wait that has lasted as long as it could.
    After {
        /// How long it has lasted, in real time.
        limit: Duration,
        /// Whether it is the time that an expectation gives, and not the server's limit.
        expected: bool,
    },
    /// When the server was dropped.
    OnDrop,
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
    pub(super) fn new(missed: Vec<Missed>, judged: Judged, watch: &Watch) -> Self {
        Self {
            missed,
            judged,
            scene: Box::new(Scene::of(watch)),
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => Ok(()),
            Self::After { limit, expected } => {
                let limit = limit.as_secs_f64();
                let name = if *expected {
                    format!("the {limit} s that an expectation gives (`Expectation::within`)")
                } else {
                    format!("the real-time limit of {limit} s (`real_time_limit`)")
                };
                writeln!(f, "they were judged because {name} was over")
            }
            Self::OnDrop => f.write_str(
                "they were judged when the server was dropped. If the test returned an `Err`, for example by `?`, this \
                 panic hides it, because a drop cannot see it. To see the error, write `unwrap()` instead of `?`, or \
                 end the test with `server.finish(result).await`\n",
            ),
        }
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} expectation(s) not met", self.missed.len())?;
        write!(f, "{}", self.judged)?;
        for missed in &self.missed {
            writeln!(f, "\n- expected: {}", missed.wanted)?;
            writeln!(f, "  happened: {} times", missed.count)?;
            for near in &missed.nearest {
                writeln!(f, "  near: {}", near.delivery)?;
                for difference in &near.differences {
                    writeln!(f, "    {difference}")?;
                }
            }
        }
        writeln!(f, "\n{}", self.scene)
    }
}
