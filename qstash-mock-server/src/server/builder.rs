//! Everything that can be set before a server starts.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{MockServer, Running, dedicated, listen};
use crate::api::{self, ApiState, Authenticator, Control, Front, Limits};
use crate::delivery::{self, Deliverer, Reach, Route};
use crate::driver::Driver;
use crate::engine::{AccountName, Config, Engine, Quotas, RestoreError, Secret, Seed, Timestamp};
use crate::instruments::{Bounds, Clock, Instruments, SignatureClock};
use crate::storage::{Store, StoreError, Volatile};
use crate::testing::Ledger;

/// The shortest signing or token secret that is accepted, in bytes.
const MIN_SECRET: usize = 16;

/// A server that is not started yet; see [`MockServer::builder`].
#[must_use = "a builder does nothing until you `start` it"]
pub struct MockServerBuilder {
    addresses: Vec<SocketAddr>,
    dedicated_thread: bool,
    signing_secret: Option<String>,
    token_secret: Option<String>,
    admin_token: Option<String>,
    dev_users: bool,
    seed: Option<u64>,
    manual_clock: Option<Timestamp>,
    auto: bool,
    signature_clock: SignatureClock,
    capture: Bounds,
    admin: bool,
    patience: Duration,
    settle_limit: usize,
    delivery: delivery::Settings,
    quotas: Quotas,
    deduplication_window: Duration,
    engine_limits: crate::engine::Limits,
    limits: Limits,
    metrics: bool,
    metrics_address: Option<SocketAddr>,
    store: Box<dyn Store>,
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
            manual_clock: None,
            auto: false,
            signature_clock: SignatureClock::Virtual,
            capture: Bounds::default(),
            admin: true,
            patience: Duration::from_secs(5),
            settle_limit: 10_000,
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

    /// Makes ids, leases, jitter, faults and derived secrets repeatable. Default: from the operating
    /// system, and printed when a test fails.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
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
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many calls may publish while [`MockServer::advance`] waits at one moment of the server's time: a
    /// consumer that publishes in answer to what it published would be waited for without end. Default: 10,000.
    pub fn settle_limit(mut self, calls: usize) -> Self {
        self.settle_limit = calls;
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

    /// How far deliveries may go; [`Reach::Loopback`] by default.
    pub fn deliver(mut self, reach: Reach) -> Self {
        self.delivery.reach = reach;
        self
    }

    /// What the plan allows; [`Quotas::unlimited`] by default.
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.quotas = quotas;
        self
    }

    /// Starts the server on the current runtime. It accepts connections when this returns.
    ///
    /// # Errors
    /// A setting is refused, the address is taken, or the store cannot be read.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<MockServer, StartError> {
        self.check()?;
        if self.dedicated_thread {
            dedicated::start(self).await
        } else {
            self.start_here().await
        }
    }

    fn check(&self) -> Result<(), StartError> {
        for (setting, secret, at_least) in [
            ("signing_secret", &self.signing_secret, MIN_SECRET),
            ("token_secret", &self.token_secret, MIN_SECRET),
            ("admin_token", &self.admin_token, 1),
        ] {
            let length = secret.as_ref().map_or(at_least, String::len);
            if length < at_least {
                return Err(StartError::ShortSecret { setting, at_least });
            }
        }
        Ok(())
    }

    /// Starts the server on the runtime that this is called on.
    pub(super) async fn start_here(mut self) -> Result<MockServer, StartError> {
        let (address, listener) = bind(&self.addresses).await?;
        let figures = match self.metrics_address.filter(|_| self.metrics) {
            Some(address) => Some(bind(&[address]).await?),
            None => None,
        };
        let seed = self.seed.map_or_else(os_seed, Ok)?;
        let signing_keys = if self.token_secret.is_none() || self.dev_users {
            api::development_keys()
        } else {
            BTreeMap::new()
        };
        let control = Control::new(
            self.admin,
            self.admin_token.take().map(|token| Secret(token.into())),
            self.token_secret.is_some(),
            self.auto,
        );
        let authenticator = Authenticator::new(
            self.token_secret.take().map(|secret| Secret(secret.into())),
            self.dev_users,
        );
        let token = authenticator.default_token();
        let metrics = self.metrics && figures.is_none();
        let (limits, auto) = (self.limits, self.auto);
        let (driver, signing_secret, signing_keys) = self.driver(seed, signing_keys)?;
        let state = ApiState::new(driver.clone(), authenticator, limits, metrics, control);
        // What a store brought back may be due already.
        driver.fire();
        let (stop, stopped) = watch::channel(false);
        let metrics_address = figures.as_ref().map(|(address, _)| *address);
        let figures = figures.map(|(_, listener)| (listener, Front::of_figures(state.clone())));
        let listeners = [(listener, Front::new(state))].into_iter().chain(figures);
        let listeners = listeners
            .map(|(listener, front)| {
                tokio::spawn(listen::serve(listener, Arc::new(front), stopped.clone()))
            })
            .collect();
        let helpers = [
            tokio::spawn(driver.clone().run_timer()),
            tokio::spawn(driver.clone().run_anchor()),
        ];
        let helpers = helpers
            .iter()
            .map(tokio::task::JoinHandle::abort_handle)
            .collect();
        let running = Running {
            driver,
            stop,
            listeners,
            helpers,
        };
        let expectations = Arc::<Ledger>::default();
        let recorder: Weak<Ledger> = Arc::downgrade(&expectations);
        running.driver.instruments().add_recorder(recorder);
        Ok(MockServer {
            address,
            metrics_address,
            token,
            signing_secret,
            signing_keys,
            seed,
            auto,
            expectations,
            running,
            thread: None,
        })
    }

    /// The driver, and the secret and the keys that sign the deliveries of the default account.
    fn driver(
        self,
        seed: u64,
        signing_keys: BTreeMap<AccountName, [Secret; 2]>,
    ) -> Result<(Driver, String, [String; 2]), StartError> {
        let mut config = Config::new(Seed::from(seed));
        config.signing_secret = self.signing_secret.map(|secret| Secret(secret.into()));
        config.deduplication_window = self.deduplication_window;
        config.signing_keys = signing_keys;
        config.quotas = self.quotas;
        config.write_callback = api::write_callback;
        config.limits = self.engine_limits;
        let clock = self.manual_clock.map_or_else(Clock::system, Clock::manual);
        let mut store = self.store;
        let entities = store.load()?;
        let mut engine = if entities.is_empty() {
            Engine::new(config, clock.now())
        } else {
            Engine::restore(config, clock.now(), entities)?
        };
        let secret = engine.default_signing_secret().0.to_string();
        let keys = engine.default_signing_keys().map(|key| key.0.to_string());
        let instruments = Instruments::new(clock, seed, self.capture, self.signature_clock);
        let deliverer = Deliverer::new(self.delivery);
        let bounds = (self.patience, self.settle_limit);
        let driver = Driver::new(engine, store, Arc::new(instruments), bounds, deliverer);
        Ok((driver, secret, keys))
    }
}

async fn bind(addresses: &[SocketAddr]) -> Result<(SocketAddr, TcpListener), StartError> {
    let bound = TcpListener::bind(addresses).await;
    bound
        .and_then(|listener| Ok((listener.local_addr()?, listener)))
        .map_err(|source| StartError::Bind {
            addresses: addresses.to_owned(),
            source,
        })
}

fn os_seed() -> Result<u64, StartError> {
    getrandom::u64().map_err(|_| StartError::NoRandomness)
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {}{}", list(addresses), if source.kind() == io::ErrorKind::AddrInUse { ": address already in use" } else { "" })]
    Bind {
        /// The addresses that were asked for.
        addresses: Vec<SocketAddr>,
        /// What the operating system said.
        source: io::Error,
    },
    /// A secret is too short to be one.
    #[error("`{setting}` must have at least {at_least} bytes; leave it out to do without")]
    ShortSecret {
        /// The setting's name.
        setting: &'static str,
        /// Its least length in bytes.
        at_least: usize,
    },
    /// No thread could be started for the server.
    #[error("no thread could be started for the server")]
    Thread(#[source] io::Error),
    /// The operating system has no randomness.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
    /// What is stored cannot be read.
    #[error("the store cannot be loaded")]
    Load(#[from] StoreError),
    /// What is stored does not fit together.
    #[error("what is stored does not fit together")]
    Restore(#[from] RestoreError),
}

fn list(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(" or ")
}
