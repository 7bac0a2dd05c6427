//! A consumer as a test holds it.

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

/// A consumer that is not started yet; made by [`MockServer::consumer`](crate::MockServer::consumer).
///
/// Unless told otherwise it answers 200, and 401 to a request whose signature is not the server's.
#[derive(Debug)]
#[must_use = "a consumer listens once it is started"]
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

    /// Answers each message's first attempt with the first of `answers`, its second attempt with the
    /// second, and so on; the last one goes on.
    ///
    /// It counts the attempts of each message for itself, so that messages that are delivered at the same
    /// time do not take each other's answers. For anything else there is
    /// [`ConsumerBuilder::respond_with`].
    ///
    /// # Panics
    /// Without an answer.
    #[track_caller]
    pub fn respond(mut self, answers: impl IntoIterator<Item = impl Into<Answer>>) -> Self {
        self.script = Script::listed(answers);
        self
    }

    /// Answers what `answer` says.
    pub fn respond_with<A: Into<Answer>>(
        mut self,
        answer: impl Fn(&Received) -> A + Send + Sync + 'static,
    ) -> Self {
        self.script = Script::closure(answer);
        self
    }

    /// Answers what the future of `handle` comes to. It may publish; it must not wait for the clock to be
    /// moved, because whoever moves the clock waits for it.
    pub fn handle<F, A>(mut self, handle: impl Fn(Received) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = A> + Send + 'static,
        A: Into<Answer>,
    {
        self.script = Script::handler(handle);
        self
    }

    /// Never answers.
    pub fn hang(self) -> Self {
        self.respond([Answer::hang()])
    }

    /// Resets every connection.
    pub fn reset(self) -> Self {
        self.respond([Answer::reset()])
    }

    /// Every answer takes so much of the server's time longer.
    pub fn after(mut self, delay: Duration) -> Self {
        self.after += delay;
        self
    }

    /// Answers requests with a bad signature like any other. What the signature was is recorded all the
    /// same.
    pub fn trusting(mut self) -> Self {
        self.trusting = true;
        self
    }

    /// Listens on a free port of 127.0.0.1, on the server's runtime.
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

/// A consumer that runs. Dropped, it closes its listener and its connections.
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
    /// Where it takes requests, for example as a queue's `webhook_url`. Any other path does as well.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it received, in the order in which it came: the newest 10,000 requests, and no more than
    /// 64 MiB of bodies.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.recorded.all()
    }

    /// How many requests it received.
    #[must_use]
    pub fn count(&self) -> usize {
        self.recorded.total()
    }

    /// From now on answers like this; see [`ConsumerBuilder::respond`].
    ///
    /// # Panics
    /// Without an answer.
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
