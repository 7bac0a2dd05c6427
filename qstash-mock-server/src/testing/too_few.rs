//! The report of a wait that saw too few deliveries.

use std::fmt;

use super::delivery::Delivery;
use super::filter::Filter;
use super::scene::Scene;
use super::watch::Ended;

/// How many deliveries the report shows.
const SHOWN: usize = 5;

/// The error of [`Deliveries::wait_for`](super::Deliveries::wait_for): fewer deliveries were over than it waited for.
/// `Display` and `Debug` both write a report for a person, so that a test that ends with this error shows it.
#[derive(Clone)]
pub struct TooFew {
    pub(super) wanted: usize,
    pub(super) filter: Filter,
    pub(super) matching: Vec<Delivery>,
    pub(super) ended: Ended,
    /// Whether the wait had a limit of its own.
    pub(super) own_limit: bool,
    pub(super) scene: Box<Scene>,
}

impl fmt::Debug for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = self.matching.iter().filter(|it| it.is_over()).count();
        write!(f, "waited for {} deliveries and saw {over}", self.wanted)?;
        let captured = self.scene.captured();
        writeln!(
            f,
            " (asked for {}; {captured} were captured in all)",
            self.filter
        )?;
        match self.ended {
            Ended::StandsStill => writeln!(
                f,
                "the wait ended at once: the clock is manual, and nothing is due or in flight that could end while it \
                 stands still. Move the clock, or set `within` if something is published elsewhere meanwhile"
            )?,
            Ended::TimeOver(limit) => {
                let limit = limit.as_secs_f64();
                let name = if self.own_limit {
                    format!("the {limit} s of `within`")
                } else {
                    format!(
                        "the real-time limit of {limit} s (`real_time_limit`, or `within` for one wait)"
                    )
                };
                writeln!(f, "the wait ended because {name} was over")?;
            }
            Ended::Done => {}
        }
        for delivery in self.matching.iter().rev().take(SHOWN).rev() {
            writeln!(f, "  {delivery}")?;
        }
        write!(f, "{}", self.scene)
    }
}

impl std::error::Error for TooFew {}
