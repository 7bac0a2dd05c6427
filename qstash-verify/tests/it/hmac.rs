//! v1: `QStash-Signature`.

use qstash_verify::{KeyRole, Scheme, Signer, SigningKey, Verifier, VerifyError};

use crate::common::*;

/// RFC 4231, test cases 1, 3, 4, 6 and 7. The key of 2 is shorter than we accept, the tag of 5 is cut off.
#[test]
fn the_signature_is_the_hmac_of_rfc_4231() {
    let cases: [(&[u8], &[u8], &str); 5] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            &[
                1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
                24, 25,
            ],
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            &[0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to \
              be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, data, tag) in cases {
        assert_eq!(SigningKey::new(key).unwrap().sign(data), tag);
        let verifier = Verifier::builder().secret(key).build().unwrap();
        let parts = parts(&[("qstash-signature", tag)]);
        assert!(verify(&verifier, &parts, data).is_ok());
    }
}

#[test]
fn any_configured_secret_is_good_and_named() {
    let (parts, body) = split(hmac().request(URL, "{}").unwrap());
    let delivery = verify(&verifier(), &parts, &body).unwrap();
    assert_eq!(delivery.scheme(), Scheme::Hmac);
    assert_eq!(delivery.key().role, KeyRole::Secret(2));
    assert_eq!(delivery.claims(), None);
}

#[test]
fn the_secret_that_fits_is_found_again_whichever_fitted_last() {
    let verifier = verifier();
    for secret in [SECRET, "the one before that", SECRET, SECRET] {
        let signer = Signer::hmac(secret).unwrap();
        let (parts, body) = split(signer.request(URL, "{}").unwrap());
        let role = verify(&verifier, &parts, &body).unwrap().key().role;
        assert_eq!(role == KeyRole::Secret(2), secret == SECRET);
    }
}

#[test]
fn a_bad_header_is_told_from_a_bad_signature() {
    let with = |value: &str| verify(&verifier(), &parts(&[("qstash-signature", value)]), b"{}");
    assert_eq!(
        verify(&verifier(), &parts(&[]), b"{}"),
        Err(VerifyError::MissingSignature)
    );
    let (f, upper) = ("f".repeat(64), "F".repeat(64));
    for value in ["", &f[1..], &format!("{f}f"), &"g".repeat(64), &upper] {
        assert_eq!(with(value), Err(VerifyError::MalformedSignature), "{value}");
    }
    assert_eq!(
        with(&"0".repeat(64)),
        Err(VerifyError::Mismatch { keys: 2 })
    );
    let good = SigningKey::new(SECRET).unwrap().sign(b"{}");
    let twice = parts(&[("qstash-signature", &good), ("qstash-signature", &good)]);
    assert_eq!(
        verify(&verifier(), &twice, b"{}"),
        Err(VerifyError::RepeatedHeader {
            header: "qstash-signature"
        })
    );
}

#[test]
fn a_mismatch_hints_at_json_that_was_written_again() {
    let (parts, _) = split(hmac().request(URL, r#"{"a": 1}"#).unwrap());
    let error = verify(&verifier(), &parts, br#"{"a":1}"#).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("parsed and written again as JSON")
    );
}

#[test]
fn a_body_at_the_limit_is_accepted_and_one_byte_more_is_not() {
    let verifier = builder().body_limit(100).build().unwrap();
    let (parts, body) = split(hmac().request(URL, vec![b'x'; 100]).unwrap());
    assert!(verify(&verifier, &parts, &body).is_ok());
    let (parts, body) = split(hmac().request(URL, vec![b'x'; 101]).unwrap());
    assert_eq!(
        verify(&verifier, &parts, &body),
        Err(VerifyError::BodyTooLarge { limit: 100 })
    );
}
