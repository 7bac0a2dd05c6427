//! The engine decides; it does nothing else.
//!
//! It reads no clock, opens no socket and rolls no dice: time comes in as an argument, randomness as a
//! seed. It has four kinds of methods, to be called in this order:
//!
//! 1. `handle`, `handle_outcome`, `handle_timeout` take one input each,
//! 2. `poll_effect` is drained to `None` after every input,
//! 3. `take_changes` and `take_body_changes` are what the input changed, for storage,
//! 4. `poll_timeout` tells when to call `handle_timeout`; a spurious call is harmless.
//!
//! Read on in `command` (what can be asked) and `reply` (what is answered), `inputs` (the engine's face), `effect`
//! (what it wants done), then in the order in which data flows: `publish`, `deliver`, `pull`, `manage`. `model` is
//! what they speak of; `state` is the only place that changes anything.
//!
//! A message follows the rules of its queue or carries its own; `deliver/rules.rs` resolves either to one value, and
//! everything after that is one path.

mod access;
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
mod reply;
mod restore;
mod state;
mod syntax;

pub use command::{Action, Command, MetricsAction};
pub use config::{Config, Limits, Secret};
pub use effect::{Attempt, CarriedEnvelope, Effect, Envelope, Outcome, QueueEnvelope, Verdict};
pub use error::Error;
pub use inputs::Engine;
pub use model::caller::{Caller, Permission, Permissions};
pub use model::carried_rules::{
    Callback, CarriedRules, Deduplication, FlowControl, Method, Redaction, Settings,
};
pub use model::dead_letter::{DeadLetterAction, DeadLetterQuery, DeadLetterView, ListedDeadLetter};
pub use model::entity::{
    Change, DayCounter, DedupKey, DedupKeyId, DedupScope, Entity, EntityKey, Meta,
};
pub use model::filter::Filter;
pub use model::flow_key::{FlowAction, FlowKey, FlowKeyView};
pub use model::headers::Headers;
pub use model::id::{
    AccountName, AttemptId, BodyId, FlowKeyId, GroupName, LeaseId, MessageId, QueueId, QueueName,
    RowId, ScheduleId, WaiterId,
};
pub use model::keys::{Account, KeyAction, SigningKeys, SigningSecret};
pub use model::log_row::{Event, LogKind, LogQuery, LogRow, LogView};
pub use model::lookup::{MessageAction, MessageView, Scope, Selection};
pub use model::message::{AttemptRecord, DeadLetter, MessageState, Sequence, Slot, Stage, State};
pub use model::metrics::{Counters, Metrics, QueueMetrics};
pub use model::partial_settings::{
    FlowLimits, GivenHeader, GivenValue, PartialCallback, PartialOptions, PartialSettings,
    SettingsFault, SettingsOf,
};
pub use model::publish::{
    Destination, Publish, Published, PublishedMessage, Target, To, ToDestination, ToGroup, ToQueue,
};
pub use model::pull::{PullAction, Receive, Received};
pub use model::queue::{
    Backoff, OnAccepted, Queue, QueueAction, QueuePatch, QueueSettings, QueueView,
};
pub use model::response::Response;
pub use model::schedule::{PutSchedule, Schedule, ScheduleAction, ScheduleState, ScheduleView};
pub use model::seed::Seed;
pub use model::spec::{BodyChange, BodyRef, BodySource, CallbackReport, MessageSpec, Policy};
pub use model::time::Timestamp;
pub use model::url_group::{Endpoint, EndpointRef, UrlGroup, UrlGroupAction};
pub use quota::{QuotaKind, Quotas};
pub use reply::Reply;
pub use restore::RestoreError;
pub use syntax::cron::{Cron, CronError};
pub use syntax::expr::{ExprError, RetryDelay};
