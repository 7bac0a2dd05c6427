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

mod attempt;
mod bulk;
mod command;
mod config;
mod cron;
mod dead_letter;
mod effect;
mod entity;
mod error;
mod expr;
mod id;
mod invariants;
mod lease;
mod line;
mod lookup;
mod machine;
mod message;
mod metrics;
mod publish;
mod queue;
mod receive;
mod restore;
mod retry;
mod state;
mod time;
mod timers;

pub use command::{
    Action, Caller, Command, Headers, MessageView, OnAccepted, Permission, Permissions, Publish,
    Published, QueuePatch, QueueSettings, QueueView, Receive, Received, Reply, SigningSecret,
};
pub use config::{Backoff, Config, Limits, Secret};
pub use cron::{Cron, CronError};
pub use effect::{Attempt, Effect, Outcome, Verdict};
pub use entity::{Account, Change, DedupKey, DedupKeyId, Entity, EntityKey, Meta, Queue};
pub use error::Error;
pub use expr::{ExprError, RetryDelay};
pub use id::{
    AccountName, AttemptId, BodyId, LeaseId, MessageId, QueueId, QueueName, Seed, WaiterId,
};
pub use machine::Engine;
pub use message::{AttemptRecord, DeadLetter, Message, Policy, Stage, State};
pub use metrics::{Counters, Metrics, QueueMetrics};
pub use restore::RestoreError;
pub use time::Timestamp;
