//! Recognising a second publish of the same message (v1.md section 2, v2.md section 3.5).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::drafts::{Content, Draft, Recognition};
use crate::engine::inputs::Engine;
use crate::engine::model::carried_rules::Deduplication;
use crate::engine::model::entity::{DedupKey, DedupKeyId, DedupScope};
use crate::engine::model::headers::Headers;
use crate::engine::model::id::{AccountName, MessageId};
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
                let text = match deduplication {
                    Deduplication::Id(id) => format!("{id} {url}"),
                    Deduplication::Content => content_digest(url, content.bytes()?, &draft.headers),
                };
                Some(DedupKeyId {
                    scope: DedupScope::Account(account.clone()),
                    text: text.into(),
                })
            }
        }
    }

    /// The first message that was published with a key.
    pub(super) fn first_with_key(&self, key: Option<&DedupKeyId>) -> Option<MessageId> {
        Some(self.state.key(key?)?.message)
    }

    pub(super) fn remember(&mut self, now: Timestamp, key: DedupKeyId, message: MessageId) {
        self.state.put_key(DedupKey {
            id: key,
            message,
            expires_at: now + self.config.deduplication_window,
        });
    }
}

/// The digest of destination, body, content type and forwarded headers, each with its length before it.
fn content_digest(url: &str, body: &[u8], headers: &Headers) -> String {
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
