//! Entities that are stored and looked up by name: accounts, day counters, deduplication keys, URL groups, schedules
//! and flow-control keys.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::EngineState;
use super::held::Shelf;
use super::timers::Timer;
use crate::engine::model::cost::Overhead;
use crate::engine::model::entity::{
    DayCounter, DedupKey, DedupKeyId, DedupScope, Entity, EntityKey,
};
use crate::engine::model::flow_key::FlowKey;
use crate::engine::model::id::{AccountName, FlowKeyId, GroupName, MessageId, ScheduleId};
use crate::engine::model::keys::Account;
use crate::engine::model::schedule::{Schedule, ScheduleState};
use crate::engine::model::time::Timestamp;
use crate::engine::model::url_group::UrlGroup;

/// The maps.
#[derive(Debug, Default)]
pub(super) struct Records {
    accounts: BTreeMap<AccountName, Account>,
    days: BTreeMap<AccountName, DayCounter>,
    newest_day: u64,
    keys: BTreeMap<DedupKeyId, DedupKey>,
    pub(super) flows: BTreeMap<FlowKeyId, KnownFlow>,
    groups: BTreeMap<AccountName, BTreeMap<GroupName, UrlGroup>>,
    schedules: BTreeMap<AccountName, BTreeMap<ScheduleId, Schedule>>,
}

/// A flow-control key and its one timer.
#[derive(Debug)]
pub(super) struct KnownFlow {
    pub(super) key: FlowKey,
    pub(super) timer: Option<Timestamp>,
}

impl Records {
    /// The keys of all these entities.
    pub(super) fn entity_keys(&self) -> Vec<EntityKey> {
        let accounts = self.accounts.keys().cloned().map(EntityKey::Account);
        let days = self.days.keys().cloned().map(EntityKey::Day);
        let keys = self.keys.keys().cloned().map(EntityKey::DedupKey);
        let flows = self.flows.keys().cloned().map(EntityKey::FlowKey);
        let mut all: Vec<_> = accounts.chain(days).chain(keys).chain(flows).collect();
        for (account, groups) in &self.groups {
            let named = |name: &GroupName| EntityKey::UrlGroup(account.clone(), name.clone());
            all.extend(groups.keys().map(named));
        }
        for (account, schedules) in &self.schedules {
            let named = |id: &ScheduleId| EntityKey::Schedule(account.clone(), id.clone());
            all.extend(schedules.keys().map(named));
        }
        all
    }

    pub(super) fn account(&self, name: &AccountName) -> Option<Entity> {
        self.accounts.get(name).cloned().map(Entity::Account)
    }

    pub(super) fn day(&self, name: &AccountName) -> Option<Entity> {
        self.days.get(name).cloned().map(Entity::Day)
    }

    pub(super) fn dedup_key(&self, id: &DedupKeyId) -> Option<Entity> {
        self.keys.get(id).cloned().map(Entity::DedupKey)
    }

    pub(super) fn flow_key(&self, id: &FlowKeyId) -> Option<Entity> {
        let known = self.flows.get(id)?;
        Some(Entity::FlowKey(known.key.clone()))
    }

    pub(super) fn url_group(&self, account: &AccountName, name: &GroupName) -> Option<Entity> {
        let group = self.groups.get(account)?.get(name)?;
        Some(Entity::UrlGroup(Box::new(group.clone())))
    }

    pub(super) fn schedule(&self, account: &AccountName, id: &ScheduleId) -> Option<Entity> {
        let schedule = self.schedules.get(account)?.get(id)?;
        Some(Entity::Schedule(Box::new(schedule.clone())))
    }
}

/// The values of a map after a key, in order.
fn after<'a, K: Ord, V>(
    map: Option<&'a BTreeMap<K, V>>,
    after: Option<&K>,
) -> impl Iterator<Item = &'a V> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let range = map.map(|map| map.range::<K, _>((start, Bound::Unbounded)));
    range.into_iter().flatten().map(|(_, value)| value)
}

impl EngineState {
    // ----- accounts -----

    pub(crate) fn account(&self, name: &AccountName) -> Option<&Account> {
        self.records.accounts.get(name)
    }

    pub(crate) fn account_count(&self) -> usize {
        self.records.accounts.len()
    }

    pub(crate) fn all_accounts(&self) -> impl Iterator<Item = &Account> {
        self.records.accounts.values()
    }

    pub(crate) fn put_account(&mut self, account: Account) {
        self.note(EntityKey::Account(account.name.clone()));
        let cost = Overhead::KEY + account.name.as_str().len();
        let name = account.name.clone();
        if self.records.accounts.insert(name, account).is_none() {
            self.ledger.hold(Shelf::Held, cost);
        }
    }

    /// How many messages an account published on the newest day that it published any.
    pub(crate) fn day(&self, account: &AccountName) -> Option<&DayCounter> {
        self.records.days.get(account)
    }

    /// Counts messages of a day. When a new day begins, the counters of earlier ones are forgotten.
    pub(crate) fn put_day(&mut self, day: DayCounter) {
        if day.day > self.records.newest_day {
            self.records.newest_day = day.day;
            for account in std::mem::take(&mut self.records.days).into_keys() {
                self.note(EntityKey::Day(account));
            }
        }
        self.note(EntityKey::Day(day.account.clone()));
        self.records.days.insert(day.account.clone(), day);
    }

    // ----- deduplication keys -----

    pub(crate) fn key(&self, id: &DedupKeyId) -> Option<&DedupKey> {
        self.records.keys.get(id)
    }

    pub(crate) fn key_count(&self) -> usize {
        self.records.keys.len()
    }

    /// The key that follows `reached` in the order of texts, or the first one.
    pub(crate) fn key_after(
        &self,
        scope: &DedupScope,
        reached: Option<&DedupKeyId>,
    ) -> Option<&DedupKey> {
        let first = || DedupKeyId {
            scope: scope.clone(),
            text: "".into(),
        };
        let start = reached.map_or_else(
            || Bound::Included(first()),
            |reached| Bound::Excluded(reached.clone()),
        );
        let mut keys = self.records.keys.range((start, Bound::Unbounded));
        keys.next()
            .map(|(_, key)| key)
            .filter(|key| key.id.scope == *scope)
    }

    /// All keys, for the invariants.
    pub(crate) fn all_keys(&self) -> impl Iterator<Item = &DedupKey> {
        self.records.keys.values()
    }

    pub(crate) fn put_key(&mut self, key: DedupKey) {
        self.remove_key(&key.id);
        self.note(EntityKey::DedupKey(key.id.clone()));
        let cost = key.id.text.len() + Overhead::KEY;
        self.ledger.hold(Shelf::Held, cost);
        self.timers
            .set(key.expires_at, Timer::DedupKey(key.id.clone()));
        self.records.keys.insert(key.id.clone(), key);
    }

    pub(crate) fn remove_key(&mut self, id: &DedupKeyId) {
        let Some(key) = self.records.keys.remove(id) else {
            return;
        };
        self.note(EntityKey::DedupKey(key.id.clone()));
        let cost = key.id.text.len() + Overhead::KEY;
        self.ledger.let_go(Shelf::Held, cost);
        self.timers.clear(key.expires_at, Timer::DedupKey(key.id));
    }

    // ----- URL groups -----

    pub(crate) fn url_group(&self, account: &AccountName, name: &GroupName) -> Option<&UrlGroup> {
        self.records.groups.get(account)?.get(name)
    }

    pub(crate) fn url_group_count(&self, account: &AccountName) -> usize {
        self.records.groups.get(account).map_or(0, BTreeMap::len)
    }

    pub(crate) fn url_groups_after(
        &self,
        account: &AccountName,
        name: Option<&GroupName>,
    ) -> impl Iterator<Item = &UrlGroup> {
        after(self.records.groups.get(account), name)
    }

    pub(crate) fn put_url_group(&mut self, group: UrlGroup) {
        let (account, name) = (group.account.clone(), group.name.clone());
        self.note(EntityKey::UrlGroup(account.clone(), name.clone()));
        self.ledger.hold(Shelf::Held, group.cost());
        let groups = self.records.groups.entry(account).or_default();
        if let Some(old) = groups.insert(name, group) {
            self.ledger.let_go(Shelf::Held, old.cost());
        }
    }

    pub(crate) fn remove_url_group(&mut self, account: &AccountName, name: &GroupName) {
        let groups = self.records.groups.get_mut(account);
        if let Some(old) = groups.and_then(|groups| groups.remove(name)) {
            self.ledger.let_go(Shelf::Held, old.cost());
            self.note(EntityKey::UrlGroup(account.clone(), name.clone()));
        }
    }

    // ----- schedules -----

    pub(crate) fn schedule(&self, account: &AccountName, id: &ScheduleId) -> Option<&Schedule> {
        self.records.schedules.get(account)?.get(id)
    }

    pub(crate) fn schedule_count(&self, account: &AccountName) -> usize {
        self.records.schedules.get(account).map_or(0, BTreeMap::len)
    }

    pub(crate) fn schedules_after(
        &self,
        account: &AccountName,
        id: Option<&ScheduleId>,
    ) -> impl Iterator<Item = &Schedule> {
        after(self.records.schedules.get(account), id)
    }

    /// Stores a schedule, counts it as an owner of its body, and sets its timer.
    pub(crate) fn put_schedule(&mut self, schedule: Schedule) {
        let (account, id) = (schedule.account.clone(), schedule.id.clone());
        self.hold_body(schedule.body.stored());
        self.remove_schedule(&account, &id);
        self.note(EntityKey::Schedule(account.clone(), id.clone()));
        if let Some(at) = schedule.next_at {
            self.timers
                .set(at, Timer::Schedule(account.clone(), id.clone()));
        }
        self.ledger.hold(Shelf::Held, schedule.cost());
        let schedules = self.records.schedules.entry(account).or_default();
        schedules.insert(id, schedule);
    }

    /// Notes what became of a message of a schedule's last run, if it is one.
    pub(crate) fn set_last_state(
        &mut self,
        account: &AccountName,
        id: &ScheduleId,
        message: MessageId,
        state: ScheduleState,
    ) {
        let schedules = self.records.schedules.get_mut(account);
        let schedule = schedules.and_then(|schedules| schedules.get_mut(id));
        let states = schedule.map(|schedule| schedule.last_states.iter_mut());
        let known = states.into_iter().flatten().find(|(id, _)| *id == message);
        if let Some(known) = known {
            known.1 = state;
            self.note(EntityKey::Schedule(account.clone(), id.clone()));
        }
    }

    pub(crate) fn remove_schedule(&mut self, account: &AccountName, id: &ScheduleId) {
        let schedules = self.records.schedules.get_mut(account);
        let Some(old) = schedules.and_then(|schedules| schedules.remove(id)) else {
            return;
        };
        self.note(EntityKey::Schedule(account.clone(), id.clone()));
        self.ledger.let_go(Shelf::Held, old.cost());
        if let Some(at) = old.next_at {
            self.timers
                .clear(at, Timer::Schedule(account.clone(), id.clone()));
        }
        self.let_go_body(old.body.stored());
    }

    /// All schedules, for the invariants.
    pub(crate) fn all_schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.records.schedules.values().flat_map(BTreeMap::values)
    }

    /// The bytes of all these entities, for the invariants.
    pub(crate) fn record_bytes(&self) -> usize {
        let records = &self.records;
        let names = records.accounts.keys().map(|it| it.as_str().len());
        let keys = records.keys.keys().map(|it| it.text.len());
        let flows = records.flows.keys().map(|it| it.key.len());
        let flat = names.chain(keys).chain(flows);
        let flat: usize = flat.map(|text| text + Overhead::KEY).sum();
        let groups = records.groups.values().flat_map(BTreeMap::values);
        let groups: usize = groups.map(UrlGroup::cost).sum();
        let schedules = self.all_schedules().map(Schedule::cost);
        flat + groups + schedules.sum::<usize>()
    }
}
