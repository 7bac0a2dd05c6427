//! Starting a server from its settings.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use qstash_verify::{KeyError, SigningKey};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::builder::MockServerBuilder;
use super::handle::{MockServer, Running};
use super::seeds::Seeds;
use super::{dedicated, listen};
use crate::api::{self, ApiState, Authenticator, Control, CorsGate, FaultGate};
use crate::delivery::Deliverer;
use crate::driver::Driver;
use crate::engine::{AccountName, Config, Engine, Entity, Quotas, RestoreError, Secret};
use crate::instruments::{Clock, Faults, Instruments};
use crate::storage::{Bodies, StoreError};
use crate::testing::Ledger;

/// The shortest signing or token secret that is accepted, in bytes.
pub(crate) const MIN_SECRET: usize = SigningKey::MIN_LEN;

impl MockServerBuilder {
    /// Starts the server on the current tokio runtime, or on a thread of its own
    /// ([`dedicated_thread`](Self::dedicated_thread)). It accepts connections when this returns.
    ///
    /// # Errors
    /// A secret is too short, no address is free, the operating system gives no randomness or no thread, or the store
    /// cannot be loaded.
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
        if self.admin_token.as_deref().is_some_and(cannot_be_sent) {
            return Err(StartError::AdminToken);
        }
        // A secret that a verifier would refuse must not sign either.
        let secret = self.signing_secret.as_ref().map(SigningKey::new);
        secret.transpose().map_err(StartError::SigningSecret)?;
        Ok(())
    }

    /// Starts the server on the current runtime.
    pub(super) async fn start_here(mut self) -> Result<MockServer, StartError> {
        let (address, listener) = bind(&self.addresses).await?;
        let metrics_listener = match self.metrics_address.filter(|_| self.metrics) {
            Some(address) => Some(bind(&[address]).await?),
            None => None,
        };
        let seeds = Seeds::draw(self.seed, self.unguessable_ids)?;
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
        let metrics = self.metrics && metrics_listener.is_none();
        let (limits, auto) = (self.limits, self.auto);
        let origins = std::mem::take(&mut self.origins);
        let signing_keys = authenticator.development_keys();
        let (driver, signing_secret, signing_keys) = self.driver(&seeds, signing_keys)?;
        let state = ApiState::new(driver.clone(), authenticator, limits, metrics, control);
        // Messages that the store held may be due already.
        driver.fire();
        let (stop, stopped) = watch::channel(false);
        let metrics_address = metrics_listener.as_ref().map(|(address, _)| *address);
        let metrics_listener = metrics_listener.map(|(_, listener)| {
            let gate = CorsGate::closed(FaultGate::of_metrics(state.clone()));
            (listener, gate)
        });
        let gate = CorsGate::new(FaultGate::new(state), origins);
        let listeners = [(listener, gate)].into_iter().chain(metrics_listener);
        let listeners = listeners
            .map(|(listener, gate)| {
                tokio::spawn(listen::serve(listener, Arc::new(gate), stopped.clone()))
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
            seed: seeds.told,
            auto,
            expectations,
            running,
            thread: None,
        })
    }

    /// The driver, and the secret and the keys that sign the deliveries of the default account.
    fn driver(
        self,
        seeds: &Seeds,
        signing_keys: BTreeMap<AccountName, [Secret; 2]>,
    ) -> Result<(Driver, String, [String; 2]), StartError> {
        let faults = Faults::new(seeds.of_faults(), seeds.told);
        let mut config = Config::new(seeds.ids.clone());
        config.secret_seed = seeds.secrets.clone();
        config.signing_secret = self.signing_secret.map(|secret| Secret(secret.into()));
        config.deduplication_window = self.deduplication_window;
        config.signing_keys = signing_keys;
        config.quotas = in_force(self.quotas, self.max_retries, self.max_message_bytes);
        config.limits = self.engine_limits;
        if self.manual_clock.is_none() {
            // The clock shows whole milliseconds, so it is behind the true time by less than one.
            config.clock_step = Duration::from_millis(1);
        }
        let clock = self.manual_clock.map_or_else(Clock::system, Clock::manual);
        let mut store = self.store;
        let loaded = store.load()?;
        let mut engine = if loaded.entities.is_empty() {
            Engine::new(config, clock.now())
        } else {
            let bodies = loaded.bodies.iter().map(|(id, _)| Entity::Body(*id));
            let entities = loaded.entities.into_iter().chain(bodies);
            Engine::restore(config, clock.now(), entities)?
        };
        let bodies = Bodies::new(loaded.bodies, api::write_callback);
        let secret = engine.default_signing_secret().0.to_string();
        let keys = engine.default_signing_keys().map(|key| key.0.to_string());
        let instruments = Instruments::new(clock, faults, self.capture, self.signature_clock);
        let deliverer = Deliverer::new(self.delivery);
        let driver = Driver::new(
            engine,
            (store, bodies),
            Arc::new(instruments),
            self.driver_limits,
            deliverer,
        );
        Ok((driver, secret, keys))
    }
}

/// Whether a token looks right and fits no call, because it has a line end, or blanks or quotes around it.
fn cannot_be_sent(token: &str) -> bool {
    let around = |it: char| it == ' ' || matches!(it, '"' | '\'' | '`');
    let printable = |it: char| it.is_ascii_graphic() || it == ' ';
    !token.chars().all(printable) || token.starts_with(around) || token.ends_with(around)
}

/// The quotas of a plan with the settings beside it: `retries` replaces the plan's limit, and a message must fit both the
/// plan's limit and `message_bytes`.
fn in_force(mut plan: Quotas, retries: Option<u32>, message_bytes: Option<usize>) -> Quotas {
    let message_size = message_bytes.map(|it| it as u64);
    plan.retries = retries.map(u64::from).or(plan.retries);
    plan.message_size = message_size.into_iter().chain(plan.message_size).min();
    plan
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

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The server cannot listen on any of the addresses. The sentence ends with them, because programs that start the
    /// server look there for a port that is taken.
    #[error("{}", cannot_listen(addresses, source))]
    Bind {
        /// The addresses of the settings.
        addresses: Vec<SocketAddr>,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A secret is too short.
    #[error("`{setting}` must have at least {at_least} bytes; leave it out to do without")]
    ShortSecret {
        /// The setting's name.
        setting: &'static str,
        /// The least length in bytes.
        at_least: usize,
    },
    /// No caller can send the admin token as it stands: it has a line end, or blanks or quotes around it.
    #[error(
        "`admin_token` must be printable ASCII without blanks or quotes around it, because callers send it in a header"
    )]
    AdminToken,
    /// A verifier would refuse the signing secret, for example because it stands in quotes, has a line end or is an API
    /// token.
    #[error("`signing_secret` cannot be used")]
    SigningSecret(#[source] KeyError),
    /// The server's thread could not be started.
    #[error("no thread could be started for the server")]
    Thread(#[source] io::Error),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
    /// The store cannot be read.
    #[error("the store cannot be loaded")]
    Load(#[from] StoreError),
    /// The stored entities do not fit together.
    #[error("the stored state does not fit together")]
    Restore(#[from] RestoreError),
}

fn cannot_listen(addresses: &[SocketAddr], source: &io::Error) -> String {
    let reason = match source.kind() {
        io::ErrorKind::AddrInUse => "address already in use, ",
        _ => "",
    };
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    format!("{reason}cannot listen on {}", addresses.join(" or "))
}
