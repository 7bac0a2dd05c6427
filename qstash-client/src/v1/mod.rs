//! The v1 protocol: named queues, publishing, receiving under leases, metrics.
//!
//! Everything starts at [`Client::v1`](crate::Client::v1), is set up by methods that take and return the
//! call, and ends with `.send().await`.

mod create_queue;
mod entry;
mod message;
mod messages;
mod metrics;
mod publish;
mod pull;
mod queue;
mod queues;
mod signing;
mod wire;

pub use self::create_queue::{CreateQueue, CreatedQueue};
pub use self::entry::V1;
pub use self::message::{Attempt, DeadLetter, MessageState, MessageView};
pub use self::messages::{Cancelled, ListMessages, Messages, OnLease};
pub use self::metrics::{Latency, Metrics, QueueMetrics};
pub use self::publish::{NewMessage, Publish, PublishBatch, Published};
pub use self::pull::{Heartbeat, Lease, Receive, Undecodable};
pub use self::queue::{Backoff, OnAccepted, Queue};
pub use self::queues::{ListQueues, Queues, Redrive};
pub use self::signing::SigningSecret;
pub use crate::call::Call;
pub use crate::types::secret::Secret;
