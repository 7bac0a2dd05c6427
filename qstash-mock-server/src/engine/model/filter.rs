//! Filters over messages, dead letters and log rows (v2.md section 2.4).

use std::sync::Arc;

use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::id::{MessageId, QueueName, ScheduleId};
use crate::engine::model::time::Timestamp;
use crate::engine::syntax::url;

/// Values that are compared in about the time that looking at a message takes anyway.
const COMPARED_AT_ONCE: usize = 64;

/// Which messages are meant. Every field that is not empty must match, and a list matches if one of its entries does.
/// The default matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Ids of messages.
    pub messages: Vec<MessageId>,
    /// Whole URLs.
    pub urls: Vec<String>,
    /// Hosts of URLs, with or without a port. Upper and lower case do not matter.
    pub hosts: Vec<String>,
    /// Paths of URLs, without the query.
    pub paths: Vec<String>,
    /// Names of URL groups.
    pub groups: Vec<String>,
    /// Names of queues.
    pub queues: Vec<String>,
    /// Ids of schedules.
    pub schedules: Vec<String>,
    /// Labels, of which the message must have one.
    pub labels: Vec<String>,
    /// Flow-control keys.
    pub flow_keys: Vec<String>,
    /// IP addresses that the publisher called from.
    pub caller_ips: Vec<String>,
    /// Status codes of the last answer; 0 stands for no answer. Only queries for dead letters look at this.
    pub statuses: Vec<u16>,
    /// The earliest time, inclusive.
    pub from: Option<Timestamp>,
    /// The latest time, inclusive.
    pub to: Option<Timestamp>,
}

impl Filter {
    /// Whether a message that carries its rules matches; `at` is its time in the list that is filtered.
    pub(crate) fn matches(
        &self,
        id: MessageId,
        at: Timestamp,
        carried: &CarriedRules,
        queue: Option<&QueueName>,
    ) -> bool {
        let group = carried.group.as_ref().map(|(name, _)| name.as_str());
        let flow = carried.flow_control.as_ref().map(|flow| &*flow.key);
        (self.messages.is_empty() || self.messages.contains(&id))
            && self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at <= to)
            && any(&self.urls, |url| *carried.url == **url)
            && any(&self.hosts, |host| url::has_host(&carried.url, host))
            && any(&self.paths, |path| url::path(&carried.url) == path)
            && among(&self.groups, group)
            && among(&self.queues, queue.map(QueueName::as_str))
            && among(
                &self.schedules,
                carried.schedule.as_ref().map(ScheduleId::as_str),
            )
            && any(&self.labels, |label| {
                carried.labels.iter().any(|it| **it == **label)
            })
            && among(&self.flow_keys, flow)
            && among(&self.caller_ips, carried.caller_ip.as_deref())
    }

    /// Whether a message that follows its queue's rules matches. It has no URL, label or flow key, so a filter on one
    /// of these never matches it.
    pub(crate) fn matches_queued(
        &self,
        id: MessageId,
        at: Timestamp,
        queue: Option<&QueueName>,
    ) -> bool {
        let of_carried = [
            &self.urls,
            &self.hosts,
            &self.paths,
            &self.groups,
            &self.schedules,
            &self.labels,
            &self.flow_keys,
            &self.caller_ips,
        ];
        (self.messages.is_empty() || self.messages.contains(&id))
            && self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at <= to)
            && among(&self.queues, queue.map(QueueName::as_str))
            && of_carried.iter().all(|wanted| wanted.is_empty())
    }

    /// What it takes to compare one message, as a share of a bounded look at many: 1, and more where the filter or the
    /// message has many values.
    pub(crate) fn effort(&self, carried: Option<&Arc<CarriedRules>>) -> usize {
        let lists = [
            &self.urls,
            &self.hosts,
            &self.paths,
            &self.groups,
            &self.queues,
            &self.schedules,
            &self.flow_keys,
            &self.caller_ips,
        ];
        let texts: usize = lists.iter().map(|values| values.len()).sum();
        let values = texts + self.messages.len() + self.statuses.len();
        let labels = carried.map_or(0, |carried| carried.labels.len());
        1 + (values + self.labels.len() * labels) / COMPARED_AT_ONCE
    }

    pub(crate) fn matches_status(&self, status: Option<u16>) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&status.unwrap_or(0))
    }
}

fn any(wanted: &[String], matches: impl FnMut(&String) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(matches)
}

fn among(wanted: &[String], value: Option<&str>) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|it| it == value))
}
