//! A program with the TLS of the system, behind a proxy.

use qstash_client::{ClientBuilder, TlsBackend};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = ClientBuilder::from_env()?.tls_backend(TlsBackend::NativeTls);
    if let Ok(proxy) = std::env::var("PROXY") {
        builder = builder.proxy(proxy);
    }
    let client = builder.build()?;
    let publish = client.v2().publish("https://example.com/hook");
    let published = publish.body("hello").send().await?;
    println!("{}", published.message_id);
    Ok(())
}
