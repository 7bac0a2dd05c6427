//! Faults as a test writes them, and when they strike.

use super::*;
use crate::delivery::test_attempt as attempt;
use crate::engine::Attempt;
use crate::instruments::{ApiCall, ApiFault, Faults};

fn faults(fault: Fault) -> Faults {
    let faults = Faults::new(7, None);
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
        let faults = Faults::new(seed, None);
        let fault = Fault::duplicate().probability(0.2);
        faults.inject(fault.checked().unwrap()).unwrap();
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
