//! Attempts under way, and the messages that wait before each gate. These indices derive from the messages.

use std::collections::{BTreeMap, BTreeSet};

use super::EngineState;
use super::timers::Timer;
use super::turns::Turns;
use crate::engine::model::id::{AccountName, AttemptId, FlowKeyId, QueueId};
use crate::engine::model::message::{Order, Sequence};
use crate::engine::model::time::Timestamp;

/// An attempt under way.
#[derive(Clone, Debug)]
pub(crate) struct OpenAttempt {
    pub(crate) message: Sequence,
    pub(crate) lane: Lane,
    pub(crate) started_at: Timestamp,
    pub(crate) deadline: Timestamp,
    /// Until when the consumer extended the message's lease, if it did.
    pub(crate) extended_until: Option<Timestamp>,
}

/// The limits that an attempt counts against until it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The parallelism of a queue that pushes to its webhook.
    Queue(QueueId),
    /// The limits of an account and of a flow-control key.
    Carried {
        account: AccountName,
        flow: Option<FlowKeyId>,
    },
}

/// The gate before which a ready message that carries its rules waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// The gate of a flow-control key.
    Flow(FlowKeyId),
    /// The gate of an account.
    Account(AccountName),
}

/// The messages that wait before a gate, and the number of attempts under way that passed it.
#[derive(Debug, Default)]
struct Gate {
    waiting: BTreeSet<Order>,
    calls: u32,
    /// For a flow-control key: the message that it offers to the account's gate.
    offered: Option<Order>,
}

/// The next message to pass the gate of an account.
#[derive(Debug)]
pub(crate) enum NextOfAccount {
    /// A message without a flow-control key.
    Message(Sequence),
    /// The message that a flow-control key offers; it waits only for the account.
    Flow(FlowKeyId, Sequence),
}

/// The attempts under way and the gates.
#[derive(Debug, Default)]
pub(super) struct Gates {
    attempts: BTreeMap<AttemptId, OpenAttempt>,
    flows: BTreeMap<FlowKeyId, Gate>,
    accounts: BTreeMap<AccountName, Gate>,
    /// The messages that the flow-control keys of an account offer.
    offers: BTreeMap<AccountName, BTreeSet<(Order, FlowKeyId)>>,
    dirty_flows: Turns<FlowKeyId>,
    dirty_accounts: Turns<AccountName>,
}

impl EngineState {
    pub(super) fn enter_room(&mut self, room: &Room, order: Order) {
        match room {
            Room::Flow(flow) => {
                let gate = self.gates.flows.entry(flow.clone()).or_default();
                gate.waiting.insert(order);
                self.gates.dirty_flows.add(flow.clone());
            }
            Room::Account(account) => {
                let gate = self.gates.accounts.entry(account.clone()).or_default();
                gate.waiting.insert(order);
                self.gates.dirty_accounts.add(account.clone());
            }
        }
    }

    pub(super) fn leave_room(&mut self, room: &Room, order: Order) {
        match room {
            Room::Flow(flow) => {
                if let Some(gate) = self.gates.flows.get_mut(flow) {
                    gate.waiting.remove(&order);
                }
                // What the key offers to the account may be this one.
                self.gates.dirty_flows.add(flow.clone());
                self.forget_idle_gate(flow);
            }
            Room::Account(account) => {
                if let Some(gate) = self.gates.accounts.get_mut(account) {
                    gate.waiting.remove(&order);
                }
            }
        }
    }

    /// Whether a message waits before a gate.
    pub(super) fn waits_in(&self, room: &Room, order: Order) -> bool {
        let gate = match room {
            Room::Flow(flow) => self.gates.flows.get(flow),
            Room::Account(account) => self.gates.accounts.get(account),
        };
        gate.is_some_and(|gate| gate.waiting.contains(&order))
    }

    fn forget_idle_gate(&mut self, flow: &FlowKeyId) {
        let gate = self.gates.flows.get(flow);
        if gate.is_some_and(|gate| gate.waiting.is_empty() && gate.calls == 0) {
            self.withdraw_flow(flow);
            self.gates.flows.remove(flow);
        }
    }

    // ----- reading -----

    pub(crate) fn attempt(&self, id: AttemptId) -> Option<&OpenAttempt> {
        self.gates.attempts.get(&id)
    }

    /// How many messages wait for a key, and how many of its attempts are under way.
    pub(crate) fn flow_load(&self, id: &FlowKeyId) -> (usize, u32) {
        let gate = self.gates.flows.get(id);
        gate.map_or((0, 0), |gate| (gate.waiting.len(), gate.calls))
    }

    pub(crate) fn first_of_flow(&self, id: &FlowKeyId) -> Option<Sequence> {
        let first = self.gates.flows.get(id)?.waiting.first();
        first.map(|order| order.sequence)
    }

    /// How many attempts of the account's messages that carry their rules are under way.
    pub(crate) fn account_calls(&self, account: &AccountName) -> u32 {
        let gate = self.gates.accounts.get(account);
        gate.map_or(0, |gate| gate.calls)
    }

    /// The first message that waits before the gate of an account.
    pub(crate) fn next_of_account(&self, account: &AccountName) -> Option<NextOfAccount> {
        let gate = self.gates.accounts.get(account);
        let direct = gate.and_then(|gate| gate.waiting.first()).copied();
        let offers = self.gates.offers.get(account);
        let offer = offers.and_then(BTreeSet::first);
        match (direct, offer) {
            (Some(direct), Some((order, flow))) if *order < direct => {
                Some(NextOfAccount::Flow(flow.clone(), order.sequence))
            }
            (Some(direct), _) => Some(NextOfAccount::Message(direct.sequence)),
            (None, Some((order, flow))) => Some(NextOfAccount::Flow(flow.clone(), order.sequence)),
            (None, None) => None,
        }
    }

    pub(crate) fn attempts(&self) -> impl Iterator<Item = (AttemptId, &OpenAttempt)> {
        let attempts = self.gates.attempts.iter();
        attempts.map(|(id, attempt)| (*id, attempt))
    }

    // ----- writing -----

    pub(crate) fn mark_flow_dirty(&mut self, id: FlowKeyId) {
        self.gates.dirty_flows.add(id);
    }

    /// Leaves what the gate of an account would still let through to the next input.
    pub(crate) fn put_off_account(&mut self, account: AccountName) {
        self.gates.dirty_accounts.put_off(account);
    }

    pub(crate) fn pop_dirty_flow(&mut self) -> Option<FlowKeyId> {
        self.gates.dirty_flows.next()
    }

    pub(crate) fn pop_dirty_account(&mut self) -> Option<AccountName> {
        self.gates.dirty_accounts.next()
    }

    /// Offers the key's first message to the account's gate: it now waits only for that.
    pub(crate) fn offer_flow(&mut self, id: &FlowKeyId) {
        self.withdraw_flow(id);
        let Some(gate) = self.gates.flows.get_mut(id) else {
            return;
        };
        gate.offered = gate.waiting.first().copied();
        if let Some(order) = gate.offered {
            let offers = self.gates.offers.entry(id.account.clone()).or_default();
            offers.insert((order, id.clone()));
            self.gates.dirty_accounts.add(id.account.clone());
        }
    }

    pub(crate) fn withdraw_flow(&mut self, id: &FlowKeyId) {
        let gate = self.gates.flows.get_mut(id);
        let Some(order) = gate.and_then(|gate| gate.offered.take()) else {
            return;
        };
        if let Some(offers) = self.gates.offers.get_mut(&id.account) {
            offers.remove(&(order, id.clone()));
            if offers.is_empty() {
                self.gates.offers.remove(&id.account);
            }
        }
    }

    pub(crate) fn open_attempt(&mut self, id: AttemptId, attempt: OpenAttempt) {
        self.timers.set(attempt.deadline, Timer::Attempt(id));
        self.count_call(&attempt.lane, |calls| *calls += 1);
        self.gates.attempts.insert(id, attempt);
    }

    /// Gives an attempt more time: to `deadline`, after the consumer asked for `until`.
    pub(crate) fn postpone_attempt(
        &mut self,
        id: AttemptId,
        deadline: Timestamp,
        until: Timestamp,
    ) {
        let Some(attempt) = self.gates.attempts.get_mut(&id) else {
            return;
        };
        self.timers.clear(attempt.deadline, Timer::Attempt(id));
        attempt.deadline = deadline;
        attempt.extended_until = Some(until);
        self.timers.set(deadline, Timer::Attempt(id));
    }

    /// Forgets an attempt that is over, so that it no longer counts against any limit.
    pub(crate) fn close_attempt(&mut self, id: AttemptId) -> Option<OpenAttempt> {
        let attempt = self.gates.attempts.remove(&id)?;
        self.timers.clear(attempt.deadline, Timer::Attempt(id));
        self.count_call(&attempt.lane, |calls| *calls -= 1);
        if let Lane::Carried {
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
                if let Some(index) = self.indices.get_mut(queue) {
                    change(&mut index.calls);
                    self.dirty.add(*queue);
                }
            }
            Lane::Carried { account, flow } => {
                let gate = self.gates.accounts.entry(account.clone()).or_default();
                change(&mut gate.calls);
                self.gates.dirty_accounts.add(account.clone());
                if let Some(flow) = flow {
                    let gate = self.gates.flows.entry(flow.clone()).or_default();
                    change(&mut gate.calls);
                    self.gates.dirty_flows.add(flow.clone());
                }
            }
        }
    }

    // ----- for the invariants -----

    /// How many messages wait before gates, and how many calls the gates count.
    pub(crate) fn gate_totals(&self) -> (usize, u32) {
        let accounts = self.gates.accounts.values();
        let flows = self.gates.flows.values();
        let waiting = accounts.clone().chain(flows).map(|gate| gate.waiting.len());
        (waiting.sum(), accounts.map(|gate| gate.calls).sum())
    }

    /// Accounts that somebody waits for, with or without a key, and their calls.
    pub(crate) fn accounts_waiting(&self) -> impl Iterator<Item = (&AccountName, u32)> {
        let waiting = |gate: &Gate| !gate.waiting.is_empty();
        let accounts = self.gates.accounts.iter();
        let direct = accounts.filter(move |(_, gate)| waiting(gate));
        let direct = direct.map(|(account, _)| account);
        let all = direct.chain(self.gates.offers.keys());
        all.map(|account| (account, self.account_calls(account)))
    }

    /// Keys that somebody waits for: the first one, the calls and the offer.
    pub(crate) fn flows_waiting(
        &self,
    ) -> impl Iterator<Item = (&FlowKeyId, Sequence, u32, Option<Sequence>)> {
        self.gates.flows.iter().filter_map(|(id, gate)| {
            let first = gate.waiting.first()?.sequence;
            Some((
                id,
                first,
                gate.calls,
                gate.offered.map(|order| order.sequence),
            ))
        })
    }
}
