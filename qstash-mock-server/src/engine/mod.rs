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

mod command;
mod config;
mod deliver;
mod effect;
mod error;
mod inputs;
mod invariants;
mod manage;
mod model;
mod publish;
mod pull;
mod quota;
mod restore;
mod state;
mod syntax;

pub use command::{
    Action, Command, Headers, MessageView, MessageWithBody, OnAccepted, Publish, Published,
    QueuePatch, QueueSettings, QueueView, Receive, Received, Reply, SigningKeys, SigningSecret,
};
pub use config::{Backoff, Config, Limits, Secret};
pub use deliver::callback::CallbackReport;
pub use effect::{
    Attempt, CarriedEnvelope, Effect, Envelope, Outcome, QueueEnvelope, Response, Verdict,
};
pub use error::Error;
pub use inputs::Engine;
pub use manage::cancel::Selection;
pub use manage::dead_letters::{DlqAction, DlqEntry, DlqQuery, DlqView};
pub use manage::flow_control::{FlowAction, FlowKey, FlowKeyView};
pub use manage::log::{Event, LogQuery, LogRow};
pub use manage::schedules::{PutSchedule, Schedule, ScheduleAction, ScheduleState};
pub use manage::url_groups::{Endpoint, EndpointRef, UrlGroup, UrlGroupAction};
pub use model::caller::{Caller, Permission, Permissions};
pub use model::carried_rules::{
    Callback, CarriedRules, Deduplication, FlowControl, Method, Redaction, Settings,
};
pub use model::entity::{
    Account, Change, DedupKey, DedupKeyId, DedupScope, Entity, EntityKey, Meta, Queue,
};
pub use model::id::{
    AccountName, AttemptId, BodyId, FlowKeyId, GroupName, LeaseId, MessageId, QueueId, QueueName,
    RowId, ScheduleId, WaiterId,
};
pub use model::message::{AttemptRecord, DeadLetter, InQueue, Message, Policy, Slot, Stage, State};
pub use model::metrics::{Counters, Metrics, QueueMetrics};
pub use model::seed::Seed;
pub use model::time::Timestamp;
pub use publish::destination::{Destination, Send, Sent, SentTo};
pub use quota::Quotas;
pub use restore::RestoreError;
pub use syntax::cron::{Cron, CronError};
pub use syntax::expr::{ExprError, RetryDelay};
pub use syntax::filter::Filter;
