//! Warnings in the log about headers that the server accepts although their sender has probably made a mistake. Each
//! header is named once in a process.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::super::error::shortened;

/// The most headers that are named, so that a caller who sends ever new names does not fill the log.
const MOST: usize = 256;

/// The headers that were named already.
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Warns of a header that looks like a setting and is none.
pub(super) fn unknown(name: &str) {
    if is_new(name) {
        tracing::warn!(
            header = %shown(name),
            "no setting has this name, and Upstash's service ignores such headers, too"
        );
    }
}

/// Warns of a header whose value has a duration without a unit.
pub(super) fn without_unit(name: &str) {
    if is_new(name) {
        tracing::warn!(
            header = %shown(name),
            "a duration without a unit is read as seconds; Upstash's service may refuse it"
        );
    }
}

/// Whether the log does not name this header yet. It counts as named from now on.
fn is_new(name: &str) -> bool {
    let Ok(mut said) = SAID.lock() else {
        return false;
    };
    let room = said.len() < MOST;
    room && !said.contains(name) && said.insert(name.to_owned())
}

/// The name, cut to a length that a line of the log can have. Nothing in it can change what a terminal shows.
fn shown(name: &str) -> String {
    shortened(name).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_once_and_without_control_characters() {
        assert!(is_new("upstash-once"));
        assert!(!is_new("upstash-once"));
        assert_eq!(shown("upstash-\u{1b}[31m"), "upstash-\\u{1b}[31m");
    }

    #[tokio::test]
    async fn an_unknown_header_of_a_batch_itself_is_told_as_one_of_its_items() {
        let server = crate::MockServer::start().await;
        let url = format!("{}/v2/batch?upstash-batch-queryy=1", server.uri());
        let items =
            r#"[{"destination":"https://a.example","headers":{"Upstash-Batch-Itemm":"1"}}]"#;
        let request = reqwest::Client::new()
            .post(url)
            .bearer_auth(server.token())
            .header("Upstash-Batch-Headerr", "1")
            .header("Upstash-Retries", "1")
            .header("Upstash-Telemetry-Sdk", "x")
            .body(items);
        assert_eq!(request.send().await.unwrap().status(), 200);
        for name in ["headerr", "queryy", "itemm"] {
            assert!(!is_new(&format!("upstash-batch-{name}")), "{name}");
        }
        for name in ["upstash-retries", "upstash-telemetry-sdk"] {
            assert!(!SAID.lock().unwrap().contains(name), "{name}");
        }
    }
}
