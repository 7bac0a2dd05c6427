//! The faults of one server, and when they strike.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::super::toolkit::Toolkit;
use super::fault::{Fault, InvalidFault, Kind, Scope};
use super::plan::Plan;
use crate::engine::Attempt;

/// Faults that a server may have at a time.
const MAX_FAULTS: usize = 1_000;

/// The faults of one server.
pub(crate) struct Faults {
    seed: u64,
    any_delivery: AtomicBool,
    any_api: AtomicBool,
    rules: Mutex<Rules>,
}

#[derive(Default)]
struct Rules {
    next: u64,
    rules: Vec<Rule>,
}

struct Rule {
    id: FaultId,
    fault: Fault,
    /// How often it could have struck.
    seen: u64,
    /// How often it did.
    hits: Arc<AtomicU64>,
}

/// Names a fault of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub(crate) u64);

/// A call of the API, as far as faults can tell.
pub(crate) struct ApiCall<'a> {
    pub(crate) path: &'a str,
    pub(crate) account: Option<&'a str>,
    pub(crate) queue: Option<&'a str>,
}

/// What was decided for one call of the API.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ApiFault {
    pub(crate) delay: Duration,
    pub(crate) status: Option<(StatusCode, HeaderMap)>,
    pub(crate) reset_before: bool,
    pub(crate) reset_after: bool,
}

/// A fault as it is listed.
pub(crate) struct ListedFault {
    pub(crate) id: FaultId,
    pub(crate) fault: Fault,
    pub(crate) hits: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
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
    pub(crate) fn inject(&self, fault: Fault) -> Option<(FaultId, Arc<AtomicU64>)> {
        let mut rules = self.lock();
        if rules.rules.len() >= MAX_FAULTS {
            return None;
        }
        let id = FaultId(rules.next);
        rules.next += 1;
        let hits = Arc::new(AtomicU64::new(0));
        rules.rules.push(Rule {
            id,
            fault,
            seen: 0,
            hits: Arc::clone(&hits),
        });
        self.note(&rules);
        Some((id, hits))
    }

    pub(crate) fn remove(&self, id: FaultId) -> bool {
        let mut rules = self.lock();
        let before = rules.rules.len();
        rules.rules.retain(|rule| rule.id != id);
        self.note(&rules);
        rules.rules.len() < before
    }

    /// Removes all; how many there were.
    pub(crate) fn clear(&self) -> usize {
        let mut rules = self.lock();
        let removed = std::mem::take(&mut rules.rules).len();
        self.note(&rules);
        removed
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn list(&self) -> Vec<ListedFault> {
        let rules = self.lock();
        let listed = |rule: &Rule| ListedFault {
            id: rule.id,
            fault: rule.fault.clone(),
            hits: rule.hits.load(Ordering::Relaxed),
        };
        rules.rules.iter().map(listed).collect()
    }

    fn note(&self, rules: &Rules) {
        let any = |api| rules.rules.iter().any(|it| it.fault.kind.is_api() == api);
        self.any_api.store(any(true), Ordering::Relaxed);
        self.any_delivery.store(any(false), Ordering::Relaxed);
    }

    /// Whether a call of the API has to be asked about at all.
    pub(crate) fn any_api(&self) -> bool {
        self.any_api.load(Ordering::Relaxed)
    }

    /// Whether some fault asks for the queue of a call.
    pub(crate) fn any_api_queue(&self) -> bool {
        self.lock()
            .rules
            .iter()
            .any(|rule| rule.fault.kind.is_api() && rule.fault.scope.queue.is_some())
    }

    /// What a delivery meets.
    pub(crate) fn plan(&self, attempt: &Attempt) -> Option<Plan> {
        if !self.any_delivery.load(Ordering::Relaxed) {
            return None;
        }
        // The random half of the id and the attempt: the same in every run with the same seed.
        let place = (
            attempt.message.0.as_u128() as u64,
            u64::from(attempt.number),
        );
        let mut plan = Plan::default();
        for rule in &mut self.lock().rules {
            let fits = !rule.fault.kind.is_api() && rule.fault.scope.has_delivery(attempt);
            if fits && rule.strikes(self.seed, place) {
                plan.add(&rule.fault.kind);
            }
        }
        (plan != Plan::default()).then_some(plan)
    }

    /// What a call meets.
    pub(crate) fn call(&self, call: &ApiCall<'_>) -> ApiFault {
        let mut met = ApiFault::default();
        for rule in &mut self.lock().rules {
            let place = (rule.seen, 0);
            let fits = rule.fault.kind.is_api() && rule.fault.scope.has_call(call);
            if !fits || !rule.strikes(self.seed, place) {
                continue;
            }
            match &rule.fault.kind {
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

impl Rule {
    /// It could strike: does it?
    fn strikes(&mut self, seed: u64, place: (u64, u64)) -> bool {
        let when = &self.fault.when;
        let seen = usize::try_from(self.seen).unwrap_or(usize::MAX);
        self.seen += 1;
        let chosen = match (&when.script, when.probability) {
            (Some(script), _) => script.get(seen).copied().unwrap_or(false),
            (None, Some(probability)) => {
                fraction([seed, self.id.0, place.0, place.1]) < probability
            }
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

impl Scope {
    fn has_delivery(&self, attempt: &Attempt) -> bool {
        let same = |wanted: &Option<String>, it: &str| wanted.as_deref().is_none_or(|w| w == it);
        same(&self.account, attempt.account.as_str())
            && same(
                &self.queue,
                attempt.queue().map_or("", |queue| queue.as_str()),
            )
            && fits(self.url.as_deref(), &attempt.url)
    }

    fn has_call(&self, call: &ApiCall<'_>) -> bool {
        let same =
            |wanted: &Option<String>, it: Option<&str>| wanted.is_none() || wanted.as_deref() == it;
        same(&self.account, call.account)
            && same(&self.queue, call.queue)
            && fits(self.path.as_deref(), call.path)
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any text.
pub(crate) fn fits(pattern: Option<&str>, text: &str) -> bool {
    let Some(pattern) = pattern else {
        return true;
    };
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
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

/// A fault in force. Dropping the handle leaves it in force.
#[derive(Clone)]
pub struct FaultHandle {
    toolkit: Arc<Toolkit>,
    id: FaultId,
    hits: Arc<AtomicU64>,
}

impl std::fmt::Debug for FaultHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultHandle")
            .field("id", &self.id)
            .field("hits", &self.hits())
            .finish_non_exhaustive()
    }
}

impl FaultHandle {
    /// Checks a fault and puts it in force.
    pub(crate) fn inject(toolkit: &Arc<Toolkit>, fault: Fault) -> Result<Self, InvalidFault> {
        let injected = toolkit.faults.inject(fault.checked()?);
        let (id, hits) = injected.ok_or_else(InvalidFault::too_many)?;
        Ok(Self {
            toolkit: Arc::clone(toolkit),
            id,
            hits,
        })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> FaultId {
        self.id
    }

    /// How often the fault struck.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Ends the fault; what it has struck already stays struck.
    pub fn remove(self) {
        self.toolkit.faults.remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::test_attempt as attempt;

    fn faults(fault: Fault) -> Faults {
        let faults = Faults::new(7);
        faults.inject(fault.checked().unwrap()).unwrap();
        faults
    }

    fn numbered(number: u32) -> Attempt {
        Attempt {
            number,
            ..attempt("http://a/hook", &[])
        }
    }

    fn call(faults: &Faults) -> ApiFault {
        faults.call(&ApiCall {
            path: "/v1/publish",
            account: Some("shop"),
            queue: None,
        })
    }

    #[test]
    fn a_script_is_followed_to_its_end() {
        let faults = faults(Fault::duplicate().script([true, false, true]));
        let met = [1, 2, 3, 4, 5].map(|number| faults.plan(&numbered(number)).is_some());
        assert_eq!(met, [true, false, true, false, false]);
    }

    #[test]
    fn a_probability_depends_on_seed_message_and_attempt_and_not_on_the_order() {
        let struck = |seed, numbers: &mut dyn Iterator<Item = u32>| -> Vec<u32> {
            let faults = Faults::new(seed);
            faults.inject(Fault::duplicate().probability(0.2)).unwrap();
            let mut struck: Vec<_> = numbers
                .filter(|number| faults.plan(&numbered(*number)).is_some())
                .collect();
            struck.sort_unstable();
            struck
        };
        let forwards = struck(7, &mut (1..=1000));
        assert_eq!(forwards, struck(7, &mut (1..=1000).rev()));
        assert_ne!(forwards, struck(8, &mut (1..=1000)));
        assert!((150..=250).contains(&forwards.len()), "{}", forwards.len());
    }

    #[test]
    fn the_edges_of_a_probability_are_never_and_always() {
        for (probability, expected) in [(0.0, 0), (1.0, 100)] {
            let faults = faults(Fault::slow(Duration::from_secs(1)).probability(probability));
            let struck = (1..=100).filter(|it| faults.plan(&numbered(*it)).is_some());
            assert_eq!(struck.count(), expected);
        }
    }

    #[test]
    fn a_fault_strikes_no_more_often_than_it_may() {
        let faults = faults(Fault::api_reset_after().times(2));
        let met = [(); 4].map(|()| call(&faults).reset_after);
        assert_eq!(met, [true, true, false, false]);
    }

    #[test]
    fn a_fault_strikes_only_in_its_scope() {
        for (fault, expected) in [
            (Fault::duplicate().queue("order-events"), true),
            (Fault::duplicate().queue("other"), false),
            (Fault::duplicate().account("defaultUser"), true),
            (Fault::duplicate().account("shop"), false),
            (Fault::duplicate().url("http://a/*"), true),
            (Fault::duplicate().url("http://a/"), false),
            (Fault::duplicate().url("*hook").queue("other"), false),
        ] {
            let text = format!("{fault:?}");
            assert_eq!(
                faults(fault).plan(&numbered(1)).is_some(),
                expected,
                "{text}"
            );
        }
        for (fault, expected) in [
            (Fault::api_reset_before().path("/v1/*"), true),
            (Fault::api_reset_before().path("/v2/*"), false),
            (Fault::api_reset_before().account("shop"), true),
            (Fault::api_reset_before().queue("orders"), false),
        ] {
            let text = format!("{fault:?}");
            assert_eq!(call(&faults(fault)).reset_before, expected, "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("a*b*c", "a-b-b-c", true),
            ("ab*bc", "abc", false),
        ] {
            assert_eq!(fits(Some(pattern), text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_refused_with_its_field() {
        for (fault, field) in [
            (Fault::api_status(200), "status"),
            (Fault::api_status(700), "status"),
            (Fault::api_status(500).header("a b", "c"), "headers"),
            (Fault::duplicate().header("a", "b"), "headers"),
            (Fault::duplicate().probability(1.1), "probability"),
            (Fault::duplicate().probability(f64::NAN), "probability"),
            (Fault::duplicate().script([]), "script"),
            (Fault::duplicate().script([true]).probability(0.5), "script"),
            (Fault::delay(Duration::MAX), "seconds"),
            (Fault::duplicate().path("/"), "path"),
            (Fault::api_reset_after().url("/"), "url"),
        ] {
            assert_eq!(fault.checked().unwrap_err().field, field);
        }
    }
}
