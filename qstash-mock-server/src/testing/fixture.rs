//! What a server is to hold before a test begins, as a file.

use std::path::Path;
use std::sync::Arc;

use crate::api;
use crate::driver::{CallError, Driver};
use crate::engine::{AccountName, Action, Caller, Command};

/// Queues and messages in a TOML or JSON file.
///
/// The members are those of the API: a queue is what `POST /v1/queues` takes, a message what
/// `POST /v1/publish` takes. Queues are made first, then messages are published, each in order.
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
///     [[messages]]
///     queue = "order-events"
///     delay_seconds = 60
///     message = { order_id = 42 }
/// "#)?;
/// # Ok::<(), qstash_mock_server::testing::FixtureError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fixture {
    account: AccountName,
    actions: Vec<Action>,
}

/// Why a fixture cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// The file cannot be read.
    #[error("the fixture cannot be read")]
    Read(#[from] std::io::Error),
    /// It is not TOML.
    #[error("the fixture is not TOML")]
    Toml(#[from] toml::de::Error),
    /// It is not what a fixture is.
    #[error("the fixture is not valid: {0}")]
    Invalid(String),
    /// The server refused a part of it.
    #[error("the server refused the fixture: {0}")]
    Refused(String),
}

impl Fixture {
    /// Reads a fixture in JSON.
    ///
    /// # Errors
    /// It is not a fixture; the error names the field.
    pub fn from_json(text: &str) -> Result<Self, FixtureError> {
        let (account, actions) = api::decode_fixture(text).map_err(FixtureError::Invalid)?;
        Ok(Self { account, actions })
    }

    /// Reads a fixture in TOML. Messages become the JSON of the same values.
    ///
    /// # Errors
    /// It is not TOML or not a fixture; the error names the field.
    pub fn from_toml(text: &str) -> Result<Self, FixtureError> {
        let value: toml::Table = toml::from_str(text)?;
        let json = serde_json::to_string(&value);
        Self::from_json(&json.map_err(|error| FixtureError::Invalid(error.to_string()))?)
    }

    /// Reads a file: TOML if its name ends in `.toml`, else JSON.
    ///
    /// # Errors
    /// It cannot be read, or is not a fixture.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, FixtureError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)?;
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
        let caller = Arc::new(Caller::owner(self.account.as_str()));
        for action in &self.actions {
            let command = Command {
                caller: Arc::clone(&caller),
                action: action.clone(),
            };
            driver.call(command).await.map_err(|error| {
                FixtureError::Refused(match error {
                    CallError::Refused(error) => error.to_string(),
                    CallError::Stopped => "it is stopped".to_owned(),
                })
            })?;
        }
        Ok(())
    }

    /// Queues and messages.
    pub(crate) fn len(&self) -> usize {
        self.actions.len()
    }
}
