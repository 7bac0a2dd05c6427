//! The engine decides; it does nothing else.
//!
//! It reads no clock, opens no socket and rolls no dice: time comes in as an argument, randomness as a
//! seed. It has four kinds of methods, to be called in this order:
//!
//! 1. `handle`, `handle_outcome`, `handle_timeout` take one input each,
//! 2. `poll_effect` is drained to `None` after every input,
//! 3. `take_changes` are the entities that the input changed, for storage,
//! 4. `poll_timeout` tells when to call `handle_timeout`; a spurious call is harmless.
//!
//! Read on in `command.rs` (what can be asked), `effect.rs` (what it wants done), `message.rs` (states),
//! `state.rs` (the only place that changes anything).
//!
//! A message is delivered by the rules of its queue (`publish`, `attempt`, `lease`, `dead_letter`) or by
//! rules of its own (`own`, `send`, `own_attempt`, `callback`, `dlq`, `event_log`); queues, timers, bodies and
//! attempts are the same for both.

mod address;
mod attempt;
mod bulk;
mod callback;
mod caller;
mod cancel;
mod command;
mod config;
mod cron;
mod dead_letter;
mod dlq;
mod effect;
mod entity;
mod error;
mod event_log;
mod expr;
mod filter;
mod flow_control;
mod id;
mod invariants;
mod lease;
mod line;
mod lookup;
mod machine;
mod message;
mod metrics;
mod own;
mod own_attempt;
mod publish;
mod queue;
mod quota;
mod receive;
mod restore;
mod retry;
mod schedule;
mod send;
mod signing;
mod state;
mod time;
mod timers;
mod url_group;

pub use callback::CallbackReport;
pub use caller::{Caller, Permission, Permissions};
pub use cancel::Selection;
pub use command::{
    Action, Command, Headers, MessageView, OnAccepted, OwnMessage, Publish, Published, QueuePatch,
    QueueSettings, QueueView, Receive, Received, Reply, SigningKeys, SigningSecret,
};
pub use config::{Backoff, Config, Limits, Secret};
pub use cron::{Cron, CronError};
pub use dlq::{DlqAction, DlqEntry, DlqQuery, DlqView};
pub use effect::{
    Attempt, Effect, Envelope, Outcome, OwnEnvelope, QueueEnvelope, Response, Verdict,
};
pub use entity::{
    Account, Change, DedupKey, DedupKeyId, DedupScope, Entity, EntityKey, Meta, Queue,
};
pub use error::Error;
pub use event_log::{Event, LogQuery, LogRow};
pub use expr::{ExprError, RetryDelay};
pub use filter::Filter;
pub use flow_control::{FlowAction, FlowKey, FlowKeyView};
pub use id::{
    AccountName, AttemptId, BodyId, FlowKeyId, GroupName, LeaseId, MessageId, QueueId, QueueName,
    RowId, ScheduleId, Seed, WaiterId,
};
pub use machine::Engine;
pub use message::{AttemptRecord, DeadLetter, InQueue, Message, Policy, Slot, Stage, State};
pub use metrics::{Counters, Metrics, QueueMetrics};
pub use own::{Callback, Deduplication, FlowControl, Method, Own, Redaction, Settings};
pub use quota::Quotas;
pub use restore::RestoreError;
pub use schedule::{PutSchedule, Schedule, ScheduleAction, ScheduleState};
pub use send::{Destination, Send, Sent, SentTo};
pub use time::Timestamp;
pub use url_group::{Endpoint, EndpointRef, UrlGroup, UrlGroupAction};
