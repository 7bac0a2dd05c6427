//! Fixtures: the state that a server has before a test begins, as a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Number, Value};

use crate::api::{self, DecodedFixture};
use crate::driver::{CallError, Driver};
use crate::engine::{Caller, Command};

/// Queues, URL groups, schedules and messages from a TOML or JSON file, for
/// [`MockServer::load`](crate::MockServer::load).
///
/// The file has these lists, all optional. Their items have the fields of the API, and the server creates them in
/// this order:
///
/// - `queues`: each item is the body of a `POST /v1/queues`.
/// - `url_groups`: each item has a `name`, `endpoints` as in the body of `POST /v2/topics/{name}/endpoints`, and
///   optional `headers`, the defaults of publishes to the group.
/// - `schedules`: each item has a `cron` and a `destination`, and optionally a `schedule_id`, a `queue`, `headers` such
///   as `Upstash-Retries`, and a `body`.
/// - `messages`: each item is the body of a `POST /v1/publish` or, if it has a `destination`, an item of a
///   `POST /v2/batch`.
///
/// The field `account` names the account that owns everything; the default is `defaultUser`.
///
/// ```
/// use qstash_mock_server::testing::Fixture;
///
/// let fixture = Fixture::from_toml(r#"
///     [[queues]]
///     name = "order-events"
///     webhook_url = "http://127.0.0.1:9000/orders"
///     max_retries = 7
///
///     [[url_groups]]
///     name = "everybody"
///     endpoints = [{ url = "http://127.0.0.1:9000/a" }, { url = "http://127.0.0.1:9000/b", name = "b" }]
///
///     [[schedules]]
///     cron = "CRON_TZ=Europe/Berlin 0 9 * * *"
///     destination = "everybody"
///     headers = { Upstash-Retries = "2" }
///
///     [[messages]]
///     queue = "order-events"
///     delay_seconds = 60
///     message = { order_id = 42 }
/// "#)?;
/// # Ok::<(), qstash_mock_server::testing::FixtureError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fixture(DecodedFixture);

/// Why a fixture cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// The file cannot be read.
    #[error("the fixture {} cannot be read", path.display())]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The text is not TOML.
    #[error("the fixture is not TOML")]
    Toml(#[from] toml::de::Error),
    /// The text does not describe a fixture; the message names the field.
    #[error("the fixture is not valid: {0}")]
    Invalid(String),
    /// The server refused an item.
    #[error("the server refused `{item}` of the fixture: {reason}")]
    Refused {
        /// The item, for example `queues[1]`.
        item: String,
        /// Why the server refused it, in a sentence.
        reason: String,
    },
}

impl Fixture {
    pub(crate) const fn of(decoded: DecodedFixture) -> Self {
        Self(decoded)
    }

    /// Reads a fixture from JSON.
    ///
    /// # Errors
    /// The text is not JSON, or does not describe a fixture; the error names the field.
    pub fn from_json(text: &str) -> Result<Self, FixtureError> {
        api::decode_fixture(text)
            .map(Self)
            .map_err(FixtureError::Invalid)
    }

    /// Reads a fixture from TOML. The fields of a message become JSON with the same values; TOML dates become strings.
    ///
    /// # Errors
    /// The text is not TOML, or does not describe a fixture; the error names the field.
    pub fn from_toml(text: &str) -> Result<Self, FixtureError> {
        let table: toml::Table =
            toml::from_str(text).map_err(|error| without_text(text, &error))?;
        let json = json(toml::Value::Table(table)).map_err(FixtureError::Invalid)?;
        Self::from_json(&json.to_string())
    }

    /// Reads a fixture from a file: TOML if its name ends in `.toml`, else JSON. It blocks while it reads.
    ///
    /// # Errors
    /// The file cannot be read, or does not describe a fixture.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, FixtureError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| FixtureError::Read {
            path: path.to_owned(),
            source,
        })?;
        if path
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("toml"))
        {
            Self::from_toml(&text)
        } else {
            Self::from_json(&text)
        }
    }

    pub(crate) async fn load(&self, driver: &Driver) -> Result<(), FixtureError> {
        let caller = Arc::new(Caller::owner(self.0.account.as_str()));
        for (item, action) in &self.0.actions {
            let command = Command {
                caller: Arc::clone(&caller),
                action: action.clone(),
            };
            driver
                .call(command)
                .await
                .map_err(|error| FixtureError::Refused {
                    item: item.clone(),
                    reason: match error {
                        CallError::Refused(error) => error.to_string(),
                        CallError::Stopped => "it is stopped".to_owned(),
                    },
                })?;
        }
        Ok(())
    }

    /// How many items the fixture has.
    pub(crate) const fn len(&self) -> usize {
        self.0.items
    }
}

/// The error with its line, and without the text that stands there, which may hold a secret.
fn without_text(text: &str, error: &toml::de::Error) -> toml::de::Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.unwrap_or_default().matches('\n').count() + 1;
    serde::de::Error::custom(format!("line {line}: {}", error.message()))
}

/// The JSON value of a TOML value.
fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("JSON has no number {number}"))?,
        toml::Value::Boolean(it) => it.into(),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json).collect::<Result<_, _>>()?,
        toml::Value::Table(fields) => {
            let field = |(name, value)| Ok((name, json(value)?));
            let fields = fields.into_iter().map(field);
            Value::Object(fields.collect::<Result<Map<_, _>, String>>()?)
        }
    })
}
