//! The v1 dialect: named queues, publishing, receiving under leases, metrics.
//!
//! Every call starts at [`Client::v1`](crate::Client::v1). Methods set it up, and `.send().await` sends it. Lists also
//! end with `.stream()`.

mod create_queue;
mod entry;
mod message;
mod messages;
mod metrics;
mod publish;
mod published;
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
pub use self::publish::{NewMessage, Publish, PublishBatch};
pub use self::published::Published;
pub use self::pull::{Heartbeat, Lease, Receive, Undecodable};
pub use self::queue::{Backoff, OnAccepted, Queue};
pub use self::queues::{ListQueues, Purge, Queues, Redrive};
pub use self::signing::SigningSecret;
pub use crate::call::Call;
pub use crate::types::secret::Secret;
