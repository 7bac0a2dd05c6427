//! v2: `Upstash-Signature`. The rules are those of v2.md section 4.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use qstash_verify::jws::{JwsError, verify_hs256};
use qstash_verify::{
    KeyRole, NewToken, Region, Scheme, Signer, SigningKey, Timestamp, Verifier, VerifierBuilder,
    VerifyError,
};

use crate::common::*;

fn millis(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis().checked_add_signed(millis).unwrap())
}

fn at(verifier: &Verifier, token: &str, now: Timestamp) -> Result<(), VerifyError> {
    verifier.verify(&with_token(token), b"{}", now).map(|_| ())
}

fn tolerant(secs: u64) -> Verifier {
    let builder = builder().clock_tolerance(Duration::from_secs(secs));
    builder.build().unwrap()
}

#[test]
fn the_token_of_rfc_7515_is_good_under_its_key_alone() {
    // RFC 7515 appendix A.1.
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let key = URL_SAFE_NO_PAD.decode(key).unwrap();
    let payload = verify_hs256(&key, token).unwrap();
    assert_eq!(
        payload,
        b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
    );
    assert_eq!(verify_hs256(b"other", token), Err(JwsError::Signature));
    let verifier = Verifier::builder()
        .current_signing_key(&key)
        .public_origin(ORIGIN)
        .build()
        .unwrap();
    assert!(matches!(
        at(&verifier, token, NOW),
        Err(VerifyError::WrongIssuer { issuer, .. }) if issuer == "joe"
    ));
}

#[test]
fn a_made_token_carries_the_claims_in_whole_seconds_and_the_padded_hash() {
    let key = SigningKey::new(CURRENT).unwrap();
    let now = Timestamp::from_millis(1_700_000_000_999);
    let token = NewToken::new("https://e.com/a\"b", now, "jwt_x").sign(&key, b"");
    let payload = verify_hs256(CURRENT.as_bytes(), &token).unwrap();
    assert_eq!(
        String::from_utf8(payload).unwrap(),
        r#"{"iss":"Upstash","sub":"https://e.com/a\"b","exp":1700000300,"nbf":0,"iat":1700000000,"jti":"jwt_x","body":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="}"#
    );
}

#[test]
fn a_delivery_tells_its_claims_and_its_key() {
    let (parts, body) = split(jwt().request(URL, "{}").unwrap());
    let delivery = verify(&verifier(), &parts, &body).unwrap();
    assert_eq!(
        (delivery.scheme(), delivery.key()),
        (Scheme::Jwt, current())
    );
    let claims = delivery.claims().unwrap();
    assert_eq!(claims.issuer, "Upstash");
    assert_eq!(claims.subject, URL);
    assert_eq!(claims.expires_at, Timestamp::from_secs(1_800_000_300));
    assert_eq!(claims.not_before, Timestamp::default());
    assert_eq!(claims.issued_at, NOW);
    assert_eq!(claims.id.as_deref(), Some("jwt_2"));
    assert_eq!(claims.body.len(), 44);
}

#[test]
fn the_next_key_is_as_good_as_the_current_one() {
    let signer = Signer::jwt(NEXT).unwrap().clock(NOW);
    let (parts, body) = split(signer.request(URL, "{}").unwrap());
    let delivery = verify(&verifier(), &parts, &body).unwrap();
    assert_eq!(delivery.key().role, KeyRole::Next);
}

pub(crate) const GOOD: &str = r#""iss":"Upstash","sub":"https://shop.example/orders","exp":1800000300,"nbf":0,"iat":1800000000,"jti":"jwt_1","body":"RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o=""#;

/// One rule about a claim per row: what is changed in [`GOOD`], and the error that names it.
#[rustfmt::skip]
fn rules() -> Vec<(&'static str, &'static str, VerifyError)> {
    let key = current();
    let secs = Duration::from_secs;
    let missing = |claim| VerifyError::MissingClaim { claim, key };
    let malformed = |claim| VerifyError::MalformedClaim { claim, key };
    let object = VerifyError::MalformedToken("its claims are not a JSON object with distinct names");
    let longest = Duration::from_millis(i64::MAX as u64);
    vec![
        (r#""iss":"Upstash","#, "", missing("iss")),
        (r#""Upstash""#, "7", malformed("iss")),
        ("Upstash", "upstash", VerifyError::WrongIssuer { issuer: "upstash".into(), key }),
        (r#""exp":1800000300,"#, "", missing("exp")),
        ("1800000300", r#""1800000300""#, malformed("exp")),
        ("1800000300", "1799999988", VerifyError::Expired { ago: secs(12), key }),
        ("1800000300", "-1e300", VerifyError::Expired { ago: longest, key }),
        (r#""nbf":0,"#, "", missing("nbf")),
        (r#""nbf":0"#, r#""nbf":null"#, malformed("nbf")),
        (r#""nbf":0"#, r#""nbf":1800000007"#, VerifyError::NotYetValid { early: secs(7), key }),
        (r#""iat":1800000000,"#, "", missing("iat")),
        (r#""iat":1800000000"#, r#""iat":[1]"#, malformed("iat")),
        ("1800000000", "1800000060.5", VerifyError::IssuedInFuture { ahead: Duration::from_millis(60_500), key }),
        (r#""sub":"https://shop.example/orders","#, "", missing("sub")),
        (r#""https://shop.example/orders""#, "{}", malformed("sub")),
        ("/orders", "/other", VerifyError::WrongUrl { expected: URL.into(), signed: format!("{ORIGIN}/other"), key }),
        (r#""jwt_1""#, "1", malformed("jti")),
        (r#","body":"RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o=""#, "", missing("body")),
        (r#""RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o=""#, "true", malformed("body")),
        ("RBNv", "RBNw", VerifyError::BodyMismatch { key }),
        ("_4o=", "_4o==", VerifyError::BodyMismatch { key }),
        ("_4o=", "_4p=", VerifyError::BodyMismatch { key }),
        (r#""nbf":0"#, r#""nbf":0,"iss":"Upstash""#, object.clone()),
        (r#""nbf":0"#, r#""nbf":"#, object),
    ]
}

fn judge(claims: &str) -> Result<(), VerifyError> {
    at(&verifier(), &claiming(claims), NOW)
}

#[test]
fn each_rule_about_a_claim_has_its_own_error() {
    assert_eq!(judge(&format!("{{{GOOD}}}")), Ok(()));
    for (from, to, error) in rules() {
        assert!(GOOD.contains(from), "{from}");
        let claims = format!("{{{}}}", GOOD.replacen(from, to, 1));
        assert_eq!(judge(&claims), Err(error), "{from} -> {to}");
    }
    let array = r#"["Upstash","https://shop.example/orders",1800000300,0,1800000000,"jwt_1","RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o="]"#;
    assert!(matches!(judge(array), Err(VerifyError::MalformedToken(_))));
}

#[test]
fn what_is_odd_but_means_the_same_passes() {
    for (from, to) in [
        (r#""jti":"jwt_1","#, ""),
        (r#""nbf":0"#, r#""nbf":0,"custom":{"a":[null,true]}"#),
        (r#""iss":"Upstash""#, r#""iss":"Up\u0073tash""#),
        (r#""iss":"Upstash""#, r#""\u0069ss":"Upstash""#),
        (r#""iss""#, " \n\"iss\" "),
    ] {
        let claims = format!("{{{}}}", GOOD.replacen(from, to, 1));
        assert_eq!(judge(&claims), Ok(()), "{from} -> {to}");
    }
}

#[test]
fn at_exactly_exp_a_token_is_expired_and_tolerance_moves_that() {
    let token = token(b"{}", |token| token);
    let expired = |ago| {
        let ago = Duration::from_millis(ago);
        Err(VerifyError::Expired {
            ago,
            key: current(),
        })
    };
    assert_eq!(at(&verifier(), &token, millis(299_999)), Ok(()));
    assert_eq!(at(&verifier(), &token, millis(300_000)), expired(0));
    assert_eq!(at(&tolerant(10), &token, millis(309_999)), Ok(()));
    assert_eq!(at(&tolerant(10), &token, millis(310_000)), expired(10_000));
}

#[test]
fn at_exactly_nbf_less_tolerance_a_token_counts() {
    let token = token(b"{}", |token| token.not_before(millis(60_000)));
    let early = |early| {
        let early = Duration::from_millis(early);
        Err(VerifyError::NotYetValid {
            early,
            key: current(),
        })
    };
    assert_eq!(at(&verifier(), &token, millis(60_000)), Ok(()));
    assert_eq!(at(&verifier(), &token, millis(59_999)), early(1));
    assert_eq!(at(&tolerant(10), &token, millis(50_000)), Ok(()));
    assert_eq!(at(&tolerant(10), &token, millis(49_999)), early(10_001));
}

#[test]
fn a_token_from_the_future_is_refused_beyond_the_tolerance() {
    let token = token(b"{}", |token| token);
    let ahead = |ahead| {
        let ahead = Duration::from_millis(ahead);
        Err(VerifyError::IssuedInFuture {
            ahead,
            key: current(),
        })
    };
    assert_eq!(at(&verifier(), &token, millis(-10)), Ok(()));
    assert_eq!(at(&verifier(), &token, millis(-60_000)), Ok(()));
    assert_eq!(at(&verifier(), &token, millis(-60_001)), ahead(60_001));
    assert_eq!(at(&tolerant(0), &token, millis(-1)), ahead(1));
    assert_eq!(at(&tolerant(10), &token, millis(-10_000)), Ok(()));
    assert_eq!(at(&tolerant(10), &token, millis(-10_001)), ahead(10_001));
}

#[test]
fn each_time_has_a_tolerance_of_its_own() {
    let secs = Duration::from_secs;
    let build = |change: fn(VerifierBuilder, Duration) -> VerifierBuilder| {
        change(builder(), secs(10)).build().unwrap()
    };
    let token = token(b"{}", |token| token.not_before(millis(-50_000)));
    let verifiers = [
        build(VerifierBuilder::expiry_tolerance),
        build(VerifierBuilder::not_before_tolerance),
        build(VerifierBuilder::issued_ahead_tolerance),
        build(VerifierBuilder::clock_tolerance),
    ];
    for (now, accepted) in [
        (309_999, [true, false, false, true]),
        (310_000, [false; 4]),
        (-10_000, [true; 4]),
        // Ahead of the token by more than 10 seconds: only who says so is stricter than by default.
        (-10_001, [true, true, false, false]),
        (-50_000, [true, true, false, false]),
        (-50_001, [false, true, false, false]),
        (-60_001, [false; 4]),
    ] {
        let judged = verifiers
            .each_ref()
            .map(|it| at(it, &token, millis(now)).is_ok());
        assert_eq!(judged, accepted, "{now}");
    }
}

#[test]
fn a_maximum_age_is_kept_to_the_millisecond() {
    let secs = Duration::from_secs;
    let build = |tolerance| {
        let builder = builder().max_age(secs(60)).clock_tolerance(secs(tolerance));
        builder.build().unwrap()
    };
    let token = token(b"{}", |token| token);
    assert_eq!(at(&build(0), &token, millis(60_000)), Ok(()));
    let age = Duration::from_millis(60_001);
    let old = VerifyError::TooOld {
        age,
        max_age: secs(60),
        key: current(),
    };
    assert_eq!(at(&build(0), &token, millis(60_001)), Err(old));
    assert_eq!(at(&build(5), &token, millis(65_000)), Ok(()));
    assert!(at(&build(5), &token, millis(65_001)).is_err());
}

#[test]
fn only_hs256_counts_whatever_the_header_claims() {
    let token = token(b"{}", |token| token);
    let payload = token.split('.').nth(1).unwrap();
    let with_header = |header: &str| {
        let signed = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header.as_bytes()));
        let key = SigningKey::new(CURRENT).unwrap();
        let tag: Vec<u8> = key
            .sign(signed.as_bytes())
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        at(
            &verifier(),
            &format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&tag)),
            NOW,
        )
    };
    let object = "its header is not a JSON object with distinct names in base64url";
    for (header, result) in [
        (r#"{"alg":"HS256","typ":"JWT"}"#, Ok(())),
        (r#"{ "kid": "x", "typ": "JWT", "alg": "HS256" }"#, Ok(())),
        (r#"{"alg":"none","typ":"JWT"}"#, Err(VerifyError::Algorithm)),
        (
            r#"{"alg":"RS256","typ":"JWT"}"#,
            Err(VerifyError::Algorithm),
        ),
        (
            r#"{"alg":"hs256","typ":"JWT"}"#,
            Err(VerifyError::Algorithm),
        ),
        (r#"{"typ":"JWT"}"#, Err(VerifyError::Algorithm)),
        (
            r#"{"alg":"HS256","typ":"JWT","crit":["exp"]}"#,
            Err(VerifyError::Algorithm),
        ),
        (r#"{"alg":"HS256"}"#, Err(VerifyError::TokenType)),
        (
            r#"{"alg":"HS256","typ":"at+jwt"}"#,
            Err(VerifyError::TokenType),
        ),
        (
            r#"{"alg":"none","alg":"HS256","typ":"JWT"}"#,
            Err(VerifyError::MalformedToken(object)),
        ),
        (
            r#"["HS256","JWT",null]"#,
            Err(VerifyError::MalformedToken(object)),
        ),
        ("", Err(VerifyError::MalformedToken(object))),
    ] {
        assert_eq!(with_header(header), result, "{header}");
    }
    // Other algorithms make tags of other lengths, and `none` makes none.
    for (alg, length) in [("none", 0), ("HS384", 64), ("HS512", 86), ("RS256", 342)] {
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#));
        let token = format!("{header}.{payload}.{}", "A".repeat(length));
        assert_eq!(at(&verifier(), &token, NOW), Err(VerifyError::Algorithm));
    }
}

#[test]
fn a_token_is_three_parts_of_base64url_and_nothing_else() {
    let token = token(b"{}", |token| token);
    let (signed, tag) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let resigned = |signed: &str| {
        // With a proper signature: it is the form that is wrong.
        let digits = SigningKey::new(CURRENT).unwrap().sign(signed.as_bytes());
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let tag: Vec<u8> = (0..64).step_by(2).map(byte).collect();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    assert_eq!(at(&verifier(), &resigned(signed), NOW), Ok(()));
    for malformed in [
        String::new(),
        ".".repeat(60),
        tag.to_owned(),
        format!(".{tag}"),
        format!("{payload}.{tag}"),
        format!("{signed}."),
        format!("{signed}.{tag}="),
        format!("{signed}..{tag}"),
        format!("{token}.{tag}"),
        format!("{token} "),
        resigned(&format!("{signed}.{payload}")),
        resigned(&format!("{header}.{payload}=")),
        resigned(&format!("{header}.{payload}+")),
        resigned(&format!("{header}=.{payload}")),
        resigned(&format!("{header}.")),
    ] {
        let judged = at(&verifier(), &malformed, NOW);
        let expected = matches!(judged, Err(VerifyError::MalformedToken(_)));
        assert!(expected, "{malformed}: {judged:?}");
    }
}

#[test]
fn the_error_is_that_of_the_key_that_signed() {
    let late = NOW.plus(Duration::from_secs(312));
    for (key, text) in [
        (
            CURRENT,
            "the token, made with the current signing key, expired 12 s ago",
        ),
        (
            NEXT,
            "the token, made with the next signing key, expired 12 s ago",
        ),
    ] {
        let token = NewToken::new(URL, NOW, "jwt_1").sign(&SigningKey::new(key).unwrap(), b"{}");
        let error = at(&verifier(), &token, late).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let stranger = SigningKey::new("sig_of_somebody_else_altogether").unwrap();
    let token = NewToken::new(URL, NOW, "jwt_1").sign(&stranger, b"{}");
    let tried = VerifyError::TokenSignature {
        keys: 2,
        region: None,
    };
    assert_eq!(at(&verifier(), &token, late), Err(tried));
}

#[test]
fn a_body_that_was_written_again_is_hinted_at() {
    let token = token(br#"{"a": 1}"#, |token| token);
    let error = verify(&verifier(), &with_token(&token), br#"{"a":1}"#).unwrap_err();
    assert_eq!(error, VerifyError::BodyMismatch { key: current() });
    assert!(
        error
            .to_string()
            .contains("parsed and written again as JSON")
    );
}

#[test]
fn the_region_of_the_request_chooses_the_keys() {
    const US: &str = "sig_of_the_region_us_east_1_now";
    const US_NEXT: &str = "sig_of_the_region_us_east_1_later";
    let verifier = builder()
        .regional_signing_keys(Region::UsEast1, US, US_NEXT)
        .build()
        .unwrap();
    let verify = |key: &str, region: Option<&str>| {
        let token = NewToken::new(URL, NOW, "jwt_1").sign(&SigningKey::new(key).unwrap(), b"{}");
        let mut parts = with_token(&token);
        if let Some(region) = region {
            parts
                .headers
                .insert("upstash-region", region.parse().unwrap());
        }
        let delivery = verify(&verifier, &parts, b"{}");
        delivery.map(|delivery| delivery.key().to_string())
    };
    let tried = |region| Err(VerifyError::TokenSignature { keys: 2, region });
    assert_eq!(
        verify(US, Some("US-EAST-1")).unwrap(),
        "the current signing key of US-EAST-1"
    );
    assert_eq!(
        verify(US_NEXT, Some("us_east_1")).unwrap(),
        "the next signing key of US-EAST-1"
    );
    assert_eq!(
        verify(CURRENT, Some("US-EAST-1")),
        tried(Some(Region::UsEast1))
    );
    assert_eq!(verify(US, None), tried(None));
    for region in [None, Some("EU-CENTRAL-1"), Some("mars")] {
        assert_eq!(verify(CURRENT, region).unwrap(), "the current signing key");
    }
}

#[test]
fn a_token_over_16_kib_is_none() {
    let url = |length| format!("{ORIGIN}/{}", "a".repeat(length));
    let verify = |length| {
        let url = url(length);
        let (parts, body) = split(jwt().request(&url, "{}").unwrap());
        let size = parts.headers["upstash-signature"].len();
        (size, verify(&verifier(), &parts, &body).is_ok())
    };
    // Four characters of base64 hold three of the URL.
    let (size, _) = verify(0);
    let fits = (16 * 1024 - size) / 4 * 3;
    assert!(verify(fits).1);
    assert!(!verify(fits + 6).1);
}
