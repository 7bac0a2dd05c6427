//! What a [`World`] does with messages that carry their own rules.

use std::sync::Arc;

use qstash_mock_server::engine::{
    Action, Attempt, Caller, DeadLetterAction, DeadLetterQuery, DeadLetterView, Error, Event,
    Filter, FlowAction, FlowKeyView, LogQuery, LogView, MessageAction, MessageId, MessageView,
    Outcome, Publish, Published, PublishedMessage, PutSchedule, QueueAction, Reply, RowId,
    Schedule, ScheduleAction, ScheduleId, ScheduleView, Scope, Selection, UrlGroup, UrlGroupAction,
};

use super::words::{all_dead, all_rows, endpoint, group_name, schedule_id};
use crate::world::{World, name, owner};

impl World {
    pub(crate) fn try_send(&mut self, send: Publish) -> Result<Published, Error> {
        match self.act(send) {
            Ok(Reply::Published(published)) => Ok(published),
            Ok(other) => panic!("not an answer to a send: {other:?}"),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn send_one(&mut self, send: Publish) -> PublishedMessage {
        match self.try_send(send) {
            Ok(Published::One(one)) => one,
            other => panic!("not sent to one: {other:?}"),
        }
    }

    pub(crate) fn send(&mut self, send: Publish) -> MessageId {
        self.send_one(send).id
    }

    pub(crate) fn send_all(&mut self, send: Publish) -> Vec<PublishedMessage> {
        match self.try_send(send) {
            Ok(Published::Group(sent)) => sent,
            other => panic!("not sent to a group: {other:?}"),
        }
    }

    pub(crate) fn done(&mut self, action: impl Into<Action>) {
        assert_eq!(self.act(action), Ok(Reply::Done));
    }

    pub(crate) fn done_as(&mut self, caller: &Arc<Caller>, action: impl Into<Action>) {
        assert_eq!(self.act_as(caller, action), Ok(Reply::Done));
    }

    // ----- consumers -----

    /// The messages whose calls are open, the oldest call first.
    pub(crate) fn open(&self) -> Vec<MessageId> {
        self.calls.iter().map(|call| call.message).collect()
    }

    /// The URLs that are being called, the oldest call first.
    pub(crate) fn urls(&self) -> Vec<&str> {
        self.calls.iter().map(|call| &*call.url).collect()
    }

    /// Answers the open call of a message.
    pub(crate) fn answer_message(&mut self, id: MessageId, outcome: Outcome) -> Attempt {
        let call = self.calls.iter().find(|call| call.message == id);
        let call = call
            .unwrap_or_else(|| panic!("{id:?} is not called"))
            .clone();
        self.answer(call.id, outcome);
        call
    }

    /// Goes from deadline to deadline until a call is open; false if there is none for two days.
    pub(crate) fn until_call(&mut self) -> bool {
        let end = self.now + std::time::Duration::from_secs(2 * 24 * 60 * 60);
        for _ in 0..10_000 {
            if !self.calls.is_empty() {
                return true;
            }
            match self.engine.poll_timeout().filter(|at| *at <= end) {
                Some(at) => self.now = at.max(self.now),
                None => return false,
            }
            self.tick();
        }
        panic!("time goes on and nothing happens");
    }

    /// Answers every call this way until no message is left to be called.
    pub(crate) fn always(&mut self, outcome: &Outcome) {
        while self.until_call() {
            self.answer_next(outcome.clone());
        }
    }

    /// When a message was called, in milliseconds after its publishing.
    pub(crate) fn called_at(&self, id: MessageId) -> Vec<u128> {
        let mine = self.started.iter().filter(|(_, call)| call.message == id);
        mine.map(|(at, call)| at.since(call.published_at).as_millis())
            .collect()
    }

    /// The messages in the order their calls were started.
    pub(crate) fn order(&self) -> Vec<MessageId> {
        self.started.iter().map(|(_, call)| call.message).collect()
    }

    // ----- looking -----

    pub(crate) fn carried(&mut self, id: MessageId) -> Option<MessageView> {
        match self.act(MessageAction::Get(id, Scope::CarriedRules)) {
            Ok(Reply::Message(view)) => Some(*view),
            Err(Error::MessageNotFound) => None,
            other => panic!("no answer to a look: {other:?}"),
        }
    }

    pub(crate) fn rows(&mut self, query: LogQuery) -> (Vec<LogView>, Option<RowId>) {
        match self.act(Action::Log(Box::new(query))) {
            Ok(Reply::Log { rows, next }) => (rows, next),
            other => panic!("no log: {other:?}"),
        }
    }

    /// Page after page, to the end.
    pub(crate) fn every_row(&mut self, mut query: LogQuery) -> Vec<LogView> {
        let mut all = vec![];
        loop {
            let (mut rows, next) = self.rows(query.clone());
            all.append(&mut rows);
            query.cursor = next;
            if next.is_none() {
                return all;
            }
        }
    }

    pub(crate) fn rows_of(&mut self, id: MessageId) -> Vec<LogView> {
        let mut query = all_rows();
        query.filter.messages = vec![id];
        self.rows(query).0
    }

    pub(crate) fn events(&mut self, id: MessageId) -> Vec<Event> {
        self.rows_of(id).into_iter().map(|row| row.event).collect()
    }

    pub(crate) fn dlq_page(
        &mut self,
        query: DeadLetterQuery,
    ) -> (Vec<DeadLetterView>, Option<RowId>) {
        match self.act(DeadLetterAction::List(query)) {
            Ok(Reply::DeadLetters { entries, next }) => (entries, next),
            other => panic!("no dead letters: {other:?}"),
        }
    }

    /// All dead letters, the newest first.
    pub(crate) fn dlq(&mut self) -> Vec<DeadLetterView> {
        self.dlq_page(all_dead()).0
    }

    pub(crate) fn flow(&mut self, key: &str) -> FlowKeyView {
        self.try_flow(key).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A look that moves nothing on: bulk work stays half done, so that what is seen is what is there.
    pub(crate) fn try_flow(&mut self, key: &str) -> Result<FlowKeyView, Error> {
        let get = FlowAction::Get(key.into());
        match self.act_only(&owner(), get)? {
            Reply::FlowKeys { mut keys, .. } if keys.len() == 1 => Ok(keys.remove(0)),
            other => panic!("not one key: {other:?}"),
        }
    }

    pub(crate) fn try_schedule(&mut self, id: &str) -> Result<ScheduleView, Error> {
        let id = schedule_id(id);
        match self.act(ScheduleAction::Get(id))? {
            Reply::Schedules { mut schedules, .. } if schedules.len() == 1 => {
                Ok(schedules.remove(0))
            }
            other => panic!("not one schedule: {other:?}"),
        }
    }

    pub(crate) fn schedule(&mut self, id: &str) -> Schedule {
        let view = self.try_schedule(id);
        view.unwrap_or_else(|error| panic!("{error}")).schedule
    }

    pub(crate) fn try_group(&mut self, group: &str) -> Result<UrlGroup, Error> {
        let action = UrlGroupAction::Get(group_name(group));
        match self.act(action)? {
            Reply::UrlGroup(group) => Ok(*group),
            other => panic!("not a group: {other:?}"),
        }
    }

    // ----- managing -----

    pub(crate) fn group(&mut self, group: &str, urls: &[&str]) {
        let endpoints = urls.iter().map(|url| endpoint(url, None)).collect();
        let action = UrlGroupAction::PutEndpoints(group_name(group), endpoints);
        self.done(action);
    }

    pub(crate) fn own_queue(&mut self, queue: &str, parallelism: u32, paused: bool) {
        self.done(QueueAction::Upsert {
            name: name(queue),
            parallelism,
            paused,
        });
    }

    pub(crate) fn pause(&mut self, queue: &str, paused: bool) {
        let reply = self.act(QueueAction::SetPaused(name(queue), paused));
        assert!(matches!(reply, Ok(Reply::Queue(_))), "{reply:?}");
    }

    /// Cancels what matches and tells how many that were.
    pub(crate) fn cancel(&mut self, filter: Filter, count: Option<usize>) -> usize {
        let filter = Box::new(filter);
        self.cancel_selection(Selection::Filter { filter, count })
    }

    /// Cancels one that is shown, and tells whether it was not finished.
    pub(crate) fn cancel_one(&mut self, id: MessageId) -> bool {
        match self.act(MessageAction::Cancel(id, Scope::CarriedRules)) {
            Ok(Reply::Cancelled {
                id: told,
                cancelled,
            }) if told == id => cancelled,
            other => panic!("not cancelled: {other:?}"),
        }
    }

    pub(crate) fn cancel_ids(&mut self, ids: &[MessageId]) -> usize {
        self.cancel_selection(Selection::Ids(ids.to_vec()))
    }

    pub(crate) fn cancel_selection(&mut self, selection: Selection) -> usize {
        match self.act(MessageAction::CancelMany(selection)) {
            Ok(Reply::Removed(count)) => count,
            other => panic!("not cancelled: {other:?}"),
        }
    }

    pub(crate) fn put_schedule(&mut self, put: PutSchedule) -> ScheduleId {
        let action = ScheduleAction::Put(Box::new(put));
        match self.act(action) {
            Ok(Reply::SchedulePut { id, .. }) => id,
            other => panic!("not scheduled: {other:?}"),
        }
    }

    pub(crate) fn flow_act(&mut self, action: FlowAction) {
        self.done(action);
    }

    /// As one of another account or with another grant.
    pub(crate) fn send_as(&mut self, caller: &Arc<Caller>, send: Publish) -> Result<Reply, Error> {
        self.act_as(caller, send)
    }
}
