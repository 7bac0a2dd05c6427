//! What is only stored and looked up: keys, URL groups, schedules, flow-control keys, dead letters of
//! accounts, the log.

use std::collections::BTreeMap;

use crate::engine::config::Limits;
use crate::engine::manage::dead_letters::DlqEntry;
use crate::engine::manage::flow_control::FlowKey;
use crate::engine::manage::log::LogRow;
use crate::engine::manage::schedules::Schedule;
use crate::engine::manage::url_groups::UrlGroup;
use crate::engine::model::entity::{DedupKey, DedupKeyId, Entity, EntityKey};
use crate::engine::model::id::{AccountName, FlowKeyId, GroupName, RowId, ScheduleId};
use crate::engine::model::time::Timestamp;
use crate::engine::state::EngineState;
use crate::engine::state::timers::Timer;

/// The maps.
#[derive(Debug, Default)]
pub(super) struct Records {
    keys: BTreeMap<DedupKeyId, DedupKey>,
    flows: BTreeMap<FlowKeyId, FlowKey>,
    groups: BTreeMap<AccountName, BTreeMap<GroupName, UrlGroup>>,
    schedules: BTreeMap<AccountName, BTreeMap<ScheduleId, Schedule>>,
    dead: BTreeMap<AccountName, BTreeMap<RowId, DlqEntry>>,
    logs: BTreeMap<AccountName, Log>,
}

/// The log of one account.
#[derive(Debug, Default)]
struct Log {
    rows: BTreeMap<RowId, LogRow>,
    bytes: usize,
}

impl Records {
    /// The names of all these things.
    pub(super) fn entity_keys(&self) -> Vec<EntityKey> {
        let keys = self.keys.keys().cloned().map(EntityKey::DedupKey);
        let flows = self.flows.keys().cloned().map(EntityKey::FlowKey);
        let mut all: Vec<_> = keys.chain(flows).collect();
        for (account, groups) in &self.groups {
            let named = |name: &GroupName| EntityKey::UrlGroup(account.clone(), name.clone());
            all.extend(groups.keys().map(named));
        }
        for (account, schedules) in &self.schedules {
            let named = |id: &ScheduleId| EntityKey::Schedule(account.clone(), id.clone());
            all.extend(schedules.keys().map(named));
        }
        for (account, dead) in &self.dead {
            all.extend(dead.keys().map(|id| EntityKey::Dlq(account.clone(), *id)));
        }
        for (account, log) in &self.logs {
            all.extend(
                log.rows
                    .keys()
                    .map(|id| EntityKey::Log(account.clone(), *id)),
            );
        }
        all
    }

    /// A stored thing by its name, if it is one of these.
    pub(super) fn entity(&self, key: &EntityKey) -> Option<Entity> {
        match key {
            EntityKey::DedupKey(id) => self.keys.get(id).cloned().map(Entity::DedupKey),
            EntityKey::FlowKey(id) => self.flows.get(id).cloned().map(Entity::FlowKey),
            EntityKey::UrlGroup(account, name) => {
                let group = self.groups.get(account)?.get(name);
                group.cloned().map(Entity::UrlGroup)
            }
            EntityKey::Schedule(account, id) => {
                let schedule = self.schedules.get(account)?.get(id);
                schedule.cloned().map(Box::new).map(Entity::Schedule)
            }
            EntityKey::Dlq(account, id) => {
                let entry = self.dead.get(account)?.get(id);
                entry.cloned().map(Box::new).map(Entity::Dlq)
            }
            EntityKey::Log(account, id) => {
                let row = self.logs.get(account)?.rows.get(id);
                row.cloned().map(Box::new).map(Entity::Log)
            }
            EntityKey::Meta
            | EntityKey::Account(_)
            | EntityKey::Queue(_)
            | EntityKey::Body(_)
            | EntityKey::Message(_) => None,
        }
    }
}

impl EngineState {
    // ----- deduplication keys -----

    pub(crate) fn key(&self, id: &DedupKeyId) -> Option<&DedupKey> {
        self.records.keys.get(id)
    }

    pub(crate) fn put_key(&mut self, key: DedupKey) {
        self.remove_key(&key.id);
        self.changed.push(EntityKey::DedupKey(key.id.clone()));
        self.held_bytes += key.id.text.len() + Limits::KEY_OVERHEAD;
        self.timers
            .set(key.expires_at, Timer::DedupKey(key.id.clone()));
        self.records.keys.insert(key.id.clone(), key);
    }

    pub(crate) fn remove_key(&mut self, id: &DedupKeyId) {
        let Some(key) = self.records.keys.remove(id) else {
            return;
        };
        self.changed.push(EntityKey::DedupKey(key.id.clone()));
        self.held_bytes -= key.id.text.len() + Limits::KEY_OVERHEAD;
        self.timers.clear(key.expires_at, Timer::DedupKey(key.id));
    }

    // ----- URL groups -----

    pub(crate) fn url_group(&self, account: &AccountName, name: &GroupName) -> Option<&UrlGroup> {
        self.records.groups.get(account)?.get(name)
    }

    pub(crate) fn url_groups(&self, account: &AccountName) -> impl Iterator<Item = &UrlGroup> {
        let groups = self.records.groups.get(account);
        groups.into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn put_url_group(&mut self, group: UrlGroup) {
        let (account, name) = (group.account.clone(), group.name.clone());
        self.changed
            .push(EntityKey::UrlGroup(account.clone(), name.clone()));
        self.held_bytes += group.cost();
        let groups = self.records.groups.entry(account).or_default();
        if let Some(old) = groups.insert(name, group) {
            self.held_bytes -= old.cost();
        }
    }

    pub(crate) fn remove_url_group(&mut self, account: &AccountName, name: &GroupName) {
        let groups = self.records.groups.get_mut(account);
        if let Some(old) = groups.and_then(|groups| groups.remove(name)) {
            self.held_bytes -= old.cost();
            let key = EntityKey::UrlGroup(account.clone(), name.clone());
            self.changed.push(key);
        }
    }

    // ----- schedules -----

    pub(crate) fn schedule(&self, account: &AccountName, id: &ScheduleId) -> Option<&Schedule> {
        self.records.schedules.get(account)?.get(id)
    }

    pub(crate) fn schedules(&self, account: &AccountName) -> impl Iterator<Item = &Schedule> {
        let schedules = self.records.schedules.get(account);
        schedules.into_iter().flat_map(BTreeMap::values)
    }

    /// Stores a schedule; its timer follows.
    pub(crate) fn put_schedule(&mut self, schedule: Schedule) {
        let (account, id) = (schedule.account.clone(), schedule.id.clone());
        self.remove_schedule(&account, &id);
        self.changed
            .push(EntityKey::Schedule(account.clone(), id.clone()));
        if let Some((at, timer)) = schedule.timer() {
            self.timers.set(at, timer);
        }
        self.held_bytes += schedule.send.cost();
        let schedules = self.records.schedules.entry(account).or_default();
        schedules.insert(id, schedule);
    }

    pub(crate) fn remove_schedule(&mut self, account: &AccountName, id: &ScheduleId) {
        let schedules = self.records.schedules.get_mut(account);
        let Some(old) = schedules.and_then(|schedules| schedules.remove(id)) else {
            return;
        };
        self.changed
            .push(EntityKey::Schedule(account.clone(), id.clone()));
        self.held_bytes -= old.send.cost();
        if let Some((at, timer)) = old.timer() {
            self.timers.clear(at, timer);
        }
    }

    // ----- flow-control keys -----

    pub(crate) fn flow_key(&self, id: &FlowKeyId) -> Option<&FlowKey> {
        self.records.flows.get(id)
    }

    pub(crate) fn flow_keys(&self, account: &AccountName) -> impl Iterator<Item = &FlowKey> {
        let first = FlowKeyId {
            account: account.clone(),
            key: "".into(),
        };
        let account = account.clone();
        let keys = self.records.flows.range(first..);
        keys.map(|(_, key)| key)
            .take_while(move |key| key.id.account == account)
    }

    pub(crate) fn flow_count(&self) -> usize {
        self.records.flows.len()
    }

    pub(crate) fn put_flow_key(&mut self, key: FlowKey) {
        self.changed.push(EntityKey::FlowKey(key.id.clone()));
        self.mark_flow_dirty(key.id.clone());
        let cost = key.id.key.len() + Limits::KEY_OVERHEAD;
        if self.records.flows.insert(key.id.clone(), key).is_none() {
            self.held_bytes += cost;
        }
    }

    pub(crate) fn remove_flow_key(&mut self, id: &FlowKeyId) {
        if self.records.flows.remove(id).is_some() {
            self.held_bytes -= id.key.len() + Limits::KEY_OVERHEAD;
            self.changed.push(EntityKey::FlowKey(id.clone()));
        }
    }

    // ----- dead letters of accounts -----

    pub(crate) fn dlq_entry(&self, account: &AccountName, id: RowId) -> Option<&DlqEntry> {
        self.records.dead.get(account)?.get(&id)
    }

    /// The oldest first.
    pub(crate) fn dlq(&self, account: &AccountName) -> impl DoubleEndedIterator<Item = &DlqEntry> {
        let dead = self.records.dead.get(account);
        dead.into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn dlq_len(&self, account: &AccountName) -> usize {
        self.records.dead.get(account).map_or(0, BTreeMap::len)
    }

    /// Stores a dead letter, which holds its message's body.
    pub(crate) fn put_dlq_entry(&mut self, entry: DlqEntry) {
        let account = entry.message.account.clone();
        let key = EntityKey::Dlq(account.clone(), entry.id);
        self.changed.push(key);
        let timer = Timer::Dlq(account.clone(), entry.id);
        self.timers.set(entry.expires_at, timer);
        self.hold(&entry.message, false);
        self.held_bytes += entry.response.as_ref().map_or(0, |it| it.cost());
        let dead = self.records.dead.entry(account).or_default();
        dead.insert(entry.id, entry);
    }

    pub(crate) fn remove_dlq_entry(
        &mut self,
        account: &AccountName,
        id: RowId,
    ) -> Option<DlqEntry> {
        let entry = self.records.dead.get_mut(account)?.remove(&id)?;
        self.changed.push(EntityKey::Dlq(account.clone(), id));
        let timer = Timer::Dlq(account.clone(), id);
        self.timers.clear(entry.expires_at, timer);
        self.held_bytes -= entry.response.as_ref().map_or(0, |it| it.cost());
        self.let_go(&entry.message, false);
        Some(entry)
    }

    /// All dead letters, for the invariants.
    pub(crate) fn dead(&self) -> impl Iterator<Item = &DlqEntry> {
        self.records.dead.values().flat_map(BTreeMap::values)
    }

    // ----- the log -----

    /// The oldest first.
    pub(crate) fn log(&self, account: &AccountName) -> impl DoubleEndedIterator<Item = &LogRow> {
        let log = self.records.logs.get(account);
        log.into_iter().flat_map(|log| log.rows.values())
    }

    pub(crate) fn put_log_row(&mut self, row: LogRow) {
        self.changed
            .push(EntityKey::Log(row.account.clone(), row.id));
        let log = self.records.logs.entry(row.account.clone()).or_default();
        log.bytes += row.cost();
        log.rows.insert(row.id, row);
    }

    /// Forgets rows before `oldest` and over the bounds, the oldest first.
    pub(crate) fn trim_log(
        &mut self,
        account: &AccountName,
        oldest: Timestamp,
        most_rows: usize,
        most_bytes: usize,
    ) {
        let Some(log) = self.records.logs.get_mut(account) else {
            return;
        };
        while let Some(id) = log.rows.keys().next().copied() {
            if id.at >= oldest && log.rows.len() <= most_rows && log.bytes <= most_bytes {
                return;
            }
            if let Some(row) = log.rows.remove(&id) {
                log.bytes -= row.cost();
                self.changed.push(EntityKey::Log(account.clone(), id));
            }
        }
    }
}
