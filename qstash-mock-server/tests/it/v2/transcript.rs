//! A conversation with a server, written down.

use std::fmt::Write;
use std::time::Duration;

use axum::http::Uri;
use axum::response::IntoResponse;
use qstash_mock_server::engine::{Quotas, Timestamp};
use qstash_mock_server::{MockServer, MockServerBuilder};
use reqwest::{Client, Method, Response};
use serde_json::Value;

/// Where messages go in these tests.
pub(crate) const APP: &str = "https://app.example.com";

/// 2023-11-14T22:13:20Z
const START: u64 = 1_700_000_000_000;

pub(crate) struct Transcript {
    pub(crate) server: MockServer,
    client: Client,
    text: String,
}

impl Transcript {
    pub(crate) async fn start() -> Self {
        Self::with(|server| server).await
    }

    pub(crate) async fn with_quotas(quotas: Quotas) -> Self {
        Self::with(|server| server.quotas(quotas)).await
    }

    pub(crate) async fn with(set: impl FnOnce(MockServerBuilder) -> MockServerBuilder) -> Self {
        let consumer = consumer().await;
        let server = MockServer::builder()
            .seed(7)
            .manual_clock(Timestamp::from_millis(START))
            .route(format!("{APP}={consumer}").parse().unwrap());
        Self {
            server: set(server).start().await.unwrap(),
            client: Client::new(),
            text: String::new(),
        }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Response {
        let method: Method = method.parse().unwrap();
        let url = format!("{}{path}", self.server.uri());
        let mut request = self.client.request(method, url).body(body.into());
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        {
            request = request.bearer_auth(self.server.token());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// Asks and writes down question and answer. The answer comes back, too.
    pub(crate) async fn say(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Value {
        writeln!(self.text, "{method} {path}").unwrap();
        for (name, value) in headers {
            writeln!(self.text, "{name}: {value}").unwrap();
        }
        if !body.is_empty() {
            writeln!(self.text, "\n{body}").unwrap();
        }
        let response = self.send(method, path, headers, body).await;
        let status = response.status();
        assert_eq!(response.headers()["content-type"], "application/json");
        let answer = response.text().await.unwrap();
        let value: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer:?}"));
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        writeln!(self.text, "-- {status}\n{pretty}\n").unwrap();
        value
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        self.say("GET", path, &[], "").await
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
        self.say("POST", path, headers, body).await
    }

    pub(crate) async fn delete(&mut self, path: &str, body: &str) -> Value {
        self.say("DELETE", path, &[], body).await
    }

    /// Publishes without writing it down; gives the message's id.
    pub(crate) async fn publish(&self, destination: &str, headers: &[(&str, &str)]) -> String {
        let response = self
            .send(
                "POST",
                &format!("/v2/publish/{destination}"),
                headers,
                "body",
            )
            .await;
        let text = response.text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer["messageId"]
            .as_str()
            .unwrap_or_else(|| panic!("{text}"))
            .to_owned()
    }

    pub(crate) async fn settle(&self) {
        self.server.settle().await.unwrap();
    }

    pub(crate) async fn advance(&self, seconds: u64) {
        self.server
            .advance(Duration::from_secs(seconds))
            .await
            .unwrap();
    }

    /// Asks without writing it down.
    pub(crate) async fn value(&self, path: &str) -> Value {
        let response = self.send("GET", path, &[], "").await;
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    /// The status and the sentence of a refusal.
    pub(crate) async fn refusal(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let response = self.send(method, path, headers, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let value: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text:?}"));
        let fields = value.as_object().map_or(0, serde_json::Map::len);
        assert_eq!(fields, 1, "{path}: {text}");
        let sentence = value["error"]
            .as_str()
            .unwrap_or_else(|| panic!("{path}: {text}"));
        (status, sentence.to_owned())
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// Answers 200, or what the path says (`/500/…`); always with the same headers.
async fn consumer() -> String {
    let app = axum::Router::new().fallback(async |uri: Uri| {
        let word = uri.path().split('/').nth(1).unwrap_or_default();
        let status = word.parse::<u16>().unwrap_or(200);
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        let headers = [("date", "Tue, 14 Nov 2023 22:13:20 GMT"), ("x-seen", "yes")];
        (status, headers, "an answer").into_response()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    format!("http://{address}")
}
