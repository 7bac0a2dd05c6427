//! Publishing a message that carries its own destination: to a URL, a URL group or a built-in API,
//! directly or through a queue (v2.md sections 2.3, 3.4, 3.5 and 3.8).

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::engine::command::{Headers, Reply};
use crate::engine::config::Limits;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::carried_rules::{CarriedRules, Deduplication, Settings};
use crate::engine::model::entity::{DedupKey, DedupKeyId, DedupScope};
use crate::engine::model::id::{
    AccountName, BodyId, GroupName, MessageId, QueueId, QueueName, ScheduleId,
};
use crate::engine::model::message::{InQueue, Message, Policy, State};
use crate::engine::model::randomness::Purpose;
use crate::engine::model::time::Timestamp;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// Where to.
    pub destination: Destination,
    /// Through this queue; made if absent.
    pub queue: Option<QueueName>,
    /// The bytes to deliver, unchanged.
    pub body: Bytes,
    /// What else was said.
    pub settings: Settings,
}

/// What the publisher named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One URL, kept as it was given.
    Url(Arc<str>),
    /// Every endpoint of a URL group.
    Group(GroupName),
    /// A built-in API.
    Api {
        /// Its name, for example `llm`.
        name: Arc<str>,
        /// Where it is served.
        url: Arc<str>,
    },
}

/// What became of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// To a URL or an API.
    One(SentTo),
    /// To each endpoint of a URL group, in their order.
    Group(Vec<SentTo>),
}

/// A message for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentTo {
    /// The new message, or the first one of its kind.
    pub id: MessageId,
    /// Where to.
    pub url: Arc<str>,
    /// Whether nothing was stored, because the first one is remembered.
    pub deduplicated: bool,
}

/// What all messages of one send have in common.
struct Common<'a> {
    account: &'a AccountName,
    queue: Option<&'a QueueName>,
    body: Bytes,
    settings: &'a Settings,
    schedule: Option<ScheduleId>,
}

impl Engine {
    pub(crate) fn send(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        send: &Send,
    ) -> Result<Sent, Error> {
        caller.check_either(send.queue.as_ref(), Permission::Publish)?;
        self.send_for(now, &caller.account, send, None)
    }

    pub(crate) fn send_batch(&mut self, now: Timestamp, caller: &Caller, batch: &[Send]) -> Reply {
        let sent = batch.iter().map(|send| self.send(now, caller, send));
        Reply::SentBatch(sent.collect())
    }

    /// Sends on behalf of an account: a caller's message, or a schedule's.
    pub(crate) fn send_for(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        send: &Send,
        schedule: Option<ScheduleId>,
    ) -> Result<Sent, Error> {
        let settings = &send.settings;
        self.check_quotas(now, send.body.len(), settings)?;
        let all: Vec<CarriedRules> = match &send.destination {
            Destination::Url(url) => vec![CarriedRules::new(Arc::clone(url), settings)],
            Destination::Api { name, url } => vec![CarriedRules {
                api: Some(Arc::clone(name)),
                ..CarriedRules::new(Arc::clone(url), settings)
            }],
            Destination::Group(name) => {
                let group = self.url_group(account, name)?;
                let endpoints = group.endpoints.iter();
                let carried = endpoints.map(|endpoint| CarriedRules {
                    group: Some((name.clone(), endpoint.name.clone())),
                    ..CarriedRules::new(Arc::clone(&endpoint.url), settings)
                });
                carried.collect()
            }
        };
        self.check_room(account, send, all.len())?;
        let common = Common {
            account,
            queue: send.queue.as_ref(),
            body: send.body.clone(),
            settings,
            schedule,
        };
        let fresh = |carried: &&CarriedRules| {
            let key = common.dedup_key(carried);
            key.is_none_or(|key| self.state.key(&key).is_none())
        };
        if self.config.quotas.messages_per_day.is_some() {
            let fresh = all.iter().filter(fresh).count() as u64;
            self.count_messages_of_the_day(now, account, fresh)?;
        }
        let mut sent = self.send_all(now, &common, all)?;
        Ok(match (&send.destination, sent.pop()) {
            (Destination::Url(_) | Destination::Api { .. }, Some(one)) => Sent::One(one),
            (_, last) => {
                sent.extend(last);
                Sent::Group(sent)
            }
        })
    }

    /// Whether the server may hold so much more.
    fn check_room(&self, account: &AccountName, send: &Send, copies: usize) -> Result<(), Error> {
        let headers = send.settings.headers.as_deref().unwrap_or_default();
        let one = Limits::MESSAGE_OVERHEAD + Limits::KEY_OVERHEAD + headers_cost(headers);
        let cost = send.body.len() + one * copies;
        self.check_held(cost)?;
        if send.settings.flow_control.is_some() {
            self.check_room_for_flow_key()?;
        }
        match &send.queue {
            Some(queue) => self.check_room_for_counted_queue(account, queue),
            None => Ok(()),
        }
    }

    fn send_all(
        &mut self,
        now: Timestamp,
        common: &Common<'_>,
        all: Vec<CarriedRules>,
    ) -> Result<Vec<SentTo>, Error> {
        let mut sent = Vec::with_capacity(all.len());
        let mut body = None;
        for carried in all {
            let key = common.dedup_key(&carried);
            if let Some(first) = key.as_ref().and_then(|key| self.state.key(key)) {
                sent.push(SentTo {
                    id: first.message,
                    url: carried.url,
                    deduplicated: true,
                });
                if let Some(queue) = common.queue {
                    self.count_deduplicated(common.account, queue);
                }
                continue;
            }
            let queue = match common.queue {
                Some(name) => Some(self.ensure_counted_queue(now, common.account, name)?),
                None => None,
            };
            let body = *body.get_or_insert_with(|| self.store_body(common.body.clone()));
            let url = Arc::clone(&carried.url);
            let id = self.store_carried(now, common, carried, queue, body);
            if let Some(id_of_key) = key {
                self.state.put_key(DedupKey {
                    id: id_of_key,
                    message: id,
                    expires_at: now + self.config.deduplication_window,
                });
            }
            sent.push(SentTo {
                id,
                url,
                deduplicated: false,
            });
        }
        Ok(sent)
    }

    fn store_body(&mut self, bytes: Bytes) -> BodyId {
        let body = BodyId(self.state.next_sequence());
        self.state.put_body(body, bytes);
        body
    }

    fn store_carried(
        &mut self,
        now: Timestamp,
        common: &Common<'_>,
        carried: CarriedRules,
        queue: Option<QueueId>,
        body: BodyId,
    ) -> MessageId {
        let carried = CarriedRules {
            schedule: common.schedule.clone(),
            ..carried
        };
        let headers = common.settings.headers.clone().unwrap_or_default();
        let due_at = common.settings.due_at(now);
        let queue = queue.zip(common.queue.cloned());
        let queue = queue.map(|(id, name)| InQueue { id, name });
        let message = self.new_carried(now, common.account, carried, headers, body, due_at);
        self.insert_carried(now, Message { queue, ..message })
    }

    /// A message that carries its own rules, not stored yet.
    pub(crate) fn new_carried(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        carried: CarriedRules,
        headers: Headers,
        body: BodyId,
        due_at: Timestamp,
    ) -> Message {
        let sequence = self.state.next_sequence();
        Message {
            id: MessageId(self.random.uuid_v7(now, Purpose::MessageId, sequence)),
            sequence,
            account: account.clone(),
            queue: None,
            slot: None,
            body,
            state: if due_at > now {
                State::Delayed { until: due_at }
            } else {
                State::Ready
            },
            due_at,
            published_at: now,
            attempts: 0,
            leases: 0,
            policy: Policy::CarriedRules(Arc::new(carried)),
            headers,
            history: Arc::new([]),
            last_body: Bytes::new(),
            dead_letter: None,
        }
    }

    /// Stores a message of [`Engine::new_carried`]; its flow-control values count from now on.
    pub(crate) fn insert_carried(&mut self, now: Timestamp, message: Message) -> MessageId {
        let id = message.id;
        if let Some(flow) = message
            .carried()
            .and_then(|carried| carried.flow_control.clone())
        {
            self.adopt_flow_control(now, &message.account, &flow);
        }
        self.log_created(now, &message);
        if let Some(queue) = message.queue_id()
            && let Some(queue_index) = self.state.queue_index_mut(queue)
        {
            queue_index.counters.published += 1;
        }
        self.state.insert_message(message);
        id
    }

    fn count_deduplicated(&mut self, account: &AccountName, queue: &QueueName) {
        if let Some(id) = self.state.queue_id(account, queue)
            && let Some(queue_index) = self.state.queue_index_mut(id)
        {
            queue_index.counters.deduplicated += 1;
        }
    }
}

impl Settings {
    /// When a message published now is due (v2.md section 3.4).
    pub(crate) fn due_at(&self, now: Timestamp) -> Timestamp {
        let delayed = now + self.delay.unwrap_or_default();
        self.not_before.unwrap_or(delayed).max(now)
    }
}

impl Common<'_> {
    /// What a second publish of the same would be recognised by: account-wide, per endpoint.
    fn dedup_key(&self, carried: &CarriedRules) -> Option<DedupKeyId> {
        let text = match self.settings.deduplication.as_ref()? {
            Deduplication::Id(id) => format!("{id} {}", carried.url),
            Deduplication::Content => self.content_digest(carried),
        };
        Some(DedupKeyId {
            scope: DedupScope::Account(self.account.clone()),
            text: text.into(),
        })
    }

    /// Over destination, body, content type and forwarded headers, each with its length before it.
    fn content_digest(&self, carried: &CarriedRules) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(carried.url.as_bytes());
        add(&self.body);
        // In one order, whatever the client's: many clients have none of their own.
        let headers = self.settings.headers.iter().flat_map(|it| it.iter());
        let mut headers: Vec<_> = headers
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
}

impl Send {
    /// What it counts for in the bound on held bytes while a schedule keeps it.
    pub(crate) fn cost(&self) -> usize {
        let headers = self.settings.headers.as_deref().unwrap_or_default();
        self.body.len() + headers_cost(headers) + Limits::MESSAGE_OVERHEAD
    }
}

/// What headers cost in the bound on held bytes.
pub(crate) fn headers_cost(headers: &[(String, String)]) -> usize {
    let one = |(name, value): &(String, String)| name.len() + value.len() + 64;
    headers.iter().map(one).sum()
}
