//! Which URL a token must be for.

use qstash_verify::{NewToken, SigningKey, Verifier, VerifyError};

use crate::common::*;

/// What a verifier under `origin` says to a token for `signed` that arrives at `called`.
fn derived(origin: &str, signed: &str, called: &str) -> Result<(), VerifyError> {
    let verifier = Verifier::builder()
        .current_signing_key(CURRENT)
        .public_origin(origin)
        .build()
        .unwrap();
    check(&verifier, signed, called)
}

fn check(verifier: &Verifier, signed: &str, called: &str) -> Result<(), VerifyError> {
    let key = SigningKey::new(CURRENT).unwrap();
    let token = NewToken::new(signed, NOW, "jwt_1").sign(&key, b"{}");
    let mut parts = with_token(&token);
    parts.uri = called.parse().unwrap();
    verify(verifier, &parts, b"{}").map(|_| ())
}

#[test]
#[rustfmt::skip]
fn a_derived_url_is_the_origin_and_what_was_called() {
    for (origin, signed, called) in [
        ("https://shop.example", "https://shop.example/orders", "/orders"),
        ("https://shop.example/", "https://shop.example/orders", "/orders"),
        ("https://shop.example", "https://shop.example/a?b=%20c&d", "/a?b=%20c&d"),
        ("https://shop.example", "HTTPS://Shop.Example/orders", "/orders"),
        ("https://shop.example", "https://shop.example", "/"),
        ("https://shop.example", "https://shop.example?a=b", "/?a=b"),
        ("https://shop.example", "https://shop.example/orders#top", "/orders"),
        ("https://shop.example", "https://shop.example/orders", "http://10.0.0.7:3000/orders"),
        ("https://shop.example/api", "https://shop.example/api/orders", "/orders"),
    ] {
        assert_eq!(derived(origin, signed, called), Ok(()), "{signed} at {called}");
    }
}

#[test]
#[rustfmt::skip]
fn a_derived_url_is_nothing_else() {
    for (origin, signed, called) in [
        ("https://shop.example", "https://shop.example/orders", "/Orders"),
        ("https://shop.example", "https://shop.example/orders", "/orders/"),
        ("https://shop.example", "https://shop.example/orders?a", "/orders"),
        ("https://shop.example", "https://shop.example/orders", "/orders?a"),
        ("https://shop.example", "https://shop.example/a b", "/a%20b"),
        ("https://shop.example", "https://shop.example.evil/orders", "/orders"),
        ("https://shop.example", "https://shop.example:8443/orders", "/orders"),
        ("https://shop.example", "http://shop.example/orders", "/orders"),
        ("https://shop.example", "https://shop.exampl", "/"),
        ("https://shop.example", "https://shop.examplé", "/"),
        ("https://shop.example", "", "/"),
        ("https://shop.example/api", "https://shop.example/API/orders", "/orders"),
        ("https://shop.example/api", "https://shop.example/apiorders", "/orders"),
    ] {
        let wrong = derived(origin, signed, called);
        assert!(matches!(wrong, Err(VerifyError::WrongUrl { .. })), "{signed} at {called}");
    }
}

#[test]
fn a_wrong_url_names_both_urls_but_no_password() {
    let error = derived(ORIGIN, "https://me:pass@other.example/a?b", "/orders").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token, made with the current signing key, is for https://other.example/a?b, but this is \
         https://shop.example/orders"
    );
}

#[test]
fn an_expected_url_is_compared_byte_for_byte() {
    let verifier = Verifier::builder()
        .current_signing_key(CURRENT)
        .expected_url("https://shop.example")
        .build()
        .unwrap();
    assert_eq!(check(&verifier, "https://shop.example", "/any"), Ok(()));
    for other in [
        "https://shop.example/",
        "https://Shop.example",
        "https://shop.example?",
    ] {
        assert!(check(&verifier, other, "/any").is_err(), "{other}");
    }
}

#[test]
fn a_request_for_one_route_is_replayed_on_another_only_where_that_was_allowed() {
    let builder = || Verifier::builder().current_signing_key(CURRENT);
    let bound = builder().public_origin(ORIGIN).build().unwrap();
    assert!(check(&bound, URL, "/refunds").is_err());
    let open = builder().dangerously_accept_any_url().build().unwrap();
    assert_eq!(check(&open, URL, "/refunds"), Ok(()));
}
