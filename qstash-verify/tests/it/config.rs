//! What a verifier can be made of.

use std::time::Duration;

use qstash_verify::{
    ConfigError, KeyError, Scheme, Signer, SigningKey, Verifier, VerifierBuilder, VerifyError,
};

use crate::common::*;

fn unusable(name: &str, source: KeyError) -> ConfigError {
    let name = name.to_owned();
    ConfigError::Key { name, source }
}

#[test]
fn empty_and_short_keys_are_refused_by_name() {
    let error = |builder: VerifierBuilder| builder.build().unwrap_err();
    let new = Verifier::builder;
    assert_eq!(error(new()), ConfigError::NoKey);
    assert_eq!(
        error(new().secret("")),
        unusable("signing secret 1", KeyError::Empty)
    );
    assert_eq!(
        error(builder().secret("fifteen bytes..")),
        unusable("signing secret 3", KeyError::TooShort)
    );
    assert_eq!(
        error(new().next_signing_key("")),
        unusable("the next signing key", KeyError::Empty)
    );
    assert_eq!(
        error(builder().signing_keys(["sig_ and 12 more", "sig_ short"])),
        unusable("signing key 2", KeyError::TooShort)
    );
    assert!(new().secret("sixteen bytes...").build().is_ok());
    assert_eq!(SigningKey::new("").unwrap_err(), KeyError::Empty);
}

#[test]
fn signing_keys_need_a_url_and_secrets_do_not() {
    let keys = || Verifier::builder().current_signing_key(CURRENT);
    assert_eq!(keys().build().unwrap_err(), ConfigError::NoUrl);
    assert!(keys().dangerously_accept_any_url().build().is_ok());
    let twice = keys().expected_url(URL).public_origin(ORIGIN);
    assert_eq!(twice.build().unwrap_err(), ConfigError::ManyUrls);
    for url in [
        "",
        "shop.example",
        "/orders",
        "ftp://shop.example",
        "https://",
        "https://shop.example/orders ",
        "https://shop.example/or\nders",
    ] {
        let error = keys().expected_url(url).build().unwrap_err();
        assert!(
            error.to_string().starts_with("expected_url must be"),
            "{url}"
        );
    }
    for origin in [
        "",
        "shop.example",
        "https://shop.example/?a",
        "https://shop.example/#top",
        " https://shop.example",
        "https://shop.example\n",
        "https://b\u{fc}cher.example",
        "https://shop.example:99999",
        "https://shop.example\\@evil",
    ] {
        let error = keys().public_origin(origin).build().unwrap_err();
        assert!(
            error.to_string().starts_with("public_origin must be"),
            "{origin}"
        );
    }
}

#[test]
fn every_header_that_is_there_must_verify() {
    let (mut parts, body) = split(jwt().request(URL, "{}").unwrap());
    let (name, value) = hmac().header(URL, &body);
    parts.headers.insert(&name, value);
    let delivery = verify(&verifier(), &parts, &body).unwrap();
    assert_eq!(delivery.scheme(), Scheme::Jwt);
    parts.headers.insert(&name, "0".repeat(64).parse().unwrap());
    assert_eq!(
        verify(&verifier(), &parts, &body),
        Err(VerifyError::Mismatch { keys: 2 })
    );
    let (name, value) = hmac().header(URL, &body);
    parts.headers.insert(&name, value);
    parts
        .headers
        .insert("upstash-signature", "a.b.c".parse().unwrap());
    assert!(matches!(
        verify(&verifier(), &parts, &body),
        Err(VerifyError::MalformedToken(_))
    ));
}

#[test]
fn where_both_headers_are_wrong_the_more_telling_reason_is_reported() {
    let (mut parts, _) = split(jwt().request(URL, "{}").unwrap());
    let none = "0".repeat(64).parse().unwrap();
    parts.headers.insert("qstash-signature", none);
    let late = NOW.plus(Duration::from_secs(312));
    let reason = verifier().verify(&parts, b"{}", late).unwrap_err();
    assert_eq!(
        reason.to_string(),
        "the token, made with the current signing key, expired 12 s ago"
    );
    assert_eq!(reason.key(), Some(current()));
    // No key fits either of them: the first is as good as the second.
    let (other, _) = split(
        Signer::jwt("sig_of_somebody_else_altogether")
            .unwrap()
            .request(URL, "{}")
            .unwrap(),
    );
    let token = other.headers["upstash-signature"].clone();
    parts.headers.insert("upstash-signature", token);
    let reason = verifier().verify(&parts, b"{}", late).unwrap_err();
    assert_eq!(reason, VerifyError::Mismatch { keys: 2 });
    assert_eq!(reason.key(), None);
}

#[test]
fn a_header_without_a_key_is_refused_unless_it_is_to_be_ignored() {
    let (mut parts, body) = split(jwt().request(URL, "{}").unwrap());
    let (name, value) = hmac().header(URL, &body);
    parts.headers.insert(name, value);
    let only_jwt = || {
        Verifier::builder()
            .current_signing_key(CURRENT)
            .public_origin(ORIGIN)
    };
    let only_hmac = || Verifier::builder().secret(SECRET);
    let unconfigured = |scheme| Err(VerifyError::SchemeNotConfigured(scheme));
    let verify = |builder: VerifierBuilder| {
        let delivery = verify(&builder.build().unwrap(), &parts, &body);
        delivery.map(|delivery| delivery.scheme())
    };
    assert_eq!(verify(only_jwt()), unconfigured(Scheme::Hmac));
    assert_eq!(verify(only_hmac()), unconfigured(Scheme::Jwt));
    assert_eq!(verify(only_jwt().ignore(Scheme::Hmac)), Ok(Scheme::Jwt));
    assert_eq!(verify(only_hmac().ignore(Scheme::Jwt)), Ok(Scheme::Hmac));
    let ignored_key = only_hmac().ignore(Scheme::Hmac).build().unwrap_err();
    assert_eq!(ignored_key, ConfigError::IgnoredKey(Scheme::Hmac));
}

#[test]
fn an_ignored_header_alone_is_no_signature() {
    let verifier = Verifier::builder()
        .secret(SECRET)
        .ignore(Scheme::Jwt)
        .build()
        .unwrap();
    let (parts, body) = split(jwt().request(URL, "{}").unwrap());
    assert_eq!(
        verify(&verifier, &parts, &body),
        Err(VerifyError::MissingSignature)
    );
}

fn from_vars(vars: &[(&str, &str)]) -> VerifierBuilder {
    let find = |name: &str| vars.iter().find(|(it, _)| *it == name);
    VerifierBuilder::from_vars(|name| find(name).map(|(_, value)| value.into()))
}

#[test]
fn the_environment_gives_keys_of_both_schemes_and_of_regions() {
    let verifier = from_vars(&[
        ("QSTASH_PREVIOUS_SIGNING_SECRET", "the secret that is old"),
        ("QSTASH_SIGNING_SECRET", "the secret that is new"),
        ("QSTASH_CURRENT_SIGNING_KEY", CURRENT),
        ("QSTASH_NEXT_SIGNING_KEY", NEXT),
        (
            "EU_CENTRAL_1_QSTASH_CURRENT_SIGNING_KEY",
            "sig_of_the_region_eu_central_1",
        ),
        (
            "US_EAST_1_QSTASH_NEXT_SIGNING_KEY",
            "sig_of_the_region_us_east_1",
        ),
    ])
    .public_origin(ORIGIN)
    .build()
    .unwrap();
    for (signer, region, name) in [
        (
            Signer::hmac("the secret that is new"),
            "",
            "signing secret 1",
        ),
        (
            Signer::hmac("the secret that is old"),
            "",
            "signing secret 2",
        ),
        (Signer::jwt(CURRENT), "", "the current signing key"),
        (Signer::jwt(NEXT), "", "the next signing key"),
        (
            Signer::jwt("sig_of_the_region_eu_central_1"),
            "EU-CENTRAL-1",
            "the current signing key of EU-CENTRAL-1",
        ),
        (
            Signer::jwt("sig_of_the_region_us_east_1"),
            "US-EAST-1",
            "the next signing key of US-EAST-1",
        ),
    ] {
        let (mut parts, body) = split(signer.unwrap().clock(NOW).request(URL, "{}").unwrap());
        parts
            .headers
            .insert("upstash-region", region.parse().unwrap());
        let delivery = verify(&verifier, &parts, &body).unwrap();
        assert_eq!(delivery.key().to_string(), name);
    }
}

#[test]
fn an_environment_without_keys_or_with_an_empty_one_is_an_error_that_names_the_variable() {
    let error = |vars: &[(&str, &str)]| from_vars(vars).build().unwrap_err();
    assert_eq!(error(&[]), ConfigError::NoKeyInEnvironment);
    for name in [
        "QSTASH_SIGNING_SECRET",
        "QSTASH_PREVIOUS_SIGNING_SECRET",
        "QSTASH_CURRENT_SIGNING_KEY",
        "QSTASH_NEXT_SIGNING_KEY",
        "US_EAST_1_QSTASH_CURRENT_SIGNING_KEY",
        "EU_CENTRAL_1_QSTASH_NEXT_SIGNING_KEY",
    ] {
        assert_eq!(error(&[(name, "")]), unusable(name, KeyError::Empty));
    }
    assert_eq!(
        error(&[("QSTASH_CURRENT_SIGNING_KEY", CURRENT)]),
        ConfigError::NoUrl
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_named() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = vec![0xff; 20];
    let builder = VerifierBuilder::from_vars(|name| {
        (name == "QSTASH_NEXT_SIGNING_KEY").then(|| std::ffi::OsString::from_vec(bytes.clone()))
    });
    let expected = ConfigError::Variable("QSTASH_NEXT_SIGNING_KEY".to_owned());
    assert_eq!(builder.build().unwrap_err(), expected);
}

#[test]
fn no_key_shows_in_debug_or_in_an_error() {
    let signer = Signer::jwt(CURRENT).unwrap();
    let shown = format!(
        "{:?} {:?} {:?} {signer:?}",
        builder(),
        verifier(),
        SigningKey::new(SECRET)
    );
    let errors = [
        verify(&verifier(), &parts(&[("qstash-signature", SECRET)]), b"")
            .unwrap_err()
            .to_string(),
        verify(&verifier(), &with_token(CURRENT), b"")
            .unwrap_err()
            .to_string(),
        Verifier::builder()
            .secret("a short key")
            .build()
            .unwrap_err()
            .to_string(),
    ]
    .concat();
    for secret in ["secret of", "the one before", CURRENT, NEXT, "a short key"] {
        assert!(
            !shown.contains(secret) && !errors.contains(secret),
            "{secret}"
        );
    }
}
