//! A transport that answers from a script. Under `start_paused` its time is virtual.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use qstash_client::transport::{BoxFuture, Transport, TransportError};
use qstash_client::{Client, ClientBuilder};
use tokio::time::Instant;

/// What the next request meets.
pub(crate) enum Step {
    /// An answer: status, headers, body.
    Answer(u16, Vec<(&'static str, &'static str)>, String),
    NeverLeft,
    Untrusted,
    Broken,
    Silence,
}

pub(crate) fn answer(status: u16, body: impl Into<String>) -> Step {
    Step::Answer(status, Vec::new(), body.into())
}

pub(crate) fn ok(body: impl Into<String>) -> Step {
    answer(200, body)
}

/// What was asked, and when it was asked since the start.
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) request: http::Request<Bytes>,
}

impl Seen {
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.request.method(), self.request.uri())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.request.body()).expect("a JSON body")
    }
}

#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    start: Instant,
    script: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<Seen>>,
}

impl Fake {
    pub(crate) fn new(script: impl IntoIterator<Item = Step>) -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            script: Mutex::new(script.into_iter().collect()),
            seen: Mutex::default(),
        }))
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder()
            .base_url("http://q.test")
            .token("t0ken")
            .transport(self.clone())
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().expect("valid settings")
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.seen.lock().expect("not poisoned"))
    }
}

impl Transport for Fake {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let at = self.0.start.elapsed();
            self.0
                .seen
                .lock()
                .expect("not poisoned")
                .push(Seen { at, request });
            let step = self.0.script.lock().expect("not poisoned").pop_front();
            match step.expect("a request that the script does not foresee") {
                Step::Answer(status, headers, body) => {
                    let mut response = http::Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    Ok(response.body(Bytes::from(body)).expect("a valid response"))
                }
                Step::NeverLeft => Err(TransportError::never_left("refused")),
                Step::Untrusted => Err(TransportError::untrusted("certificate expired")),
                Step::Broken => Err(TransportError::broken("reset by peer")),
                Step::Silence => std::future::pending().await,
            }
        })
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep_until(Instant::now() + duration))
    }
}
