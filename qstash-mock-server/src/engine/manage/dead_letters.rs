//! The account's own dead letters: messages that carry their own rules and have failed, kept with the
//! last answer until they are retried, deleted or too old (v2.md sections 2.5 and 3.11).

use std::sync::Arc;

use crate::engine::command::Reply;
use crate::engine::effect::Response;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::log::page_of;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::carried_rules::Settings;
use crate::engine::model::id::{AccountName, MessageId, RowId};
use crate::engine::model::message::{InQueue, Message, Policy};
use crate::engine::model::time::Timestamp;
use crate::engine::syntax::filter::Filter;

/// A failed message.
#[derive(Clone, Debug, PartialEq)]
pub struct DlqEntry {
    /// Its time, its name and its cursor.
    pub id: RowId,
    /// The message as it was when it failed. Its body is kept with it.
    pub message: Message,
    /// The last answer, if there was one.
    pub response: Option<Arc<Response>>,
    /// Why the last attempt failed.
    pub error: Option<Arc<str>>,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// A dead letter with its body.
#[derive(Clone, Debug, PartialEq)]
pub struct DlqView {
    /// The entry.
    pub entry: DlqEntry,
    /// What was published.
    pub body: bytes::Bytes,
}

/// A look at dead letters, or the choice of some.
#[derive(Clone, Debug, PartialEq)]
pub struct DlqQuery {
    /// These alone; the filter, the cursor and the count are ignored then. Unknown ones are passed over.
    pub ids: Vec<RowId>,
    /// Which ones.
    pub filter: Filter,
    /// From here on, this one not included.
    pub cursor: Option<RowId>,
    /// At most so many.
    pub count: usize,
    /// Oldest first instead of newest first.
    pub earliest_first: bool,
}

/// What can be done with dead letters.
#[derive(Clone, Debug)]
pub enum DlqAction {
    /// Answers [`Reply::Dlq`].
    List(DlqQuery),
    /// Answers [`Reply::DlqEntry`].
    Get(RowId),
    /// One that must be there. Answers [`Reply::Done`].
    Delete(RowId),
    /// Answers [`Reply::DlqDeleted`].
    DeleteMany(DlqQuery),
    /// One that must be there, as a fresh message. Answers [`Reply::Sent`].
    Retry(RowId, Settings),
    /// Answers [`Reply::DlqRetried`]. Naming only ids of which none is there is an error.
    RetryMany(DlqQuery, Settings),
}

impl Engine {
    pub(crate) fn dlq(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: DlqAction,
    ) -> Result<Reply, Error> {
        caller.check_unlimited(Permission::Manage)?;
        let account = &caller.account;
        match action {
            DlqAction::List(query) => {
                let (ids, next) = self.choose(account, &query);
                let entries = ids.iter().filter_map(|id| self.dlq_view(account, *id));
                let entries = entries.collect();
                Ok(Reply::Dlq { entries, next })
            }
            DlqAction::Get(id) => {
                let view = self.dlq_view(account, id).ok_or(Error::DlqNotFound(id))?;
                Ok(Reply::DlqEntry(Box::new(view)))
            }
            DlqAction::Delete(id) => match self.state.remove_dlq_entry(account, id) {
                Some(_) => Ok(Reply::Done),
                None => Err(Error::DlqNotFound(id)),
            },
            DlqAction::DeleteMany(query) => {
                let (ids, next) = self.choose(account, &query);
                let removed = ids
                    .iter()
                    .filter(|id| self.state.remove_dlq_entry(account, **id).is_some());
                let deleted = removed.count();
                Ok(Reply::DlqDeleted { deleted, next })
            }
            DlqAction::Retry(id, overrides) => {
                let sent = self.retry_dead(now, account, id, &overrides)?;
                Ok(Reply::Sent(crate::engine::publish::destination::Sent::One(
                    sent,
                )))
            }
            DlqAction::RetryMany(query, overrides) => {
                let (ids, next) = self.choose(account, &query);
                if let (Some(first), true) = (query.ids.first(), ids.is_empty()) {
                    return Err(Error::DlqNotFound(*first));
                }
                let mut sent = vec![];
                for id in ids {
                    match self.retry_dead(now, account, id, &overrides) {
                        Ok(one) => sent.push(one),
                        Err(error) if sent.is_empty() => return Err(error),
                        // An error would deny those that are sent: the rest stays where it is.
                        Err(_) => return Ok(Reply::DlqRetried { sent, next: None }),
                    }
                }
                Ok(Reply::DlqRetried { sent, next })
            }
        }
    }

    fn dlq_view(&self, account: &AccountName, id: RowId) -> Option<DlqView> {
        let entry = self.state.dlq_entry(account, id)?.clone();
        let body = self.state.body(entry.message.body).cloned();
        let body = body.unwrap_or_default();
        Some(DlqView { entry, body })
    }

    /// The ids that are meant, and where to go on.
    fn choose(&self, account: &AccountName, query: &DlqQuery) -> (Vec<RowId>, Option<RowId>) {
        if !query.ids.is_empty() {
            let known = |id: &&RowId| self.state.dlq_entry(account, **id).is_some();
            let mut ids: Vec<_> = query.ids.iter().filter(known).copied().collect();
            let mut seen = std::collections::BTreeSet::new();
            ids.retain(|id| seen.insert(*id));
            return (ids, None);
        }
        let wanted = |entry: &&DlqEntry| {
            let message = &entry.message;
            let status = entry.response.as_ref().map(|it| it.status);
            message.carried().is_some_and(|carried| {
                let queue = message.queue_name();
                query
                    .filter
                    .matches(message.id, entry.id.at, carried, queue)
            }) && query.filter.matches_status(status)
                && query.cursor.is_none_or(|cursor| {
                    if query.earliest_first {
                        entry.id > cursor
                    } else {
                        entry.id < cursor
                    }
                })
        };
        let entries = self.state.dlq(account);
        let most = query.count.saturating_add(1);
        let ids: Vec<RowId> = if query.earliest_first {
            entries.filter(wanted).take(most).map(|it| it.id).collect()
        } else {
            let entries = entries.rev();
            entries.filter(wanted).take(most).map(|it| it.id).collect()
        };
        let mut page = (vec![], None);
        page_of(
            ids,
            query.count,
            |id| *id,
            |ids, next| {
                page = (ids, next);
                Reply::Done
            },
        );
        page
    }

    /// The entry goes, a fresh message comes, with what is overridden.
    fn retry_dead(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        id: RowId,
        overrides: &Settings,
    ) -> Result<crate::engine::publish::destination::SentTo, Error> {
        let entry = self
            .state
            .dlq_entry(account, id)
            .ok_or(Error::DlqNotFound(id))?;
        let body = self
            .state
            .body(entry.message.body)
            .map_or(0, bytes::Bytes::len);
        self.check_quotas(now, body, overrides)?;
        let dead = entry.message.clone();
        let Some(carried) = dead.carried() else {
            return Err(Error::DlqNotFound(id));
        };
        let carried = carried.as_ref().clone().with(overrides);
        let url = Arc::clone(&carried.url);
        let headers = merged(&dead.headers, overrides.headers.as_ref());
        let due_at = overrides.due_at(now);
        let queue = match &dead.queue {
            Some(queue) => Some(InQueue {
                id: self.ensure_counted_queue(now, account, &queue.name)?,
                name: queue.name.clone(),
            }),
            None => None,
        };
        let message = self.new_carried(now, account, carried, headers, dead.body, due_at);
        // The new message holds the body before the entry lets it go.
        let new = self.insert_carried(now, Message { queue, ..message });
        self.state.remove_dlq_entry(account, id);
        Ok(crate::engine::publish::destination::SentTo {
            id: new,
            url,
            deduplicated: false,
        })
    }

    /// Keeps a message that has failed. Over the bound, the oldest dead letter is forgotten.
    pub(crate) fn bury(
        &mut self,
        now: Timestamp,
        id: MessageId,
        response: Option<Arc<Response>>,
        error: Option<&str>,
    ) -> Option<RowId> {
        let message = self.state.message(id)?.clone();
        debug_assert!(matches!(message.policy, Policy::CarriedRules(_)));
        let sequence = self.state.next_sequence();
        let row = RowId { at: now, sequence };
        let account = message.account.clone();
        self.state.put_dlq_entry(DlqEntry {
            id: row,
            message,
            response,
            error: error.map(Into::into),
            expires_at: now + self.config.quotas.dead_letter_retention,
        });
        while self.state.dlq_len(&account) > self.config.limits.dead_letters {
            let oldest = self.state.dlq(&account).next().map(|it| it.id);
            oldest.and_then(|oldest| self.state.remove_dlq_entry(&account, oldest));
        }
        Some(row)
    }
}

/// The stored headers, with those replaced that were given anew.
fn merged(
    stored: &crate::engine::command::Headers,
    given: Option<&crate::engine::command::Headers>,
) -> crate::engine::command::Headers {
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Arc::clone(stored);
    };
    let replaced = |name: &str| given.iter().any(|(it, _)| it.eq_ignore_ascii_case(name));
    let kept = stored.iter().filter(|(name, _)| !replaced(name));
    kept.chain(given.iter()).cloned().collect()
}
