//! `/v1/metrics`.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use serde::{Deserialize, Deserializer};

use crate::endpoint::{Operation, json};
use crate::error::BoxError;
use crate::timing::seconds;

/// A snapshot of all metrics.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Metrics {
    /// The metrics of each queue, by the queue's name.
    pub queues: BTreeMap<String, QueueMetrics>,
    /// The metrics of all queues together.
    pub totals: QueueMetrics,
    /// How long the server has been running.
    #[serde(rename = "uptime_seconds", deserialize_with = "seconds::deserialize")]
    pub uptime: Duration,
}

/// The metrics of one queue: gauges first, then counters, which only grow.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct QueueMetrics {
    /// How many messages are accepted and not finished.
    pub pending: u64,
    /// How many of them are visible.
    pub ready: u64,
    /// How many of them are not due yet.
    pub delayed: u64,
    /// How many of them are in flight or under a lease.
    pub in_flight: u64,
    /// How many messages the server accepted.
    pub published: u64,
    /// How many publishes stored nothing because their idempotency key was known.
    pub deduplicated: u64,
    /// How many messages were processed.
    pub delivered: u64,
    /// How many attempts followed a failed one.
    pub retried: u64,
    /// How many messages moved to the dead-letter queue.
    pub dead_lettered: u64,
    /// How many messages ran out of retries and had no dead-letter queue.
    pub failed: u64,
    /// How many messages were cancelled.
    pub cancelled: u64,
    /// How many leases ran out.
    pub expired_leases: u64,
    /// The age of the oldest visible message. `None` or zero if no message is visible.
    #[serde(
        rename = "oldest_ready_age_seconds",
        deserialize_with = "seconds::optional"
    )]
    pub oldest_ready_age: Option<Duration>,
    /// How long messages took from publish to delivery, delays included.
    #[serde(rename = "delivery_latency_seconds", deserialize_with = "or_default")]
    pub delivery_latency: Latency,
}

/// Quantiles of a latency; `None` while there is nothing to measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Latency {
    /// Half of the messages took less.
    #[serde(deserialize_with = "seconds::optional")]
    pub p50: Option<Duration>,
    /// Nine of ten messages took less.
    #[serde(deserialize_with = "seconds::optional")]
    pub p90: Option<Duration>,
    /// 99 of 100 messages took less.
    #[serde(deserialize_with = "seconds::optional")]
    pub p99: Option<Duration>,
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

pub(crate) fn metrics() -> Operation<Metrics> {
    Operation::new(
        "v1.metrics",
        "read the metrics",
        Method::GET,
        "/v1/metrics",
        json,
    )
    .accept("application/json")
}

pub(crate) fn prometheus() -> Operation<String> {
    Operation::new(
        "v1.prometheus",
        "read the metrics",
        Method::GET,
        "/v1/metrics",
        text,
    )
    .accept("text/plain")
}

fn text(response: &Response<Bytes>) -> Result<String, BoxError> {
    Ok(std::str::from_utf8(response.body())?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_are_as_written_in_the_contract() {
        assert_eq!(
            metrics().to_text(),
            "GET /v1/metrics\naccept: application/json\n"
        );
        assert_eq!(
            prometheus().to_text(),
            "GET /v1/metrics\naccept: text/plain\n"
        );
    }

    #[test]
    fn figures_are_read_and_unknown_or_missing_ones_do_no_harm() {
        let read: Metrics = serde_json::from_str(
            r#"{"queues":{"order-events":{"pending":3,"new_figure":1,"oldest_ready_age_seconds":null,
                "delivery_latency_seconds":{"p50":0.25,"p90":null}},"b":{"delivery_latency_seconds":null,
                "oldest_ready_age_seconds":0.2}},"totals":{"published":10},"uptime_seconds":12.5}"#,
        )
        .expect("decodes");
        let queue = &read.queues["order-events"];
        assert_eq!(queue.pending, 3);
        assert_eq!(queue.oldest_ready_age, None);
        assert_eq!(queue.delivery_latency.p50, Some(Duration::from_millis(250)));
        assert_eq!(
            read.queues["b"].oldest_ready_age,
            Some(Duration::from_millis(200))
        );
        assert_eq!(read.totals.published, 10);
        assert_eq!(read.uptime, Duration::from_millis(12_500));
    }
}
