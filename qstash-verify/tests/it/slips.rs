//! What people give in place of a key.

use qstash_verify::{ConfigError, KeyError, Signer, SigningKey, Verifier, VerifierBuilder};

use crate::common::*;

/// The API token of the published development user, and a JWT of v1.
const API_TOKEN: &str = "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=";
const JWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJkZWZhdWx0VXNlciJ9.x3rj6rUz1WyZ5oYvYQ8cM4WcQ1n8u3Wv6fP7b2kQ0aE";

const SECRETS: [&str; 2] = ["QSTASH_SIGNING_SECRET", "QSTASH_PREVIOUS_SIGNING_SECRET"];
const KEYS: [&str; 3] = [
    "QSTASH_CURRENT_SIGNING_KEY",
    "QSTASH_NEXT_SIGNING_KEY",
    "EU_CENTRAL_1_QSTASH_CURRENT_SIGNING_KEY",
];

fn from_var(name: &str, value: &str) -> Result<Verifier, ConfigError> {
    let get = |asked: &str| (asked == name).then(|| value.into());
    VerifierBuilder::from_vars(get)
        .public_origin(ORIGIN)
        .build()
}

/// Values that look right and are not, made of a good one.
fn slips(good: &str) -> Vec<(String, KeyError)> {
    use KeyError::{Blank, ByteOrderMark, Quoted, Token};
    vec![
        (format!("\"{good}\""), Quoted),
        (format!("'{good}'"), Quoted),
        (format!("`{good}`"), Quoted),
        (format!("\u{201c}{good}\u{201d}"), Quoted),
        ("\"\"".to_owned(), Quoted),
        (format!("\u{feff}{good}"), ByteOrderMark),
        (format!("\u{feff}\"{good}\""), ByteOrderMark),
        (format!("{good}\n"), Blank),
        (format!("{good}\r\n"), Blank),
        (format!("{good}\n{good}"), Blank),
        (format!(" {good}"), Blank),
        (format!("{good}\t"), Blank),
        (format!("{good}\u{a0}"), Blank),
        (format!("{good}\u{200b}"), Blank),
        ("    ".to_owned(), Blank),
        (API_TOKEN.to_owned(), Token),
        (API_TOKEN.trim_end_matches('=').to_owned(), Token),
        (JWT.to_owned(), Token),
        (format!("Bearer {good}"), Token),
    ]
}

#[test]
fn a_value_that_is_not_meant_as_it_stands_is_refused_with_the_reason() {
    for (names, good) in [(&SECRETS[..], SECRET), (&KEYS[..], CURRENT)] {
        for name in names {
            assert!(from_var(name, good).is_ok(), "{name}");
            for (value, source) in slips(good) {
                let error = from_var(name, &value).unwrap_err();
                let name = (*name).to_owned();
                assert_eq!(error, ConfigError::Key { name, source }, "{value:?}");
            }
        }
    }
    for (value, reason) in slips(SECRET) {
        assert_eq!(SigningKey::new(&value).unwrap_err(), reason, "{value:?}");
        assert_eq!(Signer::hmac(&value).unwrap_err(), reason, "{value:?}");
        let built = Verifier::builder().secret(&value).build();
        assert!(matches!(built, Err(ConfigError::Key { .. })), "{value:?}");
    }
}

#[test]
fn a_signing_key_starts_with_sig_and_a_secret_need_not() {
    for other in [
        SECRET,
        "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=",
        "SIG_7kYjw48mhY7kAjqN",
    ] {
        let error = from_var(KEYS[0], other).unwrap_err();
        let (name, source) = (KEYS[0].to_owned(), KeyError::NotASigningKey);
        assert_eq!(error, ConfigError::Key { name, source });
        assert_eq!(Signer::jwt(other).unwrap_err(), KeyError::NotASigningKey);
        assert!(from_var(SECRETS[0], other).is_ok());
    }
}

#[test]
fn a_comma_is_a_part_of_a_secret_because_the_server_takes_it_so() {
    let secret = "the secret of one,the secret of two";
    let verifier = from_var(SECRETS[0], secret).unwrap();
    let request = |secret| split(Signer::hmac(secret).unwrap().request(URL, "{}").unwrap());
    let (parts, body) = request(secret);
    assert!(verify(&verifier, &parts, &body).is_ok());
    let (parts, body) = request("the secret of one");
    assert!(verify(&verifier, &parts, &body).is_err());
}

#[test]
fn bytes_that_nobody_types_are_taken_as_they_are() {
    let ends_in_a_line_end = [&[7; 31][..], b"\n"].concat();
    let quoted = [b"\"", &[0xaa; 30][..], b"\""].concat();
    for key in [&ends_in_a_line_end[..], &quoted, &[0x0b; 20]] {
        assert!(SigningKey::new(key).is_ok());
        assert!(Signer::jwt(key).is_ok());
    }
    let utf_16: Vec<u8> = SECRET.bytes().flat_map(|byte| [byte, 0]).collect();
    let utf_16 = [&[0xff, 0xfe][..], &utf_16].concat();
    assert_eq!(
        SigningKey::new(utf_16).unwrap_err(),
        KeyError::ByteOrderMark
    );
}

#[test]
fn a_refused_value_shows_nowhere() {
    let value = format!("\"{SECRET}\"");
    let error = from_var(SECRETS[0], &value).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    let shown = format!("{error} {error:?} {source}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(
        shown.contains("QSTASH_SIGNING_SECRET") && shown.contains("quotes"),
        "{shown}"
    );
}
