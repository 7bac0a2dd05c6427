//! What is particular to one framework, and what is noted of a refusal.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::FromRequest;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Extension, Json, Router};
use bytes::Bytes;
use qstash_verify::axum::{Rejection, Verified};
use qstash_verify::{OwnedDelivery, VerifyError};
use tower::ServiceExt;

use crate::common::*;

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
        .rejection_response(|reason| panic!("{reason} is not asked for"))
        .build()
        .unwrap();
    let request = hmac().request(URL, "x").unwrap().map(Body::from);
    let rejection = Verified::<(Extension<u32>, String)>::from_request(request, &verifier)
        .await
        .unwrap_err();
    assert!(matches!(rejection, Rejection::Other(_)));
    assert_eq!(rejection.into_response().status(), 500);
}

/// What was traced, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_refusal_is_traced_once_with_its_reason_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let verifier = builder().build().unwrap();
    let (parts, _) = split(jwt().request(URL, "{}").unwrap());
    let token = parts.headers["upstash-signature"].to_str().unwrap();
    let reason = verify(&verifier, &parts, b"{ }").unwrap_err();
    let text = reason.to_string();
    tracing::subscriber::with_default(subscriber, || {
        let response = verifier.reject(reason.clone());
        assert_eq!(response.extensions().get(), Some(&reason));
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("qstash_verify::rejection").count(), 1, "{log}");
    assert!(log.contains(&text), "{log}");
    for secret in [CURRENT, SECRET, token, token.rsplit('.').next().unwrap()] {
        assert!(!log.contains(secret), "{log}");
    }
}
