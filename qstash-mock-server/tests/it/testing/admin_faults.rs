//! Every fault over HTTP: each kind of the OpenAPI file, wherever and however often.

use std::time::Duration;

use qstash_mock_server::testing::Consumer;
use reqwest::Method;
use serde_json::{Value, json};

use super::{manual, start};
use crate::support::{Api, success};

const HOUR: Duration = Duration::from_secs(3600);

/// Every kind that the OpenAPI file names.
async fn kinds(api: &Api) -> Vec<String> {
    let request = api.bare(Method::GET, "/_admin/openapi.json");
    let file = success(request.send().await.unwrap()).await;
    let kinds = &file["components"]["schemas"]["Fault"]["properties"]["kind"]["enum"];
    let kinds = kinds.as_array().unwrap().iter();
    kinds.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// A fault of this kind, with what it must have beside it.
fn fault(kind: &str) -> Value {
    match kind {
        "api_status" => json!({"kind": kind, "status": 500}),
        "api_delay" => json!({"kind": kind, "seconds": 0.001}),
        "delay" | "slow" | "signer_ahead" | "signer_behind" => json!({"kind": kind, "seconds": 1}),
        _ => json!({"kind": kind}),
    }
}

/// How a captured delivery names it.
fn name(kind: &str) -> &str {
    match kind {
        "expired_signature" => "signer_behind",
        kind => kind,
    }
}

impl Api {
    async fn inject(&self, fault: &Value) {
        let request = self.bare(Method::POST, "/_admin/faults");
        let request = request.header("content-type", "application/json");
        success(request.body(fault.to_string()).send().await.unwrap()).await;
    }

    async fn faults(&self) -> Vec<Value> {
        let request = self.bare(Method::GET, "/_admin/faults");
        let list = success(request.send().await.unwrap()).await;
        list["faults"].as_array().unwrap().clone()
    }

    /// Publishes and says nothing: a fault may answer.
    async fn try_publish(&self) {
        let request = self.request(Method::POST, "/v1/publish");
        let request = request.header("content-type", "application/json");
        let _ = request.body(r#"{"queue":"q","message":1}"#).send().await;
    }
}

/// A queue `q`, its consumer, and another queue for the same one.
async fn shop() -> (Api, Consumer) {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    api.queue("other", &consumer.url(), "").await;
    (api, consumer)
}

#[tokio::test]
async fn every_kind_strikes_where_it_is_to_and_nowhere_else() {
    let (api, _consumer) = shop().await;
    let all = kinds(&api).await;
    assert_eq!(all.len(), 15, "{all:?}");
    for kind in all {
        let is_api = kind.starts_with("api_");
        let place = if is_api { "path" } else { "url" };
        let (api, consumer) = shop().await;
        let here = if is_api {
            "/v1/publish".to_owned()
        } else {
            consumer.url()
        };
        for (scope, value, strikes) in [
            ("queue", "q", true),
            ("queue", "other", false),
            ("account", "defaultUser", true),
            ("account", "shop", false),
            (place, here.as_str(), true),
            (place, "*elsewhere", false),
        ] {
            api.server.clear_faults();
            let mut wanted = fault(&kind);
            wanted[scope] = json!(value);
            wanted["script"] = json!([false, true]);
            api.inject(&wanted).await;
            let before = api.server.deliveries().count();
            api.try_publish().await;
            api.try_publish().await;
            api.server.advance(HOUR).await.unwrap();
            let text = format!("{wanted}");
            assert_eq!(api.faults().await[0]["hits"], u64::from(strikes), "{text}");
            let new = api.server.deliveries().into_iter().skip(before);
            // What the fault has sent once more has met it, too.
            let new = new.filter(|it| !it.is_duplicate());
            let met: Vec<_> = new.flat_map(|it| it.faults().to_vec()).collect();
            let expected = (strikes && !is_api).then(|| name(&kind));
            assert_eq!(met, Vec::from_iter(expected), "{text}");
        }
    }
}

#[tokio::test]
async fn every_kind_has_a_probability_that_the_seed_decides() {
    let (api, _consumer) = shop().await;
    for kind in kinds(&api).await {
        let mut struck = Vec::new();
        for seed in [1, 1, 2] {
            let api = start(manual().seed(seed)).await;
            let consumer = api.server.consumer().start();
            let settings = r#""max_retries":0,"dead_letter_queue":"dead""#;
            api.queue("q", &consumer.url(), settings).await;
            let mut wanted = fault(&kind);
            wanted["probability"] = json!(0.5);
            wanted["path"] = json!("/v1/publish");
            if !kind.starts_with("api_") {
                wanted.as_object_mut().unwrap().remove("path");
            }
            api.inject(&wanted).await;
            let mut course = Vec::new();
            for _ in 0..24 {
                api.try_publish().await;
                api.server.advance(HOUR).await.unwrap();
                course.push(api.faults().await[0]["hits"].as_u64().unwrap());
            }
            struck.push(course);
        }
        assert_eq!(struck[0], struck[1], "{kind}");
        assert_ne!(struck[0], struck[2], "{kind}");
        let hits = struck[0][23];
        assert!((4..=20).contains(&hits), "{kind}: {hits}");
    }
}

#[tokio::test]
async fn what_was_asked_for_comes_back_in_the_list() {
    let (api, _consumer) = shop().await;
    for wanted in [
        json!({"kind": "api_status", "status": 503, "headers": {"x-a": "b"}, "path": "/v1/*", "script": [true, false]}),
        json!({"kind": "slow", "seconds": 1.5, "queue": "q", "account": "defaultUser", "url": "http://*", "times": 3}),
        json!({"kind": "duplicate", "probability": 0.25}),
    ] {
        api.server.clear_faults();
        api.inject(&wanted).await;
        let mut listed = api.faults().await.remove(0);
        let listed = listed.as_object_mut().unwrap();
        listed.remove("id");
        assert_eq!(listed.remove("hits"), Some(json!(0)));
        assert_eq!(&json!(listed), &wanted);
    }
}
