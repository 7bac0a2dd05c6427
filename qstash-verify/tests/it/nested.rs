//! What path counts where routers are nested or paths are changed.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Request, Response};
use qstash_verify::axum::Verified;
use qstash_verify::tower::VerifyLayer;
use qstash_verify::{OwnedDelivery, Verifier};
use tower::{Layer, Service, ServiceExt as _};
use tower_http::normalize_path::NormalizePathLayer;

use crate::common::*;

fn at_now() -> Verifier {
    builder().clock(NOW).build().unwrap()
}

/// The status of a delivery that was signed for `path` and arrives there.
async fn status<S, R>(service: S, path: &str) -> u16
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: std::fmt::Debug,
{
    let request = jwt().request(&format!("{ORIGIN}{path}"), "x").unwrap();
    let response = service.oneshot(request.map(Body::from)).await.unwrap();
    response.status().as_u16()
}

fn extracting() -> Router {
    let handler = async |Verified(body): Verified<String>| body;
    Router::new()
        .route("/orders", post(handler))
        .with_state(at_now())
}

fn layered() -> Router {
    let handler = async |_: OwnedDelivery, body: String| body;
    Router::new().route("/orders", post(handler))
}

#[tokio::test]
async fn the_whole_path_counts_wherever_a_nested_router_verifies() {
    let layer = || VerifyLayer::new(at_now());
    let nest = |inner: Router| Router::new().nest("/v1", inner);
    let apps = [
        ("an extractor", nest(extracting())),
        (
            "a layer of the inner router",
            nest(layered().layer(layer())),
        ),
        (
            "a layer of its routes",
            nest(layered().route_layer(layer())),
        ),
        (
            "a layer of the outer router",
            nest(layered()).layer(layer()),
        ),
        (
            "a layer of a service",
            Router::new().nest_service("/v1", layer().layer(layered())),
        ),
    ];
    for (name, app) in apps {
        let twice = Router::new().nest("/api", app.clone());
        assert_eq!(status(app, "/v1/orders").await, 200, "{name}");
        assert_eq!(status(twice.clone(), "/api/v1/orders").await, 200, "{name}");
        // Signed for the path that the innermost router sees, it is another URL.
        let request = jwt().request(URL, "x").unwrap();
        let (mut parts, body) = request.into_parts();
        parts.uri = "/api/v1/orders".parse().unwrap();
        let request = Request::from_parts(parts, Body::from(body));
        let status = twice.oneshot(request).await.unwrap().status();
        assert_eq!(status, 401, "{name}");
    }
}

#[tokio::test]
async fn a_layer_around_a_whole_app_sees_the_whole_path() {
    let nested = Router::new().nest("/api", layered());
    let app = VerifyLayer::new(at_now()).layer(nested);
    assert_eq!(status(app, "/api/orders").await, 200);
}

#[tokio::test]
async fn a_path_is_verified_in_front_of_what_normalizes_it() {
    let verify = VerifyLayer::new(at_now());
    let normalize = NormalizePathLayer::trim_trailing_slash();
    let outside = verify.layer(normalize.layer(layered()));
    assert_eq!(status(outside, "/orders/").await, 200);
    // Inside, nobody knows of the slash any more.
    let inside = normalize.layer(layered().layer(verify));
    assert_eq!(status(inside.clone(), "/orders/").await, 401);
    assert_eq!(status(inside, "/orders").await, 200);
    assert_eq!(status(normalize.layer(extracting()), "/orders/").await, 401);
}

/// With its own extractor or middleware, a program gives the verifier the parts that axum gives it.
#[tokio::test]
async fn the_parts_of_a_nested_request_are_verified_by_hand_as_well() {
    async fn by_hand(request: axum::extract::Request) -> &'static str {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 100).await.unwrap();
        match at_now().verify(&parts, &body, NOW) {
            Ok(_) => "good",
            Err(_) => "bad",
        }
    }
    let app = Router::new().nest("/api", Router::new().route("/orders", post(by_hand)));
    let request = jwt()
        .request("https://shop.example/api/orders", "x")
        .unwrap();
    let response = app.oneshot(request.map(Body::from)).await.unwrap();
    let text = axum::body::to_bytes(response.into_body(), 100)
        .await
        .unwrap();
    assert_eq!(text, "good");
}
