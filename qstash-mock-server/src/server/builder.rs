//! Everything that can be set before a server starts.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{MockServer, Running, listen};
use crate::api::{self, ApiState, Authenticator, Control, Front, Limits};
use crate::delivery::{self, Deliverer, Reach, Route};
use crate::driver::{Clock, Driver};
use crate::engine::{AccountName, Config, Engine, Quotas, RestoreError, Secret, Seed, Timestamp};
use crate::storage::{Store, StoreError, Volatile};
use crate::testing::{Bounds, Toolkit};

/// The shortest signing or token secret that is accepted, in bytes.
const MIN_SECRET: usize = 16;

/// A server that is not started yet; see [`MockServer::builder`].
#[must_use = "a builder does nothing until you `start` it"]
pub struct MockServerBuilder {
    address: SocketAddr,
    signing_secret: Option<String>,
    token_secret: Option<String>,
    admin_token: Option<String>,
    dev_users: bool,
    seed: Option<u64>,
    manual_clock: Option<Timestamp>,
    auto: bool,
    capture: Bounds,
    admin: bool,
    patience: Duration,
    delivery: delivery::Settings,
    quotas: Quotas,
    deduplication_window: Duration,
    engine_limits: crate::engine::Limits,
    limits: Limits,
    metrics: bool,
    store: Box<dyn Store>,
}

impl Default for MockServerBuilder {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            signing_secret: None,
            token_secret: None,
            admin_token: None,
            dev_users: false,
            seed: None,
            manual_clock: None,
            auto: false,
            capture: Bounds::default(),
            admin: true,
            patience: Duration::from_secs(5),
            delivery: delivery::Settings::default(),
            quotas: Quotas::unlimited(),
            deduplication_window: Duration::from_secs(600),
            engine_limits: crate::engine::Limits::default(),
            limits: Limits::default(),
            metrics: true,
            store: Box::new(Volatile),
        }
    }
}

impl std::fmt::Debug for MockServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockServerBuilder")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl MockServerBuilder {
    /// Where to listen; port 0 takes a free one. Default: 127.0.0.1:0.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
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

    /// The token for test control. Default: none.
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

    /// How long, in real time, [`MockServer::advance`] waits for a consumer's answer. Default: 5 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
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
    pub async fn start(mut self) -> Result<MockServer, StartError> {
        self.check_secrets()?;
        let (listener, address) = self.listen().await?;
        // A secret that nobody chose has more randomness than a seed that a person may have to type.
        let (seed, secret_seed) = match self.seed {
            Some(seed) => (seed, Seed::from(seed)),
            None => (
                u64::from_le_bytes(os_random()?),
                Seed::from_bytes(os_random()?),
            ),
        };
        let signing_secret = self
            .signing_secret
            .take()
            .unwrap_or_else(|| secret_seed.signing_secret());
        let control = Control::new(
            self.admin,
            self.admin_token.take().map(|token| Secret(token.into())),
            self.token_secret.is_some(),
            self.auto,
        );
        let signing_keys = self.signing_keys(secret_seed);
        let default_keys = &signing_keys[&AccountName::new(AccountName::DEFAULT)];
        let printed_keys = default_keys.clone().map(|key| key.0.to_string());
        let authenticator = Authenticator::new(
            self.token_secret.take().map(|secret| Secret(secret.into())),
            self.dev_users,
        );
        let token = authenticator.default_token();
        let (limits, metrics, auto) = (self.limits, self.metrics, self.auto);
        let driver = self.driver(seed, &signing_secret, signing_keys)?;
        let state = ApiState::new(driver.clone(), authenticator, limits, metrics, control);
        let (stop, stopped) = watch::channel(false);
        let front = Arc::new(Front::new(state));
        let listener = tokio::spawn(listen::serve(listener, front, stopped));
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
            listener: Some(listener),
            helpers,
        };
        Ok(MockServer {
            address,
            token,
            signing_secret,
            signing_keys: printed_keys,
            seed,
            auto,
            running,
        })
    }

    fn check_secrets(&self) -> Result<(), StartError> {
        let secrets = [
            ("signing_secret", &self.signing_secret),
            ("token_secret", &self.token_secret),
        ];
        let is_short =
            |secret: &Option<String>| secret.as_ref().is_some_and(|it| it.len() < MIN_SECRET);
        match secrets.iter().find(|(_, secret)| is_short(secret)) {
            Some((name, _)) => Err(StartError::ShortSecret(name)),
            None => Ok(()),
        }
    }

    async fn listen(&self) -> Result<(TcpListener, SocketAddr), StartError> {
        let refused = |source| StartError::Bind {
            address: self.address,
            source,
        };
        let listener = TcpListener::bind(self.address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok((listener, address))
    }

    /// The keys of v2 signatures: the published ones where the published users are accepted.
    fn signing_keys(&self, seed: Seed) -> BTreeMap<AccountName, [Secret; 2]> {
        if self.token_secret.is_none() || self.dev_users {
            return api::development_keys();
        }
        let keys = seed.signing_keys().map(|key| Secret(key.into()));
        [(AccountName::new(AccountName::DEFAULT), keys)].into()
    }

    fn driver(
        self,
        seed: u64,
        signing_secret: &str,
        signing_keys: BTreeMap<AccountName, [Secret; 2]>,
    ) -> Result<Driver, StartError> {
        let mut config = Config::new(Seed::from(seed));
        config.signing_secret = Some(Secret(Arc::from(signing_secret)));
        config.deduplication_window = self.deduplication_window;
        config.signing_keys = signing_keys;
        config.quotas = self.quotas;
        config.write_callback = api::write_callback;
        config.limits = self.engine_limits;
        let clock = self.manual_clock.map_or_else(Clock::system, Clock::manual);
        let mut store = self.store;
        let entities = store.load()?;
        let engine = if entities.is_empty() {
            Engine::new(config, clock.now())
        } else {
            Engine::restore(config, clock.now(), entities)?
        };
        let toolkit = Toolkit::new(Arc::new(clock), seed, self.capture);
        let deliverer = Deliverer::new(self.delivery);
        Ok(Driver::new(
            engine,
            store,
            Arc::new(toolkit),
            self.patience,
            deliverer,
        ))
    }
}

fn os_random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| StartError::NoRandomness)?;
    Ok(bytes)
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}{}", if source.kind() == io::ErrorKind::AddrInUse { ": address already in use" } else { "" })]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A secret is too short to be one.
    #[error("`{0}` must have at least 16 bytes")]
    ShortSecret(&'static str),
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
