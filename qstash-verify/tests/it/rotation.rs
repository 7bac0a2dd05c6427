//! Keys that are exchanged while a verifier serves.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use http::Request;
use qstash_verify::tower::VerifyLayer;
use qstash_verify::{ConfigError, KeyError, Keys, Scheme, Signer, Verifier, VerifierBuilder};
use tower::{Layer, ServiceExt as _};

use crate::common::*;
use crate::server::{ALL, serve};

pub(crate) const NEW_SECRET: &str = "the secret after the rotation";
pub(crate) const NEW_KEY: &str = "sig_4mFq2hXw9TnB7sLd3KcVzR8yPjUe";

pub(crate) fn new_keys() -> Keys {
    Keys::new().secret(NEW_SECRET).current_signing_key(NEW_KEY)
}

/// Two signers with the keys of [`verifier`], and two with [`new_keys`].
fn signers() -> ([Signer; 2], [Signer; 2]) {
    let secret = Signer::hmac(NEW_SECRET).unwrap().clock(NOW);
    let key = Signer::jwt(NEW_KEY).unwrap().clock(NOW);
    ([hmac(), jwt()], [secret, key])
}

fn accepts(verifier: &Verifier, signer: &Signer) -> bool {
    let (parts, body) = split(signer.request(URL, "{}").unwrap());
    verify(verifier, &parts, &body).is_ok()
}

#[test]
fn an_exchange_holds_in_all_clones_that_were_made_before_whichever_exchanges() {
    fn is_shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let before = verifier();
    is_shared(&before);
    let all = [
        before.clone(),
        before.with_expected_url(URL).unwrap(),
        before.clone().with_expected_url(URL).unwrap().clone(),
        before,
    ];
    let (old, new) = signers();
    let check = |old_fits: bool| {
        for verifier in &all {
            for (old, new) in old.iter().zip(&new) {
                assert_eq!(accepts(verifier, old), old_fits, "{old:?}");
                assert_eq!(accepts(verifier, new), !old_fits, "{new:?}");
            }
        }
    };
    check(true);
    for exchanges in &all {
        exchanges.replace_keys(new_keys()).unwrap();
        check(false);
        let back = Keys::new().secret(SECRET).current_signing_key(CURRENT);
        exchanges.replace_keys(back).unwrap();
        check(true);
    }
}

#[test]
fn two_verifiers_of_one_builder_share_no_keys() {
    let builder = builder();
    let (one, other) = (builder.clone().build().unwrap(), builder.build().unwrap());
    one.replace_keys(new_keys()).unwrap();
    assert!(!accepts(&one, &jwt()));
    assert!(accepts(&other, &jwt()));
}

#[tokio::test]
async fn an_exchange_holds_in_the_adapters_that_were_started_before() {
    let verifier = builder().clock(NOW).build().unwrap();
    let mut addresses = vec![];
    for framework in ALL {
        addresses.push((framework, serve(framework, verifier.clone()).await));
    }
    let layer = VerifyLayer::new(verifier.clone());
    let echo =
        tower::service_fn(async |_| Ok::<_, std::io::Error>(http::Response::new(Body::empty())));
    let before = layer.layer(echo);
    let (old, new) = signers();
    let cases = [(old, [200, 401]), (new, [401, 200])];
    for exchanged in [0, 1] {
        for (signer, status) in cases
            .iter()
            .flat_map(|(both, it)| both.iter().map(move |signer| (signer, it[exchanged])))
        {
            let request = signer.request(URL, r#"{"order_id": 42}"#).unwrap();
            for service in [before.clone(), layer.layer(echo)] {
                let request: Request<Body> = request.clone().map(Body::from);
                assert_eq!(service.oneshot(request).await.unwrap().status(), status);
            }
            for (framework, address) in &addresses {
                let (parts, body) = split(request.clone());
                let client = reqwest::Client::new().post(format!("http://{address}/orders"));
                let answer = client
                    .headers(parts.headers)
                    .body(body)
                    .send()
                    .await
                    .unwrap();
                assert_eq!(answer.status(), status, "{framework:?} {signer:?}");
            }
        }
        verifier.replace_keys(new_keys()).unwrap();
    }
}

/// Keys that no verifier takes, and what is said of them.
fn unusable() -> Vec<(Keys, ConfigError)> {
    let unusable = |name: &str, source| ConfigError::Key {
        name: name.to_owned(),
        source,
    };
    let quoted = format!("'{NEW_KEY}'");
    let ends = format!("{NEW_SECRET}\n");
    let token = "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=";
    vec![
        (Keys::new(), ConfigError::NoKey),
        (Keys::from_lines(""), ConfigError::NoKeyInEnvironment),
        (
            new_keys().secret(""),
            unusable("signing secret 2", KeyError::Empty),
        ),
        (
            new_keys().secret(&ends),
            unusable("signing secret 2", KeyError::Blank),
        ),
        (
            new_keys().secret(token),
            unusable("signing secret 2", KeyError::Token),
        ),
        (
            new_keys().next_signing_key(&quoted),
            unusable("the next signing key", KeyError::Quoted),
        ),
        (
            new_keys().signing_keys([NEW_KEY, "sig_ short"]),
            unusable("signing key 2", KeyError::TooShort),
        ),
        (
            new_keys().next_signing_key(NEW_SECRET).secret(""),
            unusable("the next signing key", KeyError::NotASigningKey),
        ),
        (
            Keys::from_lines(&format!("QSTASH_NEXT_SIGNING_KEY={quoted}")),
            unusable("QSTASH_NEXT_SIGNING_KEY", KeyError::Quoted),
        ),
    ]
}

#[test]
fn a_refused_exchange_changes_nothing_and_says_what_the_builder_says() {
    let verifier = verifier();
    let (old, new) = signers();
    for (keys, error) in unusable() {
        let built = builder().keys(keys.clone()).build();
        assert_eq!(built.unwrap_err(), error);
        assert_eq!(verifier.replace_keys(keys), Err(error));
        assert!(old.iter().all(|signer| accepts(&verifier, signer)));
        assert!(!new.iter().any(|signer| accepts(&verifier, signer)));
    }
}

#[test]
fn of_several_settings_that_are_wrong_the_first_is_reported() {
    let keys = || Keys::new().secret("");
    let is_of_key = |it: VerifierBuilder| matches!(it.build(), Err(ConfigError::Key { .. }));
    assert!(is_of_key(builder().keys(keys()).expected_url("")));
    assert!(!is_of_key(
        Verifier::builder().expected_url("").keys(keys())
    ));
    // What is given later does not undo it.
    assert!(is_of_key(builder().secret("").keys(new_keys())));
}

#[test]
fn all_keys_at_once_take_the_place_of_those_before() {
    let verifier = builder().keys(new_keys()).build().unwrap();
    let (old, new) = signers();
    assert!(!old.iter().any(|signer| accepts(&verifier, signer)));
    assert!(new.iter().all(|signer| accepts(&verifier, signer)));
}

#[test]
fn signing_keys_do_not_come_to_a_verifier_that_was_built_for_no_url() {
    let verifier = Verifier::builder().secret(SECRET).build().unwrap();
    let of_route = verifier.with_expected_url(URL).unwrap();
    for verifier in [&verifier, &of_route] {
        assert_eq!(verifier.replace_keys(new_keys()), Err(ConfigError::NoUrl));
        assert!(accepts(verifier, &hmac()));
    }
    verifier
        .replace_keys(Keys::new().secret(NEW_SECRET))
        .unwrap();
    assert!(!accepts(&of_route, &hmac()));
}

#[test]
fn keys_of_an_ignored_header_are_refused_in_an_exchange_too() {
    let ignoring = builder()
        .keys(Keys::new().secret(SECRET))
        .ignore(Scheme::Jwt);
    let verifier = ignoring.build().unwrap();
    let error = ConfigError::IgnoredKey(Scheme::Jwt);
    assert_eq!(verifier.replace_keys(new_keys()), Err(error));
    assert!(accepts(&verifier, &hmac()));
}

#[test]
fn verifications_go_on_during_exchanges_and_see_the_keys_of_one() {
    /// More than it takes, for a machine that has other things to do.
    const MOST: usize = 300_000;
    let ours = || Keys::new().secret(SECRET).current_signing_key(CURRENT);
    let verifier = builder().keys(ours()).build().unwrap();
    let (own, body) = split(jwt().request(URL, "{}").unwrap());
    let mut mixed = own.clone();
    let secret = Signer::hmac(NEW_SECRET).unwrap();
    let (name, value) = secret.header(URL, &body);
    mixed.headers.insert(name, value);
    let done = AtomicBool::new(false);
    let judged = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                verifier.replace_keys(new_keys()).unwrap();
                verifier.replace_keys(ours()).unwrap();
            }
        });
        let (mut accepted, mut refused, mut half) = (0, 0, 0);
        for _ in 0..MOST {
            match verify(&verifier, &own, &body) {
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
            // A secret of the one exchange, and a key of the other.
            half += usize::from(verify(&verifier, &mixed, &body).is_ok());
            if accepted >= 1000 && refused >= 1000 {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        (accepted >= 1000, refused >= 1000, half)
    });
    assert_eq!(judged, (true, true, 0));
}

#[test]
fn which_key_fitted_last_is_forgotten_with_the_keys() {
    let verifier = verifier();
    let next = Signer::jwt(NEXT).unwrap().clock(NOW);
    assert!(accepts(&verifier, &next) && accepts(&verifier, &hmac()));
    verifier.replace_keys(new_keys()).unwrap();
    let (old, new) = signers();
    assert!(!accepts(&verifier, &next) && !accepts(&verifier, &old[0]));
    assert!(new.iter().all(|signer| accepts(&verifier, signer)));
}

#[test]
fn lines_give_the_keys_that_the_environment_would() {
    let text = format!(
        "# made by the rotation\r\n\r\nQSTASH_TOKEN=\"of no concern\"\r\nEMPTY=\n  \n\
         QSTASH_SIGNING_SECRET={NEW_SECRET} = \u{e9}\r\nQSTASH_CURRENT_SIGNING_KEY={NEW_KEY}\n\
         EU_CENTRAL_1_QSTASH_NEXT_SIGNING_KEY=sig_of_the_region_eu_central_1"
    );
    let verifier = builder().keys(Keys::from_lines(&text)).build().unwrap();
    let secret = Signer::hmac(format!("{NEW_SECRET} = \u{e9}")).unwrap();
    assert!(accepts(&verifier, &secret));
    assert!(accepts(&verifier, &signers().1[1]));
    let regional = Signer::jwt("sig_of_the_region_eu_central_1")
        .unwrap()
        .clock(NOW);
    let (mut parts, body) = split(regional.request(URL, "{}").unwrap());
    parts
        .headers
        .insert("upstash-region", "EU-CENTRAL-1".parse().unwrap());
    let delivery = verify(&verifier, &parts, &body).unwrap();
    assert_eq!(
        delivery.key().to_string(),
        "the next signing key of EU-CENTRAL-1"
    );
}

#[test]
fn a_line_that_cannot_be_read_is_named_by_its_number_and_not_shown() {
    let form = "is not of the form NAME=value, with no white space in the name";
    let twice = "sets a variable that an earlier line sets";
    for (text, number, problem) in [
        (format!("\n{NEW_KEY}"), 2, form),
        (format!("={NEW_KEY}"), 1, form),
        (format!("QSTASH_CURRENT_SIGNING_KEY = {NEW_KEY}"), 1, form),
        (
            format!("export QSTASH_CURRENT_SIGNING_KEY={NEW_KEY}"),
            1,
            form,
        ),
        (
            format!("\u{feff}QSTASH_CURRENT_SIGNING_KEY={NEW_KEY}"),
            1,
            form,
        ),
        (format!("# keys\nA={NEW_KEY}\nB=\nA={CURRENT}"), 4, twice),
    ] {
        let error = verifier()
            .replace_keys(Keys::from_lines(&text))
            .unwrap_err();
        assert_eq!(error, ConfigError::Line { number, problem }, "{text:?}");
        assert_eq!(error.to_string(), format!("line {number} {problem}"));
    }
}

#[test]
fn no_exchanged_key_shows_in_debug_or_in_an_error() {
    let verifier = verifier();
    verifier.replace_keys(new_keys()).unwrap();
    let of_lines = Keys::from_lines(&format!("QSTASH_SIGNING_SECRET={NEW_SECRET}"));
    let mut shown = format!(
        "{verifier:?} {:?} {of_lines:?} {:?}",
        new_keys(),
        builder().keys(new_keys())
    );
    for (keys, error) in unusable() {
        shown += &format!("{keys:?} {error:?} {error}");
    }
    for secret in [NEW_SECRET, NEW_KEY, SECRET, CURRENT, NEXT, "eyJVc2Vy"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
