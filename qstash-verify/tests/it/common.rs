//! What the tests share: keys, a standing time, requests.

use bytes::Bytes;
use http::request::Parts;
use qstash_verify::{
    KeyName, KeyRole, NewToken, OwnedDelivery, Signer, SigningKey, Timestamp, Verifier,
    VerifierBuilder, VerifyError,
};

pub(crate) const SECRET: &str = "a secret of at least sixteen bytes";
pub(crate) const CURRENT: &str = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r";
pub(crate) const NEXT: &str = "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs";
pub(crate) const ORIGIN: &str = "https://shop.example";
pub(crate) const URL: &str = "https://shop.example/orders";
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Takes both schemes, current and next key, under [`ORIGIN`].
pub(crate) fn builder() -> VerifierBuilder {
    Verifier::builder()
        .secret("the one before that")
        .secret(SECRET)
        .current_signing_key(CURRENT)
        .next_signing_key(NEXT)
        .public_origin(ORIGIN)
}

pub(crate) fn verifier() -> Verifier {
    builder().build().unwrap()
}

pub(crate) fn current() -> KeyName {
    KeyName {
        role: KeyRole::Current,
        region: None,
    }
}

pub(crate) fn hmac() -> Signer {
    Signer::hmac(SECRET).unwrap().clock(NOW)
}

pub(crate) fn jwt() -> Signer {
    Signer::jwt(CURRENT).unwrap().clock(NOW)
}

/// A request for [`URL`] with these headers.
pub(crate) fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::post(URL);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// A delivery of `body` with this token.
pub(crate) fn with_token(token: &str) -> Parts {
    parts(&[("upstash-signature", token)])
}

/// A token for [`URL`] and [`NOW`], changed by `change`, made with the current key.
pub(crate) fn token<'a>(body: &[u8], change: impl FnOnce(NewToken<'a>) -> NewToken<'a>) -> String {
    let key = SigningKey::new(CURRENT).unwrap();
    change(NewToken::new(URL, NOW, "jwt_1")).sign(&key, body)
}

/// A token with these claims, made with the current key.
pub(crate) fn claiming(claims: &str) -> String {
    qstash_verify::jws::sign_hs256(CURRENT.as_bytes(), claims.as_bytes())
}

pub(crate) fn verify(
    verifier: &Verifier,
    parts: &Parts,
    body: &[u8],
) -> Result<OwnedDelivery, VerifyError> {
    verifier
        .verify(parts, body, NOW)
        .map(qstash_verify::Delivery::into_owned)
}

pub(crate) fn split(request: http::Request<Bytes>) -> (Parts, Bytes) {
    request.into_parts()
}
