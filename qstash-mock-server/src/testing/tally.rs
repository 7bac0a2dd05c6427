//! Counting deliveries while they happen: each is looked at twice, when it starts and when it is over.

use std::collections::HashSet;

use super::delivery::Delivery;
use crate::instruments::{Captured, Cursor};

/// Counts, for each of several checks, the deliveries that the check wants.
pub(super) struct Tally<C> {
    cursor: Cursor,
    counts: Vec<Count<C>>,
}

struct Count<C> {
    wants: C,
    count: usize,
    /// Deliveries that were counted and are not over yet, so that they will change once more.
    open: HashSet<u64>,
}

impl<C: Fn(&Delivery) -> bool> Tally<C> {
    pub(super) fn new(checks: impl IntoIterator<Item = C>) -> Self {
        let count = |wants| Count {
            wants,
            count: 0,
            open: HashSet::new(),
        };
        Self {
            cursor: Cursor::default(),
            counts: checks.into_iter().map(count).collect(),
        }
    }

    /// Looks at the new changes in `captured`, and returns how many deliveries each check has wanted so far,
    /// including those that were forgotten since.
    ///
    /// Once a check wants a delivery, it must always want it.
    pub(super) fn counts(&mut self, captured: &Captured) -> impl Iterator<Item = usize> + '_ {
        let news = captured.since(&mut self.cursor);
        if news.again {
            for it in &mut self.counts {
                it.count = 0;
                it.open.clear();
            }
        }
        for (record, last) in news.changed {
            let number = record.number;
            let delivery = Delivery::of(record);
            for it in &mut self.counts {
                it.look(number, &delivery, last);
            }
        }
        self.counts.iter().map(|it| it.count)
    }
}

impl<C: Fn(&Delivery) -> bool> Count<C> {
    fn look(&mut self, number: u64, delivery: &Delivery, last: bool) {
        let counted = self.open.contains(&number);
        if !counted && (self.wants)(delivery) {
            self.count += 1;
            self.open.insert(number);
        }
        if last {
            self.open.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::*;
    use crate::delivery::test_attempt;
    use crate::engine::{Outcome, Timestamp, Verdict};
    use crate::instruments::{Bounds, Record};

    fn captured(attempts: usize) -> Captured {
        Captured::new(Bounds {
            attempts,
            ..Bounds::default()
        })
    }

    fn begin(captured: &Captured) -> Arc<Record> {
        let attempt = Arc::new(test_attempt("http://a/hook", &[]));
        let record = captured.begin(&attempt, vec![]).unwrap();
        captured.read(&record, bytes::Bytes::new());
        record
    }

    fn end(captured: &Captured, record: &Record) {
        let outcome = Outcome {
            verdict: Verdict::Success,
            status: Some(200),
            error: None,
            headers: Arc::new([]),
            body: bytes::Bytes::new(),
        };
        captured.end(record, Some(outcome), Timestamp::from_millis(1));
    }

    /// Counts those that were started, and those that are over.
    fn tally() -> Tally<fn(&Delivery) -> bool> {
        let started: fn(&Delivery) -> bool = |_| true;
        Tally::new([started, Delivery::is_delivered])
    }

    fn counts<C: Fn(&Delivery) -> bool>(tally: &mut Tally<C>, captured: &Captured) -> Vec<usize> {
        tally.counts(captured).collect()
    }

    #[tokio::test]
    async fn each_delivery_is_looked_at_twice_however_often_somebody_asks() {
        const DELIVERIES: usize = 1_000;
        let captured = captured(DELIVERIES);
        let looks = Cell::new(0);
        let look = |delivery: &Delivery| {
            looks.set(looks.get() + 1);
            delivery.is_delivered()
        };
        let mut tally = Tally::new([look]);
        for number in 0..DELIVERIES {
            let record = begin(&captured);
            assert_eq!(counts(&mut tally, &captured), [number]);
            end(&captured, &record);
            assert_eq!(counts(&mut tally, &captured), [number + 1]);
            assert_eq!(counts(&mut tally, &captured), [number + 1]);
        }
        assert_eq!(looks.get(), 2 * DELIVERIES);
    }

    #[tokio::test]
    async fn what_came_before_counts_and_nothing_counts_twice() {
        let captured = captured(100);
        let (first, second) = (begin(&captured), begin(&captured));
        end(&captured, &first);
        let mut tally = tally();
        assert_eq!(counts(&mut tally, &captured), [2, 1]);
        end(&captured, &second);
        // An attempt that was given up is over once.
        end(&captured, &second);
        assert_eq!(counts(&mut tally, &captured), [2, 2]);
        let third = begin(&captured);
        end(&captured, &third);
        assert_eq!(counts(&mut tally, &captured), [3, 3]);
    }

    #[tokio::test]
    async fn what_was_cleared_does_not_count_any_more() {
        let captured = captured(100);
        let record = begin(&captured);
        let mut tally = tally();
        assert_eq!(counts(&mut tally, &captured), [1, 0]);
        assert_eq!(captured.clear(), 1);
        end(&captured, &record);
        assert_eq!(counts(&mut tally, &captured), [0, 0]);
        end(&captured, &begin(&captured));
        assert_eq!(counts(&mut tally, &captured), [1, 1]);
    }

    #[tokio::test]
    async fn whoever_looks_too_rarely_counts_what_is_kept() {
        let captured = captured(3);
        let mut tally = tally();
        assert_eq!(counts(&mut tally, &captured), [0, 0]);
        for _ in 0..3 {
            end(&captured, &begin(&captured));
        }
        // At the bound of changes that are kept, nothing is missed.
        assert_eq!(counts(&mut tally, &captured), [3, 3]);
        end(&captured, &begin(&captured));
        assert_eq!(
            counts(&mut tally, &captured),
            [4, 4],
            "also what is forgotten"
        );
        for _ in 0..4 {
            end(&captured, &begin(&captured));
        }
        // One past it, what is kept is counted again.
        assert_eq!(counts(&mut tally, &captured), [3, 3]);
    }
}
