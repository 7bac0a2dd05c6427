//! Commands on the account's dead-letter list: read, delete, publish again (v2.md sections 2.5 and 3.11).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::page::{Seen, page};
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::carried_rules::Settings;
use crate::engine::model::cost::Overhead;
use crate::engine::model::dead_letter::{
    DeadLetterAction, DeadLetterQuery, DeadLetterView, ListedDeadLetter,
};
use crate::engine::model::headers::Headers;
use crate::engine::model::id::{AccountName, RowId};
use crate::engine::model::publish::{Published, PublishedMessage};
use crate::engine::model::spec::BodyRef;
use crate::engine::model::time::Timestamp;
use crate::engine::publish::drafts::Draft;
use crate::engine::reply::Reply;

impl Engine {
    pub(crate) fn dead_letters(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: DeadLetterAction,
    ) -> Result<Reply, Error> {
        caller.check_account(Permission::Manage)?;
        let account = &caller.account;
        match action {
            DeadLetterAction::List(query) => {
                let (ids, next) = self.choose(account, &query);
                let entries = ids
                    .iter()
                    .filter_map(|id| self.dead_letter_view(account, *id));
                let entries = entries.collect();
                Ok(Reply::DeadLetters { entries, next })
            }
            DeadLetterAction::Get(id) => {
                let view = self.dead_letter_view(account, id);
                let view = view.ok_or(Error::DeadLetterNotFound(id))?;
                Ok(Reply::DeadLetter(Box::new(view)))
            }
            DeadLetterAction::Delete(id) => {
                let known = self.state.remove_listed(account, id);
                known
                    .then_some(Reply::Done)
                    .ok_or(Error::DeadLetterNotFound(id))
            }
            DeadLetterAction::DeleteMany(query) => {
                let (ids, next) = self.choose(account, &query);
                let removed = ids.iter();
                let removed = removed.filter(|id| self.state.remove_listed(account, **id));
                let deleted = removed.count();
                Ok(Reply::DeadLettersDeleted { deleted, next })
            }
            DeadLetterAction::Retry(id, overrides) => {
                let message = self.retry_dead(now, account, id, &overrides)?;
                Ok(Reply::Published(Published::One(message)))
            }
            DeadLetterAction::RetryMany(query, overrides) => {
                self.retry_many(now, account, query, overrides)
            }
        }
    }

    fn retry_many(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        query: DeadLetterQuery,
        overrides: Box<Settings>,
    ) -> Result<Reply, Error> {
        let first = query.ids.first().copied();
        let Slice { ids, next, rest } = self.first_of_page(account, query);
        if let (Some(first), true) = (first, ids.is_empty()) {
            return Err(Error::DeadLetterNotFound(first));
        }
        let mut messages = vec![];
        for id in ids {
            match self.retry_dead(now, account, id, &overrides) {
                Ok(message) => messages.push(message),
                Err(error) if messages.is_empty() => return Err(error),
                // An error would hide that some are published already. The others stay in the list.
                Err(_) => {
                    let (next, rest) = (None, None);
                    return Ok(Reply::DeadLettersRetried {
                        messages,
                        next,
                        rest,
                    });
                }
            }
        }
        let rest = rest.map(|rest| DeadLetterAction::RetryMany(rest, overrides));
        let rest = rest.map(|rest| Box::new(rest.into()));
        Ok(Reply::DeadLettersRetried {
            messages,
            next,
            rest,
        })
    }

    /// The first dead letters of a page, as many as one input may publish.
    fn first_of_page(&self, account: &AccountName, query: DeadLetterQuery) -> Slice {
        let most = self.config.limits.retried;
        if !query.ids.is_empty() {
            let mut ids = self.known_ones(account, &query.ids);
            let others = ids.split_off(most.min(ids.len()));
            let rest = (!others.is_empty()).then_some(DeadLetterQuery {
                ids: others,
                ..query
            });
            let next = None;
            return Slice { ids, next, rest };
        }
        let count = query.count;
        let mut query = DeadLetterQuery {
            count: count.min(most),
            ..query
        };
        let (ids, next) = self.choose(account, &query);
        let is_full = ids.len() == query.count;
        query.cursor = next;
        query.count = count - ids.len();
        let rest = is_full && next.is_some() && query.count > 0;
        let rest = rest.then_some(query);
        Slice { ids, next, rest }
    }

    fn dead_letter_view(&self, account: &AccountName, id: RowId) -> Option<DeadLetterView> {
        let entry = self.state.listed(account, id)?;
        let spec = self.state.spec(entry.message)?;
        Some(DeadLetterView {
            id,
            message: spec.id,
            carried: Arc::clone(spec.carried()?),
            headers: Arc::clone(&spec.headers),
            queue: entry.queue.clone(),
            published_at: spec.published_at(),
            due_at: entry.due_at,
            body: spec.body.source(),
            response: entry.response.clone(),
            error: entry.error.clone(),
        })
    }

    /// The ids of the dead letters that a query means, and the cursor of the next page. Looks at a bounded number.
    fn choose(
        &self,
        account: &AccountName,
        query: &DeadLetterQuery,
    ) -> (Vec<RowId>, Option<RowId>) {
        if !query.ids.is_empty() {
            return (self.known_ones(account, &query.ids), None);
        }
        if !query.filter.messages.is_empty() {
            return self.choose_by_message(account, query);
        }
        let entries = self
            .state
            .listed_from(account, query.cursor, query.earliest_first);
        page(
            entries,
            query.count,
            self.config.limits.list_scan,
            |entry| {
                let spec = self.state.spec(entry.message);
                let carried = spec.and_then(|spec| spec.carried());
                Seen {
                    cursor: entry.id,
                    effort: query.filter.effort(carried),
                    shown: self.is_chosen(entry, query).then_some(entry.id),
                }
            },
        )
    }

    fn known_ones(&self, account: &AccountName, ids: &[RowId]) -> Vec<RowId> {
        let mut seen = BTreeSet::new();
        let known = |id: &RowId| self.state.listed(account, *id).is_some() && seen.insert(*id);
        ids.iter().copied().filter(known).collect()
    }

    /// The dead letters of the messages that a query names, for which there is an index.
    fn choose_by_message(
        &self,
        account: &AccountName,
        query: &DeadLetterQuery,
    ) -> (Vec<RowId>, Option<RowId>) {
        let named = query.filter.messages.iter();
        let listed = named.filter_map(|id| {
            let sequence = self.state.sequence_of(*id)?;
            self.state.past(sequence)?.listed()
        });
        let after = |id: &RowId| match query.cursor {
            None => true,
            Some(cursor) if query.earliest_first => *id > cursor,
            Some(cursor) => *id < cursor,
        };
        let wanted = |id: &RowId| {
            let entry = self.state.listed(account, *id);
            entry.is_some_and(|entry| self.is_chosen(entry, query))
        };
        let found: BTreeSet<RowId> = listed.filter(after).filter(wanted).collect();
        let mut ids: Vec<_> = found.into_iter().collect();
        if !query.earliest_first {
            ids.reverse();
        }
        let more = ids.len() > query.count;
        ids.truncate(query.count);
        let next = ids.last().copied().filter(|_| more);
        (ids, next)
    }

    fn is_chosen(&self, entry: &ListedDeadLetter, query: &DeadLetterQuery) -> bool {
        let spec = self.state.spec(entry.message);
        let status = entry.response.as_ref().map(|it| it.status);
        query.filter.matches_status(status)
            && spec.is_some_and(|spec| {
                let queue = entry.queue.as_ref();
                spec.carried().is_some_and(|carried| {
                    query.filter.matches(spec.id, entry.id.at, carried, queue)
                })
            })
    }

    /// Publishes a dead letter as a new message with overridden settings, and removes it from the list.
    fn retry_dead(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        id: RowId,
        overrides: &Settings,
    ) -> Result<PublishedMessage, Error> {
        let entry = self.state.listed(account, id);
        let known = entry.and_then(|entry| {
            let spec = self.state.spec(entry.message)?;
            let freed = Overhead::KEY + self.state.cost_of(entry.message);
            Some((entry.queue.clone(), spec, spec.carried()?, freed))
        });
        let (queue, spec, carried, freed) = known.ok_or(Error::DeadLetterNotFound(id))?;
        let rules = carried.as_ref().clone().with(overrides);
        let headers = merged(&spec.headers, overrides.headers.as_ref());
        let body: BodyRef = spec.body.clone();
        self.check_quotas(now, body.length(), overrides)?;
        let url = Arc::clone(&rules.url);
        let draft = Draft::carried(rules, headers, overrides.due_at(now));
        let keyed = [(None, draft)];
        self.check_room(account, &keyed, body.length(), freed)?;
        let [(_, draft)] = keyed;
        let known = match &queue {
            Some(queue) => Some(self.ensure_queue(now, account, queue, true)?),
            None => None,
        };
        // The new message has the body before the entry lets it go.
        let new = self.make(now, account, draft, known, body, None);
        self.state.remove_listed(account, id);
        Ok(PublishedMessage {
            id: new,
            url: Some(url),
            deduplicated: false,
        })
    }
}

/// A part of a page of dead letters.
struct Slice {
    ids: Vec<RowId>,
    /// The cursor that continues after it.
    next: Option<RowId>,
    /// The others of the page, if there may be any.
    rest: Option<DeadLetterQuery>,
}

/// The stored headers, in which those with a new value are replaced.
fn merged(stored: &Headers, given: Option<&Headers>) -> Headers {
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Arc::clone(stored);
    };
    let replaced = |name: &str| given.iter().any(|(it, _)| it.eq_ignore_ascii_case(name));
    let kept = stored.iter().filter(|(name, _)| !replaced(name));
    kept.chain(given.iter()).cloned().collect()
}
