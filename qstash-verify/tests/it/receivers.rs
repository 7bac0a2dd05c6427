//! Each rule of the official receivers, by the table of v2.md section 4, beside what we say to the same token.

use std::time::Duration;

use qstash_verify::jws::sign_hs256;
use qstash_verify::{Signer, Verifier, VerifierBuilder, VerifyError};

use crate::common::*;
use crate::jwt::GOOD;

/// What the receiver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theirs {
    Good,
    Refused,
}

/// What we say: nothing, or a reason of which this is a part. Where we differ, why.
#[derive(Clone, Copy, Debug)]
enum Ours {
    Good,
    Refused(&'static str),
    /// They take it, we do not.
    Stricter(&'static str, &'static str),
    /// They refuse it, we do not.
    Laxer(&'static str),
}

/// [`GOOD`] with `from` replaced, signed with the current key.
fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    claiming(&format!("{{{}}}", GOOD.replacen(from, to, 1)))
}

fn signed_with(key: &str) -> String {
    sign_hs256(key.as_bytes(), format!("{{{GOOD}}}").as_bytes())
}

fn tolerant() -> Verifier {
    let builder = builder().clock_tolerance(Duration::from_secs(10));
    builder.build().unwrap()
}

fn any_url() -> Verifier {
    let builder: VerifierBuilder = Verifier::builder().current_signing_key(CURRENT);
    builder.dangerously_accept_any_url().build().unwrap()
}

/// HS512 under a key of ours, made by PyJWT.
fn hs512() -> (Verifier, String) {
    let tokens = include_str!("../fixtures/pyjwt.txt");
    let token = tokens.lines().find_map(|it| it.strip_prefix("algorithm "));
    let builder = Verifier::builder().current_signing_key(CURRENT.repeat(2));
    let verifier = builder.dangerously_accept_any_url().build().unwrap();
    (verifier, token.unwrap().to_owned())
}

type Row = (&'static str, &'static str, Verifier, String, Theirs, Ours);

const SUB: &str = r#""sub":"https://shop.example/orders","#;
const IAT: &str = r#""iat":1800000000,"#;
const LATE: [&str; 2] = ["1800000300", "1799999995"];
const NO_KEY: &str = "no configured signing key made this token";
const WRONG_URL: &str =
    "is for https://shop.example/other, but this is https://shop.example/orders";
const WRONG_BODY: &str = "the body is not the one that was signed";

#[rustfmt::skip]
fn javascript() -> Vec<Row> {
    use Ours::{Good, Refused, Stricter};
    let required = "Python and Go require it, and QStash always sends it";
    let late = changed(LATE[0], LATE[1]);
    vec![
        ("JS 2", "the current key", verifier(), signed_with(CURRENT), Theirs::Good, Good),
        ("JS 2", "the next key", verifier(), signed_with(NEXT), Theirs::Good, Good),
        ("JS 2", "another key", verifier(), signed_with("sig_of_somebody_else_altogether"), Theirs::Refused, Refused(NO_KEY)),
        ("JS 2", "another issuer", verifier(), changed("Upstash", "Downstash"), Theirs::Refused, Refused("issued by \"Downstash\"")),
        ("JS 2", "no issuer", verifier(), changed(r#""iss":"Upstash","#, ""), Theirs::Refused, Refused("no claim `iss`")),
        ("JS 2", "exp is past", verifier(), late.clone(), Theirs::Refused, Refused("expired 5 s ago")),
        ("JS 2", "exp is now", verifier(), changed("1800000300", "1800000000"), Theirs::Refused, Refused("expired 0 s ago")),
        ("JS 2", "nbf is to come", verifier(), changed(r#""nbf":0"#, r#""nbf":1800000001"#), Theirs::Refused, Refused("becomes valid in 1 s")),
        ("JS 2", "nbf is now", verifier(), changed(r#""nbf":0"#, r#""nbf":1800000000"#), Theirs::Good, Good),
        ("JS 2", "iat is to come", verifier(), changed(IAT, r#""iat":1800000060,"#), Theirs::Good, Good),
        ("JS 2", "iat is far to come", verifier(), changed(IAT, r#""iat":1800000061,"#), Theirs::Good, Stricter("issued 61 s in the future", "so far ahead, one of the clocks is wrong")),
        ("JS 2", "no exp", verifier(), changed(r#""exp":1800000300,"#, ""), Theirs::Good, Stricter("no claim `exp`", required)),
        ("JS 2", "no nbf", verifier(), changed(r#""nbf":0,"#, ""), Theirs::Good, Stricter("no claim `nbf`", required)),
        ("JS 3", "another URL", verifier(), changed("/orders", "/other"), Theirs::Refused, Refused(WRONG_URL)),
        ("JS 3", "no URL given", any_url(), changed("/orders", "/other"), Theirs::Good, Good),
        ("JS 4", "another body", verifier(), changed("RBNv", "RBNw"), Theirs::Refused, Refused(WRONG_BODY)),
        ("JS 4", "a hash without padding", verifier(), changed("_4o=", "_4o"), Theirs::Good, Good),
        ("JS 4", "a hash with too much padding", verifier(), changed("_4o=", "_4o=="), Theirs::Good, Stricter(WRONG_BODY, "it is no base64url")),
        ("JS tolerance", "exp is past, within it", tolerant(), late, Theirs::Good, Good),
    ]
}

#[rustfmt::skip]
fn python() -> Vec<Row> {
    use Ours::{Good, Laxer, Refused, Stricter};
    let next = sign_hs256(NEXT.as_bytes(), format!("{{{}}}", GOOD.replacen("/orders", "/other", 1)).as_bytes());
    let late = changed(LATE[0], LATE[1]);
    let (for_hs512, hs512) = hs512();
    vec![
        ("PY 2", "the current key", verifier(), signed_with(CURRENT), Theirs::Good, Good),
        ("PY 2", "the next key", verifier(), signed_with(NEXT), Theirs::Good, Good),
        ("PY 2", "another algorithm", for_hs512, hs512, Theirs::Refused, Refused("algorithm is not HS256")),
        ("PY 2", "another issuer", verifier(), changed("Upstash", "upstash"), Theirs::Refused, Refused("issued by \"upstash\"")),
        ("PY 2", "no iss", verifier(), changed(r#""iss":"Upstash","#, ""), Theirs::Refused, Refused("no claim `iss`")),
        ("PY 2", "no sub", verifier(), changed(SUB, ""), Theirs::Refused, Refused("no claim `sub`")),
        ("PY 2", "no exp", verifier(), changed(r#""exp":1800000300,"#, ""), Theirs::Refused, Refused("no claim `exp`")),
        ("PY 2", "no nbf", verifier(), changed(r#""nbf":0,"#, ""), Theirs::Refused, Refused("no claim `nbf`")),
        ("PY 2", "no iat", verifier(), changed(IAT, ""), Theirs::Good, Stricter("no claim `iat`", "QStash always sends it, and a maximum age needs it")),
        ("PY 2", "exp is past", verifier(), late.clone(), Theirs::Refused, Refused("expired 5 s ago")),
        ("PY 2", "exp is now", verifier(), changed("1800000300", "1800000000"), Theirs::Refused, Refused("expired 0 s ago")),
        ("PY 2", "nbf is to come", verifier(), changed(r#""nbf":0"#, r#""nbf":1800000001"#), Theirs::Refused, Refused("becomes valid in 1 s")),
        ("PY 2", "iat is to come", verifier(), changed(IAT, r#""iat":1800000060,"#), Theirs::Refused, Laxer("a receiver's clock that is a little slow loses no message")),
        ("PY 2", "iat is far to come", verifier(), changed(IAT, r#""iat":1800000061,"#), Theirs::Refused, Refused("issued 61 s in the future")),
        ("PY 2", "jti is no text", verifier(), changed(r#""jwt_1""#, "1"), Theirs::Refused, Refused("claim `jti` of the wrong type")),
        ("PY 2", "another URL", verifier(), changed("/orders", "/other"), Theirs::Refused, Refused(WRONG_URL)),
        ("PY 2", "another URL under the next key", verifier(), next, Theirs::Refused, Refused("made with the next signing key, is for")),
        ("PY 4", "another body", verifier(), changed("RBNv", "RBNw"), Theirs::Refused, Refused(WRONG_BODY)),
        ("PY 4", "a hash without padding", verifier(), changed("_4o=", "_4o"), Theirs::Good, Good),
        ("PY tolerance", "exp is past, within it", tolerant(), late, Theirs::Refused, Laxer("their tolerance never reaches PyJWT")),
    ]
}

#[rustfmt::skip]
fn go() -> Vec<Row> {
    use Ours::{Good, Refused, Stricter};
    let late = changed(LATE[0], LATE[1]);
    let (for_hs512, hs512) = hs512();
    vec![
        ("GO 2", "the current key", verifier(), signed_with(CURRENT), Theirs::Good, Good),
        ("GO 2", "the next key", verifier(), signed_with(NEXT), Theirs::Good, Good),
        ("GO 2", "another HMAC", for_hs512, hs512, Theirs::Good, Stricter("algorithm is not HS256", "QStash signs with HS256 and nothing else")),
        ("GO 2", "another issuer", verifier(), changed("Upstash", ""), Theirs::Refused, Refused("issued by \"\"")),
        ("GO 2", "exp is past", verifier(), late.clone(), Theirs::Refused, Refused("expired 5 s ago")),
        ("GO 3", "another URL", verifier(), changed("/orders", "/other"), Theirs::Refused, Refused(WRONG_URL)),
        ("GO 3", "an empty URL given", any_url(), changed("/orders", "/other"), Theirs::Good, Good),
        ("GO 4", "another body", verifier(), changed("RBNv", "RBNw"), Theirs::Refused, Refused(WRONG_BODY)),
        ("GO 4", "a hash without padding", verifier(), changed("_4o=", "_4o"), Theirs::Good, Good),
        ("GO leeway", "exp is past, within it", tolerant(), late, Theirs::Good, Good),
    ]
}

#[test]
fn each_rule_of_the_official_receivers_is_ours_or_we_say_why_not() {
    for (step, rule, verifier, token, theirs, ours) in [javascript(), python(), go()].concat() {
        let judged: Result<_, VerifyError> = verify(&verifier, &with_token(&token), b"{}");
        let told = judged.err().map(|error| error.to_string());
        let context = format!("{step}, {rule}: {told:?}");
        let (expected, reason) = match ours {
            Ours::Good => (Theirs::Good, None),
            Ours::Refused(reason) => (Theirs::Refused, Some(reason)),
            Ours::Stricter(reason, why) => {
                assert!(!why.is_empty());
                (Theirs::Good, Some(reason))
            }
            Ours::Laxer(why) => {
                assert!(!why.is_empty());
                (Theirs::Refused, None)
            }
        };
        assert_eq!(theirs, expected, "{context}");
        match (told, reason) {
            (None, None) => {}
            (Some(told), Some(reason)) => assert!(told.contains(reason), "{context}"),
            _ => panic!("{context}"),
        }
    }
}

/// Step 1 of each: a receiver without keys is an error before anything is verified, and an empty one is no key.
#[test]
fn a_receiver_without_keys_cannot_be_made() {
    assert!(Verifier::builder().build().is_err());
    assert!(Verifier::builder().current_signing_key("").build().is_err());
    assert!(Signer::jwt("").is_err());
}
