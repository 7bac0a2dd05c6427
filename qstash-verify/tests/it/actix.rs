//! Which verifier counts in actix-web, where scopes are nested.

use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use qstash_verify::actix::Verified;
use qstash_verify::{OwnedDelivery, Signer, Verifier};

use crate::common::*;

const PUBLIC: &str = "sig_of_the_public_routes_key";
const ADMIN: &str = "sig_of_the_routes_for_admins";

fn of(key: &str) -> Verifier {
    let builder = Verifier::builder()
        .current_signing_key(key)
        .public_origin(ORIGIN);
    builder.clock(NOW).build().unwrap()
}

/// A delivery to `path`, signed with `key` for that path.
fn delivery(key: &str, path: &str) -> TestRequest {
    let signer = Signer::jwt(key).unwrap().clock(NOW);
    let (_, token) = signer.header(&format!("{ORIGIN}{path}"), b"x");
    TestRequest::post()
        .uri(path)
        .insert_header(("upstash-signature", token.as_bytes()))
        .set_payload("x")
}

async fn handler(_: Verified<String>) -> &'static str {
    "done"
}

#[actix_web::test]
async fn the_verifier_of_the_nearest_scope_counts() {
    let data = |key| web::Data::new(of(key));
    let routes = |scope: actix_web::Scope| scope.route("/x", web::post().to(handler));
    let app = init_service(
        App::new()
            .app_data(data(PUBLIC))
            .service(routes(web::scope("/public")))
            .service(routes(web::scope("/admin").app_data(data(ADMIN))))
            .service(web::scope("/configured").configure(|it| {
                it.app_data(data(ADMIN))
                    .route("/x", web::post().to(handler));
            }))
            .service(
                web::scope("/outer")
                    .app_data(data(PUBLIC))
                    .service(routes(web::scope("/inner").app_data(data(ADMIN))))
                    .service(
                        web::resource("/resource")
                            .app_data(data(ADMIN))
                            .post(handler),
                    ),
            ),
    )
    .await;
    for (path, key) in [
        ("/public/x", PUBLIC),
        ("/admin/x", ADMIN),
        ("/configured/x", ADMIN),
        ("/outer/inner/x", ADMIN),
        ("/outer/resource", ADMIN),
    ] {
        for signed_with in [PUBLIC, ADMIN] {
            let request = delivery(signed_with, path).to_request();
            let status = call_service(&app, request).await.status().as_u16();
            let expected = if signed_with == key { 200 } else { 401 };
            assert_eq!(status, expected, "{path} signed with {signed_with}");
        }
    }
}

/// A bare verifier beside one in `web::Data` would make actix-web choose by the type, not by the level.
#[actix_web::test]
async fn a_bare_verifier_at_any_level_is_refused_whatever_else_there_is() {
    let bare = || of(PUBLIC);
    let data = |key| web::Data::new(of(key));
    let route = || web::post().to(handler);
    let app = init_service(
        App::new()
            .service(web::scope("/only").app_data(bare()).route("/x", route()))
            .service(
                web::scope("/outer").app_data(bare()).service(
                    web::scope("/admin")
                        .app_data(data(ADMIN))
                        .route("/x", route()),
                ),
            )
            .service(
                web::scope("/inner")
                    .app_data(data(ADMIN))
                    .service(web::scope("/public").app_data(bare()).route("/x", route())),
            )
            .service(
                web::scope("/both")
                    .app_data(data(ADMIN))
                    .app_data(bare())
                    .route("/x", route()),
            )
            .service(web::scope("/none").route("/x", route())),
    )
    .await;
    for path in ["/only", "/outer/admin", "/inner/public", "/both", "/none"] {
        for key in [PUBLIC, ADMIN] {
            let request = delivery(key, &format!("{path}/x")).to_request();
            let response = call_service(&app, request).await;
            assert_eq!(response.status(), 500, "{path} signed with {key}");
            let text = read_body(response).await;
            assert_eq!(text, "the service is not set up to verify requests");
        }
    }
}

/// Had the outer verifier's delivery stayed there, a handler could take it for one that the inner verifier let through.
#[actix_web::test]
async fn what_an_outer_verifier_let_through_is_not_verified_by_an_inner_one() {
    async fn lenient(inner: Option<Verified<String>>, outer: Option<OwnedDelivery>) -> String {
        format!("{} {}", inner.is_some(), outer.is_some())
    }
    async fn outer_verifies(
        mut request: actix_web::dev::ServiceRequest,
        next: actix_web::middleware::Next<impl actix_web::body::MessageBody>,
    ) -> Result<ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
        let Verified(body) = request.extract::<Verified<web::Bytes>>().await?;
        request.set_payload(body.into());
        next.call(request).await
    }
    let app = init_service(
        App::new().app_data(web::Data::new(of(PUBLIC))).service(
            web::scope("/admin")
                .wrap(actix_web::middleware::from_fn(outer_verifies))
                .service(
                    web::resource("/x")
                        .app_data(web::Data::new(of(ADMIN)))
                        .post(lenient),
                ),
        ),
    )
    .await;
    let request = delivery(PUBLIC, "/admin/x").to_request();
    let response = call_service(&app, request).await;
    assert_eq!(read_body(response).await, "false false");
}
