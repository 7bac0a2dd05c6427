//! How many bytes a compact encoder would write: texts by their length, integers 8 bytes, a byte for each choice.

use std::iter::Sum;

use qstash_mock_server::engine::{
    AttemptRecord, Change, Entity, EntityKey, FlowKey, LogRow, MessageState, QueueName, Response,
    State,
};

const INTEGER: usize = 8;
const CHOICE: usize = 1;

/// What changes come to: the answers of consumers apart from all the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) state: usize,
    pub(super) answer: usize,
}

impl Sum for Written {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            state: sum.state + one.state,
            answer: sum.answer + one.answer,
        })
    }
}

/// One change: the value that is put, or the key that is deleted.
pub(super) fn of(change: &Change) -> Written {
    match change {
        Change::Put(entity) => of_entity(entity),
        Change::Delete(key) => Written {
            state: of_key(key),
            answer: 0,
        },
    }
}

fn of_entity(entity: &Entity) -> Written {
    let (state, answer) = match entity {
        Entity::State(_, state) => (INTEGER + of_state(state), 0),
        Entity::Record(_, _, record) => (2 * INTEGER + of_record(record), 0),
        Entity::Answer(_, answer) => (INTEGER, answer.len()),
        Entity::Log(row) => (of_row(row), row.response.as_deref().map_or(0, of_answer)),
        Entity::FlowKey(key) => (of_flow_key(key), 0),
        other => panic!("neither an attempt nor a retry changes {:?}", other.key()),
    };
    Written { state, answer }
}

fn of_key(key: &EntityKey) -> usize {
    match key {
        EntityKey::Record(..) => CHOICE + 2 * INTEGER,
        EntityKey::Answer(_) | EntityKey::DeadLetter(_) => CHOICE + INTEGER,
        other => panic!("neither an attempt nor a retry deletes {other:?}"),
    }
}

const fn optional(present: bool, size: usize) -> usize {
    if present { CHOICE + size } else { CHOICE }
}

fn text(text: &str) -> usize {
    INTEGER + text.len()
}

fn optional_text(it: Option<&str>) -> usize {
    optional(it.is_some(), it.map_or(0, text))
}

fn of_state(state: &MessageState) -> usize {
    let MessageState {
        queue,
        slot,
        state,
        due_at: _,
        started_at: _,
        attempts: _,
        leases: _,
        accepted_with,
        is_open: _,
    } = state;
    let stage = match state {
        State::Ready => 0,
        State::Delayed { .. } => INTEGER,
        State::InFlight { .. } | State::Leased { .. } => 2 * INTEGER,
        State::Finished { .. } => CHOICE + INTEGER,
    };
    optional(queue.is_some(), INTEGER)
        + optional(slot.is_some(), 2 * INTEGER)
        + CHOICE
        + stage
        + 4 * INTEGER
        + optional(accepted_with.is_some(), INTEGER)
        + CHOICE
}

fn of_record(record: &AttemptRecord) -> usize {
    let AttemptRecord {
        queue,
        number: _,
        started_at: _,
        finished_at,
        status,
        error,
    } = record;
    optional_text(queue.as_ref().map(QueueName::as_str))
        + 2 * INTEGER
        + optional(finished_at.is_some(), INTEGER)
        + optional(status.is_some(), INTEGER)
        + optional_text(error.as_deref())
}

fn of_row(row: &LogRow) -> usize {
    let LogRow {
        id: _,
        account,
        kind: _,
        written_at: _,
        message: _,
        event: _,
        queue,
        error,
        next_delivery,
        response,
    } = row;
    2 * INTEGER
        + text(account.as_str())
        + CHOICE
        + 2 * INTEGER
        + CHOICE
        + optional_text(queue.as_ref().map(QueueName::as_str))
        + optional_text(error.as_deref())
        + optional(next_delivery.is_some(), INTEGER)
        + optional(response.is_some(), INTEGER)
}

fn of_answer(response: &Response) -> usize {
    let headers = response.headers.iter();
    let headers = headers.map(|(name, value)| text(name) + text(value));
    headers.sum::<usize>() + response.body.len()
}

fn of_flow_key(key: &FlowKey) -> usize {
    let FlowKey {
        id,
        parallelism,
        rate,
        period: _,
        paused: _,
        pinned_parallelism: _,
        pinned_rate: _,
        window_start,
        rate_count: _,
        used_at: _,
    } = key;
    text(id.account.as_str())
        + text(&id.key)
        + optional(parallelism.is_some(), INTEGER)
        + optional(rate.is_some(), INTEGER)
        + 3 * INTEGER
        + 3 * CHOICE
        + optional(window_start.is_some(), INTEGER)
}
