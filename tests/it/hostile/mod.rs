//! Input that nobody should send: refused by name, changes nothing, breaks nothing.

mod random;
mod slow;
mod tables;
mod unread;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::World;

impl World {
    /// A request without a token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.server.uri()))
    }

    /// Everything that can be seen of the state, without what grows by itself.
    pub(crate) async fn seen(&self) -> Value {
        let get = async |path: String| -> Value {
            let request = self
                .bare(Method::GET, &path)
                .bearer_auth(self.server.token());
            request.send().await.unwrap().json().await.unwrap()
        };
        let mut metrics = get("/v1/metrics".into()).await;
        metrics.as_object_mut().unwrap().remove("uptime_seconds");
        let queues = get("/v1/queues".into()).await;
        let mut messages = vec![];
        for queue in queues["queues"].as_array().unwrap() {
            let name = queue["name"].as_str().unwrap();
            messages.push(get(format!("/v1/queues/{name}/messages")).await);
        }
        json!([
            metrics,
            queues,
            messages,
            get("/v1/signing-secret".into()).await
        ])
    }
}

/// What a refusal must say: status, code, field.
type Refusal<'a> = (u16, &'a str, Option<&'a str>);

async fn assert_refused(response: Response, refusal: Refusal<'_>, what: &str) {
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").cloned();
    assert_eq!(kind.unwrap(), "application/json", "{what}");
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{what}: {text:?}"));
    let found = (
        status,
        body["code"].as_str().unwrap_or(""),
        body["field"].as_str(),
    );
    assert_eq!(found, refusal, "{what}: {body}");
    assert!(!body["error"].as_str().unwrap().is_empty(), "{what}");
}

/// Sends bytes over a connection of their own, ends it, and reads all that comes back.
async fn exchange(world: &World, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(world.server.address()).await?;
    let (mut reader, mut writer) = stream.split();
    let mut answer = vec![];
    let send = async {
        // The server may have heard enough before the end; what counts is what it says.
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
    };
    let ((), read) = tokio::join!(send, reader.read_to_end(&mut answer));
    read.map(|_| answer)
}

/// The status of the first answer in `bytes`, if there is one.
fn status(bytes: &[u8]) -> Option<u16> {
    let rest = bytes
        .strip_prefix(b"HTTP/1.1 ")
        .or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}
