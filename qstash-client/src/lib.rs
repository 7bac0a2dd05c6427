#![doc = include_str!("../README.md")]

mod call;
mod client;
mod endpoint;
mod error;
pub mod transport;
mod types;
pub mod v1;

pub use client::{Client, ClientBuilder};
pub use error::{ApiError, Error, ErrorKind};
pub use transport::retry::RetryPolicy;
pub use types::ids::{IdempotencyKey, LeaseId, MessageId, QueueName};
pub use types::json::RawJson;
pub use types::page::Page;
pub use types::timing::Timestamp;
pub use types::token::Token;
