//! Keys that a verifier asks for when none of its own fits.

use std::convert::Infallible;
use std::io::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use http::request::Parts;
use qstash_verify::{Keys, NewToken, Signer, SigningKey, Timestamp, Verifier, VerifierBuilder};

use crate::common::*;
use crate::log::Log;
use crate::rotation::{NEW_KEY, NEW_SECRET, new_keys};

const INTERVAL: Duration = Duration::from_secs(10);

/// Counts how often the function is asked.
fn counting<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    builder: VerifierBuilder,
    keys: impl Fn() -> Result<Option<Keys>, E> + Send + Sync + 'static,
) -> (Verifier, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let builder = builder.refresh_keys_by(INTERVAL, move || {
        counter.fetch_add(1, Ordering::Relaxed);
        keys()
    });
    (builder.build().unwrap(), asked)
}

/// A delivery of `{}` at this time, signed with this v2 key.
fn delivery(key: &str, now: Timestamp) -> Parts {
    let key = SigningKey::new(key).unwrap();
    with_token(&NewToken::new(URL, now, "jwt_1").sign(&key, b"{}"))
}

fn accepts(verifier: &Verifier, key: &str, now: Timestamp) -> bool {
    verifier.verify(&delivery(key, now), b"{}", now).is_ok()
}

#[test]
fn a_request_under_a_new_key_is_accepted_at_once_and_in_all_clones() {
    let secret = Signer::hmac(NEW_SECRET).unwrap().clock(NOW);
    let key = Signer::jwt(NEW_KEY).unwrap().clock(NOW);
    // The last one had no key at all for the header of the request.
    let only_secret = || builder().keys(Keys::new().secret(SECRET));
    for (builder, signer) in [
        (builder(), &secret),
        (builder(), &key),
        (only_secret(), &key),
    ] {
        let (verifier, asked) = counting(builder, || Ok::<_, Error>(Some(new_keys())));
        let clone = verifier.with_expected_url(URL).unwrap();
        let (parts, body) = split(signer.request(URL, "{}").unwrap());
        assert!(verify(&verifier, &parts, &body).is_ok(), "{signer:?}");
        assert!(verify(&clone, &parts, &body).is_ok());
        assert!(!accepts(&clone, CURRENT, NOW));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn strangers_make_it_ask_once_in_each_interval_whatever_came_of_it() {
    let (nothing, of_nothing) = counting(builder(), || Ok::<_, Error>(None));
    let (failing, of_failing) = counting(builder(), || Err("the file is gone"));
    let (refused, of_refused) = counting(builder(), || Ok::<_, Error>(Some(Keys::new())));
    let (same, of_same) = counting(builder(), || {
        let keys = Keys::new().current_signing_key(CURRENT);
        Ok::<_, Error>(Some(keys.secret(SECRET)))
    });
    for (verifier, asked) in [
        (nothing, of_nothing),
        (failing, of_failing),
        (refused, of_refused),
        (same, of_same),
    ] {
        let after = |millis| NOW.plus(Duration::from_millis(millis));
        let earlier = Timestamp::from_secs(NOW.as_secs() - 3600);
        for (now, expected) in [
            (NOW, 1),
            (NOW, 1),
            (after(9_999), 1),
            (after(10_000), 2),
            (after(19_999), 2),
            (after(20_000), 3),
            (after(3_600_000), 4),
            // The clock was set back.
            (earlier, 5),
            (earlier.plus(INTERVAL), 6),
        ] {
            for _ in 0..3 {
                let clone = verifier.clone();
                assert!(!accepts(&clone, "sig_of_a_stranger_altogether", now));
                assert_eq!(asked.load(Ordering::Relaxed), expected, "{now:?}");
            }
            assert!(accepts(&verifier, CURRENT, now));
        }
    }
}

#[test]
fn nobody_is_asked_where_other_keys_would_not_help() {
    let (verifier, asked) = counting(builder(), || Ok::<_, Error>(Some(new_keys())));
    let (parts, body) = split(jwt().request(URL, "{}").unwrap());
    assert!(verify(&verifier, &parts, &body).is_ok());
    let late = NOW.plus(Duration::from_secs(3600));
    assert!(verifier.verify(&parts, &body, late).is_err());
    assert!(verify(&verifier, &parts, b"another body").is_err());
    for headers in [
        &[][..],
        &[("upstash-signature", "a.b.c")],
        &[("qstash-signature", "no digits")],
        &[("upstash-signature", "a"), ("upstash-signature", "b")],
    ] {
        assert!(verify(&verifier, &crate::common::parts(headers), b"{}").is_err());
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn keys_that_do_not_come_or_cannot_be_used_are_one_warning_with_the_reason_and_no_secret() {
    let quoted = || new_keys().secret(format!("'{NEW_SECRET}'"));
    let gone = || Err(Error::other("the file is gone"));
    for ((verifier, _), reasons) in [
        (counting(builder(), gone), &["the file is gone"][..]),
        (
            counting(builder(), move || Ok::<_, Error>(Some(quoted()))),
            &["signing secret 2", "in quotes"],
        ),
    ] {
        let log = Log::default();
        tracing::subscriber::with_default(log.subscriber(tracing::Level::INFO), || {
            for _ in 0..3 {
                assert!(!accepts(&verifier, NEW_KEY, NOW));
                assert!(accepts(&verifier, CURRENT, NOW));
            }
        });
        let log = log.text();
        assert_eq!(log.matches("WARN").count(), 1, "{log}");
        let told = |it: &&&str| log.contains(**it);
        assert!(
            reasons.iter().all(|it| told(&it)) && log.contains("qstash_verify::keys"),
            "{log}"
        );
        let shown = format!("{log} {verifier:?}");
        assert!(
            !shown.contains(NEW_SECRET) && !shown.contains("sig_"),
            "{shown}"
        );
    }
}

#[test]
fn keys_that_somebody_exchanged_meanwhile_are_not_overwritten_and_are_tried() {
    let verifier: Arc<OnceLock<Verifier>> = Arc::default();
    let exchanges = Arc::clone(&verifier);
    let (built, asked) = counting(builder(), move || {
        let exchanged = exchanges.get().unwrap().replace_keys(new_keys());
        // What it had read before that.
        exchanged.map(|()| Some(Keys::new().current_signing_key(CURRENT)))
    });
    let verifier = verifier.get_or_init(|| built);
    assert!(accepts(verifier, NEW_KEY, NOW));
    assert!(!accepts(verifier, CURRENT, NOW));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn while_one_request_waits_for_keys_others_and_exchanges_do_not() {
    let (asked, is_asked) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let answers = Mutex::new(answers);
    let builder = builder().refresh_keys_by(INTERVAL, move || {
        asked.send(()).unwrap();
        let keys = answers.lock().unwrap().recv_timeout(Duration::from_secs(5));
        // Where the others wait for it, it waits in vain.
        Ok::<_, Infallible>(Some(keys.expect("others go on meanwhile")))
    });
    let verifier = builder.build().unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| accepts(&verifier, NEW_KEY, NOW));
        is_asked.recv().unwrap();
        assert!(accepts(&verifier, CURRENT, NOW));
        assert!(!accepts(&verifier, "sig_of_a_stranger_altogether", NOW));
        let keys = Keys::new().current_signing_key(NEXT);
        verifier.replace_keys(keys).unwrap();
        assert!(!accepts(&verifier, CURRENT, NOW));
        answer.send(new_keys()).unwrap();
        // What came is lost, because of the exchange.
        assert!(!waits.join().unwrap());
    });
    assert!(accepts(&verifier, NEXT, NOW) && !accepts(&verifier, NEW_KEY, NOW));
}

#[tokio::test]
async fn a_task_that_is_asked_fetches_keys_and_the_request_is_accepted_when_it_comes_again() {
    let (ask, mut asked) = tokio::sync::mpsc::channel(1);
    let (verifier, _) = counting(builder(), move || {
        let _ = ask.try_send(());
        Ok::<_, Infallible>(None)
    });
    assert!(!accepts(&verifier, NEW_KEY, NOW));
    let exchanges = verifier.clone();
    let task = tokio::spawn(async move {
        asked.recv().await.unwrap();
        exchanges.replace_keys(new_keys())
    });
    task.await.unwrap().unwrap();
    assert!(accepts(&verifier, NEW_KEY, NOW));
}

#[test]
fn a_file_that_was_rotated_is_read_again_when_its_new_key_comes() {
    let folder = std::env::temp_dir().join(format!("qstash-verify-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("keys");
    let write = |key| std::fs::write(&path, format!("QSTASH_CURRENT_SIGNING_KEY={key}\n")).unwrap();
    write(CURRENT);
    let file = path.clone();
    let read = move || std::fs::read_to_string(&file).map(|text| Keys::from_lines(&text));
    let first = builder().keys(read().unwrap());
    let (verifier, asked) = counting(first, move || read().map(Some));
    write(NEW_KEY);
    assert!(accepts(&verifier, CURRENT, NOW) && asked.load(Ordering::Relaxed) == 0);
    assert!(accepts(&verifier, NEW_KEY, NOW));
    assert!(!accepts(&verifier, CURRENT, NOW));
    std::fs::remove_dir_all(&folder).unwrap();
}
