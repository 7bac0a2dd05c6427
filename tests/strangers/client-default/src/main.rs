//! A program that takes the client as it is: rustls, with aws-lc-rs.

use qstash_client::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = reqwest::Client::new();
    let client = Client::from_env()?;
    println!("{own:?}");
    let publish = client.v2().publish("https://example.com/hook");
    let published = publish.body("hello").send().await?;
    println!("{}", published.message_id);
    Ok(())
}
