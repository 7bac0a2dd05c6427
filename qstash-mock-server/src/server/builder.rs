//! The settings of a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

#[cfg(doc)]
use super::MockServer;
use crate::api::{Limits, Origin};
#[cfg(feature = "tls-no-provider")]
use crate::delivery::RootCertificates;
use crate::delivery::{self, DeliveryScope, Route};
use crate::engine::{Quotas, Timestamp};
use crate::instruments::{Bounds, SignatureClock};
use crate::storage::{Store, Volatile};

/// The settings of a server that is not started yet. [`MockServer::builder`] makes one, and
/// [`start`](MockServerBuilder::start) starts the server and checks the settings.
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
    /// Replaces the quota, if it is set.
    pub(super) max_retries: Option<u32>,
    /// Holds beside the quota, if it is set: a message must fit both.
    pub(super) max_message_bytes: Option<usize>,
    pub(super) deduplication_window: Duration,
    pub(super) engine_limits: crate::engine::Limits,
    pub(super) limits: Limits,
    pub(super) origins: Vec<Origin>,
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
            max_retries: None,
            max_message_bytes: None,
            deduplication_window: Duration::from_secs(600),
            engine_limits: crate::engine::Limits::default(),
            limits: Limits::default(),
            origins: Vec::new(),
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
    /// Sets the address to listen on. Port 0 takes a free port. Default: `127.0.0.1:0`.
    pub fn address(self, address: SocketAddr) -> Self {
        self.addresses([address])
    }

    /// Sets several addresses, for example all that a host name resolves to. The server listens on the first one that
    /// is free.
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// Runs the server on a thread and a runtime of its own. Default: on the caller's runtime.
    ///
    /// Use it for one server that several runtimes share, such as a `static` in a test binary, in which each test has
    /// a runtime that ends with it. Do not use it with tokio's paused clock: that clock does not wait for other
    /// threads, so clients time out falsely.
    pub fn dedicated_thread(mut self) -> Self {
        self.dedicated_thread = true;
        self
    }

    /// Sets the secret that signs the v1 deliveries of the account `defaultUser`. It must have at least 16 bytes.
    /// Default: random.
    pub fn signing_secret(mut self, secret: impl Into<String>) -> Self {
        self.signing_secret = Some(secret.into());
        self
    }

    /// Sets the secret that signs API tokens (v1.md section 1). It must have at least 16 bytes. With a secret, the
    /// server refuses the published development users, unless [`dev_users`](Self::dev_users) allows them. Default:
    /// none.
    pub fn token_secret(mut self, secret: impl Into<String>) -> Self {
        self.token_secret = Some(secret.into());
        self
    }

    /// Sets the token for `/_admin`, the test control over HTTP. It must not be empty. Default: none; then the server
    /// accepts test control from this computer without a token. If a token secret is set, it refuses calls of test
    /// control that send an API token.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.admin_token = Some(token.into());
        self
    }

    /// Whether the server accepts the published development users although a token secret is set. Anybody knows their
    /// tokens. Default: false.
    pub fn dev_users(mut self, accept: bool) -> Self {
        self.dev_users = accept;
        self
    }

    /// Makes ids, leases, jitter, faults, signing secrets and signing keys derive from this seed, so that they are
    /// the same in every run. The secrets are then predictable: whoever knows the seed knows them all.
    ///
    /// Default: ids, leases, jitter and faults derive from a random number, which the server prints when a test
    /// fails. Secrets derive from 32 other random bytes, which it never prints.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Makes ids, leases, jitter and faults derive from 32 random bytes, which the server never prints, so that
    /// strangers cannot guess ids. The run cannot be repeated then. [`Self::seed`] has precedence. Default: off.
    pub fn unguessable_ids(mut self) -> Self {
        self.unguessable_ids = true;
        self
    }

    /// Gives the server a manual clock that shows `start` and moves only by [`MockServer::advance`] and its siblings.
    /// Default: the time of the operating system.
    pub fn manual_clock(mut self, start: Timestamp) -> Self {
        self.manual_clock = Some(start);
        self
    }

    /// Gives the server an automatic clock: a manual clock that skips idle time while the test awaits
    /// [`MockServer::settle`], [`Deliveries::wait_for`](crate::testing::Deliveries::wait_for) or
    /// [`MockServer::verify`]. At other times it stands still, because a schedule of every minute would otherwise
    /// make it run for ever.
    pub fn auto_clock(mut self, start: Timestamp) -> Self {
        self.auto = true;
        self.manual_clock(start)
    }

    /// Sets which clock gives the time in v2 signatures. Default: the server's clock, [`SignatureClock::Virtual`].
    pub fn signature_clock(mut self, clock: SignatureClock) -> Self {
        self.signature_clock = clock;
        self
    }

    /// Sets how many attempts the server keeps for [`MockServer::deliveries`]. The oldest are forgotten first, also
    /// when the kept bodies and headers exceed 64 MiB. 0 keeps none. Default: 10,000.
    pub fn capture(mut self, attempts: usize) -> Self {
        self.capture.attempts = attempts;
        self
    }

    /// Whether the server answers `/_admin`, the test control over HTTP. Default: true.
    pub fn admin(mut self, on: bool) -> Self {
        self.admin = on;
        self
    }

    /// Sets how long, in real time, [`MockServer::advance`] waits for consumers while none of them answers. It is
    /// also the default time of [`Deliveries::wait_for`](crate::testing::Deliveries::wait_for) and
    /// [`MockServer::verify`]. Default: 5 s.
    pub fn real_time_limit(mut self, limit: Duration) -> Self {
        self.driver_limits.real_time = limit;
        self
    }

    /// The former name of [`MockServerBuilder::real_time_limit`].
    #[doc(hidden)]
    pub fn patience(self, limit: Duration) -> Self {
        self.real_time_limit(limit)
    }

    /// Sets how many publish calls the server takes while [`MockServer::advance`] waits at one moment of the server's
    /// time. Beyond that the clock reports [`ClockBusy::Endless`](crate::ClockBusy::Endless), because consumers that
    /// publish whenever they receive a message would keep it waiting for ever. Default: 10,000.
    pub fn settle_limit(mut self, calls: usize) -> Self {
        self.driver_limits.settle = calls;
        self
    }

    /// Sets how long the server remembers idempotency keys (v1) and deduplication ids (v2). Default: 10 minutes.
    pub fn deduplication_window(mut self, window: Duration) -> Self {
        self.deduplication_window = window;
        self
    }

    /// Sets the largest message, in bytes. Default: 1 MiB for a v1 message; for a v2 message what the
    /// [quotas](Self::quotas) say, and at most 50 MiB. A v2 message has to fit the quota, too.
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.limits.message_bytes = bytes;
        self.max_message_bytes = Some(bytes);
        self
    }

    /// Sets the most retries that a v2 publisher may ask for, for a message or a callback, instead of what the
    /// [quotas](Self::quotas) say.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = Some(retries);
        self
    }

    /// Sets the largest body of a batch request (v1 and v2), in bytes. Default: 100 MiB.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.limits.batch_bytes = bytes;
        self
    }

    /// Sets how long the body of a request may take to arrive. After that the server answers 408. Default: 60 s.
    pub fn request_body_timeout(mut self, timeout: Duration) -> Self {
        self.limits.body_timeout = timeout;
        self
    }

    /// Sets how many bytes of request bodies the server receives at the same time, without the first 64 KiB of each.
    /// Beyond that it answers 503. Every value leaves room for one body of the largest size. Default: 256 MiB.
    pub fn max_body_bytes_in_flight(mut self, bytes: usize) -> Self {
        self.limits.body_bytes_in_flight = bytes;
        self
    }

    /// Sets how many bytes of unfinished messages, dead letters, keys, queues and schedules the server stores. Beyond
    /// that it refuses publishes with 503. Default: 1 GiB.
    pub fn max_held_bytes(mut self, bytes: usize) -> Self {
        self.engine_limits.held_bytes = bytes;
        self
    }

    /// Sets how many finished messages stay readable. The oldest are forgotten first. Default: 100,000.
    pub fn max_finished_messages(mut self, messages: usize) -> Self {
        self.engine_limits.finished_messages = messages;
        self
    }

    /// Whether the server answers `GET /metrics`. Default: true.
    pub fn metrics(mut self, on: bool) -> Self {
        self.metrics = on;
        self
    }

    /// Serves `GET /metrics` at an address of its own instead of the address of the API. Port 0 takes a free port.
    /// Default: the address of the API.
    pub fn metrics_address(mut self, address: SocketAddr) -> Self {
        self.metrics_address = Some(address);
        self
    }

    /// Sets the store that keeps the server's state. Default: [`Volatile`], which keeps nothing.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Box::new(store);
        self
    }

    /// Adds a route: deliveries whose URL begins with the route's origin or prefix go to another URL. Signatures,
    /// logs and replies keep the published URL. It may be called several times; of several routes that fit, the one
    /// with the longest prefix is used.
    pub fn route(mut self, route: Route) -> Self {
        self.delivery.routes.push(route);
        self
    }

    /// Lets pages of this origin use `/v1` and `/v2` from a browser, which otherwise hides the server's answers from
    /// them. Nothing else of the server is opened: neither `/_admin` nor `/metrics`. It may be called several times.
    /// Default: no page may.
    pub fn cors(mut self, origin: Origin) -> Self {
        self.origins.push(origin);
        self
    }

    /// Trusts these root certificates of consumers beside those that the system trusts, for example that of `mkcert` or
    /// a certificate that signs itself. The system's are replaced by those of the variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`, where they are set. It may be called several times.
    #[cfg(feature = "tls-no-provider")]
    pub fn root_certificates(mut self, roots: RootCertificates) -> Self {
        self.delivery.trust.added.push(roots);
        self
    }

    /// Sets whether the server accepts any certificate from consumers on this computer, that is at loopback addresses,
    /// whatever their names. Certificates from other addresses are checked all the same. Default: it does not.
    #[cfg(feature = "tls-no-provider")]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.delivery.trust.any_from_loopback = insecure;
        self
    }

    /// Sets to which addresses the server delivers. Default: [`DeliveryScope::Loopback`].
    pub fn deliver(mut self, scope: DeliveryScope) -> Self {
        self.delivery.scope = scope;
        self
    }

    /// Sets the quotas of v2 calls. Default: [`Quotas::unlimited`].
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.quotas = quotas;
        self
    }
}
