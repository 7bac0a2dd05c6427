//! Flow control: limits that messages share by a key (v2.md sections 2.10 and 3.7).
//!
//! A window opens, to the millisecond, at the first start after the previous one ended and lasts
//! exactly one period. Every attempt, retries included, takes a slot and a unit of the rate.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::command::Reply;
use crate::engine::config::Limits;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::carried_rules::FlowControl;
use crate::engine::model::id::{AccountName, FlowKeyId};
use crate::engine::model::time::Timestamp;
use crate::engine::state::timers::Timer;

/// A flow-control key and its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowKey {
    /// Its name.
    pub id: FlowKeyId,
    /// Unanswered deliveries at once.
    pub parallelism: Option<u32>,
    /// Deliveries started in a window.
    pub rate: Option<u32>,
    /// The length of a window.
    pub period: Duration,
    /// Nothing is started.
    pub paused: bool,
    /// The parallelism is fixed, whatever messages say.
    pub pinned_parallelism: bool,
    /// Rate and period are fixed, whatever messages say.
    pub pinned_rate: bool,
    /// When the newest window opened.
    pub window_start: Option<Timestamp>,
    /// Deliveries started in it.
    pub rate_count: u32,
    /// When a message last named it or was started under it, or somebody managed it.
    pub used_at: Timestamp,
}

/// A flow-control key as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowKeyView {
    /// Its limits and its window.
    pub key: FlowKey,
    /// Messages that wait for it.
    pub waiting: usize,
    /// Unanswered deliveries.
    pub calls: u32,
}

/// What can be done with flow-control keys.
#[derive(Clone, Debug)]
pub enum FlowAction {
    /// Those whose name holds the text. Answers [`Reply::FlowKeys`].
    List(Option<String>),
    /// Answers [`Reply::FlowKeys`] with one.
    Get(Arc<str>),
    /// Hold or release deliveries. Answers [`Reply::Done`].
    SetPaused(Arc<str>, bool),
    /// Fix values, ignore those of messages, begin a new window. Answers [`Reply::Done`].
    Pin {
        /// Which key; made if absent.
        key: Arc<str>,
        /// Fix the parallelism.
        parallelism: Option<u32>,
        /// Fix the rate.
        rate: Option<u32>,
        /// Fix the period.
        period: Option<Duration>,
    },
    /// Let messages bring values again. Answers [`Reply::Done`].
    Unpin {
        /// Which key.
        key: Arc<str>,
        /// Their parallelism.
        parallelism: bool,
        /// Their rate and period.
        rate: bool,
    },
    /// Begin a new window with nothing started in it. Answers [`Reply::Done`].
    ResetRate(Arc<str>),
}

/// Why a key lets nothing through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Until somebody resumes it or a call ends.
    ForNow,
    /// Until the window turns.
    Until(Timestamp),
}

/// A key without traffic stays visible so long.
const KEPT_UNUSED: Duration = Duration::from_secs(600);

impl FlowKey {
    pub(crate) fn new(id: FlowKeyId, now: Timestamp) -> Self {
        Self {
            id,
            parallelism: None,
            rate: None,
            period: FlowControl::DEFAULT_PERIOD,
            paused: false,
            pinned_parallelism: false,
            pinned_rate: false,
            window_start: None,
            rate_count: 0,
            used_at: now,
        }
    }

    /// Takes over what a message says, where nothing is pinned.
    fn adopt(&mut self, now: Timestamp, wanted: &FlowControl) {
        self.used_at = now;
        if !self.pinned_parallelism {
            self.parallelism = wanted.parallelism;
        }
        if !self.pinned_rate {
            self.rate = wanted.rate;
            self.period = wanted.period;
        }
    }

    /// When the newest window ends, if it has not.
    #[must_use]
    pub fn window_end(&self, now: Timestamp) -> Option<Timestamp> {
        let end = self.window_start? + self.period;
        (end > now).then_some(end)
    }

    pub(crate) fn closed(&self, now: Timestamp, calls: u32) -> Option<Closed> {
        if self.paused || self.parallelism.is_some_and(|most| calls >= most) {
            return Some(Closed::ForNow);
        }
        let end = self.window_end(now)?;
        let used_up = self.rate.is_some_and(|rate| self.rate_count >= rate);
        used_up.then_some(Closed::Until(end))
    }

    /// Counts a start.
    pub(crate) fn start(&mut self, now: Timestamp) {
        if self.window_end(now).is_none() {
            self.window_start = Some(now);
            self.rate_count = 0;
        }
        self.rate_count = self.rate_count.saturating_add(1);
        self.used_at = now;
    }

    fn begin_window(&mut self, now: Timestamp) {
        self.window_start = Some(now);
        self.rate_count = 0;
    }

    const fn is_kept(&self) -> bool {
        self.paused || self.pinned_parallelism || self.pinned_rate
    }
}

impl Engine {
    /// Whether no message will go on by itself: none is delayed, in flight or leased, and none waits for the
    /// next window of its key. A schedule may still make new ones.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp) -> bool {
        let mut waited_for = self.state.flows_waiting();
        self.state.going_on() == 0
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
        caller.check_unlimited(Permission::Manage)?;
        let account = &caller.account;
        match action {
            FlowAction::List(search) => {
                let search = search.unwrap_or_default();
                let keys = self.state.flow_keys(account);
                let found = keys.filter(|key| key.id.key.contains(&*search));
                let views = found.map(|key| self.flow_view(key)).collect();
                return Ok(Reply::FlowKeys(views));
            }
            FlowAction::Get(key) => {
                let view = self.flow_view(self.flow_key(account, &key)?);
                return Ok(Reply::FlowKeys(vec![view]));
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

    /// Pausing and pinning may come before the first message.
    fn flow_key_or_new(
        &self,
        now: Timestamp,
        account: &AccountName,
        key: Arc<str>,
    ) -> Result<FlowKey, Error> {
        if let Ok(known) = self.flow_key(account, &key) {
            return Ok(known.clone());
        }
        let account = account.clone();
        self.check_room_for_flow_key()?;
        Ok(FlowKey::new(FlowKeyId { account, key }, now))
    }

    pub(crate) fn check_room_for_flow_key(&self) -> Result<(), Error> {
        if self.state.flow_count() >= self.config.limits.flow_keys {
            return Err(Error::Overloaded("too many flow-control keys"));
        }
        self.check_held(Limits::KEY_OVERHEAD)
    }

    /// What was just let go must not be forgotten in the same breath.
    fn put_managed_flow_key(&mut self, now: Timestamp, key: FlowKey) {
        self.put_flow_key(FlowKey {
            used_at: now,
            ..key
        });
    }

    pub(crate) fn put_flow_key(&mut self, key: FlowKey) {
        let forget_at = key.used_at + KEPT_UNUSED;
        self.state
            .timers
            .set(forget_at, Timer::FlowKey(key.id.clone()));
        self.state.put_flow_key(key);
    }

    /// A message that names the key was accepted, or is due: its values count.
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
        let mut key = known.unwrap_or_else(|| FlowKey::new(id, now));
        key.adopt(now, wanted);
        self.put_flow_key(key);
    }

    /// A window has turned, or the key may be forgotten.
    pub(crate) fn flow_key_due(&mut self, now: Timestamp, id: &FlowKeyId) {
        self.state.mark_flow_dirty(id.clone());
        let Some(key) = self.state.flow_key(id) else {
            return;
        };
        let forget_at = key.used_at + KEPT_UNUSED;
        let is_idle = self.state.flow_load(id) == (0, 0);
        if key.is_kept() {
            return;
        }
        if forget_at > now {
            self.state.timers.set(forget_at, Timer::FlowKey(id.clone()));
        } else if is_idle {
            self.state.remove_flow_key(id);
        } else {
            let again = now + KEPT_UNUSED;
            self.state.timers.set(again, Timer::FlowKey(id.clone()));
        }
    }
}
