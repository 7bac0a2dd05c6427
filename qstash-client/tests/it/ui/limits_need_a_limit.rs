// Flow control needs a limit; names are parsed, never made up.
use qstash_client::MessageId;
use qstash_client::v2::FlowControl;

fn main() {
    let _ = FlowControl::new("key");
    let _ = MessageId(String::new());
    let _ = MessageId::default();
}
