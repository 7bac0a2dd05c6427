//! What the adapters answer, through real HTTP: the same table for all three.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::StatusCode;
use qstash_verify::{Timestamp, VerifyError};

use crate::common::*;
use crate::server::{ALL, Framework, serve};

async fn send(
    address: SocketAddr,
    path: &str,
    request: http::Request<Bytes>,
) -> (StatusCode, String) {
    let (parts, body) = request.into_parts();
    let response = reqwest::Client::new()
        .post(format!("http://{address}{path}"))
        .headers(parts.headers)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = response.status();
    (status, response.text().await.unwrap())
}

fn without(name: &'static str, mut request: http::Request<Bytes>) -> http::Request<Bytes> {
    request.headers_mut().remove(name);
    request
}

/// What is sent where, the status of the answer, and its text where it is not the framework's own.
type Case = (
    &'static str,
    &'static str,
    http::Request<Bytes>,
    u16,
    Option<&'static str>,
);

const ORDER: &str = r#"{"order_id": 42}"#;
const UNTRUSTED: Option<&str> = Some("the request is not signed by QStash");

#[rustfmt::skip]
fn table() -> Vec<Case> {
    let padded = |length: usize| format!("{ORDER:<length$}");
    let v1 = |body: &str| hmac().request(URL, body.to_owned()).unwrap();
    let v2 = |rest: &str| jwt().request(&format!("{URL}{rest}"), ORDER).unwrap();
    let expired = jwt().clock(Timestamp::from_secs(1)).request(URL, ORDER).unwrap();
    let mut forged = v1(ORDER);
    *forged.body_mut() = Bytes::from(r#"{"order_id": 43}"#);
    let mut twice = v1(ORDER);
    let value = twice.headers()["qstash-signature"].clone();
    twice.headers_mut().append("qstash-signature", value);
    vec![
        ("v1", "/orders", v1(ORDER), 200, Some("1 42")),
        ("v2", "/orders", v2(""), 200, Some("1 42")),
        ("v2 with a query", "/orders?a=%20b", v2("?a=%20b"), 200, Some("1 42")),
        ("unsigned", "/orders", without("qstash-signature", v1(ORDER)), 401, UNTRUSTED),
        ("another body", "/orders", forged, 401, UNTRUSTED),
        ("another route", "/orders", v2("/2"), 401, UNTRUSTED),
        ("another query", "/orders?a=c", v2("?a=b"), 401, UNTRUSTED),
        ("expired", "/orders", expired, 401, UNTRUSTED),
        ("signed twice", "/orders", twice, 401, UNTRUSTED),
        ("at the limit", "/orders", v1(&padded(100)), 200, Some("1 42")),
        ("over the limit", "/orders", v1(&padded(101)), 413, None),
        ("unsigned over the limit", "/orders", http::Request::new(Bytes::from(padded(101))), 413, None),
        ("not JSON", "/orders", v1("{"), 400, None),
        ("no content type", "/orders", without("content-type", v1(ORDER)), 415, None),
    ]
}

#[tokio::test]
async fn every_framework_gives_the_same_answers() {
    for framework in ALL {
        let verifier = builder().body_limit(100).clock(NOW).build().unwrap();
        let address = serve(framework, verifier).await;
        for (name, path, request, status, text) in table() {
            // What a body is decoded to is up to the service behind a layer.
            if framework == Framework::Tower && ["not JSON", "no content type"].contains(&name) {
                continue;
            }
            let (answered, answer) = send(address, path, request).await;
            assert_eq!(answered, status, "{framework:?}, {name}: {answer}");
            let expected = text.unwrap_or(&answer);
            assert_eq!(answer, expected, "{framework:?}, {name}");
        }
    }
}

#[tokio::test]
async fn the_answer_to_what_is_refused_can_be_another_and_its_maker_is_told_why() {
    for framework in ALL {
        let reasons = Arc::new(Mutex::new(vec![]));
        let seen = Arc::clone(&reasons);
        let verifier = builder()
            .clock(NOW)
            .rejection_response(move |reason| {
                seen.lock().unwrap().push(reason.clone());
                let response = http::Response::builder()
                    .status(404)
                    .header("x-why", "none");
                response.body(Bytes::from_static(b"nothing here")).unwrap()
            })
            .build()
            .unwrap();
        let address = serve(framework, verifier).await;
        let response = reqwest::Client::new()
            .post(format!("http://{address}/orders"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 404, "{framework:?}");
        assert_eq!(response.headers()["x-why"], "none");
        assert_eq!(response.text().await.unwrap(), "nothing here");
        assert_eq!(*reasons.lock().unwrap(), [VerifyError::MissingSignature]);
    }
}

mod axum_only {
    use axum::body::Body;
    use axum::extract::FromRequest;
    use axum::response::IntoResponse;
    use axum::routing::post;
    use axum::{Json, Router};
    use qstash_verify::OwnedDelivery;
    use qstash_verify::axum::{Rejection, Verified};
    use tower::ServiceExt;

    use super::*;

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
    async fn under_a_nested_router_the_whole_path_counts() {
        let handler = async |Verified(body): Verified<String>| body;
        let inner = Router::new().route("/orders", post(handler));
        let app = Router::new()
            .nest("/api", inner)
            .with_state(builder().clock(NOW).build().unwrap());
        let url = format!("{ORIGIN}/api/orders");
        let request = jwt().request(&url, "x").unwrap().map(Body::from);
        assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn a_delivery_that_nobody_verified_is_a_mistake_of_the_program() {
        let handler = async |_: OwnedDelivery| ();
        let app: Router = Router::new().route("/orders", post(handler));
        let request = hmac().request(URL, "x").unwrap().map(Body::from);
        assert_eq!(app.oneshot(request).await.unwrap().status(), 500);
    }
}

#[tokio::test]
async fn actix_without_a_verifier_is_a_mistake_of_the_program() {
    use actix_web::{FromRequest, dev::Payload, test::TestRequest, web::Bytes};
    use qstash_verify::actix::Verified;
    let request = TestRequest::post().to_http_request();
    let error = Verified::<Bytes>::from_request(&request, &mut Payload::None)
        .await
        .unwrap_err();
    assert_eq!(error.as_response_error().status_code().as_u16(), 500);
}
