//! The server as a value: stopped when it is dropped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use super::builder::MockServerBuilder;
use super::dedicated;
use crate::driver::{Advanced, ClockBusy, Driver};
use crate::engine::Timestamp;
use crate::testing::{Ledger, Seed, Watch};

/// A complete QStash server in this process.
///
/// It runs on the runtime that started it, unless [`MockServerBuilder::dedicated_thread`] says otherwise.
/// Dropping it closes the listener and aborts its tasks; the
/// port is certain to be free after [`MockServer::shutdown`].
#[must_use = "the server stops when it is dropped"]
pub struct MockServer {
    pub(super) address: SocketAddr,
    /// Where the metrics are, if not there.
    pub(super) metrics_address: Option<SocketAddr>,
    pub(super) token: String,
    pub(super) signing_secret: String,
    pub(super) seed: Option<u64>,
    pub(super) auto: bool,
    pub(super) expectations: Arc<Ledger>,
    pub(super) signing_keys: [String; 2],
    pub(super) running: Running,
    /// Dropped after what runs on it.
    pub(super) thread: Option<dedicated::Thread>,
}

/// What stops when the server stops.
pub(super) struct Running {
    pub(super) driver: Driver,
    /// Set to true, the listeners close and connections finish what they are doing.
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
    /// Starts a server with the defaults on a free port of 127.0.0.1. It accepts connections when this returns.
    ///
    /// # Panics
    /// If no port is free, or outside a tokio runtime. [`MockServer::builder`] gives an error instead.
    pub async fn start() -> Self {
        Self::builder()
            .start()
            .await
            .expect("a server with the defaults starts")
    }

    /// A server to be configured first.
    pub fn builder() -> MockServerBuilder {
        MockServerBuilder::default()
    }

    /// The base URL, without a trailing slash. A server that listens on all addresses is named by the
    /// loopback one.
    #[must_use]
    pub fn uri(&self) -> String {
        origin(self.address)
    }

    /// The URL of the metrics, if they have an address of their own; see
    /// [`MockServerBuilder::metrics_address`].
    #[must_use]
    pub fn metrics_url(&self) -> Option<String> {
        self.metrics_address
            .map(|address| format!("{}/metrics", origin(address)))
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A token of `defaultUser` that may do everything. Treat as a secret.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The secret that signs `defaultUser`'s deliveries, as it was at the start. Treat as a secret.
    #[must_use]
    pub fn signing_secret(&self) -> &str {
        &self.signing_secret
    }

    /// What clients and consumers read from their environment.
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

    /// The server's time, which is not the machine's on a manual clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.running.driver.now()
    }

    /// Moves a manual clock by `duration`, stopping at every deadline on the way: what fell due is
    /// delivered and its outcome applied before time goes on.
    ///
    /// A consumer that does not answer within the server's real-time limit (5 s by default) is
    /// left behind; its attempt fails at its virtual timeout. Not cancel safe: dropped half way, the
    /// clock stands where it got to.
    ///
    /// # Errors
    /// [`ClockBusy`] if the clock is being moved already, or is not a manual one.
    pub async fn advance(&self, duration: Duration) -> Result<Advanced, ClockBusy> {
        self.running.driver.advance_to(self.now() + duration).await
    }

    /// Moves a manual clock to `time`; see [`MockServer::advance`]. A time in the past only settles.
    ///
    /// # Errors
    /// [`ClockBusy`] if the clock is being moved already, or is not a manual one.
    pub async fn advance_to(&self, time: Timestamp) -> Result<Advanced, ClockBusy> {
        self.running.driver.advance_to(time.max(self.now())).await
    }

    /// Moves a manual clock to the next deadline, whenever that is, and tells what fell due there; `None`
    /// if nothing is to come. See [`MockServer::advance`].
    ///
    /// A deadline of the server's own counts too, such as forgetting a finished message after ten minutes;
    /// the report then lists no delivery.
    ///
    /// # Errors
    /// [`ClockBusy`] if the clock is being moved already, or is not a manual one.
    pub async fn advance_to_next(&self) -> Result<Option<Advanced>, ClockBusy> {
        self.running.driver.advance_to_next().await
    }

    /// Waits until nothing is due or in flight at the time that it is. On an automatic clock time is
    /// skipped until no message is delayed, in flight or leased, for a year at most.
    ///
    /// # Errors
    /// [`ClockBusy`] if the clock is being moved already, or is not a manual one.
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

    /// Stops: no new connections and deliveries, at most 5 s for those in flight. The port is free afterwards.
    pub async fn shutdown(self) {
        self.shutdown_within(Duration::from_secs(5)).await;
    }

    /// Stops like [`MockServer::shutdown`], waiting at most `limit` for deliveries in flight.
    pub async fn shutdown_within(mut self, limit: Duration) {
        self.running.stop.send_replace(true);
        // Else each delivery that ends would make room for the next one.
        self.running.driver.halt();
        let drained = self.running.driver.drained();
        // What is not over by then is given up; a durable server makes the attempt again.
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
            eprintln!("qstash-mock-server: {}", Seed(self.seed));
        } else if let Err(unmet) = self.expectations().judge(&self.running.driver) {
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

/// The URL of a server that listens there. One that listens on all addresses is named by the loopback one.
fn origin(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(host, address.port()))
}
