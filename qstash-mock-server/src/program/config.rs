//! The settings of the program. A flag has precedence over the environment, the environment over the file, and the
//! file over the default.

mod build;
mod error;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use self::error::ConfigError;
use self::values::{seconds, secret, trimmed};
use crate::DeliveryScope;
use crate::engine::Quotas;
use crate::server::MIN_SECRET;
use crate::testing::{Fixture, FixtureError};

/// The defaults, and the documentation of every key.
const DEFAULTS: &str = include_str!("config.default.toml");

/// The settings from one source; a setting that the source does not give is absent.
#[derive(Clone, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The address to listen on, or a name of this computer
    #[arg(long, env = "QSTASH_MOCK_HOST")]
    host: Option<String>,
    /// The port to listen on; 0 takes a free one
    #[arg(long, env = "QSTASH_MOCK_PORT")]
    port: Option<u16>,
    /// The secret that signs v1 deliveries of defaultUser; at least 16 bytes [default: random]
    #[arg(long, env = "QSTASH_SIGNING_SECRET", hide_env_values = true)]
    signing_secret: Option<String>,
    /// The secret that signs API tokens; without it the published development users are accepted
    #[arg(
        long,
        global = true,
        env = "QSTASH_TOKEN_SECRET",
        hide_env_values = true
    )]
    token_secret: Option<String>,
    /// The token for test control; without it test control answers callers on this computer
    #[arg(long, env = "QSTASH_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// Accept the published development users although a token secret is set
    #[arg(long, env = "QSTASH_MOCK_DEV_USERS", value_name = "on|off", value_parser = BoolishValueParser::new())]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    dev_users: Option<bool>,
    /// How long to wait for deliveries in flight when stopping, in seconds
    #[arg(long, env = "QSTASH_MOCK_SHUTDOWN_SECONDS")]
    shutdown_seconds: Option<f64>,
    /// The seed that makes ids, leases, jitter and faults repeatable, and signing secrets predictable
    #[arg(long, env = "QSTASH_MOCK_SEED")]
    seed: Option<u64>,
    /// How long an idempotency key or deduplication id is remembered, in seconds
    #[arg(long, env = "QSTASH_MOCK_DEDUPLICATION_WINDOW_SECONDS")]
    deduplication_window_seconds: Option<f64>,
    /// The largest message, in bytes
    #[arg(long, env = "QSTASH_MOCK_MAX_MESSAGE_BYTES")]
    max_message_bytes: Option<usize>,
    /// The largest batch request, in bytes
    #[arg(long, env = "QSTASH_MOCK_MAX_BATCH_BYTES")]
    max_batch_bytes: Option<usize>,
    /// How long the body of a request may take to arrive, in seconds
    #[arg(long, env = "QSTASH_MOCK_REQUEST_BODY_TIMEOUT_SECONDS")]
    request_body_timeout_seconds: Option<f64>,
    /// The most bytes of all request bodies that are being received, without the first 64 KiB of each
    #[arg(long, env = "QSTASH_MOCK_MAX_BODY_BYTES_IN_FLIGHT")]
    max_body_bytes_in_flight: Option<usize>,
    /// The most bytes of unfinished messages, dead letters and the like; over it publishes are refused
    #[arg(long, env = "QSTASH_MOCK_MAX_HELD_BYTES")]
    max_held_bytes: Option<usize>,
    /// The most finished messages that stay readable, each for at most ten minutes
    #[arg(long, env = "QSTASH_MOCK_MAX_FINISHED_MESSAGES")]
    max_finished_messages: Option<usize>,
    /// Send deliveries for one origin or prefix to another; repeat it for several
    #[arg(
        long,
        env = "QSTASH_MOCK_ROUTE",
        value_name = "FROM=TO",
        value_delimiter = ',',
        value_parser = trimmed
    )]
    #[serde(default)]
    route: Vec<String>,
    /// Let web pages of this origin, such as http://localhost:3000, use /v1 and /v2; repeat it for several
    #[arg(
        long,
        env = "QSTASH_MOCK_CORS",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = trimmed
    )]
    #[serde(default)]
    cors: Vec<String>,
    /// The addresses that the server delivers to
    #[arg(long, env = "QSTASH_MOCK_DELIVER", value_enum)]
    deliver: Option<DeliveryScope>,
    /// A file with root certificates of consumers in PEM, which are trusted beside those of the system
    #[arg(long, env = "QSTASH_MOCK_CACERT", value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Accept any certificate from consumers at loopback addresses
    #[arg(long, env = "QSTASH_MOCK_INSECURE", value_name = "on|off", value_parser = BoolishValueParser::new())]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    insecure: Option<bool>,
    /// The plan whose quotas /v2 has
    #[arg(long, env = "QSTASH_MOCK_QUOTA", value_enum)]
    quota: Option<Plan>,
    /// The most retries of a v2 message or callback, instead of the quota
    #[arg(long, env = "QSTASH_MOCK_MAX_RETRIES")]
    max_retries: Option<u32>,
    /// Whether the server answers GET /metrics
    #[arg(long, env = "QSTASH_MOCK_METRICS", value_name = "on|off", value_parser = BoolishValueParser::new())]
    metrics: Option<bool>,
    /// An address of its own for GET /metrics, instead of that of the API; port 0 takes a free one
    #[arg(long, env = "QSTASH_MOCK_METRICS_ADDRESS", value_name = "HOST:PORT")]
    metrics_address: Option<String>,
    /// Switch test control over HTTP (/_admin) off; the server then captures no deliveries
    #[arg(long, env = "QSTASH_MOCK_NO_ADMIN", value_name = "on|off", value_parser = BoolishValueParser::new())]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    no_admin: Option<bool>,
    /// Use a manual clock, which moves only over /_admin; it begins at an RFC 3339 time or `now`
    #[arg(long, env = "QSTASH_MOCK_MANUAL_CLOCK", value_name = "TIME|now")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "now")]
    manual_clock: Option<String>,
    /// Use a manual clock that skips idle time while a call of /_admin waits
    #[arg(
        long,
        env = "QSTASH_MOCK_AUTO_CLOCK",
        value_name = "TIME|now",
        conflicts_with = "manual_clock"
    )]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "now")]
    auto_clock: Option<String>,
    /// How long, in seconds of real time, a manual clock waits while no consumer answers
    #[arg(
        long,
        alias = "patience-seconds",
        env = "QSTASH_MOCK_REAL_TIME_LIMIT_SECONDS"
    )]
    #[serde(alias = "patience_seconds")]
    real_time_limit_seconds: Option<f64>,
    /// The most attempts that are kept for /_admin/deliveries, with at most 64 MiB of bodies and headers
    #[arg(long, env = "QSTASH_MOCK_CAPTURE")]
    capture: Option<usize>,
    /// A TOML or JSON file with queues, URL groups, schedules and messages to load at the start
    #[arg(long, env = "QSTASH_MOCK_FIXTURE", value_name = "FILE")]
    fixture: Option<PathBuf>,
    /// What the server logs to stderr: a level, or a filter such as `warn,qstash_mock_server=debug`
    #[arg(long, env = "QSTASH_MOCK_LOG", value_name = "FILTER")]
    log: Option<String>,
}

/// A plan of Upstash's service.
#[derive(Clone, Copy, Debug, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Plan {
    Unlimited,
    Free,
    Payg,
    Pro,
}

impl Plan {
    fn quotas(self) -> Quotas {
        match self {
            Self::Unlimited => Quotas::unlimited(),
            Self::Free => Quotas::free(),
            Self::Payg => Quotas::payg(),
            Self::Pro => Quotas::pro(),
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// The settings with which the official development server starts: it has the plan `payg`. Its own variables count
    /// only where nothing else is said (v2.md section 1.4). A token secret keeps the published users out here, too
    /// (v1.md section 1).
    pub(crate) fn like_official(mut self) -> Self {
        let port = std::env::var("QSTASH_DEV_PORT").ok();
        let port = port
            .and_then(|port| port.parse().ok())
            .filter(|port| *port > 0);
        let plan = std::env::var("QSTASH_DEV_QUOTA").ok();
        let plan = plan.and_then(|plan| clap::ValueEnum::from_str(&plan, true).ok());
        self.port = self.port.or(port);
        self.quota = self.quota.or(plan).or(Some(Plan::Payg));
        self
    }

    /// What the environment says under names that settings had before; their present names count first.
    fn of_former_variables() -> Result<Self, ConfigError> {
        let limit = std::env::var("QSTASH_MOCK_PATIENCE_SECONDS").ok();
        let limit = limit.map(|text| text.parse());
        Ok(Self {
            real_time_limit_seconds: limit
                .transpose()
                .map_err(|_| ConfigError::Seconds("QSTASH_MOCK_PATIENCE_SECONDS"))?,
            ..Self::default()
        })
    }

    /// These settings, then the file's, then the defaults.
    pub(crate) fn complete(self, file: Option<&Path>) -> Result<Self, ConfigError> {
        let defaults = parse(DEFAULTS, Path::new("config.default.toml"))?;
        let given = self.or(Self::of_former_variables()?);
        let Some(path) = file else {
            return Ok(given.or(defaults));
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(given.or(parse(&text, path)?).or(defaults))
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            host: self.host.or(other.host),
            port: self.port.or(other.port),
            signing_secret: self.signing_secret.or(other.signing_secret),
            token_secret: self.token_secret.or(other.token_secret),
            admin_token: self.admin_token.or(other.admin_token),
            dev_users: self.dev_users.or(other.dev_users),
            shutdown_seconds: self.shutdown_seconds.or(other.shutdown_seconds),
            seed: self.seed.or(other.seed),
            deduplication_window_seconds: self
                .deduplication_window_seconds
                .or(other.deduplication_window_seconds),
            max_message_bytes: self.max_message_bytes.or(other.max_message_bytes),
            max_batch_bytes: self.max_batch_bytes.or(other.max_batch_bytes),
            request_body_timeout_seconds: self
                .request_body_timeout_seconds
                .or(other.request_body_timeout_seconds),
            max_body_bytes_in_flight: self
                .max_body_bytes_in_flight
                .or(other.max_body_bytes_in_flight),
            max_held_bytes: self.max_held_bytes.or(other.max_held_bytes),
            max_finished_messages: self.max_finished_messages.or(other.max_finished_messages),
            route: filled_or(self.route, other.route),
            cors: filled_or(self.cors, other.cors),
            deliver: self.deliver.or(other.deliver),
            cacert: self.cacert.or(other.cacert),
            insecure: self.insecure.or(other.insecure),
            quota: self.quota.or(other.quota),
            max_retries: self.max_retries.or(other.max_retries),
            metrics: self.metrics.or(other.metrics),
            metrics_address: self.metrics_address.or(other.metrics_address),
            no_admin: self.no_admin.or(other.no_admin),
            manual_clock: self.manual_clock.or(other.manual_clock),
            auto_clock: self.auto_clock.or(other.auto_clock),
            real_time_limit_seconds: self
                .real_time_limit_seconds
                .or(other.real_time_limit_seconds),
            capture: self.capture.or(other.capture),
            fixture: self.fixture.or(other.fixture),
            log: self.log.or(other.log),
        }
    }

    /// How long to wait for deliveries in flight when stopping.
    pub(crate) fn shutdown(&self) -> Result<Duration, ConfigError> {
        seconds("shutdown_seconds", self.shutdown_seconds.unwrap_or(5.0))
    }

    /// What is logged.
    pub(crate) fn log_filter(&self) -> Result<EnvFilter, ConfigError> {
        EnvFilter::try_new(self.log.as_deref().unwrap_or("warn")).map_err(|_| ConfigError::Log)
    }

    /// The secret that signs API tokens; `None` where none is set.
    pub(crate) fn token_secret(&self) -> Result<Option<&str>, ConfigError> {
        secret("token_secret", MIN_SECRET, self.token_secret.as_deref())
    }

    /// What the server is to begin with.
    pub(crate) fn fixture(&self) -> Result<Option<Fixture>, FixtureError> {
        self.fixture.as_deref().map(Fixture::from_path).transpose()
    }
}

/// What a setting is where nobody says otherwise, as it stands in the defaults; for the help.
pub(crate) fn default_of(setting: &str) -> Option<String> {
    let line = DEFAULTS
        .lines()
        .find_map(|line| line.strip_prefix(setting)?.strip_prefix(" = "))?;
    Some(line.trim_matches('"').to_owned())
}

fn filled_or(list: Vec<String>, other: Vec<String>) -> Vec<String> {
    if list.is_empty() { other } else { list }
}

fn parse(text: &str, path: &Path) -> Result<Settings, ConfigError> {
    // Not its `Display`: that quotes the line, which may hold a secret.
    toml::from_str(text).map_err(|error: toml::de::Error| ConfigError::Parse {
        path: path.to_owned(),
        place: error
            .span()
            .map_or_else(String::new, |span| place(text, span.start)),
        message: without_value(error.message()),
    })
}

/// The message without the value that it quotes, which may be a secret.
fn without_value(message: &str) -> String {
    let kinds = ["invalid type", "invalid value"];
    let kind = kinds.iter().find(|kind| message.starts_with(**kind));
    match (kind, message.rsplit_once(", expected ")) {
        (Some(kind), Some((_, expected))) => format!("{kind}, expected {expected}"),
        _ => message.to_owned(),
    }
}

/// Where the byte `at` is: its line, and the key that stands there.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let number = before.matches('\n').count();
    let line = text.lines().nth(number).unwrap_or_default();
    // What is no plain key may be a part of a value.
    let is_plain = |key: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        !key.is_empty() && key.bytes().all(plain)
    };
    let key = line.split_once('=').map(|(key, _)| key.trim());
    match key.filter(is_plain) {
        Some(key) => format!(", line {}, key `{key}`", number + 1),
        None => format!(", line {}", number + 1),
    }
}
