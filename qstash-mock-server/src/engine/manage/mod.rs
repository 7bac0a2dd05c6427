//! Commands that read and change what is stored.
//!
//! Commands on many messages are scans in slices (`bulk`), so that they do not delay other callers.

pub(super) mod bulk;
pub(super) mod dead_letters;
mod endpoints;
pub(super) mod flow_control;
pub(super) mod keys;
pub(super) mod log;
pub(super) mod lookup;
pub(super) mod metrics;
pub(super) mod outlook;
mod page;
pub(super) mod queues;
pub(super) mod redrive;
pub(super) mod schedules;
pub(super) mod url_groups;
