//! The metrics in the Prometheus text format, version 0.0.4.

use std::fmt::Write;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::metrics::counters;
use crate::engine::{AccountName, Metrics, QueueMetrics};

type Accounts = [(AccountName, Metrics)];

pub(super) fn response(accounts: &Accounts) -> Response {
    let mut response = Response::new(Body::from(text(accounts)));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// A gauge: its name, its description, and where its value comes from.
type Gauge = (&'static str, &'static str, fn(&QueueMetrics) -> f64);

#[expect(
    clippy::cast_precision_loss,
    reason = "the format's numbers are doubles"
)]
const GAUGES: [Gauge; 5] = [
    ("pending", "Messages accepted and not finished.", |it| {
        it.pending() as f64
    }),
    ("ready", "Messages due and not handed out.", |it| {
        it.ready as f64
    }),
    ("delayed", "Messages not due yet.", |it| it.delayed as f64),
    ("in_flight", "Messages handed out.", |it| {
        it.in_flight as f64
    }),
    (
        "oldest_ready_age_seconds",
        "How long the first message in line has been waiting.",
        |it| it.oldest_ready_age.unwrap_or_default().as_secs_f64(),
    ),
];

fn text(accounts: &Accounts) -> String {
    let mut out = String::new();
    for (name, help, value) in GAUGES {
        head(&mut out, name, "gauge", help);
        for (labels, queue) in queues(accounts) {
            sample(&mut out, name, &labels, value(queue));
        }
    }
    let names = counters(&<_>::default()).map(|(name, _)| name);
    for (index, name) in names.into_iter().enumerate() {
        let total = format!("{name}_total");
        head(
            &mut out,
            &total,
            "counter",
            "Events since the server started.",
        );
        for (labels, queue) in queues(accounts) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the format's numbers are doubles"
            )]
            let value = counters(&queue.counters)[index].1 as f64;
            sample(&mut out, &total, &labels, value);
        }
    }
    latencies(&mut out, accounts);
    let uptime = accounts.iter().map(|(_, metrics)| metrics.uptime).max();
    let uptime = uptime.unwrap_or_default().as_secs_f64();
    push(
        &mut out,
        format_args!("# HELP qstash_uptime_seconds Since the server started.\n"),
    );
    push(
        &mut out,
        format_args!("# TYPE qstash_uptime_seconds gauge\n"),
    );
    push(&mut out, format_args!("qstash_uptime_seconds {uptime}\n"));
    out
}

fn latencies(out: &mut String, accounts: &Accounts) {
    const NAME: &str = "delivery_latency_seconds";
    head(
        out,
        NAME,
        "gauge",
        "From publishing to delivery, by quantile.",
    );
    for (labels, queue) in queues(accounts) {
        let quantiles = ["0.5", "0.9", "0.99"].into_iter();
        for (quantile, latency) in quantiles.zip(queue.delivery_latency.into_iter().flatten()) {
            let labels = format!("{labels},quantile=\"{quantile}\"");
            sample(out, NAME, &labels, latency.as_secs_f64());
        }
    }
}

/// Every queue with its labels.
fn queues(accounts: &Accounts) -> impl Iterator<Item = (String, &QueueMetrics)> {
    accounts.iter().flat_map(|(account, metrics)| {
        let account = escaped(account.as_str());
        metrics.queues.iter().map(move |(name, queue)| {
            let name = escaped(name.as_str());
            (format!("account=\"{account}\",queue=\"{name}\""), queue)
        })
    })
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    push(out, format_args!("# HELP qstash_queue_{name} {help}\n"));
    push(out, format_args!("# TYPE qstash_queue_{name} {kind}\n"));
}

fn sample(out: &mut String, name: &str, labels: &str, value: f64) {
    push(
        out,
        format_args!("qstash_queue_{name}{{{labels}}} {value}\n"),
    );
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}

/// The value of a label, with escapes, because an account may have any name.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::QueueName;
    use std::time::Duration;

    #[test]
    fn each_figure_has_its_head_once_and_a_line_for_each_queue() {
        let mut queue = QueueMetrics {
            ready: 2,
            delivery_latency: Some([1, 2, 3].map(Duration::from_secs)),
            ..QueueMetrics::default()
        };
        queue.counters.published = 5;
        let metrics = Metrics {
            queues: [(QueueName::parse("orders").unwrap(), queue)].into(),
            uptime: Duration::from_millis(1500),
        };
        let accounts = ["a\"\\\n", "b"].map(|it| (AccountName::new(it), metrics.clone()));
        let text = text(&accounts);
        for line in [
            "# TYPE qstash_queue_pending gauge",
            "qstash_queue_pending{account=\"a\\\"\\\\\\n\",queue=\"orders\"} 2",
            "# TYPE qstash_queue_published_total counter",
            "qstash_queue_published_total{account=\"b\",queue=\"orders\"} 5",
            "qstash_queue_delivery_latency_seconds{account=\"b\",queue=\"orders\",quantile=\"0.99\"} 3",
            "qstash_uptime_seconds 1.5",
        ] {
            assert_eq!(
                text.lines().filter(|it| *it == line).count(),
                1,
                "{line}\n{text}"
            );
        }
        assert!(text.ends_with('\n'));
    }
}
