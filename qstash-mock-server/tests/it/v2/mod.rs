//! The v2 dialect over HTTP: every route's answer as reviewed text, and what it refuses.
//!
//! The server has a seed and a manual clock, and its consumer is reached through a route, so that every id, time and
//! URL in an answer is the same in every run.

mod batch;
mod dead_letters;
mod flow_control;
mod group_commits;
mod group_defaults;
mod group_sums;
mod keys;
mod logs;
mod messages;
mod queues;
mod redaction;
mod refusals;
mod routes;
mod schedules;
mod scopes;
mod transcript;
mod url_groups;
mod workflow;
