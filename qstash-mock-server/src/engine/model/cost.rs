//! How many bytes stored values count for in the engine's bounds: the length of their texts, and a flat sum for the
//! bookkeeping.

use std::sync::Arc;

use super::carried_rules::{Callback, CarriedRules, Deduplication, FlowControl, Settings};
use super::headers::headers_cost;
use super::id::ScheduleId;
use super::log_row::LogRow;
use super::message::{AttemptRecord, DeadLetter};
use super::partial_settings::{
    GivenHeader, GivenValue, PartialCallback, PartialOptions, PartialSettings,
};
use super::publish::{Destination, ToDestination};
use super::queue::{Backoff, Queue};
use super::schedule::Schedule;
use super::spec::MessageSpec;
use super::url_group::UrlGroup;
use crate::engine::syntax::cron::Cron;
use crate::engine::syntax::expr::RetryDelay;

/// The flat sums, in bytes.
pub(crate) struct Overhead;

impl Overhead {
    /// A message, a schedule or a URL group, beside its texts and its body.
    pub(crate) const MESSAGE: usize = 512;
    /// The record of an attempt.
    pub(crate) const RECORD: usize = 192;
    /// Something small, beside its texts: an account, a deduplication key, a flow-control key, an endpoint, a dead
    /// letter, a callback, or the rules of a message.
    pub(crate) const KEY: usize = 192;
    /// A row of the log, beside the answer and the error that it keeps.
    pub(crate) const ROW: usize = 256;
    /// A queue, beside its text.
    pub(crate) const QUEUE: usize = 1024;
}

fn text(text: Option<&Arc<str>>) -> usize {
    text.map_or(0, |text| text.len())
}

fn callback_cost(callback: &Callback) -> usize {
    callback.url.len()
        + headers_cost(&callback.headers)
        + delay_cost(callback.retry_delay.as_ref())
        + flow_cost(callback.flow_control.as_ref())
        + Overhead::KEY
}

fn delay_cost(delay: Option<&Arc<RetryDelay>>) -> usize {
    delay.map_or(0, |it| it.cost())
}

fn flow_cost(flow: Option<&Arc<FlowControl>>) -> usize {
    flow.map_or(0, |it| it.key.len())
}

fn redaction_cost(names: &[String]) -> usize {
    names.iter().map(|it| it.len() + 64).sum()
}

fn labels_cost(labels: &[Arc<str>]) -> usize {
    labels.iter().map(|label| label.len() + 32).sum()
}

impl MessageSpec {
    /// The cost without the body.
    pub(crate) fn cost(&self) -> usize {
        let carried = self.carried().map_or(0, |carried| carried.cost());
        Overhead::MESSAGE + headers_cost(&self.headers) + carried
    }
}

impl CarriedRules {
    pub(crate) fn cost(&self) -> usize {
        let callbacks = [&self.callback, &self.failure_callback];
        let callbacks = callbacks.into_iter().flatten().map(|it| callback_cost(it));
        let names = self.group.as_ref().map_or(0, |(group, endpoint)| {
            group.as_str().len() + text(endpoint.as_ref())
        });
        let texts = [self.api.as_ref(), self.caller_ip.as_ref()];
        let redaction = self.redaction.as_ref();
        Overhead::KEY
            + self.url.len()
            + names
            + texts.into_iter().map(text).sum::<usize>()
            + self.schedule.as_ref().map_or(0, |it| it.as_str().len())
            + delay_cost(self.retry_delay.as_ref())
            + flow_cost(self.flow_control.as_ref())
            + labels_cost(&self.labels)
            + redaction.map_or(0, |it| redaction_cost(&it.headers))
            + callbacks.sum::<usize>()
    }
}

impl Settings {
    pub(crate) fn cost(&self) -> usize {
        let callbacks = [&self.callback, &self.failure_callback];
        let callbacks = callbacks.into_iter().flatten().map(|it| callback_cost(it));
        let deduplication = match &self.deduplication {
            Some(Deduplication::Id(id)) => id.len(),
            Some(Deduplication::Content) | None => 0,
        };
        let redaction = self.redaction.as_ref();
        headers_cost(self.headers.as_deref().unwrap_or_default())
            + labels_cost(self.labels.as_deref().unwrap_or_default())
            + deduplication
            + text(self.caller_ip.as_ref())
            + delay_cost(self.retry_delay.as_ref())
            + flow_cost(self.flow_control.as_ref())
            + redaction.map_or(0, |it| redaction_cost(&it.headers))
            + callbacks.sum::<usize>()
            + Overhead::KEY
    }
}

impl ToDestination {
    pub(crate) fn cost(&self) -> usize {
        let destination = match &self.destination {
            Destination::Url(url) => url.len(),
            Destination::Group(name) => name.as_str().len(),
            Destination::Api { name, url } => name.len() + url.len(),
        };
        let queue = self.queue.as_ref().map_or(0, |it| it.as_str().len());
        destination + queue + self.settings.cost()
    }
}

impl PartialSettings {
    pub(crate) fn cost(&self) -> usize {
        let callbacks = [&self.callback, &self.failure_callback];
        let callbacks = callbacks.into_iter().map(PartialCallback::cost);
        let texts = [self.deduplication_id.as_ref(), self.caller_ip.as_ref()];
        self.message.cost()
            + value_cost(self.content_type.as_ref())
            + given_cost(&self.incoming)
            + labels_cost(&self.labels)
            + texts.into_iter().map(text).sum::<usize>()
            + redaction_cost(&self.redaction.headers)
            + callbacks.sum::<usize>()
            + Overhead::MESSAGE
    }
}

impl PartialCallback {
    fn cost(&self) -> usize {
        text(self.url.as_ref()) + value_cost(self.content_type.as_ref()) + self.options.cost()
    }
}

impl PartialOptions {
    fn cost(&self) -> usize {
        delay_cost(self.retry_delay.as_ref())
            + text(self.flow_key.as_ref())
            + given_cost(&self.forward)
    }
}

fn given_cost(headers: &[GivenHeader]) -> usize {
    let one = |it: &GivenHeader| it.name.len() + value_cost(Some(&it.value)) + 64;
    headers.iter().map(one).sum()
}

fn value_cost(value: Option<&GivenValue>) -> usize {
    match value {
        Some(GivenValue::Text(text)) => text.len(),
        Some(GivenValue::NoText) | None => 0,
    }
}

impl AttemptRecord {
    pub(crate) fn cost(&self) -> usize {
        Overhead::RECORD + text(self.error.as_ref())
    }
}

impl DeadLetter {
    pub(crate) fn cost(&self) -> usize {
        Overhead::KEY + text(self.last_error.as_ref()) + self.last_body.len()
    }
}

impl LogRow {
    pub(crate) fn cost(&self) -> usize {
        let response = self.response.as_ref().map_or(0, |it| it.cost());
        Overhead::ROW + text(self.error.as_ref()) + response
    }
}

impl Queue {
    pub(crate) fn cost(&self) -> usize {
        let waits = match &self.settings.retry_backoff {
            Backoff::List(waits) => waits.len() * 16,
            Backoff::Exponential { .. } | Backoff::Fixed(_) => 0,
        };
        Overhead::QUEUE
            + self.name.as_str().len()
            + text(self.settings.webhook_url.as_ref())
            + waits
    }
}

impl Schedule {
    /// The cost of a schedule that has not run yet. Without an id, it allows for the one that the engine will make.
    pub(crate) fn cost_of(
        id: Option<&ScheduleId>,
        cron: &Cron,
        to: &ToDestination,
        body: usize,
    ) -> usize {
        let id = id.map_or(64, |id| id.as_str().len());
        Overhead::MESSAGE + id + cron.as_str().len() + to.cost() + body
    }

    pub(crate) fn cost(&self) -> usize {
        let made = self.last_states.len() * 32 + text(self.key.as_ref());
        Self::cost_of(Some(&self.id), &self.cron, &self.to, self.body.length()) + made
    }
}

impl UrlGroup {
    pub(crate) fn cost(&self) -> usize {
        let endpoints = self.endpoints.iter();
        let endpoints = endpoints.map(|it| it.url.len() + text(it.name.as_ref()) + Overhead::KEY);
        endpoints.sum::<usize>() + self.defaults.cost() + Overhead::MESSAGE
    }
}
