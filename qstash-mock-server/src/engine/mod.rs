//! The engine holds all rules of queueing. It makes decisions and performs no input or output.
//!
//! The engine reads no clock, opens no socket and draws no random numbers of its own: its caller passes the time as
//! an argument and the randomness as a seed. An [`Engine`] has four kinds of methods, to be called in this order:
//!
//! 1. `handle`, `handle_outcome` and `handle_timeout` take one input each.
//! 2. `poll_effect` is called after every input until it returns `None`.
//! 3. `take_changes` and `take_body_changes` return what the input changed, for storage.
//! 4. `poll_timeout` returns when to call `handle_timeout`. A call at another time is harmless.
//!
//! Read `command` (what callers can ask), `reply` (what the engine answers), `inputs` (the methods above) and
//! `effect` (what the engine wants done) first, then the folders in the order in which data flows: `publish`,
//! `deliver`, `pull`, `manage`. `model` has the data types; only `state` changes stored values.
//!
//! A message follows its queue's rules or carries its rules. `deliver/rules.rs` resolves both to one value, `Rules`,
//! and all code after that is the same for both.

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
pub use manage::outlook::{QueueOutlook, Upcoming};
pub use model::caller::{Caller, Permission, Permissions};
pub use model::carried_rules::{
    Callback, CarriedRules, Deduplication, FlowControl, Method, Redaction, Settings,
};
pub use model::dead_letter::{DeadLetterAction, DeadLetterQuery, DeadLetterView, ListedDeadLetter};
pub use model::entity::{
    Change, DayCounter, DedupKey, DedupKeyId, DedupScope, Entity, EntityKey, FirstWithKey, Meta,
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
pub use model::pull::{LeaseClaim, PullAction, Receive, Received};
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
#[cfg(feature = "server")]
pub(crate) use syntax::duration;
pub use syntax::expr::{ExprError, RetryDelay};
