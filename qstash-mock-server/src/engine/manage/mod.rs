//! Looking at what is stored, and changing it by hand.

pub(super) mod bulk;
pub(super) mod cancel;
pub(super) mod dead_letters;
pub(super) mod flow_control;
pub(super) mod keys;
pub(super) mod log;
pub(super) mod lookup;
pub(super) mod queues;
pub(super) mod schedules;
pub(super) mod url_groups;
