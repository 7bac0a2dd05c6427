//! The dead-letter lists of accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::EngineState;
use super::held::Shelf;
use super::timers::Timer;
use crate::engine::model::cost::Overhead;
use crate::engine::model::dead_letter::ListedDeadLetter;
use crate::engine::model::entity::{Entity, EntityKey};
use crate::engine::model::id::{AccountName, RowId};

/// All lists.
#[derive(Debug, Default)]
pub(super) struct DeadLetters {
    lists: BTreeMap<AccountName, BTreeMap<RowId, ListedDeadLetter>>,
    /// All dead letters, the oldest first.
    all: BTreeSet<(RowId, AccountName)>,
    /// The dead letters that keep a whole answer, the oldest first.
    answered: BTreeSet<(RowId, AccountName)>,
}

impl DeadLetters {
    pub(super) fn entity(&self, account: &AccountName, id: RowId) -> Option<Entity> {
        let entry = self.lists.get(account)?.get(&id)?;
        Some(Entity::Listed(Box::new(entry.clone())))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = EntityKey> {
        let all = self.all.iter();
        all.map(|(id, account)| EntityKey::Listed(account.clone(), *id))
    }
}

impl EngineState {
    pub(crate) fn listed(&self, account: &AccountName, id: RowId) -> Option<&ListedDeadLetter> {
        self.dead_letters.lists.get(account)?.get(&id)
    }

    /// The dead letters after one, in either direction.
    pub(crate) fn listed_from(
        &self,
        account: &AccountName,
        cursor: Option<RowId>,
        earliest_first: bool,
    ) -> Box<dyn Iterator<Item = &ListedDeadLetter> + '_> {
        let Some(list) = self.dead_letters.lists.get(account) else {
            return Box::new(std::iter::empty());
        };
        let edge = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        if earliest_first {
            Box::new(list.range((edge, Bound::Unbounded)).map(|(_, it)| it))
        } else {
            Box::new(list.range((Bound::Unbounded, edge)).rev().map(|(_, it)| it))
        }
    }

    /// Lists a failed message. Over a bound the oldest dead letter is forgotten, or the oldest answer cut down.
    pub(crate) fn put_listed(&mut self, entry: ListedDeadLetter) {
        let (account, id, sequence) = (entry.account.clone(), entry.id, entry.message);
        self.note(EntityKey::Listed(account.clone(), id));
        self.timers
            .set(entry.expires_at, Timer::Listed(account.clone(), id));
        self.ledger.hold(Shelf::Held, Overhead::KEY);
        let answer = entry.response.as_ref().map_or(0, |it| it.cost());
        self.ledger.hold(Shelf::Answers, answer);
        let letters = &mut self.dead_letters;
        if answer > 0 {
            letters.answered.insert((id, account.clone()));
        }
        letters.all.insert((id, account.clone()));
        let list = letters.lists.entry(account.clone()).or_default();
        list.insert(id, entry);
        self.hold_for_list(sequence, Some(id));
        self.trim_list(&account);
    }

    /// Forgets the oldest dead letters over the bounds, and cuts down the oldest answers.
    fn trim_list(&mut self, account: &AccountName) {
        if self.loading {
            return;
        }
        while let Some(list) = self.dead_letters.lists.get(account)
            && list.len() > self.limits.dead_letters
            && let Some(oldest) = list.keys().next().copied()
        {
            self.remove_listed(account, oldest);
        }
        while self.dead_letters.all.len() > self.limits.all_dead_letters
            && let Some((id, account)) = self.dead_letters.all.first().cloned()
        {
            self.remove_listed(&account, id);
        }
        while self.bytes(Shelf::Answers) > self.limits.answer_bytes {
            self.strip_oldest_answer();
        }
    }

    /// The same for every list.
    pub(super) fn trim_dead_letters(&mut self) {
        let accounts: Vec<_> = self.dead_letters.lists.keys().cloned().collect();
        for account in accounts {
            self.trim_list(&account);
        }
    }

    fn strip_oldest_answer(&mut self) {
        let Some((id, account)) = self.dead_letters.answered.pop_first() else {
            return;
        };
        let list = self.dead_letters.lists.get_mut(&account);
        let entry = list.and_then(|list| list.get_mut(&id));
        if let Some(response) = entry.and_then(|entry| entry.response.as_mut()) {
            self.ledger.let_go(Shelf::Answers, response.cost());
            *response = Arc::new(response.stripped());
            self.note(EntityKey::Listed(account, id));
        }
    }

    /// Removes a dead letter. The message's body is deleted, too, unless it has another owner.
    pub(crate) fn remove_listed(&mut self, account: &AccountName, id: RowId) -> bool {
        let list = self.dead_letters.lists.get_mut(account);
        let Some(entry) = list.and_then(|list| list.remove(&id)) else {
            return false;
        };
        self.note(EntityKey::Listed(account.clone(), id));
        self.timers
            .clear(entry.expires_at, Timer::Listed(account.clone(), id));
        self.ledger.let_go(Shelf::Held, Overhead::KEY);
        let answer = entry.response.as_ref().map_or(0, |it| it.cost());
        self.ledger.let_go(Shelf::Answers, answer);
        let key = (id, account.clone());
        self.dead_letters.all.remove(&key);
        self.dead_letters.answered.remove(&key);
        if self
            .dead_letters
            .lists
            .get(account)
            .is_some_and(BTreeMap::is_empty)
        {
            self.dead_letters.lists.remove(account);
        }
        self.hold_for_list(entry.message, None);
        true
    }

    /// All entries, for the invariants.
    pub(crate) fn all_listed(&self) -> impl Iterator<Item = &ListedDeadLetter> {
        self.dead_letters.lists.values().flat_map(BTreeMap::values)
    }
}
