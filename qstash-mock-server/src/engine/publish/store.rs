//! The one path on which messages are made: of publishes to a queue or a destination, schedules, dead letters that
//! are published again, and callbacks.

use std::sync::Arc;

use super::drafts::{Content, Draft};
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::cost::Overhead;
use crate::engine::model::entity::{DedupKeyId, FirstWithKey};
use crate::engine::model::headers::{Headers, headers_cost};
use crate::engine::model::id::{AccountName, FlowKeyId, MessageId, QueueId, ScheduleId};
use crate::engine::model::message::{MessageState, Slot};
use crate::engine::model::partial_settings::PartialSettings;
use crate::engine::model::publish::{
    Destination, Publish, Published, PublishedMessage, To, ToDestination,
};
use crate::engine::model::randomness::Purpose;
use crate::engine::model::spec::{BodyRef, MessageSpec, Policy};
use crate::engine::model::time::Timestamp;
use crate::engine::state::Shelf;

impl Engine {
    pub(crate) fn publish(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        publish: Publish,
    ) -> Result<Published, Error> {
        let Publish { to, body } = publish;
        match to {
            To::Queue(to) => {
                caller.check(&to.queue, Permission::Publish)?;
                let draft = Self::draft_for_queue(now, *to);
                let account = &caller.account;
                let mut stored = self.store_all(now, account, vec![draft], Content::New(body))?;
                Ok(stored
                    .pop()
                    .map_or_else(|| Published::Group(vec![]), Published::One))
            }
            To::Destination(to) => {
                caller.check_either(to.queue(), Permission::Publish)?;
                let to = self.settle(&caller.account, to, PartialSettings::complete)?;
                self.publish_to(now, &caller.account, &to, Content::New(body), None)
            }
        }
    }

    /// Publishes to a destination on behalf of an account, for a caller or a schedule.
    pub(crate) fn publish_to(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        to: &ToDestination,
        content: Content,
        schedule: Option<&ScheduleId>,
    ) -> Result<Published, Error> {
        self.check_quotas(now, content.length(), &to.settings)?;
        let drafts = self.drafts_for_destination(now, account, to, schedule)?;
        let mut stored = self.store_all(now, account, drafts, content)?;
        Ok(match (&to.destination, stored.pop()) {
            (Destination::Url(_) | Destination::Api { .. }, Some(one)) => Published::One(one),
            (_, last) => {
                stored.extend(last);
                Published::Group(stored)
            }
        })
    }

    /// Stores the drafts that are not deduplicated: all of them, or none and an error.
    fn store_all(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        drafts: Vec<Draft>,
        mut content: Content,
    ) -> Result<Vec<PublishedMessage>, Error> {
        let keyed: Vec<_> = drafts
            .into_iter()
            .map(|draft| (self.dedup_key(account, &draft, &content), draft))
            .collect();
        self.check_room(account, &keyed, content.length(), 0)?;
        let carried = |(key, draft): &&(Option<DedupKeyId>, Draft)| {
            draft.url().is_some() && self.first_with_key(key.as_ref()).is_none()
        };
        let counted = keyed.iter().filter(carried).count() as u64;
        if counted > 0 {
            self.count_messages_of_the_day(now, account, counted)?;
        }
        self.ensure_account(account);
        let mut stored = Vec::with_capacity(keyed.len());
        for (key, draft) in keyed {
            let url = draft.url().cloned();
            // The draft before this one may be the same message.
            if let Some(first) = self.first_with_key(key.as_ref()) {
                self.count_deduplicated(account, &draft);
                stored.push(PublishedMessage {
                    id: first,
                    url,
                    deduplicated: true,
                });
                continue;
            }
            let queue = self.queue_of_draft(now, account, &draft)?;
            // The key of a message in a new queue is known only now.
            let key = key.or_else(|| self.dedup_key(account, &draft, &content));
            let body = self.body_of(&mut content);
            let id = self.make(now, account, draft, queue, body, None);
            if let Some(key) = key {
                self.remember(now, key, FirstWithKey::Message(id));
            }
            stored.push(PublishedMessage {
                id,
                url,
                deduplicated: false,
            });
        }
        if let Content::Stored(id, _) = content {
            // Every message that needs the body holds it by now, so the publish lets it go.
            self.state.let_go_body(id);
        }
        Ok(stored)
    }

    /// Makes one message of a draft. The caller has checked the bounds and quotas.
    pub(crate) fn make(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        draft: Draft,
        queue: Option<QueueId>,
        body: BodyRef,
        slot: Option<Slot>,
    ) -> MessageId {
        let sequence = self.state.next_sequence();
        let id = MessageId(self.random.uuid_v7(now, Purpose::MessageId, sequence.0));
        let carried = draft.policy.carried();
        if let Some(flow) = carried.and_then(|carried| carried.flow_control.as_ref()) {
            self.adopt_flow_control(now, account, flow);
        }
        let state = MessageState {
            queue,
            slot,
            ..MessageState::new(now, draft.due_at)
        };
        self.state.insert_message(
            MessageSpec {
                id,
                sequence,
                account: account.clone(),
                body,
                headers: draft.headers,
                policy: draft.policy,
            },
            state,
        );
        self.state.count(queue, |counters| counters.published += 1);
        self.log_created(now, sequence);
        id
    }

    /// Stores the bytes, when the first message needs them.
    fn body_of(&mut self, content: &mut Content) -> BodyRef {
        let (id, bytes) = match content {
            Content::Known(body) => return body.clone(),
            Content::Stored(id, bytes) => (*id, bytes.clone()),
            Content::New(bytes) => {
                let (id, bytes) = (self.state.next_body_id(), std::mem::take(bytes));
                self.state.put_body(id, bytes.clone());
                (id, bytes)
            }
        };
        let body = BodyRef::new(id, bytes.len());
        *content = Content::Stored(id, bytes);
        body
    }

    fn queue_of_draft(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        draft: &Draft,
    ) -> Result<Option<QueueId>, Error> {
        let Some(name) = &draft.queue else {
            return Ok(None);
        };
        let counts = draft.url().is_some();
        self.ensure_queue(now, account, name, counts).map(Some)
    }

    fn count_deduplicated(&mut self, account: &AccountName, draft: &Draft) {
        let queue = draft.queue.as_ref();
        let queue = queue.and_then(|name| self.state.queue_id(account, name));
        self.state
            .count(queue, |counters| counters.deduplicated += 1);
    }

    // ----- bounds -----

    /// Refuses drafts that would exceed a bound, before anything is made. Deduplicated ones do not count, and
    /// `freed` bytes will be free again as soon as they are made.
    pub(crate) fn check_room(
        &self,
        account: &AccountName,
        keyed: &[(Option<DedupKeyId>, Draft)],
        body: usize,
        freed: usize,
    ) -> Result<(), Error> {
        let is_fresh =
            |(key, _): &&(Option<DedupKeyId>, Draft)| self.first_with_key(key.as_ref()).is_none();
        let (mut cost, mut keys, mut flows, mut first) = (0, 0, 0, None);
        for (_, draft) in keyed.iter().filter(is_fresh) {
            cost += body + draft.cost();
            keys += usize::from(draft.recognition.is_some());
            flows += usize::from(self.brings_flow_key(account, draft));
            first = first.or(Some(draft));
        }
        let Some(draft) = first else {
            return Ok(());
        };
        self.check_held(cost.saturating_sub(freed))?;
        self.check_account(account)?;
        self.check_room_for_keys(keys)?;
        if flows > 0 {
            self.check_room_for_flow_key()?;
        }
        match &draft.queue {
            Some(queue) => self.check_room_for_queue(account, queue, draft.url().is_some()),
            None => Ok(()),
        }
    }

    /// Whether a draft names a flow-control key that does not exist yet.
    fn brings_flow_key(&self, account: &AccountName, draft: &Draft) -> bool {
        let carried = draft.policy.carried();
        let flow = carried.and_then(|carried| carried.flow_control.as_ref());
        flow.is_some_and(|flow| {
            let id = FlowKeyId {
                account: account.clone(),
                key: Arc::clone(&flow.key),
            };
            self.state.flow_key(&id).is_none()
        })
    }

    /// Refuses `more` deduplication keys over their bound.
    pub(crate) fn check_room_for_keys(&self, more: usize) -> Result<(), Error> {
        if self.state.key_count() + more > self.config.limits.dedup_keys {
            return Err(Error::Overloaded("too many deduplication keys"));
        }
        Ok(())
    }

    /// Refuses `more` bytes over the bound on held bytes.
    pub(crate) fn check_held(&self, more: usize) -> Result<(), Error> {
        if self.state.bytes(Shelf::Held) + more > self.config.limits.held_bytes {
            return Err(Error::Overloaded("the bound on held bytes is reached"));
        }
        Ok(())
    }

    /// Refuses an account that does not exist, if there are too many.
    pub(crate) fn check_account(&self, account: &AccountName) -> Result<(), Error> {
        let known = self.state.account(account).is_some();
        if !known && self.state.account_count() >= self.config.limits.accounts {
            return Err(Error::Overloaded("too many accounts"));
        }
        Ok(())
    }
}

impl Draft {
    /// The number of bytes that the message will count for, without its body.
    pub(crate) fn cost(&self) -> usize {
        let carried = self.policy.carried().map_or(0, |carried| carried.cost());
        let key = match &self.recognition {
            Some(_) => Overhead::KEY + 256,
            None => 0,
        };
        Overhead::MESSAGE + headers_cost(&self.headers) + carried + key
    }

    /// A draft without deduplication.
    pub(crate) fn carried(rules: CarriedRules, headers: Headers, due_at: Timestamp) -> Self {
        Self {
            policy: Policy::CarriedRules(Arc::new(rules)),
            headers,
            queue: None,
            due_at,
            recognition: None,
        }
    }
}
