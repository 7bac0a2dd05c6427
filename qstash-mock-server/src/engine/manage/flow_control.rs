//! Managing flow-control keys (v2.md section 2.10), and forgetting those that nobody uses.

use std::sync::Arc;

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::page::{Seen, page};
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::carried_rules::FlowControl;
use crate::engine::model::cost::Overhead;
use crate::engine::model::flow_key::{Closed, FlowAction, FlowKey, FlowKeyView, KEPT_UNUSED};
use crate::engine::model::id::{AccountName, FlowKeyId};
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

impl Engine {
    /// Whether the state of no message will change without a further command: no message is delayed, in flight or
    /// leased, and none waits for the next window of its key. A schedule may still publish messages.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp) -> bool {
        let mut waited_for = self.state.flows_waiting();
        self.state.going_on() == 0
            && !self.leaves_something()
            && !waited_for.any(|(id, _, calls, _)| {
                let key = self.state.flow_key(id);
                let closed = key.and_then(|key| key.closed(now, calls));
                matches!(closed, Some(Closed::Until(_)))
            })
    }

    pub(crate) fn flow_control(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: FlowAction,
    ) -> Result<Reply, Error> {
        caller.check_account(Permission::Manage)?;
        let account = &caller.account;
        match action {
            FlowAction::List {
                search,
                after,
                limit,
            } => return Ok(self.list_flow_keys(account, search.as_deref(), after.as_ref(), limit)),
            FlowAction::Get(key) => {
                let keys = vec![self.flow_view(self.flow_key(account, &key)?)];
                return Ok(Reply::FlowKeys { keys, next: None });
            }
            FlowAction::SetPaused(key, paused) => {
                let mut known = self.flow_key_or_new(now, account, key)?;
                known.paused = paused;
                self.put_managed_flow_key(now, known);
            }
            FlowAction::Pin {
                key,
                parallelism,
                rate,
                period,
            } => {
                let mut known = self.flow_key_or_new(now, account, key)?;
                if parallelism.is_some() {
                    known.parallelism = parallelism;
                    known.pinned_parallelism = true;
                }
                if rate.is_some() || period.is_some() {
                    known.rate = rate.or(known.rate);
                    known.period = period.unwrap_or(known.period);
                    known.pinned_rate = true;
                }
                known.begin_window(now);
                self.put_managed_flow_key(now, known);
            }
            FlowAction::Unpin {
                key,
                parallelism,
                rate,
            } => {
                let mut known = self.flow_key(account, &key)?.clone();
                known.pinned_parallelism &= !parallelism;
                known.pinned_rate &= !rate;
                self.put_managed_flow_key(now, known);
            }
            FlowAction::ResetRate(key) => {
                let mut known = self.flow_key(account, &key)?.clone();
                known.begin_window(now);
                self.put_managed_flow_key(now, known);
            }
        }
        Ok(Reply::Done)
    }

    /// A page of the keys that contain the text. Looks at a bounded number.
    fn list_flow_keys(
        &self,
        account: &AccountName,
        search: Option<&str>,
        after: Option<&Arc<str>>,
        limit: usize,
    ) -> Reply {
        let known = self.state.flow_keys_after(account, after);
        let (keys, next) = page(known, limit, self.config.limits.list_scan, |key| {
            let is_meant = search.is_none_or(|search| key.id.key.contains(search));
            Seen {
                cursor: Arc::clone(&key.id.key),
                effort: 1,
                shown: is_meant.then(|| self.flow_view(key)),
            }
        });
        Reply::FlowKeys { keys, next }
    }

    fn flow_view(&self, key: &FlowKey) -> FlowKeyView {
        let (waiting, calls) = self.state.flow_load(&key.id);
        FlowKeyView {
            key: key.clone(),
            waiting,
            calls,
        }
    }

    fn flow_key(&self, account: &AccountName, key: &Arc<str>) -> Result<&FlowKey, Error> {
        let id = FlowKeyId {
            account: account.clone(),
            key: Arc::clone(key),
        };
        self.state
            .flow_key(&id)
            .ok_or_else(|| Error::FlowKeyNotFound(Arc::clone(key)))
    }

    /// The key of this name, created if necessary: a caller may pause or pin a key before the first message names
    /// it.
    fn flow_key_or_new(
        &self,
        now: Timestamp,
        account: &AccountName,
        key: Arc<str>,
    ) -> Result<FlowKey, Error> {
        if let Ok(known) = self.flow_key(account, &key) {
            return Ok(known.clone());
        }
        self.check_account(account)?;
        self.check_room_for_flow_key()?;
        let account = account.clone();
        Ok(FlowKey::new(FlowKeyId { account, key }, now))
    }

    pub(crate) fn check_room_for_flow_key(&self) -> Result<(), Error> {
        if self.state.flow_count() >= self.config.limits.flow_keys {
            return Err(Error::Overloaded("too many flow-control keys"));
        }
        self.check_held(Overhead::KEY)
    }

    /// Stores a key that a caller has managed. It counts as used now, so that a resumed key is not forgotten at
    /// once.
    fn put_managed_flow_key(&mut self, now: Timestamp, key: FlowKey) {
        self.put_flow_key(FlowKey {
            used_at: now,
            ..key
        });
    }

    pub(crate) fn put_flow_key(&mut self, key: FlowKey) {
        let (id, forget_at) = (key.id.clone(), key.used_at + KEPT_UNUSED);
        self.state.put_flow_key(key);
        self.state.wake_flow_key(&id, forget_at);
    }

    /// Takes over the limits of a message that was accepted or is due.
    pub(crate) fn adopt_flow_control(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        wanted: &FlowControl,
    ) {
        let id = FlowKeyId {
            account: account.clone(),
            key: Arc::clone(&wanted.key),
        };
        let known = self.state.flow_key(&id).cloned();
        // A publish over the bound is refused. A callback, or a message whose key was forgotten, has no limits
        // instead.
        if known.is_none() && self.check_room_for_flow_key().is_err() {
            return;
        }
        let mut key = known.unwrap_or_else(|| FlowKey::new(id, now));
        key.adopt(now, wanted);
        self.put_flow_key(key);
    }

    /// Handles the timer of a key: its window has ended, or the key may be forgotten. If messages still wait for a
    /// window, serving the key sets the timer again.
    pub(crate) fn flow_key_due(&mut self, now: Timestamp, id: &FlowKeyId) {
        self.state.flow_key_woke(id);
        self.state.mark_flow_dirty(id.clone());
        let Some(key) = self.state.flow_key(id).filter(|key| !key.is_kept()) else {
            return;
        };
        let forget_at = key.used_at + KEPT_UNUSED;
        if forget_at > now {
            self.state.wake_flow_key(id, forget_at);
        } else if self.state.flow_load(id) == (0, 0) {
            self.state.remove_flow_key(id);
        } else {
            self.state.wake_flow_key(id, now + KEPT_UNUSED);
        }
    }
}
