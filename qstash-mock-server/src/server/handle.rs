//! The running server. It stops when it is dropped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use super::builder::MockServerBuilder;
use super::dedicated;
use crate::driver::{Advanced, ClockBusy, Driver};
use crate::engine::Timestamp;
use crate::testing::{Judged, Ledger, Watch};

/// A complete QStash server in this process.
///
/// It runs on the runtime that started it, or on a thread of its own ([`MockServerBuilder::dedicated_thread`]).
///
/// Dropping it closes the listener and aborts its tasks, without waiting for that: the port is certain to be free
/// only after [`MockServer::shutdown`].
///
/// # Panics
/// Dropping it panics with a report if an [expectation](MockServer::expect) was not judged before and is not met,
/// unless the thread is panicking already. [`MockServer::finish`] ends a test that returns a `Result`.
#[must_use = "the server stops when it is dropped"]
pub struct MockServer {
    pub(super) address: SocketAddr,
    /// The address of the metrics, if it is another one.
    pub(super) metrics_address: Option<SocketAddr>,
    pub(super) token: String,
    pub(super) signing_secret: String,
    pub(super) seed: Option<u64>,
    pub(super) auto: bool,
    pub(super) expectations: Arc<Ledger>,
    pub(super) signing_keys: [String; 2],
    pub(super) running: Running,
    /// The thread that the server runs on, if it has its own. Dropped last.
    pub(super) thread: Option<dedicated::Thread>,
}

/// The parts that stop with the server.
pub(super) struct Running {
    pub(super) driver: Driver,
    /// When this is set to true, the listeners close and connections finish their current request.
    pub(super) stop: watch::Sender<bool>,
    pub(super) listeners: Vec<JoinHandle<()>>,
    pub(super) helpers: Vec<AbortHandle>,
}

impl std::fmt::Debug for MockServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl MockServer {
    /// Starts a server with the default settings on a free port of 127.0.0.1. It accepts connections when this returns.
    ///
    /// # Panics
    /// If no port is free, or outside a tokio runtime. [`MockServerBuilder::start`] returns an error for the first.
    pub async fn start() -> Self {
        Self::builder()
            .start()
            .await
            .expect("a server with the defaults starts")
    }

    /// The default settings, to be changed before the server starts.
    pub fn builder() -> MockServerBuilder {
        MockServerBuilder::default()
    }

    /// The base URL of the API, without a trailing slash. For a server that listens on all addresses it names the
    /// loopback address.
    #[must_use]
    pub fn uri(&self) -> String {
        origin(self.address)
    }

    /// The URL of the metrics, if they have an address of their own ([`MockServerBuilder::metrics_address`]).
    #[must_use]
    pub fn metrics_url(&self) -> Option<String> {
        self.metrics_address
            .map(|address| format!("{}/metrics", origin(address)))
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A token of the account `defaultUser` that allows everything. Treat it as a secret.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The secret that signed the v1 deliveries of the account `defaultUser` when the server started. A later
    /// rotation does not change this value. Treat it as a secret.
    #[must_use]
    pub fn signing_secret(&self) -> &str {
        &self.signing_secret
    }

    /// The environment variables that clients and consumers read, with the values for this server: URL, token,
    /// signing secret and signing keys, as they were when the server started.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("QSTASH_URL", self.uri()),
            ("QSTASH_TOKEN", self.token.clone()),
            ("QSTASH_SIGNING_SECRET", self.signing_secret.clone()),
            ("QSTASH_CURRENT_SIGNING_KEY", self.signing_keys[0].clone()),
            ("QSTASH_NEXT_SIGNING_KEY", self.signing_keys[1].clone()),
        ]
    }

    /// The server's time: that of its manual clock, if it has one, else the time of the operating system.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.running.driver.now()
    }

    /// Moves a manual clock by `duration`. The clock stops at every deadline on the way: the server delivers the
    /// messages that are due, and waits for the outcomes, before time goes on.
    ///
    /// A consumer that does not answer within the server's [real-time limit](MockServerBuilder::real_time_limit) (5 s
    /// by default) is not waited for any longer: its attempt fails at its timeout in the server's time, and the
    /// report lists it. Work that a consumer does after it has answered is not waited for.
    ///
    /// Not cancel safe: if the future is dropped, the clock stays at the deadline that it has reached.
    ///
    /// # Errors
    /// [`ClockBusy::Moving`] if another call moves the clock, [`ClockBusy::NotManual`] if the clock is not a manual
    /// one, [`ClockBusy::Endless`] if consumers publish without end at one moment.
    pub async fn advance(&self, duration: Duration) -> Result<Advanced, ClockBusy> {
        self.running.driver.advance_to(self.now() + duration).await
    }

    /// Moves a manual clock to `time`, like [`MockServer::advance`]. If `time` is in the past, the clock stays, and
    /// the call waits until nothing is due.
    ///
    /// Not cancel safe: if the future is dropped, the clock stays at the deadline that it has reached.
    ///
    /// # Errors
    /// As [`MockServer::advance`].
    pub async fn advance_to(&self, time: Timestamp) -> Result<Advanced, ClockBusy> {
        self.running.driver.advance_to(time.max(self.now())).await
    }

    /// Moves a manual clock to the next deadline and reports what fell due there; `None` if there is no further
    /// deadline. See [`MockServer::advance`].
    ///
    /// Internal deadlines of the server count, too, for example when it forgets a finished message after ten minutes.
    /// The report then lists no delivery.
    ///
    /// Not cancel safe: if the future is dropped, the clock may have moved already.
    ///
    /// # Errors
    /// As [`MockServer::advance`].
    pub async fn advance_to_next(&self) -> Result<Option<Advanced>, ClockBusy> {
        self.running.driver.advance_to_next().await
    }

    /// Waits until nothing is due or in flight at the current time. An automatic clock also skips time until no
    /// message is delayed, in flight or leased, by at most 366 days.
    ///
    /// Cancel safe on a manual clock. On an automatic clock, dropping the future leaves the clock where it has got to.
    ///
    /// # Errors
    /// As [`MockServer::advance`].
    pub async fn settle(&self) -> Result<Advanced, ClockBusy> {
        self.watch().settle().await
    }

    /// The longest time that one caller held up all others, since it was last asked for: what the benchmark `load`
    /// measures. No part of the interface.
    #[doc(hidden)]
    #[must_use]
    pub fn take_longest_hold(&self) -> Duration {
        self.running.driver.take_longest_hold()
    }

    pub(super) fn watch(&self) -> Watch {
        Watch::new(self.running.driver.clone(), self.auto)
    }

    /// Stops the server: it accepts no further connections, starts no further deliveries, and waits at most 5 s for
    /// those in flight. The port is free when this returns.
    ///
    /// Not cancel safe: if the future is dropped, the server is dropped with it, and deliveries in flight are given up.
    ///
    /// # Panics
    /// As dropping the server, if an [expectation](MockServer::expect) is not met.
    pub async fn shutdown(self) {
        self.shutdown_within(Duration::from_secs(5)).await;
    }

    /// Stops the server like [`MockServer::shutdown`], and waits at most `limit` (real time) for deliveries in flight.
    ///
    /// # Panics
    /// As dropping the server, if an [expectation](MockServer::expect) is not met.
    pub async fn shutdown_within(mut self, limit: Duration) {
        self.running.stop.send_replace(true);
        // Otherwise each delivery that ends would start the next one.
        self.running.driver.halt();
        let drained = self.running.driver.drained();
        // Deliveries that are not over by then are given up. A server with a durable store attempts them again.
        let _ = tokio::time::timeout(limit, drained).await;
        self.running.driver.stop();
        let grace = tokio::time::Instant::now() + Duration::from_secs(1);
        for listener in &mut self.running.listeners {
            if tokio::time::timeout_at(grace, &mut *listener)
                .await
                .is_err()
            {
                listener.abort();
            }
        }
        self.running.listeners.clear();
        if let Some(thread) = self.thread.take() {
            thread.end().await;
        }
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_circumstances();
        } else if let Err(unmet) = self.expectations().judge(&self.watch(), Judged::OnDrop) {
            panic!("{unmet}");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.driver.stop();
        for helper in &self.helpers {
            helper.abort();
        }
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

/// The URL of a server that listens on this address. For the unspecified address it names the loopback address.
fn origin(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(host, address.port()))
}
