//! What a publish to a URL group makes a store remember.

use std::sync::{Arc, Mutex};

use qstash_mock_server::storage::{Commit, Durability, Loaded, Store, StoreError};
use serde_json::{Value, json};

use super::group_defaults::{Given, Group};
use super::transcript::{APP, Transcript};

/// Remembers nothing, and writes down what it was to remember.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    fn commits(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Store for Recorder {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError> {
        let changes = format!("{:?}", commit.into_changes());
        self.0.lock().unwrap().push(changes);
        Ok(Durability::Now)
    }
}

async fn recorded() -> (Group, Recorder) {
    let recorder = Recorder::default();
    let store = recorder.clone();
    let api = Transcript::with(|server| server.store(store)).await;
    (Group::of(api).await, recorder)
}

#[tokio::test]
async fn a_publish_to_a_group_is_one_commit_and_so_is_a_batch_of_a_hundred() {
    let (group, recorder) = recorded().await;
    group.set(&json!({ "Upstash-Retries": "7" })).await;
    let item = json!({ "destination": "g", "queue": "q", "body": "x" });
    let batch = Value::Array(vec![item; 100]).to_string();
    let cron: Given<'_> = &[("Upstash-Cron", b"0 0 1 1 *")];
    for (path, given, body) in [
        ("/v2/publish/g", &[] as Given<'_>, ""),
        ("/v2/enqueue/q/g", &[], ""),
        ("/v2/schedules/g", cron, ""),
        ("/v2/batch", &[], &*batch),
    ] {
        let before = recorder.commits().len();
        let (status, answer) = group.post(path, given, body).await;
        assert!(status < 300, "{path}: {answer}");
        assert_eq!(recorder.commits().len() - before, 1, "{path}");
    }
    let messages = group.0.value("/v1/queues/q/messages").await;
    assert_eq!(messages["messages"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn the_token_is_part_of_nothing_that_is_stored() {
    let (group, recorder) = recorded().await;
    group
        .set(&json!({ "Upstash-Header-Forward": "true" }))
        .await;
    let token = group.0.server.token().to_owned();
    let seen: Given<'_> = &[("X-Seen", b"it is sent along")];
    let bearer = format!("Bearer {token}");
    let item =
        json!({ "destination": "g", "headers": { "Authorization": bearer, "X-Seen": "yes" } });
    let batch = json!([item]).to_string();
    let own: Given<'_> = &[
        ("Upstash-Header-Forward", b"true"),
        ("Upstash-Delay", b"1d"),
    ];
    for (path, given, body) in [
        ("/v2/publish/g", seen, ""),
        (&*format!("/v2/publish/g?qstash_token={token}"), seen, ""),
        ("/v2/enqueue/q/g", seen, ""),
        ("/v2/batch", seen, &*batch),
        (&*format!("/v2/publish/{APP}"), own, ""),
    ] {
        let (status, answer) = group.post(path, given, body).await;
        assert!(status < 300, "{path}: {answer}");
    }
    let commits = recorder.commits();
    let naming = |text: &str| commits.iter().filter(|it| it.contains(text)).count();
    assert_eq!(naming("X-Seen"), 4);
    assert_eq!(naming(&token), 0);
}
