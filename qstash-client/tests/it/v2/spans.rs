//! What a trace shows, and what it must not.

use std::io::Write;
use std::sync::{Arc, Mutex};

use qstash_client::v2::Callback;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::fake::{Fake, Step, answer, ok};

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that is logged, spans at their end included, while `work` runs.
async fn logged(work: impl Future<Output = ()>) -> String {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    let bytes = sink.0.lock().expect("not poisoned").clone();
    String::from_utf8(bytes).expect("text")
}

#[tokio::test(start_paused = true)]
async fn a_span_tells_operation_message_status_and_retries_and_no_secret() {
    let fake = Fake::new([
        answer(503, "s3cret-body"),
        Step::Broken,
        ok(r#"{"messageId":"msg_1"}"#),
    ]);
    let client = fake.builder().token("s3cret-token").build().expect("valid");
    let text = logged(async {
        let publish = client
            .v2()
            .publish("https://u:s3cret@e.com/s3cret?k=s3cret");
        let publish = publish
            .body("s3cret")
            .header("Authorization", "s3cret")
            .callback(Callback::new("https://cb.test/?k=s3cret"));
        publish.send().await.expect("the third try works");
    })
    .await;
    let close = text
        .lines()
        .find(|line| line.contains("close"))
        .expect("a span");
    for part in [
        r#"operation="v2.publish""#,
        "status=200",
        "retries=2",
        r#"message_id="msg_1""#,
    ] {
        assert!(close.contains(part), "{part}: {close}");
    }
    assert!(text.contains("trying again"), "{text}");
    let shown = text.replace("s3cret-body", "");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_span_tells_the_message_that_was_asked_for_also_on_failure() {
    let fake = Fake::new([answer(404, r#"{"error":"message msg_7 not found"}"#)]);
    let client = fake.client();
    let text = logged(async {
        client
            .v2()
            .messages()
            .get("msg_7")
            .send()
            .await
            .expect_err("gone");
    })
    .await;
    for part in [r#"message_id="msg_7""#, "status=404", "retries=0"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_span_counts_the_retries_also_when_time_runs_out() {
    let fake = Fake::new([answer(503, ""), Step::Silence]);
    let builder = fake
        .builder()
        .total_timeout(std::time::Duration::from_secs(3));
    let client = builder.build().expect("valid");
    let text = logged(async {
        client.v2().keys().get().send().await.expect_err("silence");
    })
    .await;
    assert!(text.contains("retries=1"), "{text}");
}
