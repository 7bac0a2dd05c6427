//! Consumers that do not answer cost real time, and are named.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use super::{manual, start};
use crate::support::Api;

const SECOND: Duration = Duration::from_secs(1);

/// Keeps the warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Warnings {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A queue whose consumer never answers, and its URL without the query.
async fn hanging() -> (Api, String) {
    let api = start(manual().real_time_limit(Duration::from_millis(50))).await;
    // Not `hang()`, which waits by the server's clock and costs no time.
    let handler = |_| std::future::pending::<u16>();
    let consumer = api.server.consumer().handle(handler).start();
    let url = consumer.url();
    // It listens as long as the runtime.
    std::mem::forget(consumer);
    let settings = r#""max_retries":1,"delivery_timeout_seconds":1"#;
    let with_secret = format!("{url}?k=s3cret");
    api.queue("q", &with_secret, settings).await;
    (api, url)
}

/// The warnings of two deliveries to a consumer that never answers, and the report after them.
async fn warnings() -> (Vec<String>, String) {
    let (api, url) = hanging().await;
    let warnings = Warnings::default();
    let guard = tracing::subscriber::set_default(warnings.clone());
    let id = api.publish("q", "1").await;
    let report = api.server.advance(10 * SECOND).await.unwrap();
    assert_eq!(report.unanswered, 2);
    drop(guard);
    api.server.expect().message_to("q").delivered();
    let unmet = api.server.try_verify().await.unwrap_err().to_string();
    let clean = |text: &str| text.replace(&url, "<consumer>").replace(&id, "<id>");
    let all = warnings.all().iter().map(|it| clean(it)).collect();
    (all, clean(&unmet))
}

const WARNING: &str = "message=a consumer did not answer within the real-time limit of 0.05 s (`real_time_limit`), so the \
                       clock moves on without it, each time after so long: ";

#[tokio::test]
async fn a_consumer_that_does_not_answer_is_named_in_one_warning_and_in_the_report() {
    let (warnings, unmet) = warnings().await;
    let [warning] = &warnings[..] else {
        panic!("one warning for a consumer: {warnings:?}");
    };
    let cause = "its handler hangs, blocks, or waits for something that comes only after the clock has moved";
    assert!(warning.contains(&format!("{WARNING}{cause}")), "{warning}");
    assert!(warning.contains("url=\"<consumer>?…\""), "{warning}");
    assert!(!warning.contains("s3cret"), "{warning}");
    let line = "no answer from <consumer>?…, 2 times: the real-time limit of 0.05 s (`real_time_limit`) was over\n";
    assert!(unmet.contains(line), "{unmet}");
    let near = "attempt 1 of message <id> in queue `q` to <consumer>?… at 2027-01-15T08:00:00.000Z until \
                2027-01-15T08:00:01.000Z: failed: given up without an answer; the real-time limit of 0.05 s \
                (`real_time_limit`) was over first\n";
    assert!(unmet.contains(near), "{unmet}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_of_tokio_that_is_paused_is_named_as_the_likely_cause() {
    let (warnings, _) = warnings().await;
    let cause = "most likely its handler sleeps by tokio's clock, which is paused (`start_paused`, \
                 `tokio::time::pause`) and stands still while the server waits; let it wait by the server's clock, or do \
                 not pause tokio's";
    assert!(
        warnings[0].contains(&format!("{WARNING}{cause}")),
        "{warnings:?}"
    );
}
