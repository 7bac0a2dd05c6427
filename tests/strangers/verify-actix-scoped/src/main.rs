//! An agency whose actix-web app takes the webhooks of two shops, each in a scope of its own, and some of its own.
//!
//! Proves that a handler is guarded by the verifier of the nearest scope, whether it differs in its URL or in its keys,
//! and that it counts for no other scope.

use actix_web::{App, HttpServer, web};
use qstash_verify::actix::{Verified, configure};
use qstash_verify::{ConfigError, OwnedDelivery, Verifier, VerifierBuilder};
use serde::Deserialize;

#[derive(Clone)]
struct Verifiers {
    agency: Verifier,
    north: Verifier,
    south: Verifier,
}

impl Verifiers {
    fn new(agency: VerifierBuilder, south: VerifierBuilder) -> Result<Self, ConfigError> {
        let agency = agency.public_origin("https://agency.example").build()?;
        // The shop in the north has the agency's account, and a gateway that rewrites paths.
        let north = agency.with_expected_url("https://north.example/hook")?;
        // The one in the south has an account of its own, and a proxy that cuts its prefix off.
        let south = south.public_origin("https://south.example/api").build()?;
        Ok(Self {
            agency,
            north,
            south,
        })
    }
}

#[derive(Deserialize)]
struct Order {
    order_id: u64,
}

async fn order(verified: Verified<(OwnedDelivery, web::Json<Order>)>) -> String {
    let Verified((delivery, order)) = verified;
    let attempt = delivery.attempt().unwrap_or_default();
    format!("order {} at attempt {attempt}", order.order_id)
}

async fn job(Verified(job): Verified<String>) -> String {
    format!("job {job}")
}

fn site(verifiers: Verifiers) -> impl FnOnce(&mut web::ServiceConfig) {
    move |site| {
        let north = web::scope("/north")
            .app_data(web::Data::new(verifiers.north))
            .route("/orders", web::post().to(order));
        let south = web::scope("/south")
            .configure(configure(verifiers.south))
            .route("/orders", web::post().to(order));
        site.app_data(web::Data::new(verifiers.agency))
            .route("/jobs", web::post().to(job))
            .service(north)
            .service(south);
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let south = std::env::var("SOUTH_SIGNING_KEY")?;
    let south = Verifier::builder().current_signing_key(south);
    let verifiers = Verifiers::new(Verifier::from_env(), south)?;
    let app = move || App::new().configure(site(verifiers.clone()));
    HttpServer::new(app).bind("127.0.0.1:3000")?.run().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use qstash_verify::{Signer, VerifyError};

    use super::*;

    const AGENCY: &str = "sig_of_the_account_of_the_agency";
    const SOUTH: &str = "sig_of_the_account_of_the_south";
    const FOREIGN: &str = "sig_of_the_account_of_another";
    const ORDER: &str = r#"{"order_id": 42}"#;

    /// The routes, with the key and the URL that each of them takes.
    const ROUTES: [(&str, &str, &str); 3] = [
        ("/jobs", AGENCY, "https://agency.example/jobs"),
        ("/north/orders", AGENCY, "https://north.example/hook"),
        (
            "/south/orders",
            SOUTH,
            "https://south.example/api/south/orders",
        ),
    ];

    /// An order in a body of that many bytes.
    fn padded(size: usize) -> String {
        ORDER.to_owned() + &" ".repeat(size - ORDER.len())
    }

    /// Sends a delivery to `path`. Returns status and text of the answer, and the reason if it is a refusal.
    async fn call(
        path: &str,
        key: &str,
        signed_url: &str,
        body: String,
    ) -> (u16, String, Option<VerifyError>) {
        let verifiers = Verifiers::new(
            Verifier::builder().current_signing_key(AGENCY),
            Verifier::builder().current_signing_key(SOUTH),
        );
        let app = init_service(App::new().configure(site(verifiers.unwrap()))).await;
        let signed = Signer::jwt(key).unwrap().request(signed_url, body).unwrap();
        let mut request = TestRequest::post().uri(path);
        for (name, value) in signed.headers() {
            request = request.append_header((name.as_str(), value.as_bytes()));
        }
        let request = request.set_payload(signed.into_body()).to_request();
        let response = call_service(&app, request).await;
        let status = response.status().as_u16();
        let reason = response.response().extensions().get().cloned();
        let text = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        (status, text, reason)
    }

    #[actix_web::test]
    async fn each_scope_takes_what_was_signed_for_it() {
        for (path, key, url) in ROUTES {
            let (status, text, reason) = call(path, key, url, ORDER.to_owned()).await;
            assert_eq!(status, 200, "{path}: {reason:?}");
            let expected = match path {
                "/jobs" => r#"job {"order_id": 42}"#,
                _ => "order 42 at attempt 1",
            };
            assert_eq!(text, expected, "{path}");
        }
    }

    #[actix_web::test]
    async fn no_scope_takes_what_only_another_one_would_take() {
        for (path, ..) in ROUTES {
            for (of, key, url) in ROUTES.into_iter().filter(|(of, ..)| *of != path) {
                let (status, _, reason) = call(path, key, url, ORDER.to_owned()).await;
                let same_keys = key == AGENCY && path != "/south/orders";
                let as_told = match &reason {
                    Some(VerifyError::WrongUrl { .. }) => same_keys,
                    Some(VerifyError::TokenSignature { keys: 1, .. }) => !same_keys,
                    _ => false,
                };
                assert!(
                    status == 401 && as_told,
                    "{path}, signed for {of}: {status} {reason:?}"
                );
            }
        }
    }

    #[actix_web::test]
    async fn the_verifier_around_a_scope_does_not_count_in_it() {
        // The outer verifier would take these: they have its key and its origin with the path.
        for path in ["/north/orders", "/south/orders"] {
            let url = format!("https://agency.example{path}");
            let (status, text, reason) = call(path, AGENCY, &url, ORDER.to_owned()).await;
            assert_eq!(status, 401, "{path}: {reason:?}");
            assert_eq!(text, "the request could not be verified", "{path}");
        }
    }

    #[actix_web::test]
    async fn what_a_foreign_key_signed_or_for_another_url_is_refused() {
        for (path, key, url) in ROUTES {
            let (status, _, reason) = call(path, FOREIGN, url, ORDER.to_owned()).await;
            let foreign = matches!(reason, Some(VerifyError::TokenSignature { .. }));
            assert!(status == 401 && foreign, "{path}: {status} {reason:?}");
            for url in [format!("{url}/"), format!("http://localhost{path}")] {
                let (status, _, reason) = call(path, key, &url, ORDER.to_owned()).await;
                let wrong_url = matches!(reason, Some(VerifyError::WrongUrl { .. }));
                assert!(status == 401 && wrong_url, "{url}: {status} {reason:?}");
            }
        }
    }

    #[actix_web::test]
    async fn a_body_over_the_limit_of_the_verifier_is_answered_413() {
        let limit = Verifier::builder().secret("any secret will do here");
        let limit = limit.build().unwrap().body_limit();
        for (path, key, url) in ROUTES {
            let (status, _, reason) = call(path, key, url, padded(limit + 1)).await;
            assert_eq!(status, 413, "{path}");
            assert_eq!(reason, Some(VerifyError::BodyTooLarge { limit }), "{path}");
        }
        // actix-web takes only 2 MiB of JSON unless `configure` has raised that.
        let (path, key, url) = ROUTES[2];
        let (status, text, _) = call(path, key, url, padded(limit)).await;
        assert_eq!((status, text.as_str()), (200, "order 42 at attempt 1"));
    }
}
