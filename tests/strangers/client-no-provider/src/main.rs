//! A program that installs rustls's provider itself.

use qstash_client::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let early = Client::from_env().map(drop);
    println!("before there is a provider: {early:?}");
    let installed = rustls::crypto::ring::default_provider().install_default();
    installed.map_err(|_| "there is a provider already")?;
    let client = Client::from_env()?;
    let publish = client.v2().publish("https://example.com/hook");
    let published = publish.body("hello").send().await?;
    println!("{}", published.message_id);
    Ok(())
}
