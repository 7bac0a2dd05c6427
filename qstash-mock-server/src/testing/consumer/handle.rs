//! The handle on a consumer, and its builder.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::answer::Answer;
use super::received::{Received, Recorded};
use super::script::Script;
use super::serve::{self, Shared};
use crate::driver::Driver;

/// The settings of a consumer that is not started yet. [`MockServer::consumer`](crate::MockServer::consumer) makes it.
///
/// By default the consumer answers 200, and 401 to a request without a valid signature of the server.
#[derive(Debug)]
#[must_use = "a consumer listens only once you `start` it"]
pub struct ConsumerBuilder {
    driver: Driver,
    script: Script,
    after: Duration,
    trusting: bool,
}

impl ConsumerBuilder {
    pub(crate) fn new(driver: Driver) -> Self {
        Self {
            driver,
            script: Script::listed([200]),
            after: Duration::ZERO,
            trusting: false,
        }
    }

    /// Answers the first attempt of each message with the first of `answers`, the second attempt with the second, and
    /// so on. The last answer is used for all further attempts.
    ///
    /// The number of the attempt decides, so messages that are delivered at the same time do not take each other's
    /// answers. For anything else use [`ConsumerBuilder::respond_with`].
    ///
    /// # Panics
    /// If `answers` is empty.
    #[track_caller]
    pub fn respond(mut self, answers: impl IntoIterator<Item = impl Into<Answer>>) -> Self {
        self.script = Script::listed(answers);
        self
    }

    /// Answers each request with what `answer` returns for it. `answer` runs on the server's runtime, so it must
    /// not block.
    pub fn respond_with<A: Into<Answer>>(
        mut self,
        answer: impl Fn(&Received) -> A + Send + Sync + 'static,
    ) -> Self {
        self.script = Script::closure(answer);
        self
    }

    /// Answers each request with what the future of `handle` returns. The future may publish messages. It must not
    /// wait for the clock to move, because [`MockServer::advance`](crate::MockServer::advance) waits for this answer.
    pub fn handle<F, A>(mut self, handle: impl Fn(Received) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = A> + Send + 'static,
        A: Into<Answer>,
    {
        self.script = Script::handler(handle);
        self
    }

    /// Never answers: every attempt fails at its timeout.
    pub fn hang(self) -> Self {
        self.respond([Answer::hang()])
    }

    /// Resets every connection.
    pub fn reset(self) -> Self {
        self.respond([Answer::reset()])
    }

    /// Lets every answer come `delay` later (server's time). Several delays add up.
    pub fn after(mut self, delay: Duration) -> Self {
        self.after += delay;
        self
    }

    /// Answers requests without a valid signature like all others. [`Received::signature`] still tells whether it
    /// was valid.
    pub fn trusting(mut self) -> Self {
        self.trusting = true;
        self
    }

    /// Starts the consumer on a free port of 127.0.0.1. It runs on the server's runtime.
    ///
    /// # Panics
    /// If no port is free.
    #[must_use = "the consumer stops when it is dropped"]
    pub fn start(self) -> Consumer {
        let _runtime = self.driver.runtime().enter();
        let (listener, address) = listen().expect("a free port of 127.0.0.1 can be listened on");
        let recorded = Arc::<Recorded>::default();
        let script = Arc::new(RwLock::new(self.script.after(self.after)));
        let instruments = self.driver.instruments();
        instruments.parking.add_consumer();
        let recorder: Weak<Recorded> = Arc::downgrade(&recorded);
        instruments.add_recorder(recorder);
        let shared = Shared {
            driver: self.driver.clone(),
            recorded: Arc::clone(&recorded),
            script: Arc::clone(&script),
            trusting: self.trusting,
        };
        let task = self.driver.runtime().spawn(serve::serve(listener, shared));
        Consumer {
            address,
            recorded,
            script,
            driver: self.driver,
            task: task.abort_handle(),
        }
    }
}

fn listen() -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}

/// A running consumer. Dropping it closes its listener and its connections.
#[derive(Debug)]
#[must_use = "the consumer stops when it is dropped"]
pub struct Consumer {
    address: SocketAddr,
    recorded: Arc<Recorded>,
    script: Arc<RwLock<Script>>,
    driver: Driver,
    task: AbortHandle,
}

impl Consumer {
    /// The URL of the consumer, for example for a queue's `webhook_url`. The consumer answers every path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The address that the consumer listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that the consumer received, in order: the newest 10,000, with at most 64 MiB of bodies.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.recorded.all()
    }

    /// How many requests the consumer received, including those that it has forgotten.
    #[must_use]
    pub fn count(&self) -> usize {
        self.recorded.total()
    }

    /// Replaces the answers from now on; see [`ConsumerBuilder::respond`].
    ///
    /// # Panics
    /// If `answers` is empty.
    #[track_caller]
    pub fn respond(&self, answers: impl IntoIterator<Item = impl Into<Answer>>) {
        let script = Script::listed(answers);
        *self.script.write().unwrap_or_else(PoisonError::into_inner) = script;
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.task.abort();
        self.driver.instruments().parking.remove_consumer();
    }
}
