//! How large a body may be, and whose limit counts.

use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Full, Limited};
use qstash_verify::axum::Verified;
use qstash_verify::tower::VerifyLayer;
use qstash_verify::{OwnedDelivery, Verifier, VerifyError};
use tower::{Layer, Service, ServiceExt as _};
use tower_http::limit::RequestBodyLimitLayer;

use crate::common::*;

/// The most bytes of a message in the smallest plan (v2.md section 7).
const MESSAGE: usize = 1 << 20;

/// A callback (v2.md section 3.10) about a message of this many bytes and an answer as large, each with as many
/// headers as most servers take.
fn callback(bytes: usize) -> String {
    let text = STANDARD.encode(vec![0xa5; bytes]);
    let headers: serde_json::Map<_, _> = (0..64)
        .map(|it| {
            (
                format!("X-Header-{it}"),
                [" \\\"".repeat(330)].as_slice().into(),
            )
        })
        .collect();
    let callback = serde_json::json!({
        "status": 500,
        "header": headers,
        "body": text,
        "retried": 3,
        "maxRetries": 3,
        "dlqId": "1725323658779-0",
        "sourceMessageId": "msg_7YoJxFpwkEy5zBp378JgvD6YBDPBEqkBPje2JGTCEUiASMJQ1FwY9",
        "url": URL,
        "method": "POST",
        "sourceHeader": headers,
        "sourceBody": text,
        "notBefore": 1_800_000_000_000_u64,
        "createdAt": 1_800_000_000_000_u64,
        "callerIP": "192.0.2.1",
    });
    callback.to_string()
}

fn at_now() -> Verifier {
    builder().clock(NOW).build().unwrap()
}

fn signed(body: impl Into<Bytes>) -> Request<Body> {
    jwt().request(URL, body).unwrap().map(Body::from)
}

/// Returns the status and the reason of the answer.
async fn ask<S, R>(service: S, request: Request<Body>) -> (u16, Option<VerifyError>)
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: std::fmt::Debug,
{
    let response = service.oneshot(request).await.unwrap();
    let reason = response.extensions().get().cloned();
    (response.status().as_u16(), reason)
}

async fn length(Json(callback): Json<serde_json::Value>) -> String {
    callback["body"].as_str().unwrap().len().to_string()
}

/// One router that verifies by its extractor, one by a layer.
fn both() -> [Router; 2] {
    let extract = async |Verified(json): Verified<Json<_>>| length(json).await;
    [
        Router::new()
            .route("/orders", post(extract))
            .with_state(at_now()),
        Router::new()
            .route("/orders", post(length))
            .layer(VerifyLayer::new(at_now())),
    ]
}

#[tokio::test]
async fn by_default_a_callback_about_the_largest_message_is_accepted() {
    let callback = callback(MESSAGE);
    let over = callback.len() - 2 * STANDARD.encode(vec![0; MESSAGE]).len();
    assert!(over > 80_000, "the headers take {over} bytes");
    for app in both() {
        assert_eq!(ask(app, signed(callback.clone())).await, (200, None));
    }
    let limit = at_now().body_limit();
    for app in both() {
        let large = vec![b' '; limit + 1];
        let refused = (413, Some(VerifyError::BodyTooLarge { limit }));
        assert_eq!(ask(app, signed(large)).await, refused);
    }
}

#[actix_web::test]
async fn by_default_actix_accepts_it_too_when_it_is_configured_with_the_verifier() {
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};
    use qstash_verify::actix::{Verified, configure};

    async fn json(_: Verified<web::Json<serde_json::Value>>) -> &'static str {
        "json"
    }
    async fn bytes(_: Verified<(OwnedDelivery, web::Bytes)>) -> &'static str {
        "bytes"
    }
    async fn text(_: Verified<String>) -> &'static str {
        "text"
    }
    let routes = |config: &mut web::ServiceConfig| {
        config
            .route("/json", web::post().to(json))
            .route("/bytes", web::post().to(bytes))
            .route("/text", web::post().to(text));
    };
    let app = init_service(
        App::new()
            .service(
                web::scope("/set")
                    .configure(configure(at_now()))
                    .configure(routes),
            )
            .service(
                web::scope("/unset")
                    .app_data(web::Data::new(at_now()))
                    .configure(routes),
            ),
    )
    .await;
    let callback = callback(MESSAGE);
    for (path, status) in [
        ("/set/json", 200),
        ("/set/bytes", 200),
        ("/set/text", 200),
        ("/unset/json", 413),
        ("/unset/bytes", 413),
    ] {
        let (_, token) = jwt().header(&format!("{ORIGIN}{path}"), callback.as_bytes());
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("upstash-signature", token.as_bytes()))
            .insert_header(("content-type", "application/json"))
            .set_payload(callback.clone())
            .to_request();
        assert_eq!(call_service(&app, request).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn a_lower_limit_in_front_is_413_and_not_a_body_that_broke_off() {
    // In pieces, so that nobody knows the length before the limit is reached.
    let in_pieces =
        |request: Request<Body>| request.map(|body| Body::from_stream(body.into_data_stream()));
    let refused = (413, Some(VerifyError::BodyTooLargeInFront));
    for app in both() {
        let limited = app.layer(RequestBodyLimitLayer::new(100));
        let request = in_pieces(signed(vec![b' '; 101]));
        assert_eq!(ask(limited.clone(), request).await, refused);
        // With a length the layer in front answers by itself.
        assert_eq!(ask(limited.clone(), with_length(101)).await, (413, None));
        let whole_app = RequestBodyLimitLayer::new(100).layer(limited);
        let request = in_pieces(signed(vec![b' '; 101]));
        assert_eq!(ask(whole_app, request).await.0, 413);
    }
    let handler = |_: Request<Full<Bytes>>| async {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    };
    // A program of its own may cut bodies as well, around a layer of tower or of hyper.
    let service = VerifyLayer::new(at_now()).layer(tower::service_fn(handler));
    for (length, status) in [(100, 200), (101, 413)] {
        let request = jwt().request(URL, vec![b' '; length]).unwrap();
        let request = request.map(|body| Limited::new(Full::new(body), 100));
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

fn with_length(length: usize) -> Request<Body> {
    let mut request = signed(vec![b' '; length]);
    let headers = request.headers_mut();
    headers.insert("content-length", length.into());
    request
}

#[tokio::test]
async fn the_limit_of_the_verifier_replaces_that_of_axum() {
    let body = serde_json::json!({ "body": "x".repeat(3 << 20) }).to_string();
    let [extracting, layered] = both();
    let lower = DefaultBodyLimit::max(100);
    for app in [
        extracting.clone(),
        layered.clone(),
        extracting.layer(lower),
        layered.layer(lower),
        Router::new()
            .route("/orders", post(length))
            .route_layer(VerifyLayer::new(at_now()))
            .layer(lower),
    ] {
        assert_eq!(ask(app, signed(body.clone())).await, (200, None));
    }
    // A whole app that another layer verifies, and a handler's own limit inside: that one is meant.
    let inner = Router::new().route("/orders", post(length));
    let whole = VerifyLayer::new(at_now()).layer(inner.clone());
    assert_eq!(ask(whole, signed(body.clone())).await, (200, None));
    let own = VerifyLayer::new(at_now()).layer(inner.layer(lower));
    assert_eq!(ask(own, signed(body)).await, (413, None));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400_still() {
    for app in both() {
        let request = signed("").map(|_| Body::new(Broken));
        let refused = (400, Some(VerifyError::UnreadableBody));
        assert_eq!(ask(app, request).await, refused);
    }
}

/// A body whose connection breaks at once.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        let error = std::io::ErrorKind::ConnectionReset.into();
        std::task::Poll::Ready(Some(Err(error)))
    }
}
