//! A worker that takes nothing but webhooks, and so puts the layer around its whole axum app.
//!
//! Proves that `axum::serve` serves such an app, also with the address of its callers, and that nobody else learns
//! which routes it has.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Path, Request};
use axum::routing::post;
use axum::{Json, Router, ServiceExt};
use qstash_verify::tower::{VerifyLayer, VerifyService};
use qstash_verify::{ConfigError, OwnedDelivery, Verifier, VerifierBuilder};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_layer::Layer;

#[derive(Deserialize)]
struct Order {
    order_id: u64,
}

async fn order(
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    Path(shop): Path<String>,
    delivery: OwnedDelivery,
    Json(order): Json<Order>,
) -> String {
    let attempt = delivery.attempt().unwrap_or_default();
    let (number, caller) = (order.order_id, caller.ip());
    format!("order {number} of {shop} at attempt {attempt} from {caller}")
}

fn verifier(keys: VerifierBuilder) -> Result<Verifier, ConfigError> {
    keys.public_origin("https://worker.example")
        .body_limit(1000)
        .build()
}

fn app(verifier: Verifier) -> VerifyService<Router> {
    let shops = Router::new().route("/{shop}/orders", post(order));
    VerifyLayer::new(verifier).layer(Router::new().nest("/shops", shops))
}

async fn serve(listener: TcpListener, verifier: Verifier) -> std::io::Result<()> {
    let app = app(verifier);
    let make = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(app);
    axum::serve(listener, make).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = verifier(Verifier::from_env())?;
    serve(TcpListener::bind("127.0.0.1:3000").await?, verifier).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use qstash_verify::Signer;

    use super::*;

    const KEY: &str = "sig_of_the_account_of_the_worker";
    const FOREIGN: &str = "sig_of_the_account_of_another";
    const ORDERS: &str = "/shops/north/orders";
    const ORDER: &str = r#"{"order_id": 42}"#;

    fn url(path: &str) -> String {
        format!("https://worker.example{path}")
    }

    /// Serves the app at a free port.
    async fn start() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let verifier = verifier(Verifier::builder().current_signing_key(KEY));
        tokio::spawn(serve(listener, verifier.unwrap()));
        address
    }

    /// Sends a delivery of `body` to `path`, signed with `key` for `signed_url`.
    async fn send(
        server: SocketAddr,
        path: &str,
        (key, signed_url): (&str, &str),
        body: String,
    ) -> (u16, String) {
        let signed = Signer::jwt(key).unwrap().request(signed_url, body);
        let (parts, body) = signed.unwrap().into_parts();
        let request = reqwest::Client::new()
            .post(format!("http://{server}{path}"))
            .headers(parts.headers)
            .body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    #[tokio::test]
    async fn a_signed_request_is_served_over_a_socket() {
        let server = start().await;
        let signed = (KEY, &*url(ORDERS));
        let (status, text) = send(server, ORDERS, signed, ORDER.to_owned()).await;
        let expected = "order 42 of north at attempt 1 from 127.0.0.1";
        assert_eq!((status, text.as_str()), (200, expected));
    }

    #[tokio::test]
    async fn what_was_signed_for_another_url_is_refused() {
        let server = start().await;
        for signed_url in [
            url("/shops/south/orders"),
            url("/north/orders"),
            url(""),
            format!("https://other.example{ORDERS}"),
            // What the header `Host` says does not count.
            format!("http://{server}{ORDERS}"),
        ] {
            let signed = (KEY, signed_url.as_str());
            let (status, text) = send(server, ORDERS, signed, ORDER.to_owned()).await;
            assert_eq!(status, 401, "{signed_url}: {text}");
        }
    }

    #[tokio::test]
    async fn what_a_foreign_key_signed_or_nobody_is_refused() {
        let server = start().await;
        let signed = (FOREIGN, &*url(ORDERS));
        let (status, text) = send(server, ORDERS, signed, ORDER.to_owned()).await;
        assert_eq!(status, 401);
        assert_eq!(text, "the request could not be verified");

        let nobody = reqwest::get(format!("http://{server}{ORDERS}")).await;
        assert_eq!(nobody.unwrap().status(), 401);
    }

    #[tokio::test]
    async fn only_the_sender_learns_which_routes_there_are() {
        let server = start().await;
        let url = url("/nowhere");
        for (key, expected) in [(KEY, 404), (FOREIGN, 401)] {
            let signed = (key, url.as_str());
            let (status, _) = send(server, "/nowhere", signed, ORDER.to_owned()).await;
            assert_eq!(status, expected, "signed with {key}");
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_answered_413() {
        let server = start().await;
        for (size, expected) in [(1000, 200), (1001, 413)] {
            let signed = (KEY, &*url(ORDERS));
            let (status, text) = send(server, ORDERS, signed, format!("{ORDER:size$}")).await;
            assert_eq!(status, expected, "{size} bytes: {text}");
        }
    }
}
