//! A shop whose axum app takes its webhooks below `/hooks`, and verifies there in both ways that the crate offers.
//!
//! Proves that the extractor and the layer know the whole path inside of `Router::nest`, and that both an `Arc` of a
//! program's own state and a struct around it have a verifier.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::extract::{FromRef, State};
use axum::routing::post;
use axum::{Json, Router};
use qstash_verify::axum::Verified;
use qstash_verify::tower::VerifyLayer;
use qstash_verify::{ConfigError, OwnedDelivery, Verifier, VerifierBuilder};
use serde::Deserialize;

struct AppState {
    verifier: Verifier,
    done: AtomicU64,
}

impl AppState {
    fn new(keys: VerifierBuilder) -> Result<Arc<Self>, ConfigError> {
        let verifier = keys.public_origin("https://shop.example").build()?;
        let done = AtomicU64::new(0);
        Ok(Arc::new(Self { verifier, done }))
    }

    /// Counts a piece of work, and says which it was.
    fn did(&self, work: &str) -> String {
        let count = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{work}, number {count}")
    }
}

impl FromRef<AppState> for Verifier {
    fn from_ref(state: &AppState) -> Self {
        state.verifier.clone()
    }
}

/// What the pages of the site share; the webhooks need only a part of it.
#[derive(Clone)]
struct Site {
    state: Arc<AppState>,
    name: &'static str,
}

impl FromRef<Site> for Verifier {
    fn from_ref(site: &Site) -> Self {
        site.state.verifier.clone()
    }
}

#[derive(Deserialize)]
struct Order {
    order_id: u64,
}

async fn ordered(
    State(state): State<Arc<AppState>>,
    Verified(Json(order)): Verified<Json<Order>>,
) -> String {
    state.did(&format!("sent order {}", order.order_id))
}

/// The layer has verified what arrives here.
async fn refunded(
    State(state): State<Arc<AppState>>,
    delivery: OwnedDelivery,
    Json(order): Json<Order>,
) -> String {
    let attempt = delivery.attempt().unwrap_or_default();
    state.did(&format!(
        "refunded order {} at attempt {attempt}",
        order.order_id
    ))
}

async fn imported(State(site): State<Site>, Verified(list): Verified<Bytes>) -> String {
    site.state
        .did(&format!("{} imported {} bytes", site.name, list.len()))
}

fn hooks(state: Arc<AppState>) -> Router<Site> {
    let verify = VerifyLayer::new(state.verifier.clone());
    Router::new()
        .route("/orders", post(ordered))
        .route("/refunds", post(refunded).layer(verify))
        .with_state(state)
}

fn app(state: Arc<AppState>) -> Router {
    let hooks = hooks(Arc::clone(&state));
    Router::new()
        .route("/import", post(imported))
        .nest("/hooks", hooks)
        .with_state(Site {
            state,
            name: "the shop",
        })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let state = AppState::new(Verifier::from_env())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(state)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use qstash_verify::{Signer, VerifyError};
    use tower::ServiceExt as _;

    use super::*;

    const KEY: &str = "sig_of_the_account_of_the_shop";
    const FOREIGN: &str = "sig_of_the_account_of_another";
    const PATHS: [&str; 3] = ["/hooks/orders", "/hooks/refunds", "/import"];
    const ORDER: &str = r#"{"order_id": 42}"#;

    fn shop() -> Arc<AppState> {
        AppState::new(Verifier::builder().current_signing_key(KEY)).unwrap()
    }

    /// What arrives at `path`, as a server sees it: the host is in a header only.
    fn delivery(key: &str, signed_url: &str, path: &str, body: String) -> Request<Body> {
        let signer = Signer::jwt(key).unwrap();
        let (mut parts, body) = signer.request(signed_url, body).unwrap().into_parts();
        parts.uri = path.parse().unwrap();
        parts
            .headers
            .insert("host", "internal:3000".parse().unwrap());
        Request::from_parts(parts, Body::from(body))
    }

    /// An order in a body of that many bytes.
    fn padded(size: usize) -> String {
        ORDER.to_owned() + &" ".repeat(size - ORDER.len())
    }

    fn url(path: &str) -> String {
        format!("https://shop.example{path}")
    }

    /// Returns status and text of the answer, and the reason if it is a refusal.
    async fn call(
        state: &Arc<AppState>,
        request: Request<Body>,
    ) -> (u16, String, Option<VerifyError>) {
        let response = app(Arc::clone(state)).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let reason = response.extensions().get().cloned();
        let body = axum::body::to_bytes(response.into_body(), 1000)
            .await
            .unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap(), reason)
    }

    #[tokio::test]
    async fn what_was_signed_for_the_whole_path_reaches_its_handler() {
        let state = shop();
        for (path, expected) in [
            ("/hooks/orders", "sent order 42, number 1"),
            ("/hooks/refunds", "refunded order 42 at attempt 1, number 2"),
            ("/import", "the shop imported 16 bytes, number 3"),
        ] {
            let request = delivery(KEY, &url(path), path, ORDER.to_owned());
            let (status, text, _) = call(&state, request).await;
            assert_eq!((status, text.as_str()), (200, expected), "{path}");
        }
    }

    #[tokio::test]
    async fn what_was_signed_for_another_url_is_refused() {
        let state = shop();
        for path in PATHS {
            for signed in [
                // Parts of the path, such as the one that `nest` leaves to the inner router.
                "https://shop.example/orders",
                "https://shop.example/refunds",
                "https://shop.example/hooks/import",
                "https://shop.example/hooks/hooks/orders",
                "https://shop.example/hooks",
                // Another origin, and the one that the header `Host` names.
                &format!("https://other.example{path}"),
                &format!("http://shop.example{path}"),
                &format!("http://internal:3000{path}"),
                &format!("https://shop.example{path}?more"),
            ] {
                let request = delivery(KEY, signed, path, ORDER.to_owned());
                let (status, _, reason) = call(&state, request).await;
                let wrong_url = matches!(reason, Some(VerifyError::WrongUrl { .. }));
                assert!(
                    status == 401 && wrong_url,
                    "{signed} at {path}: {status} {reason:?}"
                );
            }
        }
        assert_eq!(state.done.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_a_foreign_key_signed_or_nobody_is_refused() {
        let state = shop();
        for path in PATHS {
            let request = delivery(FOREIGN, &url(path), path, ORDER.to_owned());
            let (status, text, reason) = call(&state, request).await;
            let foreign = matches!(reason, Some(VerifyError::TokenSignature { .. }));
            assert!(status == 401 && foreign, "{path}: {status} {reason:?}");
            assert_eq!(text, "the request could not be verified", "{path}");

            let mut request = delivery(KEY, &url(path), path, ORDER.to_owned());
            request.headers_mut().remove("upstash-signature");
            let (status, _, reason) = call(&state, request).await;
            assert_eq!(status, 401, "{path}");
            assert_eq!(reason, Some(VerifyError::MissingSignature), "{path}");
        }
        assert_eq!(state.done.load(Ordering::Relaxed), 0);
    }

    /// The verifier's limit is over the 2 MB of axum, and it is the only one that counts.
    #[tokio::test]
    async fn a_body_is_taken_up_to_the_limit_of_the_verifier_and_then_answered_413() {
        let state = shop();
        let limit = state.verifier.body_limit();
        assert!(limit > 2 << 20);
        for path in PATHS {
            for (size, expected) in [(limit, 200), (limit + 1, 413)] {
                let request = delivery(KEY, &url(path), path, padded(size));
                let (status, text, _) = call(&state, request).await;
                assert_eq!(status, expected, "{size} bytes at {path}: {text}");
            }
        }
    }
}
