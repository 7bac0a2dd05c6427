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

#[tokio::test]
async fn every_framework_gives_the_same_answers() {
    const ORDER: &str = r#"{"order_id": 42}"#;
    let padded = |length: usize| format!("{ORDER:<length$}");
    let forged = {
        let mut request = hmac().request(URL, ORDER).unwrap();
        *request.body_mut() = Bytes::from(r#"{"order_id": 43}"#);
        request
    };
    let twice = {
        let mut request = hmac().request(URL, ORDER).unwrap();
        let value = request.headers()["qstash-signature"].clone();
        request.headers_mut().append("qstash-signature", value);
        request
    };
    let untrusted = "the request is not signed by QStash";
    let table = [
        (
            "v1",
            "/orders",
            hmac().request(URL, ORDER).unwrap(),
            200,
            Some("1 42"),
        ),
        (
            "v2",
            "/orders",
            jwt().request(URL, ORDER).unwrap(),
            200,
            Some("1 42"),
        ),
        (
            "v2 with a query",
            "/orders?a=%20b",
            jwt().request(&format!("{URL}?a=%20b"), ORDER).unwrap(),
            200,
            Some("1 42"),
        ),
        (
            "unsigned",
            "/orders",
            without("qstash-signature", hmac().request(URL, ORDER).unwrap()),
            401,
            Some(untrusted),
        ),
        ("another body", "/orders", forged, 401, Some(untrusted)),
        (
            "another route",
            "/orders",
            jwt().request(&format!("{URL}/2"), ORDER).unwrap(),
            401,
            Some(untrusted),
        ),
        (
            "another query",
            "/orders?a=c",
            jwt().request(&format!("{URL}?a=b"), ORDER).unwrap(),
            401,
            Some(untrusted),
        ),
        (
            "expired",
            "/orders",
            jwt()
                .clock(Timestamp::from_secs(1))
                .request(URL, ORDER)
                .unwrap(),
            401,
            Some(untrusted),
        ),
        ("signed twice", "/orders", twice, 401, Some(untrusted)),
        (
            "at the limit",
            "/orders",
            hmac().request(URL, padded(100)).unwrap(),
            200,
            Some("1 42"),
        ),
        (
            "over the limit",
            "/orders",
            hmac().request(URL, padded(101)).unwrap(),
            413,
            None,
        ),
        (
            "unsigned over the limit",
            "/orders",
            http::Request::new(Bytes::from(padded(101))),
            413,
            None,
        ),
        (
            "not JSON",
            "/orders",
            hmac().request(URL, "{").unwrap(),
            400,
            None,
        ),
        (
            "no content type",
            "/orders",
            without("content-type", hmac().request(URL, ORDER).unwrap()),
            415,
            None,
        ),
    ];
    for framework in ALL {
        let verifier = builder().body_limit(100).clock(NOW).build().unwrap();
        let address = serve(framework, verifier).await;
        for (name, path, request, status, text) in table.clone() {
            // What a body is decoded to is up to the service behind a layer.
            if framework == Framework::Tower && ["not JSON", "no content type"].contains(&name) {
                continue;
            }
            let answer = send(address, path, request).await;
            assert_eq!(answer.0, status, "{framework:?}, {name}: {}", answer.1);
            assert!(
                text.is_none_or(|text| text == answer.1),
                "{framework:?}, {name}: {}",
                answer.1
            );
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
