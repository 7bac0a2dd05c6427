//! The module `testing`, used as a test uses it.

mod admin;
mod admin_faults;
mod auto;
mod clock;
mod consumer;
mod deliveries;
mod expect;
mod faults;
mod forbidden;
mod proof;
mod reports;
mod silent;
mod state;
mod v2;

use qstash_mock_server::engine::Timestamp;
use qstash_mock_server::{MockServer, MockServerBuilder};

use crate::support::Api;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn manual() -> MockServerBuilder {
    MockServer::builder().manual_clock(START).seed(7)
}

pub(crate) async fn start(builder: MockServerBuilder) -> Api {
    Api::over(builder.start().await.unwrap())
}

impl Api {
    /// Makes a queue that is pushed to `url`. `settings` are members of its JSON.
    pub(crate) async fn queue(&self, name: &str, url: &str, settings: &str) {
        let comma = if settings.is_empty() { "" } else { "," };
        let body = format!(r#"{{"name":"{name}","webhook_url":"{url}"{comma}{settings}}}"#);
        self.post("/v1/queues", body).await;
    }
}
