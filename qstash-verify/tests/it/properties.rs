//! What holds of every signature: one bit of body, header or key is enough to refuse it, and no header panics.

use http::HeaderValue;
use http::request::Parts;
use proptest::prelude::*;
use qstash_verify::jws::sign_hs256;
use qstash_verify::{Signer, Verifier, VerifyError};

use crate::common::*;

fn signers() -> [Signer; 2] {
    [hmac(), jwt()]
}

/// `bytes` with each of its bits flipped in turn.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

fn signature(parts: &mut Parts) -> (http::HeaderName, HeaderValue) {
    let name = ["qstash-signature", "upstash-signature"]
        .into_iter()
        .find(|name| parts.headers.contains_key(*name))
        .unwrap();
    let value = parts.headers.remove(name).unwrap();
    (http::HeaderName::from_static(name), value)
}

#[test]
fn each_single_bit_of_the_body_counts() {
    for signer in signers() {
        for body in [&b"x"[..], br#"{"order_id": 42}"#, &[0xff; 65]] {
            let (parts, body) = split(signer.request(URL, body.to_vec()).unwrap());
            assert!(verify(&verifier(), &parts, &body).is_ok());
            for other in flipped(&body) {
                let refused = verify(&verifier(), &parts, &other).unwrap_err();
                assert!(matches!(
                    refused,
                    VerifyError::Mismatch { .. } | VerifyError::BodyMismatch { .. }
                ));
            }
        }
    }
}

#[test]
fn each_single_bit_of_the_header_counts() {
    for signer in signers() {
        let (mut parts, body) = split(signer.request(URL, "{}").unwrap());
        let (name, value) = signature(&mut parts);
        let verifier = verifier();
        let mut tried = 0;
        for other in flipped(value.as_bytes()) {
            // A control character never gets as far as a verifier.
            let Ok(other) = HeaderValue::from_bytes(&other) else {
                continue;
            };
            tried += 1;
            parts.headers.insert(&name, other.clone());
            assert!(verify(&verifier, &parts, &body).is_err(), "{other:?}");
        }
        assert!(tried > value.len() * 6, "{tried}");
        parts.headers.insert(name, value);
        assert!(verify(&verifier, &parts, &body).is_ok());
    }
}

#[test]
fn each_single_bit_of_the_key_counts() {
    let (parts, body) = split(hmac().request(URL, "{}").unwrap());
    for key in flipped(SECRET.as_bytes()) {
        let verifier = Verifier::builder().secret(&key).build().unwrap();
        let mismatch = VerifyError::Mismatch { keys: 1 };
        assert_eq!(verify(&verifier, &parts, &body), Err(mismatch));
    }
    let (parts, body) = split(jwt().request(URL, "{}").unwrap());
    for key in flipped(CURRENT.as_bytes()) {
        let builder = Verifier::builder().current_signing_key(&key);
        let Ok(verifier) = builder.public_origin(ORIGIN).build() else {
            // Without its prefix, or with a line end, it is refused as a key.
            assert!(!key.starts_with(b"sig_") || key.contains(&b'\n') || key.contains(&b'\r'));
            continue;
        };
        let (keys, region) = (1, None);
        let unknown = VerifyError::TokenSignature { keys, region };
        assert_eq!(verify(&verifier, &parts, &body), Err(unknown));
    }
}

/// Every byte that HTTP lets through.
fn header_value(size: std::ops::Range<usize>) -> impl Strategy<Value = HeaderValue> {
    let byte = any::<u8>().prop_map(|byte| match byte {
        0..32 | 127 => b'\t',
        byte => byte,
    });
    proptest::collection::vec(byte, size)
        .prop_map(|bytes| HeaderValue::from_bytes(&bytes).expect("no control characters"))
}

proptest! {
    #[test]
    fn a_body_is_good_under_its_own_signature_and_no_other(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        other in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for signer in signers() {
            let (parts, body) = split(signer.request(URL, body.clone()).unwrap());
            prop_assert!(verify(&verifier(), &parts, &body).is_ok());
            prop_assert_eq!(verify(&verifier(), &parts, &other).is_ok(), body == other);
        }
    }

    #[test]
    fn arbitrary_bytes_as_a_header_never_panic_nor_pass(
        value in header_value(0..200),
        name in prop::sample::select(&["qstash-signature", "upstash-signature"][..]),
    ) {
        let mut parts = parts(&[]);
        parts.headers.insert(name, value);
        let refused = verify(&verifier(), &parts, b"{}");
        prop_assert!(refused.is_err());
    }

    #[test]
    fn three_arbitrary_parts_never_panic_nor_pass(token in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,200}\\.[A-Za-z0-9_-]{42,44}") {
        let refused = verify(&verifier(), &with_token(&token), b"{}");
        prop_assert!(refused.is_err());
    }

    #[test]
    fn arbitrary_bytes_in_the_headers_that_no_signature_covers_never_panic(
        value in header_value(0..40),
        name in prop::sample::select(&[
            "qstash-message-id", "qstash-attempt", "qstash-queue", "upstash-message-id", "upstash-retried",
            "upstash-region", "upstash-schedule-id", "upstash-topic-name", "upstash-caller-ip",
        ][..]),
    ) {
        for signer in signers() {
            let (mut parts, body) = split(signer.request(URL, "{}").unwrap());
            parts.headers.insert(name, value.clone());
            let delivery = verify(&verifier(), &parts, &body).unwrap();
            let _ = (delivery.attempt(), delivery.retried(), delivery.region(), delivery.claims());
        }
    }

    #[test]
    fn arbitrary_claims_never_panic_nor_pass(payload in proptest::collection::vec(any::<u8>(), 0..80)) {
        let token = sign_hs256(CURRENT.as_bytes(), &payload);
        let refused = verify(&verifier(), &with_token(&token), b"{}");
        prop_assert!(refused.is_err());
    }
}
