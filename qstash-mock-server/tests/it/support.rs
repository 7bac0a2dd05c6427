//! A server with a caller, and tables of requests that must be refused.

use qstash_mock_server::MockServer;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

pub(crate) struct Api {
    pub(crate) server: MockServer,
    client: Client,
}

/// What a refusal must say.
pub(crate) type Refusal<'a> = (u16, &'a str, Option<&'a str>);

impl Api {
    pub(crate) async fn start() -> Self {
        Self::over(MockServer::start().await)
    }

    pub(crate) fn over(server: MockServer) -> Self {
        Self {
            server,
            client: Client::new(),
        }
    }

    /// A request without a token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.server.uri());
        self.client.request(method, url)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(self.server.token())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        success(response).await
    }

    /// Posts JSON as it stands.
    pub(crate) async fn try_post(&self, path: &str, body: impl Into<String>) -> Response {
        self.request(Method::POST, path)
            .header("content-type", "application/json")
            .body(body.into())
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<String>) -> Value {
        success(self.try_post(path, body).await).await
    }

    pub(crate) async fn publish(&self, queue: &str, message: &str) -> String {
        let body = format!(r#"{{"queue":"{queue}","message":{message}}}"#);
        let answer = self.post("/v1/publish", body).await;
        answer["message_id"].as_str().unwrap().to_owned()
    }

    /// Every body in `cases` is refused as the table says, and the metrics stay as they were.
    pub(crate) async fn refuses(&self, path: &str, cases: &[(&str, Refusal<'_>)]) {
        let before = self.state().await;
        for (body, refusal) in cases {
            let response = self.try_post(path, *body).await;
            assert_refused(response, *refusal, &format!("{path} {body}")).await;
        }
        assert_eq!(self.state().await, before, "a refusal changed something");
    }

    /// Queues and metrics, without what grows by itself.
    pub(crate) async fn state(&self) -> Value {
        let mut metrics = self.get("/v1/metrics").await;
        metrics.as_object_mut().unwrap().remove("uptime_seconds");
        for queue in metrics["queues"].as_object_mut().unwrap().values_mut() {
            let queue = queue.as_object_mut().unwrap();
            queue.remove("oldest_ready_age_seconds");
        }
        serde_json::json!([metrics, self.get("/v1/queues").await])
    }
}

pub(crate) async fn success(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{status} {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) async fn assert_refused(response: Response, refusal: Refusal<'_>, what: &str) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{what}: {text:?}"));
    let found = (
        status,
        body["code"].as_str().unwrap_or(""),
        body["field"].as_str(),
    );
    assert_eq!(found, refusal, "{what}: {body}");
    let sentence = body["error"].as_str().unwrap();
    assert!(!sentence.is_empty(), "{what}");
}
