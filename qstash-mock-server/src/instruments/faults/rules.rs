//! The faults in force on one server, and when they strike.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::plan::Plan;
use super::rule::{Kind, Rule};
use crate::engine::Attempt;

/// The most faults that a server may have at the same time.
const MAX_FAULTS: usize = 1_000;

/// The faults of one server.
pub(crate) struct Faults {
    /// The number from which decisions derive. It derives from the seed of ids, which nobody can compute from it.
    dice: u64,
    /// The seed of the server, for reports, if it has a number for one.
    seed: Option<u64>,
    any_delivery: AtomicBool,
    any_api: AtomicBool,
    rules: Mutex<Rules>,
}

#[derive(Default)]
struct Rules {
    next: u64,
    rules: Vec<InForce>,
}

struct InForce {
    id: FaultId,
    rule: Rule,
    /// How often the fault could have struck.
    seen: u64,
    /// How often the fault has struck.
    hits: Arc<AtomicU64>,
}

/// Names a fault in force on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub(crate) u64);

/// The parts of a call of the API that rules look at.
pub(crate) struct ApiCall<'a> {
    pub(crate) path: &'a str,
    pub(crate) account: Option<&'a str>,
    pub(crate) queue: Option<&'a str>,
}

/// The faults that strike one call of the API.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ApiFault {
    pub(crate) delay: Duration,
    pub(crate) status: Option<(StatusCode, HeaderMap)>,
    pub(crate) reset_before: bool,
    pub(crate) reset_after: bool,
}

/// A fault in the list of faults in force.
pub(crate) struct ListedFault {
    pub(crate) id: FaultId,
    pub(crate) rule: Rule,
    pub(crate) hits: u64,
}

impl Faults {
    /// `dice` is the number from which decisions derive; `seed` is shown in reports.
    pub(crate) fn new(dice: u64, seed: Option<u64>) -> Self {
        Self {
            dice,
            seed,
            any_delivery: AtomicBool::new(false),
            any_api: AtomicBool::new(false),
            rules: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a fault in force; `None` if there are too many.
    pub(crate) fn inject(&self, rule: Rule) -> Option<(FaultId, Arc<AtomicU64>)> {
        let mut rules = self.lock();
        if rules.rules.len() >= MAX_FAULTS {
            return None;
        }
        let id = FaultId(rules.next);
        rules.next += 1;
        let hits = Arc::new(AtomicU64::new(0));
        rules.rules.push(InForce {
            id,
            rule,
            seen: 0,
            hits: Arc::clone(&hits),
        });
        self.note(&rules);
        Some((id, hits))
    }

    pub(crate) fn remove(&self, id: FaultId) -> bool {
        let mut rules = self.lock();
        let before = rules.rules.len();
        rules.rules.retain(|fault| fault.id != id);
        self.note(&rules);
        rules.rules.len() < before
    }

    /// Removes all faults, and returns how many there were.
    pub(crate) fn clear(&self) -> usize {
        let mut rules = self.lock();
        let removed = std::mem::take(&mut rules.rules).len();
        self.note(&rules);
        removed
    }

    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }

    pub(crate) fn list(&self) -> Vec<ListedFault> {
        let rules = self.lock();
        let listed = |fault: &InForce| ListedFault {
            id: fault.id,
            rule: fault.rule.clone(),
            hits: fault.hits.load(Ordering::Relaxed),
        };
        rules.rules.iter().map(listed).collect()
    }

    fn note(&self, rules: &Rules) {
        let any = |api| rules.rules.iter().any(|it| it.rule.kind.is_api() == api);
        self.any_api.store(any(true), Ordering::Relaxed);
        self.any_delivery.store(any(false), Ordering::Relaxed);
    }

    /// Whether a fault of calls is in force.
    pub(crate) fn any_api(&self) -> bool {
        self.any_api.load(Ordering::Relaxed)
    }

    /// Whether a fault of calls that is limited to a queue is in force.
    pub(crate) fn any_api_queue(&self) -> bool {
        self.lock()
            .rules
            .iter()
            .any(|fault| fault.rule.kind.is_api() && fault.rule.scope.queue.is_some())
    }

    /// The faults that strike a delivery.
    pub(crate) fn plan(&self, attempt: &Attempt) -> Option<Plan> {
        if !self.any_delivery.load(Ordering::Relaxed) {
            return None;
        }
        // The random half of the id and the attempt: the same in every run with the same seed.
        let case = (
            attempt.message.0.as_u128() as u64,
            u64::from(attempt.number),
        );
        let mut plan = Plan::default();
        for fault in &mut self.lock().rules {
            let fits = !fault.rule.kind.is_api() && fault.rule.scope.has_delivery(attempt);
            if fits && fault.strikes(self.dice, case) {
                plan.add(&fault.rule.kind);
            }
        }
        (plan != Plan::default()).then_some(plan)
    }

    /// The faults that strike a call.
    pub(crate) fn call(&self, call: &ApiCall<'_>) -> ApiFault {
        let mut met = ApiFault::default();
        for fault in &mut self.lock().rules {
            let case = (fault.seen, 0);
            let fits = fault.rule.kind.is_api() && fault.rule.scope.has_call(call);
            if !fits || !fault.strikes(self.dice, case) {
                continue;
            }
            match &fault.rule.kind {
                Kind::ApiStatus(status, headers) => {
                    met.status.get_or_insert_with(|| (*status, headers.clone()));
                }
                Kind::ApiDelay(by) => met.delay += *by,
                Kind::ApiResetBefore => met.reset_before = true,
                Kind::ApiResetAfter => met.reset_after = true,
                _ => {}
            }
        }
        met
    }
}

impl InForce {
    /// Decides whether the fault, which could strike, does. `case` names the delivery or call.
    fn strikes(&mut self, dice: u64, case: (u64, u64)) -> bool {
        let when = &self.rule.when;
        let seen = usize::try_from(self.seen).unwrap_or(usize::MAX);
        self.seen += 1;
        let chosen = match (&when.script, when.probability) {
            (Some(script), _) => script.get(seen).copied().unwrap_or(false),
            (None, Some(probability)) => fraction([dice, self.id.0, case.0, case.1]) < probability,
            (None, None) => true,
        };
        let left = when
            .times
            .is_none_or(|times| self.hits.load(Ordering::Relaxed) < times);
        if chosen && left {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        chosen && left
    }
}

/// A number in `0.0..1.0` made of `words`.
fn fraction(words: [u64; 4]) -> f64 {
    let mut mixed = 0x9e37_79b9_7f4a_7c15_u64;
    for word in words {
        // The finaliser of SplitMix64, after each word.
        mixed = (mixed ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
    }
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    let numerator = (mixed >> 11) as f64;
    numerator / (1u64 << 53) as f64
}
