//! A program with a transport of its own, without reqwest.

use std::time::Duration;

use bytes::Bytes;
use qstash_client::Client;
use qstash_client::transport::{BoxFuture, Transport, TransportError};

/// Answers everything itself.
struct Echo;

impl Transport for Echo {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        println!("{} {}", request.method(), request.uri());
        let answer = http::Response::new(Bytes::from_static(br#"{"messageId":"msg_1"}"#));
        Box::pin(std::future::ready(Ok(answer)))
    }

    fn wait(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Client::builder().base_url("https://example.com/qstash");
    let client = builder.token("t0ken").transport(Echo).build()?;
    let publish = client.v2().publish("https://example.com/hook");
    let published = publish.body("hello").send().await?;
    println!("{}", published.message_id);
    Ok(())
}
