//! `/v2/flowControl` and `/v2/globalParallelism`: which limits hold for deliveries now.

use std::time::Duration;

use http::Method;

use crate::call::Call;
use crate::client::Client;
use crate::endpoint::{Operation, Query, json, nothing, segment};
use crate::error::Error;
use crate::timing::Timestamp;
use crate::types::ids::FlowControlKey;
use crate::types::other::Other;
use crate::v2::fields::{Fields, Missing, read_by_fields};
use crate::v2::limits::{at_least_one, period_seconds};
use crate::v2::list::{List, Listed};
use crate::v2::operation;

/// The operations on flow-control keys.
#[derive(Clone, Copy, Debug)]
pub struct FlowControls<'a> {
    client: &'a Client,
}

impl<'a> FlowControls<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Reads one key. The service answers 404 until a message has named the key.
    pub fn get(self, key: impl AsRef<str>) -> Call<'a, FlowControlState> {
        let make = |key: FlowControlKey| {
            let attempted = format!("read flow control key `{key}`");
            let path = format!("/v2/flowControl/{}", segment(&key));
            operation::new("v2.flow_control.get", attempted, Method::GET, path, json)
        };
        Call::new(self.client, FlowControlKey::parse(key.as_ref()).map(make))
    }

    /// Lists all keys.
    pub fn list(self) -> List<'a, FlowControlState> {
        List::new(self.client)
    }

    /// Reads the account's limit on deliveries in flight, over all keys.
    pub fn global_parallelism(self) -> Call<'a, GlobalParallelism> {
        let attempted = "read the global parallelism";
        let path = "/v2/globalParallelism";
        let name = "v2.flow_control.global_parallelism";
        let operation = operation::new(name, attempted, Method::GET, path, json);
        Call::new(self.client, Ok(operation))
    }

    /// Pauses the deliveries under a key. The period of its rate goes on meanwhile.
    pub fn pause(self, key: impl AsRef<str>) -> Call<'a, ()> {
        let operation = act("v2.flow_control.pause", "pause", key.as_ref(), "/pause");
        Call::new(self.client, operation.map(Operation::repeatable))
    }

    /// Resumes deliveries after [`pause`](Self::pause).
    pub fn resume(self, key: impl AsRef<str>) -> Call<'a, ()> {
        let operation = act("v2.flow_control.resume", "resume", key.as_ref(), "/resume");
        Call::new(self.client, operation.map(Operation::repeatable))
    }

    /// Starts a new period of the rate, with a count of 0. The client does not try again after a failure in which the
    /// service may have handled the call.
    pub fn reset_rate(self, key: impl AsRef<str>) -> Call<'a, ()> {
        let name = "v2.flow_control.reset_rate";
        Call::new(
            self.client,
            act(name, "reset the rate of", key.as_ref(), "/resetRate"),
        )
    }

    /// Pins limits of a key: they hold whatever messages say. A new period begins.
    pub fn pin(self, key: impl AsRef<str>) -> Pin<'a> {
        Pin {
            client: self.client,
            key: FlowControlKey::parse(key.as_ref()),
            parallelism: None,
            rate: None,
            period: None,
        }
    }

    /// Undoes [`pin`](Self::pin). The limits stay until a message brings others.
    pub fn unpin(self, key: impl AsRef<str>) -> Unpin<'a> {
        Unpin {
            client: self.client,
            key: FlowControlKey::parse(key.as_ref()),
            parallelism: false,
            rate: false,
        }
    }
}

impl<'a> List<'a, FlowControlState> {
    /// Lists only keys that contain this text.
    pub fn search(self, text: impl Into<String>) -> Self {
        self.search_for(text.into())
    }
}

fn act(span: &'static str, verb: &str, key: &str, suffix: &str) -> Result<Operation<()>, Error> {
    let key = FlowControlKey::parse(key)?;
    let attempted = format!("{verb} flow control key `{key}`");
    let path = format!("/v2/flowControl/{}{suffix}", segment(&key));
    Ok(operation::new(span, attempted, Method::POST, path, nothing))
}

/// Limits to pin.
#[derive(Debug)]
#[must_use = "nothing is pinned until you `send` it"]
pub struct Pin<'a> {
    client: &'a Client,
    key: Result<FlowControlKey, Error>,
    parallelism: Option<u32>,
    rate: Option<u32>,
    period: Option<Duration>,
}

impl Pin<'_> {
    /// Pins how many deliveries may be in flight at once.
    pub fn parallelism(mut self, parallelism: u32) -> Self {
        self.parallelism = Some(parallelism);
        self
    }

    /// Pins how many deliveries may begin in a period.
    pub fn rate(mut self, rate: u32) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Pins the period, 1 s to 7 days, in whole seconds.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = Some(period);
        self
    }

    /// Pins the limits. The client does not try again after a failure in which the service may have handled the call,
    /// because it starts a new period.
    ///
    /// # Errors
    /// When no limit was given or one is out of range (then nothing is sent); otherwise see [`Call::send`].
    pub async fn send(self) -> Result<(), Error> {
        let mut query = Query::default();
        if let Some(parallelism) = self.parallelism {
            query.push("parallelism", &at_least_one("parallelism", parallelism)?);
        }
        if let Some(rate) = self.rate {
            query.push("rate", &at_least_one("rate", rate)?);
        }
        if let Some(period) = self.period {
            query.push("period", &period_seconds(period)?);
        }
        if query.as_str().is_empty() {
            return Err(Error::invalid(
                "nothing to pin: give a parallelism, a rate or a period",
            ));
        }
        let key = self.key?;
        let suffix = format!("/pin{}", query.as_str());
        let operation = act("v2.flow_control.pin", "pin", key.as_str(), &suffix)?;
        self.client.send(&operation).await
    }
}

/// Limits to unpin.
#[derive(Debug)]
#[must_use = "nothing is unpinned until you `send` it"]
pub struct Unpin<'a> {
    client: &'a Client,
    key: Result<FlowControlKey, Error>,
    parallelism: bool,
    rate: bool,
}

impl Unpin<'_> {
    /// Unpins the parallelism.
    pub fn parallelism(mut self) -> Self {
        self.parallelism = true;
        self
    }

    /// Unpins rate and period.
    pub fn rate(mut self) -> Self {
        self.rate = true;
        self
    }

    /// Unpins the limits.
    ///
    /// # Errors
    /// When no limit was chosen (then nothing is sent); otherwise see [`Call::send`].
    pub async fn send(self) -> Result<(), Error> {
        let mut query = Query::default();
        query.push_some("parallelism", self.parallelism.then_some(true));
        query.push_some("rate", self.rate.then_some(true));
        if query.as_str().is_empty() {
            return Err(Error::invalid(
                "nothing to unpin: choose the parallelism or the rate",
            ));
        }
        let key = self.key?;
        let suffix = format!("/unpin{}", query.as_str());
        let operation = act("v2.flow_control.unpin", "unpin", key.as_str(), &suffix)?;
        self.client.send(&operation.repeatable()).await
    }
}

/// A flow-control key, its limits, and how much of them is used up.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FlowControlState {
    /// The key.
    pub key: FlowControlKey,
    /// How many messages wait under the key.
    pub wait_list_size: Option<u64>,
    /// How many deliveries may be in flight at once.
    pub parallelism_max: Option<u64>,
    /// How many deliveries are in flight.
    pub parallelism_count: Option<u64>,
    /// How many deliveries may begin in a period.
    pub rate_max: Option<u64>,
    /// How many deliveries have begun in this period.
    pub rate_count: Option<u64>,
    /// The length of the period.
    pub rate_period: Option<Duration>,
    /// When this period began. The service cuts it to whole seconds.
    pub rate_period_start: Option<Timestamp>,
    /// Whether deliveries under the key are paused.
    pub paused: bool,
    /// Whether the parallelism is pinned.
    pub pinned_parallelism: bool,
    /// Whether rate and period are pinned.
    pub pinned_rate: bool,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

/// The account's limit on deliveries in flight.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GlobalParallelism {
    /// How many deliveries the plan allows in flight at once.
    pub max: Option<u64>,
    /// How many deliveries are in flight.
    pub count: Option<u64>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

impl FlowControlState {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        let waiting = fields.number("waitListSize");
        Ok(Self {
            key: fields.need("flowControlKey")?,
            // The older spelling.
            wait_list_size: waiting.or_else(|| fields.number("waitlistSize")),
            parallelism_max: fields.number("parallelismMax"),
            parallelism_count: fields.number("parallelismCount"),
            rate_max: fields.number("rateMax"),
            rate_count: fields.number("rateCount"),
            rate_period: fields.seconds("ratePeriod"),
            rate_period_start: fields.time_of_seconds("ratePeriodStart"),
            paused: fields.flag("isPaused").unwrap_or(false),
            pinned_parallelism: fields.flag("isPinnedParallelism").unwrap_or(false),
            pinned_rate: fields.flag("isPinnedRate").unwrap_or(false),
            other: fields.rest(),
        })
    }
}

impl GlobalParallelism {
    #[expect(clippy::unnecessary_wraps, reason = "stands where readers stand")]
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        Ok(Self {
            max: fields.number("parallelismMax"),
            count: fields.number("parallelismCount"),
            other: fields.rest(),
        })
    }
}

read_by_fields!(FlowControlState, GlobalParallelism);

impl Listed for FlowControlState {
    const NAME: &'static str = "v2.flow_control.list";
    const ATTEMPTED: &'static str = "list flow control keys";
    const PATH: &'static str = "/v2/flowControl";
    const ARRAYS: &'static [&'static str] = &["flowControls"];
}
