//! A program with rustls and ring, and with a root certificate of its own.

use qstash_client::{Client, ClientBuilder, TlsBackend};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = ClientBuilder::from_env()?.tls_backend(TlsBackend::Rustls);
    if let Some(path) = std::env::var_os("ROOT_CERTIFICATES") {
        builder = builder.root_certificates(std::fs::read(path)?);
    }
    let client: Client = builder.build()?;
    let publish = client.v2().publish("https://example.com/hook");
    let published = publish.body("hello").send().await?;
    println!("{}", published.message_id);
    Ok(())
}
