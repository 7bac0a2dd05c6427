// Cancelling or deleting everything takes an explicit `All`.
use qstash_client::Client;

fn main() {
    let client = Client::from_env().unwrap();
    let v2 = client.v2();
    let _ = v2.messages().cancel_all();
    let _ = v2.dlq().delete_all();
    let _ = v2.dlq().retry_all();
    let _ = v2.messages().cancel_matching(Default::default());
    let _ = v2.dlq().delete_matching(Default::default());
    let _ = v2.dlq().retry_matching(Default::default());
}
