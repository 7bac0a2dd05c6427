//! Sending: one pooled HTTP client for all consumers.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::{Method, Request};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::Connector;
#[cfg(not(feature = "tls-no-provider"))]
use super::connect::NoTls;
use super::outcome::{answered, failed};
use super::payload::{BrokenOff, Payload};
use super::request::{Unsendable, request};
use super::route::{self, Route};
use super::scope::{DeliveryScope, OutOfScope, Unresolved, advice};
use super::sign::Signer;
#[cfg(feature = "tls-no-provider")]
use super::tls::{Tls, certificate_fault};
#[cfg(feature = "tls-no-provider")]
use super::trust::Trust;
use crate::engine::{Attempt, Outcome, Timestamp};
use crate::instruments::Clock;

/// The most bytes of an answer that are read so that its connection can be used again.
const MAX_DRAINED: usize = 64 * 1024;
/// How long idle connections are kept. Common consumers close them after 5 s, perhaps while a request is sent.
const IDLE: Duration = Duration::from_secs(4);
/// The most idle connections to one consumer.
const MAX_IDLE: usize = 256;

/// Sends attempts. Cheap to clone; the clones share connections and prepared keys.
#[derive(Clone)]
pub(crate) struct Deliverer(Arc<Shared>);

struct Shared {
    client: Client<Connector, Payload>,
    signer: Signer,
    settings: Settings,
}

/// Where deliveries go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The routes, which replace URLs by others.
    pub(crate) routes: Vec<Route>,
    /// The addresses that deliveries may go to.
    pub(crate) scope: DeliveryScope,
    /// The certificates that are trusted.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) trust: Trust,
}

impl Deliverer {
    pub(crate) fn new(settings: Settings) -> Self {
        let connector = Connector::new(
            settings.scope,
            #[cfg(feature = "tls-no-provider")]
            Tls::new(settings.trust.clone()),
        );
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .build(connector);
        let signer = Signer::default();
        Self(Arc::new(Shared {
            client,
            signer,
            settings,
        }))
    }

    /// The signature of `attempt` with this body, which contains the time `signed_at` in v2.
    pub(super) fn sign(
        &self,
        attempt: &Attempt,
        body: &[u8],
        signed_at: Timestamp,
    ) -> Result<String, Outcome> {
        let signature = self.0.signer.sign(attempt, body, signed_at);
        signature.map_err(|_| failed("the signing secret is too short"))
    }

    /// The request that delivers `attempt`, with this body.
    pub(super) fn request(
        &self,
        attempt: &Attempt,
        signature: &str,
        payload: Payload,
    ) -> Result<Request<Payload>, Outcome> {
        let url = route::resolve(&self.0.settings.routes, &attempt.url);
        let empty = payload.is_end_stream();
        let mut request =
            request(attempt, &url, signature, payload).map_err(|error| match error {
                Unsendable::Url => failed("the webhook URL is not a valid http or https URL"),
                Unsendable::Header => failed("a header cannot be sent over HTTP"),
            })?;
        // Many servers refuse such a request without a length, and hyper leaves it out if there is no body.
        if empty && [Method::POST, Method::PUT, Method::PATCH].contains(request.method()) {
            let none = HeaderValue::from_static("0");
            request.headers_mut().insert(CONTENT_LENGTH, none);
        }
        Ok(request)
    }

    /// What a person can do about an attempt that cannot be sent where it should go.
    fn advice(&self, attempt: &Attempt, refused: Option<&OutOfScope>) -> String {
        let routed = route::resolve(&self.0.settings.routes, &attempt.url) != *attempt.url;
        advice(&attempt.url, refused, routed)
    }

    /// Sends a request, and puts the headers of the answer into `headers`. Has no timeout of its own and never
    /// follows a redirect. Dates in the answer are compared with `clock`.
    ///
    /// Cancel safe: dropping the future closes the connection, though the consumer may have seen the request.
    pub(super) async fn send(
        &self,
        attempt: &Attempt,
        request: Request<Payload>,
        headers: &mut HeaderMap,
        clock: &Clock,
    ) -> Outcome {
        if let Err(refused) = self.0.settings.scope.check(request.uri()) {
            return failed(with_advice(&refused, &self.advice(attempt, Some(&refused))));
        }
        match self.0.client.request(request).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                let outcome = match beginning(body, attempt.most_answer).await {
                    Ok(body) => answered(&attempt.envelope, &head, body, clock.now()),
                    Err(_) => failed("the connection broke in the middle of the answer"),
                };
                *headers = head.headers;
                outcome
            }
            Err(error) => failed(sentence(&error, |refused| self.advice(attempt, refused))),
        }
    }
}

/// A sentence, and what to do about it.
fn with_advice(what: &impl std::fmt::Display, advice: &str) -> String {
    format!("{what}: {advice}")
}

/// The first `most` bytes of an answer. A short rest is read, too, so that the connection can be used again; a long
/// rest is not, and the connection is closed.
async fn beginning(mut body: Incoming, most: usize) -> Result<Bytes, hyper::Error> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut kept = BytesMut::new();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        read += data.len();
        if read == data.len() && data.len() <= most && body.is_end_stream() {
            // Usually the whole answer comes at once.
            return Ok(data);
        }
        let room = most - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        let rest = body.size_hint().lower();
        let full = kept.len() == most;
        if full && (read > MAX_DRAINED || rest > MAX_DRAINED as u64) {
            break;
        }
    }
    Ok(kept.freeze())
}

/// Why no answer came, as a sentence that a person can act on. It has nothing of the request's contents. `advice` says
/// what to do about a place that cannot be reached.
fn sentence(error: &Error, advice: impl Fn(Option<&OutOfScope>) -> String) -> String {
    let kind = causes(error).find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    if let Some(refused) = inner::<OutOfScope>(error) {
        return with_advice(refused, &advice(Some(refused)));
    }
    if let Some(unresolved) = inner::<Unresolved>(error) {
        return with_advice(unresolved, &advice(None));
    }
    #[cfg(not(feature = "tls-no-provider"))]
    if let Some(no_tls) = causes(error).find_map(|cause| cause.downcast_ref::<NoTls>()) {
        return format!("could not connect: {no_tls}; or {}", advice(None));
    }
    #[cfg(feature = "tls-no-provider")]
    if let Some(certificate) = inner::<rustls::Error>(error).and_then(certificate_fault) {
        return certificate;
    }
    if error.is_connect() {
        let innermost = causes(error).last().map(ToString::to_string);
        return match (kind, innermost) {
            (Some(io::ErrorKind::ConnectionRefused), _) => "connection refused".to_owned(),
            (_, Some(cause)) => format!("could not connect: {cause}"),
            (_, None) => "could not connect".to_owned(),
        };
    }
    if causes(error).any(<dyn StdError>::is::<BrokenOff>) {
        return BrokenOff.to_string();
    }
    let unreadable = causes(error)
        .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_parse);
    if unreadable {
        "the answer is not HTTP".to_owned()
    } else if kind == Some(io::ErrorKind::ConnectionReset) {
        "connection reset".to_owned()
    } else {
        "the connection broke before an answer".to_owned()
    }
}

/// The error of this kind that an I/O error among the causes of `error` wraps.
fn inner<T: StdError + 'static>(error: &Error) -> Option<&T> {
    causes(error).find_map(|cause| {
        let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
        inner.downcast_ref::<T>()
    })
}

/// The causes of `error`, the outermost first.
fn causes<'a>(error: &'a Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::request::tests::{attempt, carried_envelope};
    use super::*;
    use crate::engine::{self, BodySource, Envelope, Verdict};

    impl Deliverer {
        async fn deliver(&self, attempt: &Attempt) -> Outcome {
            let body = attempt.body.bytes();
            let request = self
                .sign(attempt, body, attempt.started_at)
                .and_then(|signature| {
                    self.request(attempt, &signature, Payload::whole(body.clone()))
                });
            match request {
                Ok(request) => {
                    let clock = Clock::manual(attempt.started_at);
                    let mut headers = HeaderMap::new();
                    self.send(attempt, request, &mut headers, &clock).await
                }
                Err(outcome) => outcome,
            }
        }
    }

    /// A consumer that answers each connection's requests with the next of `answers`, and the number of
    /// connections it took in the end.
    async fn consumer(answers: Vec<Vec<u8>>) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut answers = answers.into_iter();
            let mut connections = 0;
            while answers.len() > 0 {
                let (mut stream, _) = listener.accept().await.unwrap();
                connections += 1;
                let mut request = [0; 4096];
                while stream.read(&mut request).await.unwrap_or(0) > 0 {
                    let Some(answer) = answers.next() else { break };
                    // The sender may have had enough.
                    let _ = stream.write_all(&answer).await;
                    if answers.len() == 0 || answer.is_empty() {
                        break;
                    }
                }
            }
            connections
        });
        (url, task)
    }

    fn answer(status: &str, length: usize) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; length]].concat()
    }

    #[tokio::test]
    async fn deliveries_share_a_connection_and_keep_the_beginning_of_an_answer() {
        let lengths = [0, 60, 4096, 4097, 60_000, 1];
        let answers = lengths.map(|length| answer("200 OK", length)).to_vec();
        let (url, task) = consumer(answers).await;
        let deliverer = Deliverer::new(Settings::default());
        for length in lengths {
            let outcome = deliverer.deliver(&attempt(&url, &[])).await;
            assert_eq!(outcome.verdict, Verdict::Success, "{outcome:?}");
            assert_eq!(outcome.body.len(), length.min(4096));
        }
        assert_eq!(task.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_huge_answer_costs_the_connection_and_not_the_delivery() {
        let answers = vec![answer("500 Oops", 8 << 20), answer("200 OK", 1)];
        let (url, task) = consumer(answers).await;
        let deliverer = Deliverer::new(Settings::default());
        let outcome = deliverer.deliver(&attempt(&url, &[])).await;
        assert_eq!(outcome.status, Some(500));
        assert_eq!(outcome.body.len(), 4096);
        let outcome = deliverer.deliver(&attempt(&url, &[])).await;
        assert_eq!(outcome.verdict, Verdict::Success);
        assert_eq!(task.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_body_can_break_off_in_the_middle() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let received = tokio::spawn(async move {
            let mut received = Vec::new();
            let (mut stream, _) = listener.accept().await.unwrap();
            // A reset is as good an end as any.
            let _ = stream.read_to_end(&mut received).await;
            String::from_utf8(received).unwrap()
        });
        let attempt = attempt(&url, &[]);
        let deliverer = Deliverer::new(Settings::default());
        let signature = deliverer
            .sign(&attempt, attempt.body.bytes(), attempt.started_at)
            .unwrap();
        let payload = Payload::half(attempt.body.bytes());
        let request = deliverer.request(&attempt, &signature, payload).unwrap();
        let clock = Clock::manual(attempt.started_at);
        let outcome = deliverer
            .send(&attempt, request, &mut HeaderMap::new(), &clock)
            .await;
        assert_eq!(outcome, failed(BrokenOff.to_string()));
        let received = received.await.unwrap();
        assert!(received.contains("content-length: 18"), "{received}");
        assert!(received.ends_with("\r\n\r\n{\"order_i"), "{received}");
    }

    #[tokio::test]
    async fn a_request_that_could_have_a_body_says_that_it_has_none() {
        for (method, expected) in [
            (engine::Method::Post, true),
            (engine::Method::Put, true),
            (engine::Method::Patch, true),
            (engine::Method::Get, false),
            (engine::Method::Delete, false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/hook", listener.local_addr().unwrap());
            let received = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut received = vec![0; 4096];
                let read = stream.read(&mut received).await.unwrap();
                String::from_utf8_lossy(&received[..read]).to_lowercase()
            });
            let mut envelope = carried_envelope();
            Arc::make_mut(&mut envelope.carried).method = method;
            let mut attempt = attempt(&url, &[]);
            attempt.envelope = Envelope::CarriedRules(envelope);
            attempt.body = BodySource::Bytes(Bytes::new());
            Deliverer::new(Settings::default()).deliver(&attempt).await;
            let received = received.await.unwrap();
            let says = received.contains("\r\ncontent-length: 0\r\n");
            assert_eq!(says, expected, "{received}");
            assert!(!received.contains("transfer-encoding"), "{received}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let redirect = b"HTTP/1.1 307 No\r\nLocation: /hook\r\nContent-Length: 0\r\n\r\n";
        let (url, _task) = consumer(vec![redirect.to_vec()]).await;
        let outcome = Deliverer::new(Settings::default())
            .deliver(&attempt(&url, &[]))
            .await;
        assert_eq!(
            outcome.error.as_deref(),
            Some("answered 307 Temporary Redirect")
        );
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_in_a_sentence() {
        for (answer, sentence) in [
            (&b"SSH-2.0-OpenSSH\r\n"[..], "the answer is not HTTP"),
            (b"", "the connection broke before an answer"),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
                "the connection broke in the middle of the answer",
            ),
        ] {
            let (url, _task) = consumer(vec![answer.to_vec()]).await;
            let outcome = Deliverer::new(Settings::default())
                .deliver(&attempt(&url, &[]))
                .await;
            assert_eq!(outcome, failed(sentence));
        }
    }

    #[tokio::test]
    async fn a_refused_connection_and_a_bad_url_are_failures() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let deliverer = Deliverer::new(Settings::default());
        let outcome = deliverer.deliver(&attempt(&url, &[])).await;
        assert_eq!(outcome, failed("connection refused"));
        for url in ["", "nonsense", "ftp://a/", "http://\u{7f}/", "http://u:p@/"] {
            let outcome = deliverer.deliver(&attempt(url, &[])).await;
            assert!(matches!(outcome.verdict, Verdict::Failure { .. }), "{url}");
        }
    }

    #[tokio::test]
    async fn a_route_leads_to_another_place_and_no_delivery_goes_out_of_scope() {
        let (url, _task) = consumer(vec![answer("200 OK", 0)]).await;
        let to = url.trim_end_matches("/hook");
        let settings = Settings {
            routes: vec![Route::new("https://app.example.com", to).unwrap()],
            ..Settings::default()
        };
        let deliverer = Deliverer::new(settings);
        let sent = |url: &'static str| {
            let deliverer = deliverer.clone();
            async move { deliverer.deliver(&attempt(url, &[])).await }
        };
        let outcome = sent("https://app.example.com/hook").await;
        assert_eq!(outcome.verdict, Verdict::Success, "{outcome:?}");
        let refused = sent("https://192.0.2.1/hook").await;
        assert!(refused.error.unwrap().contains("--deliver"));
    }
}
