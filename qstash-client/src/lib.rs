#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod base_url;
mod builder;
mod call;
mod cause;
mod client;
mod endpoint;
mod env;
mod error;
mod rate_limit;
mod timing;
pub mod transport;
mod types;
pub mod v1;
pub mod v2;

pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{ApiError, Error, ErrorKind};
pub use rate_limit::{ChatWindow, RateLimit, Window};
pub use timing::Timestamp;
pub use transport::retry::RetryPolicy;
pub use transport::setup::TlsBackend;
pub use types::ids::{
    DeduplicationId, DlqId, FlowControlKey, IdempotencyKey, Label, LeaseId, MessageId, QueueName,
    ScheduleId, UrlGroupName,
};
pub use types::json::RawJson;
pub use types::page::Page;
pub use types::region::Region;
pub use types::secret::Secret;
pub use types::token::Token;
pub use types::trace::TraceContext;
