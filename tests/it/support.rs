//! A server with its client, and a verifying webhook that keeps what reached it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use qstash_client::v1::{Backoff, CreateQueue, MessageState, MessageView, QueueMetrics};
use qstash_client::{Client, Error, RetryPolicy};
use qstash_mock_server::engine::Timestamp;
use qstash_mock_server::{MockServer, MockServerBuilder};
use qstash_verify::Verifier;
use qstash_verify::axum::Verified;
use qstash_verify::jws::sign_hs256;
use tokio::sync::watch;

/// When the manual clock begins: 2026-11-24 00:00:00 UTC.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_795_478_400_000);
/// Signs the tokens of secured servers.
pub(crate) const TOKEN_SECRET: &str = "a token secret for tests";

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Serves an app until the test ends, and returns its origin.
pub(crate) async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    origin
}

/// A server and a client of `defaultUser` that never retries by itself.
pub(crate) struct World {
    pub(crate) server: Arc<MockServer>,
    pub(crate) client: Client,
    /// For requests that the client would not send. Each goes over a connection of its own: a refusal may
    /// close it.
    pub(crate) http: reqwest::Client,
}

impl World {
    /// On the machine's time.
    pub(crate) async fn start() -> Self {
        Self::with(MockServer::builder()).await
    }

    /// On a clock that moves only when told.
    pub(crate) async fn manual() -> Self {
        Self::with(MockServer::builder().manual_clock(START)).await
    }

    pub(crate) async fn with(builder: MockServerBuilder) -> Self {
        let server = Arc::new(builder.start().await.unwrap());
        let client = client(&server, server.token());
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build();
        let http = http.unwrap();
        Self {
            server,
            client,
            http,
        }
    }

    /// A client with another token.
    pub(crate) fn client_of(&self, claims: &str) -> Client {
        client(&self.server, &token(claims))
    }

    /// Moves the manual clock; everything in flight must be answered meanwhile.
    pub(crate) async fn advance(&self, duration: Duration) {
        let advanced = self.server.advance(duration).await.unwrap();
        assert_eq!(advanced.unanswered, 0);
    }

    pub(crate) async fn settle(&self) {
        self.advance(Duration::ZERO).await;
    }

    /// Since the start of the manual clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.server.now().since(START)
    }

    /// A queue that pushes to `consumer`.
    pub(crate) fn pushed(&self, queue: &str, consumer: &Consumer) -> CreateQueue<'_> {
        let queue = self.client.v1().queues().create(queue);
        queue.webhook_url(consumer.url())
    }

    /// Publishes JSON as it stands; the id.
    pub(crate) async fn publish(&self, queue: &str, json: &str) -> String {
        let publish = self.client.v1().publish_raw(queue, json);
        publish.send().await.unwrap().message_id.into()
    }

    pub(crate) async fn message(&self, id: &str) -> MessageView {
        self.client.v1().messages().get(id).send().await.unwrap()
    }

    pub(crate) async fn state(&self, id: &str) -> MessageState {
        self.message(id).await.state
    }

    /// The metrics of one queue.
    pub(crate) async fn metrics(&self, queue: &str) -> QueueMetrics {
        let metrics = self.client.v1().metrics().send().await.unwrap();
        metrics.queues.get(queue).cloned().unwrap_or_default()
    }

    /// Enough round trips for anything that is free to happen to have happened. They do not reach the
    /// engine, so they make no commit.
    pub(crate) async fn let_things_happen(&self) {
        for _ in 0..20 {
            let health = self.http.get(format!("{}/health", self.server.uri()));
            assert!(health.send().await.unwrap().status().is_success());
        }
    }
}

pub(crate) fn client(server: &MockServer, token: &str) -> Client {
    Client::builder()
        .base_url(server.uri())
        .token(token)
        .retry(RetryPolicy::none())
        .build()
        .unwrap()
}

/// A token of a server whose secret is [`TOKEN_SECRET`].
pub(crate) fn token(claims: &str) -> String {
    sign_hs256(TOKEN_SECRET.as_bytes(), claims.as_bytes())
}

pub(crate) fn fixed(wait: Duration) -> Backoff {
    Backoff::Fixed { wait }
}

/// The stable code of a refusal.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    error
        .code()
        .unwrap_or_else(|| panic!("{error:?}"))
        .to_owned()
}

/// One webhook call whose signature was found good.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("no {name}"))
            .to_str()
            .unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        self.header("qstash-message-id")
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.header("qstash-attempt").parse().unwrap()
    }

    pub(crate) fn lease(&self) -> &str {
        self.header("qstash-lease-id")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A webhook on a port of its own. What is not signed with one of its secrets gets 401 and is not kept.
#[derive(Clone)]
pub(crate) struct Consumer(Arc<Inner>);

struct Inner {
    url: String,
    verifier: Verifier,
    calls: Mutex<Vec<Call>>,
    count: watch::Sender<usize>,
    answer: Box<dyn Fn(Call) -> Answer + Send + Sync>,
}

impl FromRef<Consumer> for Verifier {
    fn from_ref(consumer: &Consumer) -> Self {
        consumer.0.verifier.clone()
    }
}

impl Consumer {
    /// Answers 200 to whatever `world`'s server signs.
    pub(crate) async fn of(world: &World) -> Self {
        Self::answering(world, async |_| 200).await
    }

    /// Answers 200 once `door` lets the call pass.
    pub(crate) async fn behind(world: &World, door: &Door) -> Self {
        let door = door.clone();
        Self::answering(world, move |_| {
            let door = door.clone();
            async move {
                door.pass().await;
                200
            }
        })
        .await
    }

    /// Answers each call with a status, or whatever else is a response.
    pub(crate) async fn answering<F, R>(world: &World, answer: F) -> Self
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output: Reply> + Send + 'static,
    {
        Self::accepting(&[world.server.signing_secret()], answer).await
    }

    pub(crate) async fn accepting<F, R>(secrets: &[&str], answer: F) -> Self
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output: Reply> + Send + 'static,
    {
        let verifier = secrets
            .iter()
            .fold(Verifier::builder(), |verifier, secret| {
                verifier.secret(secret)
            });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let consumer = Self(Arc::new(Inner {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            verifier: verifier.body_limit(8 << 20).build().unwrap(),
            calls: Mutex::default(),
            count: watch::Sender::new(0),
            answer: Box::new(move |call| {
                let answer = answer(call);
                Box::pin(async move { answer.await.into_reply() })
            }),
        }));
        let app = Router::new()
            .route("/hook", post(consume))
            .with_state(consumer.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        consumer
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    /// What reached it, in order.
    pub(crate) fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self) -> usize {
        self.calls().len()
    }

    /// The bodies that reached it, in order.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.calls()
            .iter()
            .map(|call| call.text().to_owned())
            .collect()
    }

    /// Returns once `count` calls have reached it.
    pub(crate) async fn until(&self, count: usize) {
        let mut counted = self.0.count.subscribe();
        counted.wait_for(|it| *it >= count).await.unwrap();
    }
}

async fn consume(
    State(consumer): State<Consumer>,
    headers: HeaderMap,
    Verified(body): Verified<Bytes>,
) -> Response {
    let call = Call { headers, body };
    consumer.calls().push(call.clone());
    consumer.0.count.send_modify(|count| *count += 1);
    (consumer.0.answer)(call).await
}

/// What a consumer may answer with.
pub(crate) trait Reply: Send {
    fn into_reply(self) -> Response;
}

impl Reply for u16 {
    fn into_reply(self) -> Response {
        axum::http::StatusCode::from_u16(self)
            .unwrap()
            .into_response()
    }
}

impl Reply for Response {
    fn into_reply(self) -> Response {
        self
    }
}

/// Lets time pass on tokio's clock, which must be paused: nobody waits for it.
pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep_until(tokio::time::Instant::now() + duration).await;
}

/// Something that a handler waits for.
#[derive(Clone)]
pub(crate) struct Door(Arc<tokio::sync::Semaphore>);

impl Door {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(tokio::sync::Semaphore::new(0)))
    }

    /// Lets `count` through.
    pub(crate) fn admit(&self, count: usize) {
        self.0.add_permits(count);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}
