//! Publishing: store once, deliver later (v1.md section 2).

use std::sync::Arc;

use crate::engine::command::{Publish, Published, Reply};
use crate::engine::config::Limits;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::entity::{DedupKey, DedupKeyId, DedupScope};
use crate::engine::model::id::{BodyId, MessageId, QueueId};
use crate::engine::model::message::{InQueue, Message, Policy, waiting};
use crate::engine::model::randomness::Purpose;
use crate::engine::model::time::Timestamp;
use crate::engine::publish::destination::headers_cost;

impl Engine {
    pub(crate) fn publish(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        publish: Publish,
    ) -> Result<Published, Error> {
        caller.check(&publish.queue, Permission::Publish)?;
        let known = self.state.queue_id(&caller.account, &publish.queue);
        let key = publish.idempotency_key.as_deref().map(Arc::<str>::from);
        if let (Some(queue), Some(text)) = (known, &key)
            && let Some(first) = self.first_with_key(queue, text)
        {
            return Ok(Published {
                id: first,
                deduplicated: true,
            });
        }
        let cost = publish.body.len()
            + headers_cost(&publish.headers)
            + Limits::MESSAGE_OVERHEAD
            + key
                .as_ref()
                .map_or(0, |text| text.len() + Limits::KEY_OVERHEAD);
        self.check_held(cost)?;
        let queue = self.ensure_queue(now, &caller.account, &publish.queue)?;
        let id = self.store(now, caller, queue, publish);
        if let Some(text) = key {
            let expires_at = now + self.config.deduplication_window;
            self.state.put_key(DedupKey {
                id: DedupKeyId {
                    scope: DedupScope::Queue(queue),
                    text,
                },
                message: id,
                expires_at,
            });
        }
        Ok(Published {
            id,
            deduplicated: false,
        })
    }

    pub(crate) fn publish_batch(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        batch: Vec<Publish>,
    ) -> Reply {
        Reply::Batch(
            batch
                .into_iter()
                .map(|publish| self.publish(now, caller, publish))
                .collect(),
        )
    }

    fn first_with_key(&mut self, queue: QueueId, text: &Arc<str>) -> Option<MessageId> {
        let first = self
            .state
            .key(&DedupKeyId {
                scope: DedupScope::Queue(queue),
                text: Arc::clone(text),
            })?
            .message;
        if let Some(queue_index) = self.state.queue_index_mut(queue) {
            queue_index.counters.deduplicated += 1;
        }
        Some(first)
    }

    fn store(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        queue: QueueId,
        publish: Publish,
    ) -> MessageId {
        let sequence = self.state.next_sequence();
        let id = MessageId(self.random.uuid_v7(now, Purpose::MessageId, sequence));
        let body = BodyId(sequence);
        self.state.put_body(body, publish.body);
        self.state.insert_message(Message {
            id,
            sequence,
            account: caller.account.clone(),
            queue: Some(InQueue {
                id: queue,
                name: publish.queue,
            }),
            slot: None,
            body,
            state: waiting(now, publish.delay),
            due_at: now + publish.delay,
            published_at: now,
            attempts: 0,
            leases: 0,
            policy: Policy::QueueRules {
                max_retries: publish.max_retries,
            },
            headers: publish.headers,
            history: Arc::new([]),
            last_body: bytes::Bytes::new(),
            dead_letter: None,
        });
        if let Some(queue_index) = self.state.queue_index_mut(queue) {
            queue_index.counters.published += 1;
        }
        id
    }
}
