//! What is fuzzed, apart from the fuzzer: a plain test runs it as well.
//!
//! An input is a kind, and text: `0` the v1 header as it is, `1` the v2 header as it is, `2` the first part of a
//! token that is well formed otherwise, `3` the claims of one that is signed properly, `4` the URI that was called.

use qstash_verify::jws::{sign_hs256, verify_hs256};
use qstash_verify::{Delivery, Timestamp, Verifier, VerifyError};

const KEY: &str = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r";

/// Never panics; and nothing passes that was not signed with the key.
pub(crate) fn headers(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    match kind {
        b'0' => assert!(verify("qstash-signature", data, "/").is_err()),
        b'1' => assert!(verify("upstash-signature", data, "/").is_err()),
        b'2' => {
            let text = String::from_utf8_lossy(data);
            let _ = verify_hs256(KEY.as_bytes(), &text);
            // What the first part says is looked at before the signature, which is all zeros and fits nothing.
            let token = format!("{text}.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
            assert!(verify("upstash-signature", token.as_bytes(), "/").is_err());
        }
        b'3' => {
            let token = sign_hs256(KEY.as_bytes(), data);
            if let Ok(claims) = verify("upstash-signature", token.as_bytes(), "/") {
                assert!(claims, "an accepted token has claims");
            }
        }
        _ => {
            let uri = String::from_utf8_lossy(data);
            let token = sign_hs256(KEY.as_bytes(), data);
            let _ = verify("upstash-signature", token.as_bytes(), &uri);
        }
    }
}

/// Whether the accepted delivery tells its claims.
fn verify(name: &'static str, value: &[u8], uri: &str) -> Result<bool, Option<VerifyError>> {
    let verifier = Verifier::builder()
        .secret(KEY)
        .current_signing_key(KEY)
        .public_origin("https://shop.example")
        .build()
        .expect("the keys are long enough");
    let value = http::HeaderValue::from_bytes(value).map_err(|_| None)?;
    let request = http::Request::post(uri).header(name, value).body(());
    let (parts, ()) = request.map_err(|_| None)?.into_parts();
    verifier
        .verify(&parts, b"{}", Timestamp::from_secs(1_800_000_000))
        .map(|delivery: Delivery<'_>| delivery.claims().is_some())
        .map_err(Some)
}
