// Flow control needs a limit; ids are parsed, never made up.
use qstash_client::v2::FlowControl;
use qstash_client::{DlqId, MessageId};

fn main() {
    let _ = FlowControl::parallelism("key");
    let _: MessageId = Default::default();
    let _: DlqId = "".into();
}
