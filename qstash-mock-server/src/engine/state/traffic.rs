//! Attempts under way, and who waits before which gate: indices that follow from the messages.

use std::collections::{BTreeMap, BTreeSet};

use super::super::flow_control::FlowKey;
use super::super::id::{AccountName, AttemptId, FlowKeyId, MessageId, QueueId};
use super::super::message::{Message, Place, Policy, State};
use super::super::time::Timestamp;
use super::super::timers::Timer;
use super::EngineState;

/// A call under way.
#[derive(Clone, Debug)]
pub(crate) struct OpenAttempt {
    pub(crate) message: MessageId,
    pub(crate) lane: Lane,
    pub(crate) started_at: Timestamp,
    pub(crate) deadline: Timestamp,
}

/// Whose limits a call counts for until it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Those of a queue that pushes to its webhook.
    Queue(QueueId),
    /// Those of an account and of a flow-control key.
    Own {
        account: AccountName,
        flow: Option<FlowKeyId>,
    },
}

/// Where a ready message waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// In its queue.
    Line,
    /// For its flow-control key.
    Flow(FlowKeyId),
    /// For its account.
    Account(AccountName),
}

/// Who waits before a gate, and how many calls it has let through that are not over.
#[derive(Debug, Default)]
struct Gate {
    waiting: BTreeSet<Place>,
    calls: u32,
    /// Of a flow-control key: the message it offers to the account.
    offered: Option<Place>,
}

/// The next to get a free place of an account.
#[derive(Debug)]
pub(crate) enum NextOfAccount {
    /// A message without a flow-control key.
    Message(MessageId),
    /// The message that a key offers; it waited only for the account.
    Flow(FlowKeyId, MessageId),
}

/// Calls and gates.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    attempts: BTreeMap<AttemptId, OpenAttempt>,
    flows: BTreeMap<FlowKeyId, Gate>,
    accounts: BTreeMap<AccountName, Gate>,
    /// What the keys of an account offer.
    offers: BTreeMap<AccountName, BTreeSet<(Place, FlowKeyId)>>,
    stirred_flows: BTreeSet<FlowKeyId>,
    stirred_accounts: BTreeSet<AccountName>,
}

impl EngineState {
    /// Where a message waits, if it does.
    pub(super) fn room(&self, message: &Message) -> Option<Room> {
        if message.state != State::Ready {
            return None;
        }
        if matches!(message.policy, Policy::OfQueue { .. }) {
            return Some(Room::Line);
        }
        if let Some(queue) = message.queue_id() {
            let paused = self
                .queues
                .get(&queue)
                .is_some_and(|queue| queue.settings.paused);
            if message.slot.is_none() || paused {
                return Some(Room::Line);
            }
        }
        Some(match message.flow_key() {
            Some(flow) => Room::Flow(flow),
            None => Room::Account(message.account.clone()),
        })
    }

    pub(super) fn enter(&mut self, room: &Option<Room>, message: &Message) {
        match room {
            Some(Room::Flow(flow)) => {
                let gate = self.traffic.flows.entry(flow.clone()).or_default();
                gate.waiting.insert(message.place());
                self.traffic.stirred_flows.insert(flow.clone());
            }
            Some(Room::Account(account)) => {
                let gate = self.traffic.accounts.entry(account.clone()).or_default();
                gate.waiting.insert(message.place());
                self.traffic.stirred_accounts.insert(account.clone());
            }
            Some(Room::Line) | None => {}
        }
    }

    pub(super) fn leave(&mut self, room: &Option<Room>, message: &Message) {
        match room {
            Some(Room::Flow(flow)) => {
                if let Some(gate) = self.traffic.flows.get_mut(flow) {
                    gate.waiting.remove(&message.place());
                }
                // What the key offers to the account may be this one.
                self.traffic.stirred_flows.insert(flow.clone());
                self.forget_idle_gate(flow);
            }
            Some(Room::Account(account)) => {
                if let Some(gate) = self.traffic.accounts.get_mut(account) {
                    gate.waiting.remove(&message.place());
                }
            }
            Some(Room::Line) | None => {}
        }
    }

    fn forget_idle_gate(&mut self, flow: &FlowKeyId) {
        let gate = self.traffic.flows.get(flow);
        if gate.is_some_and(|gate| gate.waiting.is_empty() && gate.calls == 0) {
            self.withdraw_flow(flow);
            self.traffic.flows.remove(flow);
        }
    }

    // ----- reading -----

    pub(crate) fn attempt(&self, id: AttemptId) -> Option<&OpenAttempt> {
        self.traffic.attempts.get(&id)
    }

    /// How many messages wait for a key, and how many of its calls are under way.
    pub(crate) fn flow_traffic(&self, id: &FlowKeyId) -> (usize, u32) {
        let gate = self.traffic.flows.get(id);
        gate.map_or((0, 0), |gate| (gate.waiting.len(), gate.calls))
    }

    pub(crate) fn first_of_flow(&self, id: &FlowKeyId) -> Option<MessageId> {
        let first = self.traffic.flows.get(id)?.waiting.first();
        first.map(|place| place.id)
    }

    /// Calls of messages that carry their own rules.
    pub(crate) fn account_calls(&self, account: &AccountName) -> u32 {
        let gate = self.traffic.accounts.get(account);
        gate.map_or(0, |gate| gate.calls)
    }

    /// The first in line for a free place of an account.
    pub(crate) fn next_of_account(&self, account: &AccountName) -> Option<NextOfAccount> {
        let gate = self.traffic.accounts.get(account);
        let direct = gate.and_then(|gate| gate.waiting.first()).copied();
        let offers = self.traffic.offers.get(account);
        let offer = offers.and_then(BTreeSet::first);
        match (direct, offer) {
            (Some(direct), Some((place, flow))) if *place < direct => {
                Some(NextOfAccount::Flow(flow.clone(), place.id))
            }
            (Some(direct), _) => Some(NextOfAccount::Message(direct.id)),
            (None, Some((place, flow))) => Some(NextOfAccount::Flow(flow.clone(), place.id)),
            (None, None) => None,
        }
    }

    pub(crate) fn attempts(&self) -> impl Iterator<Item = (AttemptId, &OpenAttempt)> {
        let attempts = self.traffic.attempts.iter();
        attempts.map(|(id, attempt)| (*id, attempt))
    }

    // ----- writing -----

    pub(crate) fn stir_flow(&mut self, id: FlowKeyId) {
        self.traffic.stirred_flows.insert(id);
    }

    pub(crate) fn pop_stirred_flow(&mut self) -> Option<FlowKeyId> {
        self.traffic.stirred_flows.pop_first()
    }

    pub(crate) fn pop_stirred_account(&mut self) -> Option<AccountName> {
        self.traffic.stirred_accounts.pop_first()
    }

    /// The key's first message waits only for the account from now on.
    pub(crate) fn offer_flow(&mut self, id: &FlowKeyId) {
        self.withdraw_flow(id);
        let Some(gate) = self.traffic.flows.get_mut(id) else {
            return;
        };
        gate.offered = gate.waiting.first().copied();
        if let Some(place) = gate.offered {
            let offers = self.traffic.offers.entry(id.account.clone()).or_default();
            offers.insert((place, id.clone()));
            self.traffic.stirred_accounts.insert(id.account.clone());
        }
    }

    pub(crate) fn withdraw_flow(&mut self, id: &FlowKeyId) {
        let gate = self.traffic.flows.get_mut(id);
        let Some(place) = gate.and_then(|gate| gate.offered.take()) else {
            return;
        };
        if let Some(offers) = self.traffic.offers.get_mut(&id.account) {
            offers.remove(&(place, id.clone()));
            if offers.is_empty() {
                self.traffic.offers.remove(&id.account);
            }
        }
    }

    pub(crate) fn update_flow_key(&mut self, id: &FlowKeyId, change: impl FnOnce(&mut FlowKey)) {
        if let Some(mut key) = self.flow_key(id).cloned() {
            change(&mut key);
            self.put_flow_key(key);
        }
    }

    pub(crate) fn open_attempt(&mut self, id: AttemptId, attempt: OpenAttempt) {
        self.timers.set(attempt.deadline, Timer::Attempt(id));
        self.count_call(&attempt.lane, |calls| *calls += 1);
        self.traffic.attempts.insert(id, attempt);
    }

    pub(crate) fn postpone_attempt(&mut self, id: AttemptId, deadline: Timestamp) {
        let Some(attempt) = self.traffic.attempts.get_mut(&id) else {
            return;
        };
        self.timers.clear(attempt.deadline, Timer::Attempt(id));
        attempt.deadline = deadline;
        self.timers.set(deadline, Timer::Attempt(id));
    }

    /// Forgets a call that is over; its places are free.
    pub(crate) fn close_attempt(&mut self, id: AttemptId) -> Option<OpenAttempt> {
        let attempt = self.traffic.attempts.remove(&id)?;
        self.timers.clear(attempt.deadline, Timer::Attempt(id));
        self.count_call(&attempt.lane, |calls| *calls -= 1);
        if let Lane::Own {
            flow: Some(flow), ..
        } = &attempt.lane
        {
            self.forget_idle_gate(flow);
        }
        Some(attempt)
    }

    fn count_call(&mut self, lane: &Lane, change: impl Fn(&mut u32)) {
        match lane {
            Lane::Queue(queue) => {
                if let Some(line) = self.lines.get_mut(queue) {
                    change(&mut line.calls);
                    self.stirred.insert(*queue);
                }
            }
            Lane::Own { account, flow } => {
                let gate = self.traffic.accounts.entry(account.clone()).or_default();
                change(&mut gate.calls);
                self.traffic.stirred_accounts.insert(account.clone());
                if let Some(flow) = flow {
                    let gate = self.traffic.flows.entry(flow.clone()).or_default();
                    change(&mut gate.calls);
                    self.traffic.stirred_flows.insert(flow.clone());
                }
            }
        }
    }

    // ----- for the invariants -----

    /// Whether a message stands where [`EngineState::room`] says, as far as that is a gate.
    pub(crate) fn stands_right(&self, message: &Message) -> bool {
        let place = message.place();
        match self.room(message) {
            Some(Room::Flow(flow)) => {
                let gate = self.traffic.flows.get(&flow);
                gate.is_some_and(|gate| gate.waiting.contains(&place))
            }
            Some(Room::Account(account)) => {
                let gate = self.traffic.accounts.get(&account);
                gate.is_some_and(|gate| gate.waiting.contains(&place))
            }
            Some(Room::Line) | None => true,
        }
    }

    /// How many messages wait before gates, and how many calls the gates count.
    pub(crate) fn gate_totals(&self) -> (usize, u32) {
        let accounts = self.traffic.accounts.values();
        let flows = self.traffic.flows.values();
        let waiting = accounts.clone().chain(flows).map(|gate| gate.waiting.len());
        (waiting.sum(), accounts.map(|gate| gate.calls).sum())
    }

    /// Accounts that somebody waits for, with or without a key, and their calls.
    pub(crate) fn accounts_waiting(&self) -> impl Iterator<Item = (&AccountName, u32)> {
        let waiting = |gate: &Gate| !gate.waiting.is_empty();
        let accounts = self.traffic.accounts.iter();
        let direct = accounts.filter(move |(_, gate)| waiting(gate));
        let direct = direct.map(|(account, _)| account);
        let all = direct.chain(self.traffic.offers.keys());
        all.map(|account| (account, self.account_calls(account)))
    }

    /// Keys that somebody waits for: the first one, the calls and the offer.
    pub(crate) fn flows_waiting(
        &self,
    ) -> impl Iterator<Item = (&FlowKeyId, MessageId, u32, Option<MessageId>)> {
        self.traffic.flows.iter().filter_map(|(id, gate)| {
            let first = gate.waiting.first()?.id;
            Some((id, first, gate.calls, gate.offered.map(|place| place.id)))
        })
    }
}
