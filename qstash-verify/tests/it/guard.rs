//! A message is worked on once.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use qstash_verify::idempotency::{
    Begin, Claim, Claimed, Guard, MemoryStore, Run, Store, StoreError,
};
use qstash_verify::tower::{GuardLayer, VerifyLayer};
use qstash_verify::{Signer, Timestamp, Verifier};
use tokio::sync::Barrier;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::common::*;

/// A clock that a test moves, in milliseconds.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn store(&self, capacity: usize) -> MemoryStore {
        let time = Arc::clone(&self.0);
        MemoryStore::new(capacity)
            .clock(move || Timestamp::from_millis(time.load(Ordering::SeqCst)))
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn granted(claimed: Claimed) -> Claim {
    match claimed {
        Claimed::Granted(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// What every store must do; also run against Redis.
pub(crate) async fn conforms(store: &impl Store) {
    let minute = Duration::from_secs(60);
    let first = granted(store.claim("a", minute).await.unwrap());
    assert_eq!(first.id(), "a");
    match store.claim("a", minute).await.unwrap() {
        Claimed::InProgress { remaining } => {
            assert!(
                remaining <= minute && remaining > minute / 2,
                "{remaining:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    granted(store.claim("b", minute).await.unwrap());
    store.release(&first).await.unwrap();
    let second = granted(store.claim("a", minute).await.unwrap());
    // What came before has no say any more.
    store.release(&first).await.unwrap();
    store.commit(&first, minute).await.unwrap();
    assert!(matches!(
        store.claim("a", minute).await.unwrap(),
        Claimed::InProgress { .. }
    ));
    store.commit(&second, minute).await.unwrap();
    assert_eq!(store.claim("a", minute).await.unwrap(), Claimed::Finished);
    store.release(&second).await.unwrap();
    assert_eq!(store.claim("a", minute).await.unwrap(), Claimed::Finished);
    // A claim that has been free meanwhile can still be finished.
    let third = granted(store.claim("c", minute).await.unwrap());
    store.release(&third).await.unwrap();
    store.commit(&third, minute).await.unwrap();
    assert_eq!(store.claim("c", minute).await.unwrap(), Claimed::Finished);
}

#[tokio::test]
async fn the_memory_store_conforms() {
    conforms(&MemoryStore::new(100)).await;
}

#[tokio::test]
async fn a_hold_ends_and_a_finished_message_is_forgotten_in_time() {
    let hand = Hand::default();
    let store = hand.store(10);
    granted(store.claim("a", SECOND).await.unwrap());
    hand.advance(SECOND - Duration::from_millis(1));
    let remaining = Duration::from_millis(1);
    assert_eq!(
        store.claim("a", SECOND).await.unwrap(),
        Claimed::InProgress { remaining }
    );
    hand.advance(remaining);
    let claim = granted(store.claim("a", SECOND).await.unwrap());
    store.commit(&claim, 2 * SECOND).await.unwrap();
    hand.advance(2 * SECOND - remaining);
    assert_eq!(store.claim("a", SECOND).await.unwrap(), Claimed::Finished);
    hand.advance(remaining);
    assert!(store.is_empty());
    granted(store.claim("a", SECOND).await.unwrap());
}

#[tokio::test]
async fn a_full_memory_forgets_what_is_finished_but_never_what_is_in_progress() {
    let store = MemoryStore::new(2);
    let claim = granted(store.claim("a", SECOND).await.unwrap());
    store.commit(&claim, SECOND).await.unwrap();
    granted(store.claim("b", 60 * SECOND).await.unwrap());
    granted(store.claim("c", 60 * SECOND).await.unwrap());
    assert_eq!(store.len(), 2);
    assert!(matches!(
        store.claim("d", SECOND).await,
        Err(StoreError::Full)
    ));
    assert!(matches!(
        store.claim("b", SECOND).await.unwrap(),
        Claimed::InProgress { .. }
    ));
}

#[tokio::test]
async fn work_that_fails_is_done_again_and_work_that_succeeds_is_not() {
    let guard = Guard::new(MemoryStore::new(10));
    let run = |result: Result<u32, &'static str>| guard.run("msg_1", move || async move { result });
    assert_eq!(run(Err("no")).await.unwrap(), Run::First(Err("no")));
    assert_eq!(run(Ok(1)).await.unwrap(), Run::First(Ok(1)));
    assert_eq!(run(Ok(2)).await.unwrap(), Run::Finished);
}

#[tokio::test]
async fn an_id_that_is_empty_or_endless_is_refused() {
    let guard = Guard::new(MemoryStore::new(10));
    assert!(matches!(guard.begin("").await, Err(StoreError::Id)));
    assert!(matches!(
        guard.begin(&"a".repeat(257)).await,
        Err(StoreError::Id)
    ));
    assert!(matches!(
        guard.begin(&"a".repeat(256)).await,
        Ok(Begin::First(_))
    ));
}

#[tokio::test]
async fn work_that_panics_or_is_cancelled_is_done_again() {
    let guard = Guard::new(MemoryStore::new(10));
    let panicking = guard.clone();
    let task = tokio::spawn(async move {
        panicking
            .run("msg_1", || async { panic!("as it should") })
            .await
            .map(|_: Run<Result<(), ()>>| ())
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::First(_)
    ));
    let (started, waiting) = tokio::sync::oneshot::channel();
    let cancelled = guard.clone();
    let task = tokio::spawn(async move {
        let work = || async {
            started.send(()).unwrap();
            std::future::pending::<Result<(), ()>>().await
        };
        cancelled.run("msg_1", work).await.map(|_| ())
    });
    waiting.await.unwrap();
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::InProgress { .. }
    ));
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::First(_)
    ));
}

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
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_simultaneous_deliveries_run_the_handler_once() {
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
    let guard = Guard::new(Hand::default().store(1000)).hold(Duration::from_millis(6_500));
    let service = ServiceBuilder::new()
        .layer(VerifyLayer::new(verifier))
        .layer(GuardLayer::new(guard))
        .service_fn(handler);
    let deliveries: Vec<_> = (0..100)
        .map(|_| {
            let (service, answered) = (service.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                let response = service
                    .oneshot(delivery(jwt(), "msg_1", 200))
                    .await
                    .unwrap();
                let status = response.status().as_u16();
                if status == 409 {
                    assert_eq!(response.headers()["retry-after"], "7");
                    answered.wait().await;
                }
                status
            })
        })
        .collect();
    let mut statuses = vec![];
    for delivery in deliveries {
        statuses.push(delivery.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200], vec![409; 99]].concat());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let again = service
        .oneshot(delivery(jwt(), "msg_1", 200))
        .await
        .unwrap();
    assert_eq!(again.status(), 200);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
