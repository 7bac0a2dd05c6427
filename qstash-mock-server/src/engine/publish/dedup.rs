//! Recognising a second publish of the same message (v1.md section 2, v2.md section 3.5).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::drafts::{Content, Draft, Recognition};
use crate::engine::inputs::Engine;
use crate::engine::model::carried_rules::Deduplication;
use crate::engine::model::entity::{DedupKey, DedupKeyId, DedupScope, FirstWithKey};
use crate::engine::model::id::{AccountName, MessageId, QueueId, ScheduleId};
use crate::engine::model::message::Sequence;
use crate::engine::model::publish::{Destination, ToDestination};
use crate::engine::model::time::Timestamp;

impl Engine {
    /// The key under which a message is remembered; none if its queue does not exist yet.
    pub(super) fn dedup_key(
        &self,
        account: &AccountName,
        draft: &Draft,
        content: &Content,
    ) -> Option<DedupKeyId> {
        match draft.recognition.as_ref()? {
            Recognition::InQueue(text) => {
                let queue = self.state.queue_id(account, draft.queue.as_ref()?)?;
                Some(DedupKeyId {
                    scope: DedupScope::Queue(queue),
                    text: Arc::clone(text),
                })
            }
            Recognition::InAccount(deduplication) => {
                let url = draft.url()?;
                Some(DedupKeyId {
                    scope: DedupScope::Account(account.clone()),
                    text: key_text(deduplication, url, content.bytes()?, &draft.headers),
                })
            }
        }
    }

    /// The key under which the creation of a schedule is remembered. Schedules have a space of keys of their own.
    pub(crate) fn schedule_key(
        account: &AccountName,
        to: &ToDestination,
        body: &[u8],
    ) -> Option<DedupKeyId> {
        let destination = match &to.destination {
            Destination::Url(url) | Destination::Api { url, .. } => &**url,
            Destination::Group(name) => name.as_str(),
        };
        let headers = to.settings.headers.as_deref().unwrap_or_default();
        let deduplication = to.settings.deduplication.as_ref()?;
        Some(DedupKeyId {
            scope: DedupScope::Schedules(account.clone()),
            text: key_text(deduplication, destination, body, headers),
        })
    }

    /// The first message that was published with a key.
    pub(super) fn first_with_key(&self, key: Option<&DedupKeyId>) -> Option<MessageId> {
        match self.state.key(key?)?.first {
            FirstWithKey::Message(id) => Some(id),
            FirstWithKey::Schedule(_) => None,
        }
    }

    /// The first schedule that was created with a key.
    pub(crate) fn first_schedule_with_key(&self, key: Option<&DedupKeyId>) -> Option<ScheduleId> {
        match &self.state.key(key?)?.first {
            FirstWithKey::Schedule(id) => Some(id.clone()),
            FirstWithKey::Message(_) => None,
        }
    }

    /// Forgets the key with which a schedule was created, unless it is another schedule's by now.
    pub(crate) fn forget_key_of_schedule(
        &mut self,
        account: &AccountName,
        id: &ScheduleId,
        key: Option<Arc<str>>,
    ) {
        let key = key.map(|text| DedupKeyId {
            scope: DedupScope::Schedules(account.clone()),
            text,
        });
        let first = self.first_schedule_with_key(key.as_ref());
        if let Some(key) = key.filter(|_| first.as_ref() == Some(id)) {
            self.state.remove_key(&key);
        }
    }

    /// Forgets up to `most` keys of a queue, from the one after `reached` on, and moves `reached`. Keys of messages
    /// after `end` stay. Returns whether there are no further keys.
    pub(crate) fn forget_keys(
        &mut self,
        queue: QueueId,
        reached: &mut Option<DedupKeyId>,
        end: Sequence,
        most: usize,
    ) -> bool {
        let scope = DedupScope::Queue(queue);
        for _ in 0..most {
            let Some(key) = self.state.key_after(&scope, reached.as_ref()) else {
                return true;
            };
            let id = key.id.clone();
            let message = self.first_with_key(Some(&id));
            let sequence = message.and_then(|message| self.state.sequence_of(message));
            // A message that is not stored any more is an old one.
            if sequence.is_none_or(|sequence| sequence <= end) {
                self.state.remove_key(&id);
            }
            *reached = Some(id);
        }
        false
    }

    pub(crate) fn remember(&mut self, now: Timestamp, key: DedupKeyId, first: FirstWithKey) {
        self.state.put_key(DedupKey {
            id: key,
            first,
            expires_at: now + self.config.deduplication_window,
        });
    }
}

/// The text of a key, which holds for one destination.
fn key_text(
    deduplication: &Deduplication,
    destination: &str,
    body: &[u8],
    headers: &[(String, String)],
) -> Arc<str> {
    match deduplication {
        Deduplication::Id(id) => format!("{id} {destination}").into(),
        Deduplication::Content => content_digest(destination, body, headers).into(),
    }
}

/// The digest of destination, body, content type and forwarded headers, each with its length before it.
fn content_digest(url: &str, body: &[u8], headers: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(url.as_bytes());
    add(body);
    // Sorted, because many clients send headers in no fixed order.
    let mut headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, value) in headers {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
