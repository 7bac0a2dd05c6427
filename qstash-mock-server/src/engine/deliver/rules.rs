//! Resolves a message's policy to the rules of its next attempt or lease. No other code looks at the policy for
//! that.
//!
//! The rules are resolved when an attempt or a lease starts, and again when it ends, because a queue's settings may
//! have changed.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::inputs::Engine;
use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::id::QueueName;
use crate::engine::model::message::{MessageState, Sequence};
use crate::engine::model::queue::{Backoff, OnAccepted, Queue};
use crate::engine::model::spec::{MessageSpec, Policy};
use crate::engine::state::Lane;
use crate::engine::syntax::expr::RetryDelay;

/// The rules of one attempt or lease of a message.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// How the message is pushed; none if it waits until a consumer receives it.
    pub(crate) push: Option<Push>,
    /// How many attempts may follow the first one before the message is given up.
    pub(crate) max_retries: u32,
    /// How long the message waits before the next attempt.
    pub(crate) wait: WaitRule,
    /// What happens when the consumer accepts the message and has not processed it.
    pub(crate) accepted: Accepted,
    /// What happens when a lease ends and no retry is left.
    pub(crate) lease_end: LeaseEnd,
    /// Where the message goes when it is given up.
    pub(crate) dead_letters: DeadLetters,
    /// Whether the beginning of the newest answer is kept with the message.
    pub(crate) keeps_answer: bool,
}

/// How a message is pushed.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) url: Arc<str>,
    pub(crate) timeout: Duration,
    pub(crate) signing: Signing,
    /// The limits that the delivery counts against.
    pub(crate) lane: Lane,
    /// How many bytes of the answer's body are kept.
    pub(crate) most_answer: usize,
}

/// What signs a delivery, and what is delivered beside the body and the headers.
#[derive(Clone, Debug)]
pub(crate) enum Signing {
    /// The account's shared secret, and the name of the queue.
    Secret(QueueName),
    /// The account's signing key, and the rules that the message carries.
    Key(Arc<CarriedRules>),
}

/// How long a message waits after a failed attempt.
#[derive(Clone, Debug)]
pub(crate) enum WaitRule {
    /// The later of what the consumer asked for and the backoff.
    Backoff(Backoff),
    /// What the consumer asked for, up to a day; without it the message's expression, or the default waits.
    Asked(Option<Arc<RetryDelay>>),
}

/// What happens when a consumer accepts a message and has not processed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// The message stays pending under a lease.
    LeaseFor(Duration),
    /// The message is delivered.
    Done,
}

/// What happens when a lease ends and no retry is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseEnd {
    /// The message is given up.
    Exhausts,
    /// The message stays in its queue: receiving a dead letter must not lose it (v1.md section 5).
    Spares,
}

/// Where a message goes when it is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeadLetters {
    /// To the queue of this name, which is looked up when it happens.
    Queue(QueueName),
    /// To the account's dead-letter list.
    List,
    /// Nowhere: the message has failed.
    Nowhere,
}

impl Engine {
    /// The rules of a message's attempt or lease; none if its queue was deleted.
    pub(crate) fn rules(&self, sequence: Sequence) -> Option<Rules> {
        let (spec, state) = self.state.whole(sequence)?;
        match &spec.policy {
            Policy::QueueRules { max_retries } => {
                let queue = self.state.queue(state.queue?)?;
                Some(self.queue_rules(queue, *max_retries))
            }
            Policy::CarriedRules(carried) => {
                let is_there = self.is_there(&state);
                is_there.then(|| self.carried_rules(spec, carried))
            }
        }
    }

    fn queue_rules(&self, queue: &Queue, max_retries: Option<u32>) -> Rules {
        let settings = &queue.settings;
        let push = settings.webhook_url.as_ref().map(|url| Push {
            url: Arc::clone(url),
            timeout: settings.delivery_timeout,
            signing: Signing::Secret(queue.name.clone()),
            lane: Lane::Queue(queue.id),
            most_answer: self.config.limits.queue_answer,
        });
        let spares = self.state.dead_letter_source(queue).is_some();
        Rules {
            push,
            max_retries: max_retries.unwrap_or(settings.max_retries),
            wait: WaitRule::Backoff(settings.retry_backoff.clone()),
            accepted: match settings.on_accepted {
                OnAccepted::Pending => Accepted::LeaseFor(settings.visibility_timeout),
                OnAccepted::Done => Accepted::Done,
            },
            lease_end: if spares {
                LeaseEnd::Spares
            } else {
                LeaseEnd::Exhausts
            },
            dead_letters: match &settings.dead_letter_queue {
                Some(queue) => DeadLetters::Queue(queue.clone()),
                None => DeadLetters::Nowhere,
            },
            keeps_answer: true,
        }
    }

    fn carried_rules(&self, spec: &MessageSpec, carried: &Arc<CarriedRules>) -> Rules {
        let longest = self.config.quotas.timeout;
        let push = Push {
            url: Arc::clone(&carried.url),
            timeout: carried.timeout.map_or(longest, |it| it.min(longest)),
            signing: Signing::Key(Arc::clone(carried)),
            lane: Lane::Carried {
                account: spec.account.clone(),
                flow: spec.flow_key(),
            },
            most_answer: self.config.limits.answer,
        };
        Rules {
            push: Some(push),
            max_retries: carried.max_retries,
            wait: WaitRule::Asked(carried.retry_delay.clone()),
            accepted: Accepted::Done,
            lease_end: LeaseEnd::Exhausts,
            dead_letters: DeadLetters::List,
            keeps_answer: false,
        }
    }

    /// Whether the message's queue exists, if it is in one. The messages of a deleted queue stay stored until the scan
    /// that removes them has reached them.
    pub(crate) fn is_there(&self, state: &MessageState) -> bool {
        let queue = state.queue;
        queue.is_none_or(|queue| self.state.queue(queue).is_some())
    }
}
