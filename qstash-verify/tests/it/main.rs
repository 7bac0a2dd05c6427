//! What is accepted and what is not.

use axum::Json;
use axum::body::Body;
use axum::extract::FromRequest;
use axum::response::IntoResponse;
use http::{HeaderMap, Request, StatusCode};
use proptest::prelude::*;
use qstash_verify::axum::{Rejection, Verified};
use qstash_verify::jws::{JwsError, sign_hs256, verify_hs256};
use qstash_verify::{KeyError, NewToken, SigningKey, Timestamp, Verifier, VerifyError};

const SECRET: &str = "a secret of at least sixteen bytes";

fn verifier() -> Verifier {
    Verifier::builder()
        .secret("the one before that")
        .secret(SECRET)
        .body_limit(100)
        .build()
        .unwrap()
}

fn signed(body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        "qstash-signature",
        SigningKey::new(SECRET).unwrap().sign(body).parse().unwrap(),
    );
    headers
}

#[test]
fn the_signature_is_the_hmac_of_rfc_4231() {
    // Test case 6 of RFC 4231: a key longer than a block.
    let key = SigningKey::new([0xaa; 131]).unwrap();
    let signature = key.sign(b"Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(
        signature,
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

#[test]
fn any_configured_secret_is_good() {
    assert_eq!(verifier().verify(&signed(b"{}"), b"{}"), Ok(()));
}

#[test]
fn a_bad_header_is_told_from_a_bad_signature() {
    let with = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("qstash-signature", value.parse().unwrap());
        verifier().verify(&headers, b"{}")
    };
    assert_eq!(
        verifier().verify(&HeaderMap::new(), b"{}"),
        Err(VerifyError::Missing)
    );
    assert_eq!(with(""), Err(VerifyError::Malformed));
    assert_eq!(with(&"0".repeat(63)), Err(VerifyError::Malformed));
    assert_eq!(with(&"0".repeat(65)), Err(VerifyError::Malformed));
    assert_eq!(with(&"g".repeat(64)), Err(VerifyError::Malformed));
    assert_eq!(with(&"0".repeat(64)), Err(VerifyError::Mismatch));
    let mut twice = signed(b"{}");
    twice.append("qstash-signature", "0".parse().unwrap());
    assert_eq!(verifier().verify(&twice, b"{}"), Err(VerifyError::Repeated));
}

#[test]
fn empty_and_short_secrets_are_refused() {
    assert_eq!(Verifier::builder().build().unwrap_err(), KeyError::None);
    assert_eq!(
        Verifier::builder().secret("").build().unwrap_err(),
        KeyError::Empty
    );
    assert_eq!(
        Verifier::builder()
            .secret("fifteen bytes..")
            .build()
            .unwrap_err(),
        KeyError::TooShort
    );
    assert!(
        Verifier::builder()
            .secret("sixteen bytes...")
            .build()
            .is_ok()
    );
}

#[test]
fn no_secret_shows_in_debug() {
    assert!(!format!("{:?} {:?}", verifier(), SigningKey::new(SECRET)).contains("secret of"));
}

proptest! {
    #[test]
    fn one_flipped_bit_of_the_body_is_enough(body in proptest::collection::vec(any::<u8>(), 1..64), bit in any::<usize>()) {
        let headers = signed(&body);
        let mut other = body.clone();
        other[bit / 8 % body.len()] ^= 1 << (bit % 8);
        prop_assert_eq!(verifier().verify(&headers, &other), Err(VerifyError::Mismatch));
    }

    #[test]
    fn arbitrary_tokens_never_panic(token in ".*") {
        prop_assert!(verify_hs256(b"key", &token).is_err());
    }
}

#[test]
fn a_token_is_good_only_under_its_key_and_algorithm() {
    let token = sign_hs256(b"key", b"{}");
    assert_eq!(verify_hs256(b"key", &token).unwrap(), b"{}");
    assert_eq!(verify_hs256(b"other", &token), Err(JwsError::Signature));
    assert_eq!(verify_hs256(b"key", "a.b"), Err(JwsError::Malformed));
    assert_eq!(
        verify_hs256(b"key", "eyJhbGciOiJub25lIn0.e30."),
        Err(JwsError::Malformed)
    );
}

#[test]
fn a_made_token_carries_the_claims_in_whole_seconds_and_the_padded_hash() {
    let key = SigningKey::new("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r").unwrap();
    let now = Timestamp::from_millis(1_700_000_000_999);
    let token = NewToken::new("https://e.com/a\"b", now, "jwt_x").sign(&key, b"");
    let payload = verify_hs256(b"sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r", &token).unwrap();
    assert_eq!(
        String::from_utf8(payload).unwrap(),
        r#"{"iss":"Upstash","sub":"https://e.com/a\"b","exp":1700000300,"nbf":0,"iat":1700000000,"jti":"jwt_x","body":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="}"#
    );
}

async fn extract(request: Request<Body>) -> Result<Json<u32>, Rejection> {
    Verified::<Json<u32>>::from_request(request, &verifier())
        .await
        .map(|verified| verified.0)
}

fn request(headers: HeaderMap, body: &str) -> Request<Body> {
    let mut request = Request::new(Body::from(body.to_owned()));
    *request.headers_mut() = headers;
    request
}

#[tokio::test]
async fn the_extractor_verifies_before_it_decodes() {
    assert_eq!(extract(request(signed(b"42"), "42")).await.unwrap().0, 42);
    let untrusted = extract(request(signed(b"42"), "43")).await.unwrap_err();
    assert_eq!(untrusted, Rejection::Untrusted(VerifyError::Mismatch));
    let response = untrusted.into_response();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.extensions().get(), Some(&VerifyError::Mismatch));
    let undecodable = extract(request(signed(b"\"x\""), "\"x\""))
        .await
        .unwrap_err();
    assert_eq!(
        undecodable.into_response().status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_body_at_the_limit_is_read_and_one_byte_more_is_not() {
    let (fits, over) = (format!("{:>100}", 1), format!("{:>101}", 1));
    assert!(
        extract(request(signed(fits.as_bytes()), &fits))
            .await
            .is_ok()
    );
    assert_eq!(
        extract(request(signed(over.as_bytes()), &over))
            .await
            .unwrap_err(),
        Rejection::TooLarge
    );
}
