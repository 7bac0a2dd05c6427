//! The metrics, as JSON and as Prometheus text (v1.md section 6).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::header::ACCEPT;

use super::super::ApiState;
use super::super::auth::Identity;
use super::super::error::ApiError;
use super::super::json::Json;
use super::{Answer, prometheus};
use crate::engine::{Counters, Metrics, MetricsAction, QueueMetrics, Reply};

/// How many queues one command to the engine asks for.
const PAGE: usize = 200;

/// Answers the metrics of the caller's account, as JSON, or as Prometheus text if the caller accepts text only.
pub(in crate::api) async fn of_account(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    headers: HeaderMap,
) -> Answer {
    let account = caller.account.clone();
    let mut all: Option<Metrics> = None;
    let mut after = None;
    loop {
        let page = MetricsAction::Queues { after, limit: PAGE };
        let Reply::Metrics { metrics, next } = api.call(Arc::clone(&caller), page).await? else {
            return Err(ApiError::unexpected_reply());
        };
        match &mut all {
            Some(all) => all.queues.extend(metrics.queues),
            None => all = Some(*metrics),
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    let metrics = all.ok_or_else(ApiError::unexpected_reply)?;
    if wants_text(&headers) {
        Ok(prometheus::response(&[(account, metrics)]))
    } else {
        Ok(json(&metrics))
    }
}

/// Answers the metrics of all accounts, for a scraper without a token.
pub(in crate::api) async fn all(State(api): State<ApiState>) -> Response {
    prometheus::response(&api.driver().all_metrics())
}

/// Whether a caller accepts `text/plain` and not JSON.
fn wants_text(headers: &HeaderMap) -> bool {
    let accepts = |media_type| {
        headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.to_ascii_lowercase().contains(media_type))
    };
    accepts("text/plain") && !accepts("application/json")
}

fn json(metrics: &Metrics) -> Response {
    let mut totals = QueueMetrics::default();
    let body = Json::object(|json| {
        json.key("queues").members(|json| {
            for (name, queue) in &metrics.queues {
                add(&mut totals, queue);
                json.text_key(name.as_str()).members(|json| {
                    write_metrics(json, queue);
                    times(json, queue);
                });
            }
        });
        json.key("totals")
            .members(|json| write_metrics(json, &totals));
        json.key("uptime_seconds").seconds(metrics.uptime);
    });
    body.into_ok()
}

fn add(totals: &mut QueueMetrics, queue: &QueueMetrics) {
    totals.ready += queue.ready;
    totals.delayed += queue.delayed;
    totals.in_flight += queue.in_flight;
    totals.counters += queue.counters;
}

fn write_metrics(json: &mut Json, queue: &QueueMetrics) {
    let gauges = [
        ("pending", queue.pending()),
        ("ready", queue.ready),
        ("delayed", queue.delayed),
        ("in_flight", queue.in_flight),
    ];
    for (name, value) in gauges.into_iter().chain(counters(&queue.counters)) {
        json.key(name).integer(value);
    }
}

/// Every counter with its name on the wire.
pub(super) fn counters(counters: &Counters) -> [(&'static str, u64); 8] {
    let Counters {
        published,
        deduplicated,
        delivered,
        retried,
        dead_lettered,
        failed,
        cancelled,
        expired_leases,
    } = *counters;
    [
        ("published", published),
        ("deduplicated", deduplicated),
        ("delivered", delivered),
        ("retried", retried),
        ("dead_lettered", dead_lettered),
        ("failed", failed),
        ("cancelled", cancelled),
        ("expired_leases", expired_leases),
    ]
}

/// Writes an age and percentiles. The age is 0 while nothing is ready; percentiles are null before the first delivery.
fn times(json: &mut Json, queue: &QueueMetrics) {
    let age = queue.oldest_ready_age.unwrap_or_default();
    json.key("oldest_ready_age_seconds").seconds(age);
    json.key("delivery_latency_seconds").members(|json| {
        for (index, name) in ["p50", "p90", "p99"].into_iter().enumerate() {
            let percentile = queue.delivery_latency.map(|it| it[index]);
            json.key(name).maybe(percentile, Json::seconds);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_only_for_those_who_take_no_json() {
        for (accept, text) in [
            ("", false),
            ("*/*", false),
            ("text/plain", true),
            ("application/json, text/plain, */*", false),
            (
                "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(wants_text(&headers), text, "{accept}");
        }
    }
}
