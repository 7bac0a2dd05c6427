//! Which message may start (v1.md section 5, v2.md sections 3.6 and 3.7).
//!
//! A ready message that carries its rules passes up to three gates, in this order: the slots of its queue, its
//! flow-control key, and the account's parallelism. It waits before the first one that is closed, and counts against
//! the last two only once both are open. A message that follows its queue's rules passes the first gate alone.

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::flow_key::Closed;
use crate::engine::model::id::{AccountName, FlowKeyId, QueueId};
use crate::engine::model::message::{Sequence, Slot};
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;
use crate::engine::state::{Next, NextOfAccount};

impl Engine {
    /// Starts what a queue allows: pushes to its webhook, leases for waiting callers, and slots for messages that
    /// carry their rules.
    pub(crate) fn serve(&mut self, now: Timestamp, id: QueueId) {
        let Some(queue) = self.state.queue(id) else {
            return;
        };
        let settings = &queue.settings;
        let (paused, parallelism) = (settings.paused, settings.parallelism);
        let pushes = settings.webhook_url.is_some();
        if pushes {
            self.dismiss_waiters(id);
        }
        if paused {
            return;
        }
        let next_to_go = |engine: &Self| {
            let index = engine.state.queue_index(id)?;
            index.next_to_go(parallelism, pushes)
        };
        while let Some(next) = next_to_go(self) {
            if !self.may_start(now) {
                return self.state.put_off_queue(id);
            }
            match next {
                Next::Push(next) if self.start(now, next) => {}
                Next::Admit(next) => self.admit(next, id),
                Next::Push(_) => break,
            }
        }
        if !pushes {
            self.answer_waiters(now, id);
        }
    }

    /// Gives a message a slot of its queue. The message keeps the slot until it and its callbacks are finished.
    fn admit(&mut self, sequence: Sequence, queue: QueueId) {
        self.state.update(sequence, |state| {
            state.slot = Some(Slot {
                queue,
                source: sequence,
            });
        });
    }

    /// Offers the first message of a flow-control key to the account's gate, if the key is open. It does not start
    /// the message: messages without a key, or with another one, may be older.
    pub(crate) fn serve_flow(&mut self, now: Timestamp, id: &FlowKeyId) {
        match self.state.first_of_flow(id) {
            Some(first) if self.flow_is_open(now, id, first) => self.state.offer_flow(id),
            _ => self.state.withdraw_flow(id),
        }
    }

    /// Starts messages as long as the account's parallelism allows, in their order, whether they have a flow-control
    /// key or not.
    pub(crate) fn serve_account(&mut self, now: Timestamp, account: &AccountName) {
        while self.account_is_open(account)
            && let Some(next) = self.state.next_of_account(account)
        {
            if !self.may_start(now) {
                return self.state.put_off_account(account.clone());
            }
            match next {
                NextOfAccount::Message(sequence) if self.start(now, sequence) => {}
                NextOfAccount::Flow(flow, offered) => {
                    self.state.withdraw_flow(&flow);
                    if self.start(now, offered) {
                        self.serve_flow(now, &flow);
                    }
                }
                NextOfAccount::Message(_) => return,
            }
        }
    }

    /// Whether `first` may pass its flow-control key. If it waits for the next window only, a timer is set.
    fn flow_is_open(&mut self, now: Timestamp, id: &FlowKeyId, first: Sequence) -> bool {
        if self.state.flow_key(id).is_none() {
            // The key was forgotten because nobody used it; the message brings its limits again.
            let carried = self.state.spec(first).and_then(|spec| spec.carried());
            if let Some(flow) = carried.and_then(|carried| carried.flow_control.clone()) {
                self.adopt_flow_control(now, &id.account, &flow);
            }
        }
        let (_, calls) = self.state.flow_load(id);
        let Some(key) = self.state.flow_key(id) else {
            return true;
        };
        match key.closed(now, calls) {
            None => true,
            Some(Closed::ForNow) => false,
            Some(Closed::Until(end)) => {
                self.state.wake_flow_key(id, end);
                false
            }
        }
    }

    fn account_is_open(&self, account: &AccountName) -> bool {
        let calls = u64::from(self.state.account_calls(account));
        let most = self.config.quotas.global_parallelism;
        most.is_none_or(|most| calls < most)
    }

    pub(crate) fn global_parallelism(&self, caller: &Caller) -> Result<Reply, Error> {
        caller.check_account(Permission::Metrics)?;
        Ok(Reply::GlobalParallelism {
            max: self.config.quotas.global_parallelism,
            count: self.state.account_calls(&caller.account),
        })
    }
}
