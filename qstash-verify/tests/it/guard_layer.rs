//! A message is worked on once: the guard as a layer.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use qstash_verify::idempotency::{Begin, Guard, MemoryStore, Store};
use qstash_verify::tower::{GuardLayer, VerifyLayer};
use qstash_verify::{Signer, Verifier};
use tokio::sync::Barrier;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::common::*;
use crate::guard::Hand;

type Body = Full<Bytes>;

/// A guarded service that answers the status in the request's body, and counts its calls.
fn service(
    store: MemoryStore,
    calls: Arc<AtomicUsize>,
) -> impl Service<
    Request<Body>,
    Response = Response<impl http_body::Body<Data = Bytes, Error: std::fmt::Debug>>,
    Error = Infallible,
    Future: Send,
> + Clone {
    let verifier = Verifier::builder()
        .secret(SECRET)
        .current_signing_key(CURRENT)
        .public_origin(ORIGIN)
        .clock(NOW)
        .build()
        .unwrap();
    ServiceBuilder::new()
        .layer(VerifyLayer::new(verifier))
        .layer(GuardLayer::new(Guard::new(store)))
        .service_fn(move |request: Request<Body>| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move {
                let body = http_body_util::BodyExt::collect(request.into_body()).await;
                let status: u16 = std::str::from_utf8(&body.unwrap().to_bytes())
                    .unwrap()
                    .parse()
                    .unwrap();
                let response = Response::builder().status(status);
                Ok::<_, Infallible>(response.body(Body::default()).unwrap())
            }
        })
}

fn delivery(signer: Signer, id: &'static str, status: u16) -> Request<Body> {
    let signer = signer.ids(move |_| id.to_owned());
    signer
        .request(URL, status.to_string())
        .unwrap()
        .map(Body::new)
}

#[tokio::test]
async fn only_what_the_sender_takes_for_the_end_finishes_a_message() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = service(MemoryStore::new(100), Arc::clone(&calls));
    let answer = async |request| {
        service
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    for (signer, id, first, second, called) in [
        (hmac(), "v1-200", 200, 200, 1),
        (hmac(), "v1-204", 204, 200, 1),
        (hmac(), "v1-202", 202, 202, 2),
        (hmac(), "v1-500", 500, 500, 2),
        (hmac(), "v1-301", 301, 301, 2),
        (jwt(), "v2-202", 202, 200, 1),
        (jwt(), "v2-404", 404, 404, 2),
    ] {
        calls.store(0, Ordering::SeqCst);
        assert_eq!(
            answer(delivery(signer.clone(), id, first)).await,
            first,
            "{id}"
        );
        assert_eq!(answer(delivery(signer, id, first)).await, second, "{id}");
        assert_eq!(calls.load(Ordering::SeqCst), called, "{id}");
    }
}

#[tokio::test]
async fn a_delivery_without_an_id_is_refused_and_an_unverified_one_claims_nothing() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = service(MemoryStore::new(100), Arc::clone(&calls));
    let mut nameless = delivery(hmac(), "msg_1", 200);
    nameless.headers_mut().remove("qstash-message-id");
    assert_eq!(
        service.clone().oneshot(nameless).await.unwrap().status(),
        400
    );
    let mut forged = delivery(hmac(), "msg_1", 200);
    *forged.body_mut() = Body::from("201");
    assert_eq!(service.clone().oneshot(forged).await.unwrap().status(), 401);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(
        service
            .oneshot(delivery(hmac(), "msg_1", 200))
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_store_that_is_full_answers_503_and_the_handler_is_not_called() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = service(MemoryStore::new(0), Arc::clone(&calls));
    let response = service
        .oneshot(delivery(hmac(), "msg_1", 200))
        .await
        .unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_guard_outside_of_a_verify_layer_is_a_mistake_of_the_program() {
    let service = ServiceBuilder::new()
        .layer(GuardLayer::new(Guard::new(MemoryStore::new(1))))
        .service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::default())));
    let response = service
        .oneshot(delivery(hmac(), "msg_1", 200))
        .await
        .unwrap();
    assert_eq!(response.status(), 500);
}

/// A hundred deliveries at once; the handler that runs answers only when all the others have their answer.
pub(crate) async fn a_hundred_deliveries_run_the_handler_once(store: impl Store) {
    let calls = Arc::new(AtomicUsize::new(0));
    let answered = Arc::new(Barrier::new(100));
    let handler = {
        let (calls, answered) = (Arc::clone(&calls), Arc::clone(&answered));
        move |_: Request<Body>| {
            calls.fetch_add(1, Ordering::SeqCst);
            let answered = Arc::clone(&answered);
            async move {
                answered.wait().await;
                Ok::<_, Infallible>(Response::new(Body::default()))
            }
        }
    };
    let verifier = builder().clock(NOW).build().unwrap();
    let guard = Guard::new(store).hold(Duration::from_millis(600_500));
    let service = ServiceBuilder::new()
        .layer(VerifyLayer::new(verifier))
        .layer(GuardLayer::new(guard))
        .service_fn(handler);
    let mut deliveries = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (service, answered) = (service.clone(), Arc::clone(&answered));
        deliveries.spawn(async move {
            let request = delivery(jwt(), "msg_1", 200);
            let response = service.oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            if status == 409 {
                let secs = response.headers()["retry-after"].to_str().unwrap();
                let secs: u64 = secs.parse().unwrap();
                assert!((570..=601).contains(&secs), "{secs}");
                answered.wait().await;
            }
            status
        });
    }
    let mut statuses = deliveries.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200], vec![409; 99]].concat());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let again = service.oneshot(delivery(jwt(), "msg_1", 200)).await;
    assert_eq!(again.unwrap().status(), 200);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_simultaneous_deliveries_run_the_handler_once() {
    a_hundred_deliveries_run_the_handler_once(Hand::default().store(1000)).await;
}

#[tokio::test]
async fn a_duplicate_in_progress_is_told_when_its_claim_ends_rounded_up() {
    let store = Hand::default().store(10);
    let guard = Guard::new(store).hold(Duration::from_millis(6_500));
    let service = ServiceBuilder::new()
        .layer(VerifyLayer::new(builder().clock(NOW).build().unwrap()))
        .layer(GuardLayer::new(guard.clone()))
        .service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::default())));
    let ticket = guard.begin("msg_1").await.unwrap();
    let duplicate = service.oneshot(delivery(jwt(), "msg_1", 200)).await;
    let duplicate = duplicate.unwrap();
    assert_eq!(duplicate.status(), 409);
    assert_eq!(duplicate.headers()["retry-after"], "7");
    drop(ticket);
}

/// A handler that fails in each way there is, as the request's body asks for.
async fn fallible(request: Request<Body>) -> Result<Response<Body>, &'static str> {
    let body = http_body_util::BodyExt::collect(request.into_body()).await;
    match &body.unwrap().to_bytes()[..] {
        b"1" => panic!("as it should"),
        b"2" => Err("broken"),
        b"3" => std::future::pending().await,
        _ => Ok(Response::new(Body::default())),
    }
}

#[tokio::test]
async fn a_handler_that_panics_fails_or_is_cancelled_leaves_its_message_free() {
    let guard = Guard::new(MemoryStore::new(10));
    let service = ServiceBuilder::new()
        .layer(VerifyLayer::new(builder().clock(NOW).build().unwrap()))
        .layer(GuardLayer::new(guard.clone()))
        .service_fn(fallible);
    let deliver = |body| service.clone().oneshot(delivery(hmac(), "msg_1", body));
    let panicked = tokio::spawn(deliver(1)).await.unwrap_err();
    assert!(panicked.is_panic());
    assert_eq!(deliver(2).await.unwrap_err(), "broken");
    let mut hanging = Box::pin(deliver(3));
    tokio::select! {
        biased;
        _ = &mut hanging => unreachable!("it hangs"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(deliver(0).await.unwrap().status(), 409);
    drop(hanging);
    assert_eq!(deliver(0).await.unwrap().status(), 200);
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::Finished
    ));
}

/// Answers 201 with a header, and with as many bytes as the path says.
async fn created(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let length: usize = request.uri().path()[1..].parse().unwrap();
    let response = Response::builder().status(201);
    let response = response.header("x-order", "7").header("x-order", "8");
    let body = Body::from(vec![b'x'; length]);
    Ok(response.header("connection", "close").body(body).unwrap())
}

#[tokio::test]
async fn a_duplicate_gets_the_first_answer_where_answers_are_kept() {
    async fn ask(
        service: impl Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        length: usize,
    ) -> (u16, Vec<String>, usize) {
        let signer = hmac().ids(move |_| format!("msg_{length}"));
        let request = signer.request(&format!("{ORIGIN}/{length}"), "x").unwrap();
        let response = service.oneshot(request.map(Body::new)).await.unwrap();
        let orders = response.headers().get_all("x-order").iter();
        let orders = orders.map(|it| it.to_str().unwrap().to_owned()).collect();
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body()).await;
        (status, orders, body.unwrap().to_bytes().len())
    }
    let verify = || VerifyLayer::new(builder().clock(NOW).build().unwrap());
    let guard = || Guard::new(MemoryStore::new(10));
    let keeping = ServiceBuilder::new()
        .layer(verify())
        .layer(GuardLayer::new(guard()).replay_answers(100))
        .service_fn(created);
    let orders = || vec!["7".to_owned(), "8".to_owned()];
    for length in [0, 100] {
        for _ in 0..3 {
            assert_eq!(ask(keeping.clone(), length).await, (201, orders(), length));
        }
    }
    // Too long to be kept, but passed on whole; and what nobody asked to be kept.
    let forgetting = ServiceBuilder::new()
        .layer(verify())
        .layer(GuardLayer::new(guard()))
        .service_fn(created);
    let text = "the message was processed before".len();
    assert_eq!(ask(keeping.clone(), 101).await, (201, orders(), 101));
    assert_eq!(ask(keeping, 101).await, (200, vec![], text));
    assert_eq!(ask(forgetting.clone(), 1).await, (201, orders(), 1));
    assert_eq!(ask(forgetting, 1).await, (200, vec![], text));
}
