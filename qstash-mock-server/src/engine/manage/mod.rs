//! Looking at what is stored, and changing it by hand.
//!
//! What reaches many messages is a scan in slices (`bulk`), so that it keeps nobody waiting.

pub(super) mod bulk;
pub(super) mod dead_letters;
pub(super) mod flow_control;
pub(super) mod keys;
pub(super) mod log;
pub(super) mod lookup;
pub(super) mod metrics;
pub(super) mod queues;
pub(super) mod redrive;
pub(super) mod schedules;
pub(super) mod url_groups;
