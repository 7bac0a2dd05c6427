//! What the report on a test tells beside the metrics: what is due next, and which queues nobody pushes.

use crate::engine::inputs::Engine;
use crate::engine::model::id::{AccountName, MessageId, QueueName};
use crate::engine::model::message::Stage;
use crate::engine::model::time::Timestamp;
use crate::engine::state::QueueIndex;

/// A message that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// The message's id.
    pub message: MessageId,
    /// Whether the message carries its rules.
    pub carried: bool,
    /// The queue that the message is in, if it is in one.
    pub queue: Option<QueueName>,
    /// When the delay or the lease ends.
    pub at: Timestamp,
    /// [`Stage::Delayed`] or [`Stage::Leased`].
    pub stage: Stage,
}

/// What happens to the messages of one queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueOutlook {
    /// Whether the queue has a webhook.
    pub has_webhook: bool,
    /// Whether the queue is paused.
    pub paused: bool,
    /// How many messages are ready and follow the queue's rules.
    pub receivable: usize,
    /// How many messages a consumer has pulled and holds under a lease.
    pub leased: u64,
}

impl Engine {
    /// The messages that are due next, the first one first, at most `limit` of them. It looks at a bounded number of
    /// timers, so it may miss messages behind many others that only wait to be forgotten.
    #[must_use]
    pub fn upcoming(&self, limit: usize) -> Vec<Upcoming> {
        /// How many timers are looked at.
        const LOOKED_AT: usize = 10_000;
        let timers = self.state.message_timers().take(LOOKED_AT);
        let waiting = timers.filter_map(|(at, sequence)| {
            let (spec, message) = self.state.whole(sequence)?;
            let waits = message.state.ends_at().is_some();
            waits.then(|| Upcoming {
                message: spec.id,
                carried: spec.carried().is_some(),
                queue: self.state.queue_name(message.queue).cloned(),
                at,
                stage: message.state.stage(),
            })
        });
        waiting.take(limit).collect()
    }

    /// What happens to the messages of a queue; `None` if there is no such queue.
    #[must_use]
    pub fn queue_outlook(&self, account: &AccountName, name: &QueueName) -> Option<QueueOutlook> {
        let id = self.state.queue_id(account, name)?;
        let settings = &self.state.queue(id)?.settings;
        let index = self.state.queue_index(id);
        Some(QueueOutlook {
            has_webhook: settings.webhook_url.is_some(),
            paused: settings.paused,
            receivable: index.map_or(0, QueueIndex::receivable),
            leased: index.map_or(0, QueueIndex::leased),
        })
    }
}
