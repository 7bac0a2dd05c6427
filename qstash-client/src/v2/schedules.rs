//! `/v2/schedules`: messages that are published at set times.

use http::Method;
use serde::Deserialize;

use crate::call::Call;
use crate::client::Client;
use crate::endpoint::{Operation, json, nothing, segment};
use crate::error::Error;
use crate::types::ids::{QueueName, ScheduleId};
use crate::v2::destination::{Destination, Target};
use crate::v2::headers;
use crate::v2::list::List;
use crate::v2::operation;
use crate::v2::options::Options;
use crate::v2::schedule::Schedule;
use crate::v2::setters::{content_setters, delivery_setters};

/// The operations on schedules.
#[derive(Clone, Copy, Debug)]
pub struct Schedules<'a> {
    client: &'a Client,
}

impl<'a> Schedules<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Creates a schedule, which publishes a message to `destination` whenever `cron` says. The expression has five
    /// fields and is read in UTC, unless you give a [`time_zone`](CreateSchedule::time_zone). A schedule that has the
    /// same [`id`](CreateSchedule::id) is replaced as a whole.
    pub fn create(
        self,
        destination: impl Destination,
        cron: impl Into<String>,
    ) -> CreateSchedule<'a> {
        CreateSchedule {
            client: self.client,
            target: destination.into_target(),
            cron: cron.into(),
            time_zone: None,
            id: Ok(None),
            options: Options::without_deduplication(),
        }
    }

    /// Reads one schedule.
    pub fn get(self, id: impl AsRef<str>) -> Call<'a, Schedule> {
        let make = |id: ScheduleId| {
            let attempted = format!("read schedule `{id}`");
            let path = format!("/v2/schedules/{}", segment(&id));
            operation::new("v2.schedules.get", attempted, Method::GET, path, json)
        };
        Call::new(self.client, ScheduleId::parse(id.as_ref()).map(make))
    }

    /// Lists all schedules.
    pub fn list(self) -> List<'a, Schedule> {
        List::new(self.client)
    }

    /// Deletes a schedule. Messages that it has already published are still delivered.
    pub fn delete(self, id: impl AsRef<str>) -> Call<'a, ()> {
        self.act(
            "v2.schedules.delete",
            "delete",
            Method::DELETE,
            id.as_ref(),
            "",
        )
    }

    /// Pauses a schedule: it skips its times.
    pub fn pause(self, id: impl AsRef<str>) -> Call<'a, ()> {
        self.act(
            "v2.schedules.pause",
            "pause",
            Method::PATCH,
            id.as_ref(),
            "/pause",
        )
    }

    /// Resumes a schedule after [`pause`](Self::pause).
    pub fn resume(self, id: impl AsRef<str>) -> Call<'a, ()> {
        self.act(
            "v2.schedules.resume",
            "resume",
            Method::PATCH,
            id.as_ref(),
            "/resume",
        )
    }

    fn act(
        self,
        span: &'static str,
        verb: &str,
        method: Method,
        id: &str,
        suffix: &str,
    ) -> Call<'a, ()> {
        let make = |id: ScheduleId| {
            let attempted = format!("{verb} schedule `{id}`");
            let path = format!("/v2/schedules/{}{suffix}", segment(&id));
            operation::new(span, attempted, method, path, nothing).repeatable()
        };
        Call::new(self.client, ScheduleId::parse(id).map(make))
    }
}

/// A schedule to create or replace.
#[derive(Debug)]
#[must_use = "nothing is scheduled until you `send` it"]
pub struct CreateSchedule<'a> {
    client: &'a Client,
    target: Result<Target, Error>,
    cron: String,
    time_zone: Option<String>,
    id: Result<Option<ScheduleId>, Error>,
    options: Options,
}

impl CreateSchedule<'_> {
    delivery_setters!(options);
    content_setters!(options);

    /// Sets the schedule's id. A schedule that has the same id is replaced as a whole. Without an id the service makes
    /// one, and the client tries again only if the call certainly did nothing.
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        self.id = ScheduleId::parse(id.as_ref()).map(Some);
        self
    }

    /// Sets the IANA time zone in which the cron expression is read, such as `Europe/Berlin`.
    pub fn time_zone(mut self, zone: impl Into<String>) -> Self {
        self.time_zone = Some(zone.into());
        self
    }

    /// Sends the messages through this queue.
    pub fn queue(mut self, queue: impl AsRef<str>) -> Self {
        match QueueName::parse(queue.as_ref()) {
            Ok(queue) => {
                self.options
                    .named(headers::QUEUE_NAME, "queue name", queue.as_str());
            }
            Err(error) => self.options.fail(error),
        }
        self
    }

    /// Creates or replaces the schedule. Returns its id.
    ///
    /// # Errors
    /// See [`Call::send`]; [`Rejected`](crate::ErrorKind::Rejected) when the service does not understand the cron
    /// expression, and with the status 412 when the plan does not allow another schedule.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether the schedule was created.
    pub async fn send(self) -> Result<ScheduleId, Error> {
        let client = self.client;
        client.send(&self.operation()?).await
    }

    fn operation(mut self) -> Result<Operation<ScheduleId>, Error> {
        let mut target = self.target?;
        let id = self.id?;
        let cron = cron(&self.cron, self.time_zone.as_deref())?;
        self.options.named(headers::CRON, "cron", &cron);
        if let Some(id) = &id {
            self.options
                .named(headers::SCHEDULE_ID, "schedule id", id.as_str());
        }
        let content = self.options.finish(&mut target, || None)?;
        let name = "v2.schedules.create";
        let attempted = format!("create a schedule for {}", target.shown);
        // The destination as it is: it must arrive byte for byte.
        let path = format!("/v2/schedules/{}", target.path);
        let operation = operation::new(name, attempted, Method::POST, path, |response| {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Answer {
                schedule_id: ScheduleId,
            }
            json::<Answer>(response).map(|answer| answer.schedule_id)
        });
        let mut operation = operation.repeatable_if(id.is_some());
        operation.headers = content.headers;
        operation.body = content.body;
        Ok(operation)
    }
}

fn cron(expression: &str, zone: Option<&str>) -> Result<String, Error> {
    let expression = expression.trim();
    if expression.is_empty() {
        return Err(Error::invalid("the cron expression must not be empty"));
    }
    let Some(zone) = zone else {
        return Ok(expression.to_owned());
    };
    if ["CRON_TZ=", "TZ="]
        .iter()
        .any(|it| expression.starts_with(it))
    {
        return Err(Error::invalid(
            "the cron expression already names a time zone",
        ));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+');
    if zone.is_empty() || !zone.bytes().all(allowed) {
        return Err(Error::invalid_input(
            "time zone",
            zone,
            "is not the name of an IANA time zone",
        ));
    }
    Ok(format!("CRON_TZ={zone} {expression}"))
}
