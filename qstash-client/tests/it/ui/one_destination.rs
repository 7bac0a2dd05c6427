// A publish has exactly one destination, and a text is never taken for a group.
use qstash_client::Client;
use qstash_client::v2::{Group, Llm, Published};

async fn none_two_or_confused(client: Client) {
    let _ = client.v2().publish();
    let _ = client.v2().publish("https://a.test", Group("b"));
    let _: Published = client.v2().publish(Group("b")).send().await.unwrap();
}

fn a_model_without_a_callback() {
    let _ = Llm::openai("sk");
}

fn main() {}
