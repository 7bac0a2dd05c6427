//! Everything that can be set before a server starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

#[cfg(doc)]
use super::MockServer;
use crate::api::Limits;
use crate::delivery::{self, DeliveryScope, Route};
use crate::engine::{Quotas, Timestamp};
use crate::instruments::{Bounds, SignatureClock};
use crate::storage::{Store, Volatile};

/// A server that is not started yet; see [`MockServer::builder`].
#[must_use = "a builder does nothing until you `start` it"]
pub struct MockServerBuilder {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) dedicated_thread: bool,
    pub(super) signing_secret: Option<String>,
    pub(super) token_secret: Option<String>,
    pub(super) admin_token: Option<String>,
    pub(super) dev_users: bool,
    pub(super) seed: Option<u64>,
    pub(super) unguessable_ids: bool,
    pub(super) manual_clock: Option<Timestamp>,
    pub(super) auto: bool,
    pub(super) signature_clock: SignatureClock,
    pub(super) capture: Bounds,
    pub(super) admin: bool,
    pub(super) driver_limits: crate::driver::Limits,
    pub(super) delivery: delivery::Settings,
    pub(super) quotas: Quotas,
    pub(super) deduplication_window: Duration,
    pub(super) engine_limits: crate::engine::Limits,
    pub(super) limits: Limits,
    pub(super) metrics: bool,
    pub(super) metrics_address: Option<SocketAddr>,
    pub(super) store: Box<dyn Store>,
}

impl Default for MockServerBuilder {
    fn default() -> Self {
        Self {
            addresses: vec![(Ipv4Addr::LOCALHOST, 0).into()],
            dedicated_thread: false,
            signing_secret: None,
            token_secret: None,
            admin_token: None,
            dev_users: false,
            seed: None,
            unguessable_ids: false,
            manual_clock: None,
            auto: false,
            signature_clock: SignatureClock::Virtual,
            capture: Bounds::default(),
            admin: true,
            driver_limits: crate::driver::Limits::default(),
            delivery: delivery::Settings::default(),
            quotas: Quotas::unlimited(),
            deduplication_window: Duration::from_secs(600),
            engine_limits: crate::engine::Limits::default(),
            limits: Limits::default(),
            metrics: true,
            metrics_address: None,
            store: Box::new(Volatile),
        }
    }
}

impl std::fmt::Debug for MockServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockServerBuilder")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl MockServerBuilder {
    /// Where to listen; port 0 takes a free one. Default: 127.0.0.1:0.
    pub fn address(self, address: SocketAddr) -> Self {
        self.addresses([address])
    }

    /// Listens on the first of these that is possible, such as those that a host name stands for.
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// Runs the server on a thread and a runtime of its own instead of the caller's.
    ///
    /// For one server that several runtimes share, such as a `static` in a test binary, where each test has
    /// a runtime that ends with it. Not for tests on tokio's paused clock: that clock does not wait for
    /// other threads, so that clients time out falsely. Default: the caller's runtime.
    pub fn dedicated_thread(mut self) -> Self {
        self.dedicated_thread = true;
        self
    }

    /// The secret that signs `defaultUser`'s deliveries, at least 16 bytes. Default: random.
    pub fn signing_secret(mut self, secret: impl Into<String>) -> Self {
        self.signing_secret = Some(secret.into());
        self
    }

    /// The secret that signs API tokens, at least 16 bytes. With it the published development users are
    /// off. Default: none.
    pub fn token_secret(mut self, secret: impl Into<String>) -> Self {
        self.token_secret = Some(secret.into());
        self
    }

    /// The token for test control; not empty. Default: none.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.admin_token = Some(token.into());
        self
    }

    /// Accepts the published development users although a token secret is set. Default: false.
    pub fn dev_users(mut self, accept: bool) -> Self {
        self.dev_users = accept;
        self
    }

    /// Makes ids, leases, jitter, faults, signing secrets and signing keys repeatable, so that secrets are
    /// predictable: who knows the seed knows them all. Default: ids, leases, jitter and faults derive from a
    /// random number, which is printed when a test fails; secrets derive from 32 other random bytes, which
    /// nothing prints.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Ids, leases, jitter and faults derive from 32 random bytes, which nothing prints, instead of a number:
    /// for a server that strangers can reach. Nobody can repeat what it does. [`Self::seed`] has precedence.
    pub fn unguessable_ids(mut self) -> Self {
        self.unguessable_ids = true;
        self
    }

    /// Time stands still at `start` and moves only by [`MockServer::advance`]. Default: the machine's time.
    pub fn manual_clock(mut self, start: Timestamp) -> Self {
        self.manual_clock = Some(start);
        self
    }

    /// A manual clock that skips idle time by itself, but only while somebody awaits
    /// [`MockServer::settle`], [`Deliveries::wait_for`](crate::testing::Deliveries::wait_for) or
    /// [`MockServer::verify`]: else a schedule of every minute would make it spin for ever.
    pub fn auto_clock(mut self, start: Timestamp) -> Self {
        self.auto = true;
        self.manual_clock(start)
    }

    /// Which time v2 signatures tell. Default: the server's, [`SignatureClock::Virtual`].
    pub fn signature_clock(mut self, clock: SignatureClock) -> Self {
        self.signature_clock = clock;
        self
    }

    /// How many attempts are kept for [`MockServer::deliveries`]; the oldest are forgotten first, also
    /// over 64 MiB of published bodies. 0: none. Default: 10,000.
    pub fn capture(mut self, attempts: usize) -> Self {
        self.capture.attempts = attempts;
        self
    }

    /// Whether `/_admin`, the control of this server over HTTP, answers. Default: true.
    pub fn admin(mut self, on: bool) -> Self {
        self.admin = on;
        self
    }

    /// How long, in real time, [`MockServer::advance`] waits for a consumer's answer, while no other one
    /// answers. Default: 5 s.
    pub fn real_time_limit(mut self, limit: Duration) -> Self {
        self.driver_limits.real_time = limit;
        self
    }

    /// The former name of [`MockServerBuilder::real_time_limit`].
    #[doc(hidden)]
    pub fn patience(self, limit: Duration) -> Self {
        self.real_time_limit(limit)
    }

    /// How many calls may publish while [`MockServer::advance`] waits at one moment of the server's time: a
    /// consumer that publishes in answer to what it published would be waited for without end. Default: 10,000.
    pub fn settle_limit(mut self, calls: usize) -> Self {
        self.driver_limits.settle = calls;
        self
    }

    /// How long an idempotency key is remembered. Default: 10 minutes.
    pub fn deduplication_window(mut self, window: Duration) -> Self {
        self.deduplication_window = window;
        self
    }

    /// The largest message, in bytes. Default: 1 MiB.
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.limits.message_bytes = bytes;
        self
    }

    /// The largest batch request, in bytes. Default: 100 MiB.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.limits.batch_bytes = bytes;
        self
    }

    /// How long a request's body may take to arrive, before it is refused with 408. Default: 60 s.
    pub fn request_body_timeout(mut self, timeout: Duration) -> Self {
        self.limits.body_timeout = timeout;
        self
    }

    /// Bytes of all request bodies that are being received, less the first 64 KiB of each, before further
    /// ones are refused with 503. At least what the largest batch needs. Default: 256 MiB.
    pub fn max_body_bytes_in_flight(mut self, bytes: usize) -> Self {
        self.limits.body_bytes_in_flight = bytes;
        self
    }

    /// Bytes of unfinished messages and keys that are held before publishing is refused. Default: 1 GiB.
    pub fn max_held_bytes(mut self, bytes: usize) -> Self {
        self.engine_limits.held_bytes = bytes;
        self
    }

    /// Finished messages that stay readable. Default: 100,000.
    pub fn max_finished_messages(mut self, messages: usize) -> Self {
        self.engine_limits.finished_messages = messages;
        self
    }

    /// Whether `GET /metrics` answers. Default: true.
    pub fn metrics(mut self, on: bool) -> Self {
        self.metrics = on;
        self
    }

    /// Serves `GET /metrics` at an address of its own, where nothing else is, and no longer beside the API; port
    /// 0 takes a free one. Default: beside the API.
    pub fn metrics_address(mut self, address: SocketAddr) -> Self {
        self.metrics_address = Some(address);
        self
    }

    /// Where state is kept. Default: [`Volatile`].
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Box::new(store);
        self
    }

    /// Sends deliveries whose URL starts with an origin or prefix somewhere else; may be called several
    /// times, the longest prefix wins. What is signed, logged and answered keeps the published URL.
    pub fn route(mut self, route: Route) -> Self {
        self.delivery.routes.push(route);
        self
    }

    /// How far deliveries may go; [`DeliveryScope::Loopback`] by default.
    pub fn deliver(mut self, scope: DeliveryScope) -> Self {
        self.delivery.scope = scope;
        self
    }

    /// What the plan allows; [`Quotas::unlimited`] by default.
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.quotas = quotas;
        self
    }
}
