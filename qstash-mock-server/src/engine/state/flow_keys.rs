//! Flow-control keys, each with one timer.

use std::ops::Bound;
use std::sync::Arc;

use super::EngineState;
use super::held::Shelf;
use super::records::KnownFlow;
use super::timers::Timer;
use crate::engine::model::cost::Overhead;
use crate::engine::model::entity::EntityKey;
use crate::engine::model::flow_key::FlowKey;
use crate::engine::model::id::{AccountName, FlowKeyId};
use crate::engine::model::time::Timestamp;

impl EngineState {
    pub(crate) fn flow_key(&self, id: &FlowKeyId) -> Option<&FlowKey> {
        let known = self.records.flows.get(id)?;
        Some(&known.key)
    }

    pub(crate) fn flow_keys_after(
        &self,
        account: &AccountName,
        key: Option<&Arc<str>>,
    ) -> impl Iterator<Item = &FlowKey> {
        let edge = FlowKeyId {
            account: account.clone(),
            key: key.map_or_else(|| "".into(), Arc::clone),
        };
        let start = if key.is_some() {
            Bound::Excluded(edge)
        } else {
            Bound::Included(edge)
        };
        let account = account.clone();
        let keys = self.records.flows.range((start, Bound::Unbounded));
        keys.map(|(_, known)| &known.key)
            .take_while(move |key| key.id.account == account)
    }

    pub(crate) fn flow_count(&self) -> usize {
        self.records.flows.len()
    }

    pub(crate) fn put_flow_key(&mut self, key: FlowKey) {
        self.note(EntityKey::FlowKey(key.id.clone()));
        self.mark_flow_dirty(key.id.clone());
        if let Some(known) = self.records.flows.get_mut(&key.id) {
            known.key = key;
            return;
        }
        let cost = key.id.key.len() + Overhead::KEY;
        self.ledger.hold(Shelf::Held, cost);
        let known = KnownFlow { key, timer: None };
        self.records.flows.insert(known.key.id.clone(), known);
    }

    /// Changes a key, if it exists.
    pub(crate) fn update_flow_key(&mut self, id: &FlowKeyId, change: impl FnOnce(&mut FlowKey)) {
        if let Some(known) = self.records.flows.get_mut(id) {
            change(&mut known.key);
            self.note(EntityKey::FlowKey(id.clone()));
            self.mark_flow_dirty(id.clone());
        }
    }

    pub(crate) fn remove_flow_key(&mut self, id: &FlowKeyId) {
        if let Some(known) = self.records.flows.remove(id) {
            let cost = id.key.len() + Overhead::KEY;
            self.ledger.let_go(Shelf::Held, cost);
            self.note(EntityKey::FlowKey(id.clone()));
            if let Some(at) = known.timer {
                self.timers.clear(at, Timer::FlowKey(id.clone()));
            }
        }
    }

    /// Sets the timer of a key, if it would fire later than `at`.
    pub(crate) fn wake_flow_key(&mut self, id: &FlowKeyId, at: Timestamp) {
        let Some(known) = self.records.flows.get_mut(id) else {
            return;
        };
        if known.timer.is_some_and(|set| set <= at) {
            return;
        }
        if let Some(later) = known.timer.replace(at) {
            self.timers.clear(later, Timer::FlowKey(id.clone()));
        }
        self.timers.set(at, Timer::FlowKey(id.clone()));
    }

    /// Notes that the timer of a key has fired.
    pub(crate) fn flow_key_woke(&mut self, id: &FlowKeyId) {
        if let Some(known) = self.records.flows.get_mut(id) {
            known.timer = None;
        }
    }

    /// All flow-control keys with their timers, for the invariants.
    pub(crate) fn all_flow_keys(&self) -> impl Iterator<Item = (&FlowKey, Option<Timestamp>)> {
        let flows = self.records.flows.values();
        flows.map(|known| (&known.key, known.timer))
    }
}
