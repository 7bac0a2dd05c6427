//! What is particular to one framework, and what is noted of a refusal.

use axum::body::Body;
use axum::extract::FromRequest;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Extension, Json, Router};
use bytes::Bytes;
use qstash_verify::axum::{Rejection, Verified};
use qstash_verify::{NewToken, OwnedDelivery, SigningKey, Timestamp, VerifyError};
use tower::ServiceExt;

use crate::common::*;
use crate::log::Log;

#[tokio::test]
async fn the_reason_is_in_the_extensions_of_the_answer() {
    let request = http::Request::new(Body::empty());
    let verifier = builder().clock(NOW).build().unwrap();
    let rejection = Verified::<String>::from_request(request, &verifier)
        .await
        .unwrap_err();
    assert!(matches!(
        &rejection,
        Rejection::Refused {
            reason: VerifyError::MissingSignature,
            ..
        }
    ));
    let response = rejection.into_response();
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.extensions().get(),
        Some(&VerifyError::MissingSignature)
    );
}

#[tokio::test]
async fn bytes_and_text_are_extracted_and_over_the_two_megabytes_of_axum() {
    let verifier = builder().clock(NOW).body_limit(4 << 20).build().unwrap();
    let large = vec![b'x'; 3 << 20];
    let request = hmac().request(URL, large.clone()).unwrap().map(Body::from);
    let Verified(body) = Verified::<Bytes>::from_request(request, &verifier)
        .await
        .unwrap();
    assert_eq!(body, large);
    let request = hmac().request(URL, "text").unwrap().map(Body::from);
    let Verified(body) = Verified::<String>::from_request(request, &verifier)
        .await
        .unwrap();
    assert_eq!(body, "text");
    let request = hmac().request(URL, vec![0xff]).unwrap().map(Body::from);
    let rejection = Verified::<String>::from_request(request, &verifier)
        .await
        .unwrap_err();
    assert_eq!(rejection.into_response().status(), 400);
}

#[tokio::test]
async fn json_of_another_shape_is_400() {
    let verifier = builder().clock(NOW).build().unwrap();
    let request = hmac().request(URL, "\"x\"").unwrap().map(Body::from);
    let rejection = Verified::<Json<u32>>::from_request(request, &verifier)
        .await
        .unwrap_err();
    assert_eq!(rejection.into_response().status(), 400);
}

#[tokio::test]
async fn a_delivery_that_nobody_verified_is_a_mistake_of_the_program() {
    let handler = async |_: OwnedDelivery| ();
    let app: Router = Router::new().route("/orders", post(handler));
    let request = hmac().request(URL, "x").unwrap().map(Body::from);
    assert_eq!(app.oneshot(request).await.unwrap().status(), 500);
}

#[tokio::test]
async fn what_the_inner_extractor_refuses_for_its_own_reasons_stays_as_it_is() {
    let verifier = builder()
        .clock(NOW)
        .rejection_response(|reason, _| panic!("{reason} is not asked for"))
        .build()
        .unwrap();
    let request = hmac().request(URL, "x").unwrap().map(Body::from);
    let rejection = Verified::<(Extension<u32>, String)>::from_request(request, &verifier)
        .await
        .unwrap_err();
    assert!(matches!(rejection, Rejection::Other(_)));
    assert_eq!(rejection.into_response().status(), 500);
}

/// What `verifier` notes of its refusal of a request, and the reason.
fn noted(
    verifier: &qstash_verify::Verifier,
    parts: &http::request::Parts,
) -> (String, VerifyError) {
    let log = Log::default();
    let subscriber = log.subscriber(tracing::Level::TRACE);
    let reason = verify(verifier, parts, b"{}").unwrap_err();
    tracing::subscriber::with_default(subscriber, || {
        let response = verifier.reject(reason.clone(), parts);
        assert_eq!(response.extensions().get(), Some(&reason));
        // Whatever is wrong, the caller learns no more.
        assert_eq!(response.body(), "the request could not be verified");
        assert_eq!(response.status(), 401);
    });
    let log = log.text();
    assert_eq!(log.matches("qstash_verify::rejection").count(), 1, "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    (log, reason)
}

#[test]
fn a_refusal_where_a_key_fitted_is_one_warning_with_what_to_do_and_no_secret() {
    let verifier = builder()
        .max_age(std::time::Duration::from_secs(290))
        .build()
        .unwrap();
    let token = |change: fn(NewToken<'static>) -> NewToken<'static>| token(b"{}", change);
    let at = |secs: u64| {
        let key = SigningKey::new(CURRENT).unwrap();
        let time = Timestamp::from_secs(NOW.as_secs() - 1000 + secs);
        NewToken::new(URL, time, "jwt_1").sign(&key, b"{}")
    };
    let other = "https://me:pass@other.example/x?token=7";
    let elsewhere = jwt().header(other, b"{}").1.to_str().unwrap().to_owned();
    for (token, advice) in [
        (elsewhere, "`public_origin`"),
        (at(700), "`expiry_tolerance`"),
        (at(1061), "`issued_ahead_tolerance`"),
        (at(705), "`max_age`"),
        (
            token(|it| it.not_before(Timestamp::from_secs(NOW.as_secs() + 9))),
            "`not_before_tolerance`",
        ),
        (token(|it| it.issuer("Downstash")), "another program"),
        (
            super::common::token(b"{ }", |it| it),
            "before anything decodes",
        ),
    ] {
        let mut parts = with_token(&token);
        parts.uri = "/orders?token=7".parse().unwrap();
        if advice != "`public_origin`" {
            parts.uri = "/orders".parse().unwrap();
        }
        let (log, reason) = noted(&verifier, &parts);
        assert!(log.contains(" WARN ") && log.contains(advice), "{log}");
        assert!(log.contains(&reason.to_string()), "{log}");
        assert!(log.contains("path=\"/orders\""), "{log}");
        let tag = token.rsplit('.').next().unwrap();
        for secret in [CURRENT, SECRET, &token, tag, "pass", "token=7"] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_is_noted_with_the_path_that_came_over_the_wire() {
    let log = Log::default();
    let subscriber = log.subscriber(tracing::Level::INFO);
    let handler = async |_: Verified<Json<u32>>| ();
    let inner = Router::new().route("/orders", post(handler));
    let app = Router::new().nest("/api", inner);
    let app = app.with_state(builder().clock(NOW).build().unwrap());
    let request = hmac().request("https://shop.example/api/orders?token=7", "\"x\"");
    let guard = tracing::subscriber::set_default(subscriber);
    let response = app.oneshot(request.unwrap().map(Body::from)).await.unwrap();
    drop(guard);
    assert_eq!(response.status(), 400);
    let log = log.text();
    assert!(
        log.contains(" WARN ") && log.contains("path=\"/api/orders\""),
        "{log}"
    );
}

#[test]
fn a_refusal_that_everybody_can_cause_is_a_trace() {
    let stranger = qstash_verify::Signer::jwt("sig_of_somebody_else_altogether").unwrap();
    let (stranger, _) = split(stranger.clock(NOW).request(URL, "{}").unwrap());
    for parts in [
        parts(&[]),
        parts(&[("qstash-signature", "0000")]),
        parts(&[("qstash-signature", &"0".repeat(64))]),
        with_token("a.b.c"),
        stranger,
    ] {
        let (log, reason) = noted(&verifier(), &parts);
        assert!(
            log.contains("TRACE ") && log.contains(&reason.to_string()),
            "{log}"
        );
        assert_eq!(reason.advice(), None);
    }
}
