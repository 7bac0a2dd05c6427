//! Programs as others write them: each is set up in a way of its own, and asked over its own door.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRef, Path, Query, State};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Full};
use qstash_verify::axum::{Rejection, Verified};
use qstash_verify::idempotency::{AnyStore, Guard, MemoryStore, Run};
use qstash_verify::tower::{GuardLayer, VerifyLayer};
use qstash_verify::{OwnedDelivery, RequestHead, Verifier, VerifyError};
use tower::{Layer, Service, ServiceBuilder, ServiceExt as _};

use crate::common::*;

fn at_now() -> Verifier {
    builder().clock(NOW).build().unwrap()
}

fn signed(path: &str, body: &'static str) -> Request<Body> {
    let request = jwt().request(&format!("{ORIGIN}{path}"), body).unwrap();
    request.map(Body::from)
}

async fn text<S, R>(service: S, request: Request<Body>) -> (u16, String)
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: std::fmt::Debug,
    R: http_body::Body<Data = Bytes>,
    R::Error: std::fmt::Debug,
{
    let response = service.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// What a program shares among its handlers.
struct Shop {
    verifier: Verifier,
    name: &'static str,
}

impl FromRef<Shop> for Verifier {
    fn from_ref(shop: &Shop) -> Self {
        shop.verifier.clone()
    }
}

#[tokio::test]
async fn a_state_in_an_arc_has_the_verifier_of_what_it_holds() {
    let handler = async |State(shop): State<Arc<Shop>>, Verified(body): Verified<String>| {
        format!("{} {body}", shop.name)
    };
    let shop = Shop {
        verifier: at_now(),
        name: "shop",
    };
    let app = Router::new()
        .route("/orders", post(handler))
        .with_state(Arc::new(shop));
    assert_eq!(
        text(app, signed("/orders", "x")).await,
        (200, "shop x".to_owned())
    );
}

#[tokio::test]
async fn what_reads_the_head_alone_is_extracted_once_the_body_is_verified() {
    type Page = Query<std::collections::BTreeMap<String, u32>>;
    let delivery = async |Verified(delivery): Verified<OwnedDelivery>| {
        delivery.message_id().unwrap_or("none").to_owned()
    };
    let path = async |Verified(Path(id)): Verified<Path<u32>>| format!("order {id}");
    let query = async |Verified(Query(page)): Verified<Page>| format!("page {}", page["page"]);
    let both = async |Verified((Path(id), delivery)): Verified<(Path<u32>, OwnedDelivery)>| {
        format!("{id} {:?}", delivery.attempt())
    };
    let all =
        async |Path(id): Path<u32>,
               Verified((delivery, Json(body))): Verified<(OwnedDelivery, Json<u32>)>| {
            format!("{id} {:?} {body}", delivery.attempt())
        };
    let app = Router::new()
        .route("/delivery", post(delivery))
        .route("/path/{id}", post(path))
        .route("/query", post(query))
        .route("/both/{id}", post(both))
        .route("/all/{id}", post(all))
        .with_state(at_now());
    for (path, expected) in [
        ("/delivery", "msg_"),
        ("/path/7", "order 7"),
        ("/query?page=3", "page 3"),
        ("/both/7", "7 Some(1)"),
        ("/all/7", "7 Some(1) 42"),
    ] {
        let mut request = signed(path, "42");
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json".parse().unwrap());
        let (status, told) = text(app.clone(), request).await;
        assert!(
            status == 200 && told.starts_with(expected),
            "{path}: {told}"
        );
        // The body counts, even where nobody reads it.
        let forged = signed(path, "42").map(|_| Body::from("43"));
        assert_eq!(text(app.clone(), forged).await.0, 401, "{path}");
    }
    let (status, told) = text(app, signed("/path/x", "")).await;
    assert_eq!(status, 400, "{told}");
}

#[tokio::test]
async fn an_optional_extractor_lets_in_who_signs_nothing_but_not_who_signs_wrongly() {
    let handler = async |verified: Option<Verified<(OwnedDelivery, Bytes)>>| {
        verified.map_or("a visitor", |_| "QStash")
    };
    let app = Router::new()
        .route("/orders", post(handler))
        .with_state(at_now());
    let visitor = Request::post(URL).body(Body::from("x")).unwrap();
    assert_eq!(
        text(app.clone(), visitor).await,
        (200, "a visitor".to_owned())
    );
    assert_eq!(
        text(app.clone(), signed("/orders", "x")).await,
        (200, "QStash".to_owned())
    );
    let forged = signed("/orders", "x").map(|_| Body::from("y"));
    assert_eq!(text(app.clone(), forged).await.0, 401);
    let elsewhere = signed("/orders", "x");
    let (mut parts, body) = elsewhere.into_parts();
    parts
        .headers
        .insert("upstash-signature", "a.b.c".parse().unwrap());
    assert_eq!(text(app, Request::from_parts(parts, body)).await.0, 401);
}

#[tokio::test]
async fn a_handler_that_takes_the_rejection_learns_what_the_decoder_said() {
    let handler = async |order: Result<Verified<Json<u32>>, Rejection>| match order {
        Ok(Verified(Json(order))) => format!("order {order}"),
        Err(Rejection::Undecodable { reason, .. }) => match reason {
            VerifyError::Undecodable { detail } => detail,
            other => other.to_string(),
        },
        Err(other) => other.to_string(),
    };
    let app = Router::new()
        .route("/orders", post(handler))
        .with_state(at_now());
    let mut request = signed("/orders", "\"x\"");
    let headers = request.headers_mut();
    headers.insert("content-type", "application/json".parse().unwrap());
    let (status, told) = text(app, request).await;
    assert!(status == 200 && told.contains("expected u32"), "{told}");
}

#[tokio::test]
async fn layers_around_a_whole_app_are_served_by_axum() {
    let handler = async |delivery: OwnedDelivery, body: String| {
        format!("{} {body}", delivery.attempt().unwrap_or_default())
    };
    let app: Router = Router::new().nest("/api", Router::new().route("/orders", post(handler)));
    let layers = ServiceBuilder::new()
        .layer(VerifyLayer::new(at_now()))
        .layer(GuardLayer::new(Guard::new(MemoryStore::new(10))));
    let app = layers.service(app);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let make = axum::ServiceExt::<axum::extract::Request>::into_make_service(app);
    tokio::spawn(async move { axum::serve(listener, make).await });
    let (parts, body) = split(
        jwt()
            .request("https://shop.example/api/orders", "x")
            .unwrap(),
    );
    let client = reqwest::Client::new();
    let url = format!("http://{address}/api/orders");
    for expected in ["1 x", "the message was processed before"] {
        let request = client.post(&url).headers(parts.headers.clone());
        let response = request.body(body.clone()).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), expected);
    }
    let forged = client.post(&url).send().await.unwrap();
    assert_eq!(forged.status(), 401);
}

#[tokio::test]
async fn services_of_hyper_and_tonic_box_their_bodies_and_keep_them() {
    async fn sync(
        _: Request<Full<Bytes>>,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        Ok(Response::new(Full::from("sync").boxed()))
    }
    async fn unsync(
        _: Request<Full<Bytes>>,
    ) -> Result<Response<UnsyncBoxBody<Bytes, std::io::Error>>, Infallible> {
        let body = Full::from("unsync").map_err(|never| match never {});
        Ok(Response::new(body.boxed_unsync()))
    }
    let verify = VerifyLayer::new(at_now());
    let (sync, unsync) = (tower::service_fn(sync), tower::service_fn(unsync));
    assert_eq!(text(verify.layer(sync), signed("/a", "x")).await.1, "sync");
    assert_eq!(
        text(verify.layer(unsync), signed("/a", "x")).await.1,
        "unsync"
    );
    let forged = || Request::post(URL).body(Body::empty()).unwrap();
    assert_eq!(text(verify.layer(sync), forged()).await.0, 401);
    assert_eq!(text(verify.layer(unsync), forged()).await.0, 401);
}

/// The event of a function that a platform calls: texts, and the body perhaps in base64.
struct Event<'a> {
    raw_path: &'a str,
    raw_query: &'a str,
    headers: Vec<(String, String)>,
    body: String,
}

/// What such a function does, without any framework.
fn lambda(verifier: &Verifier, event: &Event<'_>) -> Result<Option<String>, VerifyError> {
    use base64::Engine;
    let headers: HeaderMap = event
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
        .collect::<Vec<(http::HeaderName, http::HeaderValue)>>()
        .into_iter()
        .collect();
    let target = match event.raw_query {
        "" => event.raw_path.to_owned(),
        query => format!("{}?{query}", event.raw_path),
    };
    let body = base64::engine::general_purpose::STANDARD.decode(&event.body);
    let body = body.map_err(|_| VerifyError::UnreadableBody)?;
    let head = RequestHead::new(&headers).target(&target);
    let delivery = verifier.verify(head, &body, verifier.now())?;
    Ok(delivery.message_id().map(str::to_owned))
}

#[test]
fn a_function_of_a_platform_verifies_what_a_gateway_made_of_the_request() {
    use base64::Engine;
    // The gateway drops the default port and the user, and writes spaces as plus signs.
    let published = "https://me:pass@shop.example:443/a%20b/?name=J%20R&x=%2f";
    let (parts, body) = split(jwt().request(published, vec![0xff, 0]).unwrap());
    let headers = parts.headers.iter();
    let mut event = Event {
        raw_path: "/a%20b/",
        raw_query: "name=J+R&x=%2F",
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: base64::engine::general_purpose::STANDARD.encode(&body),
    };
    let verifier = at_now();
    assert!(lambda(&verifier, &event).unwrap().is_some());
    event.raw_query = "";
    let error = lambda(&verifier, &event).unwrap_err();
    assert!(matches!(error, VerifyError::WrongUrl { .. }), "{error}");
    // Where the gateway keeps nothing of the URL, the function knows it.
    let own = verifier.with_expected_url("https://shop.example/a%20b/?name=J+R&x=%2F");
    assert!(lambda(&own.unwrap(), &event).is_ok());
    assert!(verifier.with_expected_url("/orders").is_err());
    // The verifier that it was made of expects what it expected.
    assert!(lambda(&verifier, &event).is_err());
}

#[test]
fn one_builder_makes_verifiers_that_differ_in_one_setting() {
    let shared = Verifier::builder().current_signing_key(CURRENT).clock(NOW);
    let orders = shared.clone().expected_url(URL).build().unwrap();
    let refunds = shared.expected_url("https://shop.example/refunds");
    let refunds = refunds.build().unwrap();
    let (parts, body) = split(jwt().request(URL, "{}").unwrap());
    assert!(verify(&orders, &parts, &body).is_ok());
    assert!(verify(&refunds, &parts, &body).is_err());
}

#[tokio::test]
async fn the_store_of_a_guard_is_chosen_when_the_program_runs() {
    let stores = [
        AnyStore::new(MemoryStore::new(10)),
        AnyStore::new(AnyStore::new(MemoryStore::new(10))),
    ];
    for store in stores {
        let guard = Guard::new(store);
        let work = || async { Ok::<_, Infallible>(1) };
        assert_eq!(guard.run("msg_1", work).await.unwrap(), Run::First(Ok(1)));
        assert_eq!(guard.run("msg_1", work).await.unwrap(), Run::Finished);
        let failing = || async { Err::<(), _>("no") };
        assert_eq!(
            guard.run("msg_2", failing).await.unwrap(),
            Run::First(Err("no"))
        );
        assert_eq!(guard.run("msg_2", work).await.unwrap(), Run::First(Ok(1)));
        assert!(format!("{guard:?}").contains("AnyStore"));
        let ticket = guard.begin("msg_3").await.unwrap();
        drop(ticket);
        assert_eq!(guard.run("msg_3", work).await.unwrap(), Run::First(Ok(1)));
    }
}
