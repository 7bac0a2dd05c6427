//! The v2 dialect: Upstash's hosted QStash API.
//!
//! Every call starts at [`Client::v2`](crate::Client::v2). Methods set it up, and `.send().await` sends it. Lists also
//! end with `.stream()`. In these pages *the service* is Upstash's, or whatever server speaks its API.
//!
//! - A publish has exactly one destination: a URL as text, a [`Group`], an [`Api`], an [`Llm`] or an [`Email`]. URLs
//!   are sent byte for byte; the client refuses a URL that URL parsing would change.
//! - An empty id, list or filter destroys nothing: a filter holds at least one condition, and only [`All`] means
//!   everything.
//! - A publish carries a random deduplication id unless you say otherwise. The client repeats a publish only if it is
//!   deduplicated, by an id or by its content, or if it certainly did nothing: the client could not connect, or the
//!   service answered 429.
//! - What the service says and this version does not know is kept in the field `other` of each answer.

mod batch;
mod callback;
mod destination;
mod dlq;
mod entry;
mod fields;
mod filter;
mod flow_control;
mod headers;
mod keys;
mod limits;
mod list;
mod llm;
mod logs;
mod message;
mod messages;
mod operation;
mod options;
mod publish;
mod published;
mod queues;
mod report;
mod retry_delay;
mod schedule;
mod schedules;
mod setters;
mod settings;
mod url;
mod url_groups;

pub use self::batch::Batch;
pub use self::callback::Callback;
pub use self::destination::{Api, Destination, Group, Target};
pub use self::dlq::{DeleteDlq, Deleted, Dlq, GetDeadLetter, Retried, RetryDeadLetter, RetryDlq};
pub use self::entry::V2;
pub use self::fields::Headers;
pub use self::filter::{All, DlqFilter, LogFilter, MessageFilter, Order};
pub use self::flow_control::{FlowControlState, FlowControls, GlobalParallelism, Pin, Unpin};
pub use self::keys::{Keys, SigningKeys};
pub use self::limits::FlowControl;
pub use self::list::{List, Listed, PagedList};
pub use self::llm::{Email, Llm};
pub use self::logs::{LogEntry, LogState};
pub use self::message::{DeadLetter, Message};
pub use self::messages::{CancelMessages, Messages};
pub use self::options::Redact;
pub use self::publish::{NewMessage, Publish};
pub use self::published::{Answer, GroupPublished, Published, Receipt};
pub use self::queues::{Queue, Queues, UpsertQueue};
pub use self::report::CallbackPayload;
pub use self::retry_delay::{RetryDelay, retried};
pub use self::schedule::Schedule;
pub use self::schedules::{CreateSchedule, Schedules};
pub use self::url_groups::{Endpoint, EndpointRef, EndpointView, SetDefaults, UrlGroup, UrlGroups};
pub use crate::call::Call;
pub use crate::types::other::Other;
