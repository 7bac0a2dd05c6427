//! Which messages a list shows or a bulk operation touches.
//!
//! A filter holds at least one condition: there is no empty one, so a bulk operation on everything can only be asked
//! for as [`All`].

use crate::endpoint::Query;
use crate::error::Error;
use crate::timing::Timestamp;

/// Says that really everything is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct All;

/// Conditions under their names on the wire, or the first mistake made.
#[derive(Clone)]
pub(crate) struct Conditions(Result<Vec<(&'static str, Vec<String>)>, Error>);

/// Shows names, no values: URLs may hold secrets.
impl std::fmt::Debug for Conditions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Ok(all) => f
                .debug_list()
                .entries(all.iter().map(|(name, _)| name))
                .finish(),
            Err(error) => error.fmt(f),
        }
    }
}

impl Conditions {
    fn one_of<S: ToString>(name: &'static str, values: impl IntoIterator<Item = S>) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        let bad = |rule| Self(Err(Error::invalid(format!("the filter `{name}` {rule}"))));
        if values.is_empty() {
            return bad("has no value, so that it would not filter");
        }
        // A service that trims makes nothing of a blank.
        if values.iter().any(|value| value.trim().is_empty()) {
            return bad("has an empty value, so that it might not filter");
        }
        // Of the parameters of a query, one value with commas counts as several.
        if values.iter().any(|value| value.contains(',')) {
            return bad("has a value with a comma, which the service would read as several");
        }
        Self(Ok(vec![(name, values)]))
    }

    fn at(name: &'static str, time: Timestamp) -> Self {
        Self(Ok(vec![(name, vec![time.as_millis().to_string()])]))
    }

    fn and(self, other: Self) -> Self {
        Self(self.0.and_then(|mut all| {
            for (name, values) in other.0? {
                if all.iter().any(|(known, _)| *known == name) {
                    // Two lists of values would be read as one: "or" where "and" was written.
                    let reason = format!("the filter names `{name}` twice");
                    return Err(Error::invalid(reason));
                }
                all.push((name, values));
            }
            Ok(all)
        }))
    }

    pub(crate) fn into_query(self) -> Result<Query, Error> {
        let mut query = Query::default();
        self.write(&mut query)?;
        Ok(query)
    }

    pub(crate) fn write(&self, query: &mut Query) -> Result<(), Error> {
        let all = self.0.as_ref().map_err(Error::clone)?;
        for (name, values) in all {
            for value in values {
                query.push(name, value);
            }
        }
        Ok(())
    }
}

macro_rules! filters {
    (@method $name:ident, one_of, $wire:literal, $doc:literal) => {
        #[doc = $doc]
        ///
        /// With several values: any of them. A value must not be empty nor hold a comma.
        pub fn $name<S: ToString>(values: impl IntoIterator<Item = S>) -> Self {
            Self(Conditions::one_of($wire, values))
        }
    };
    (@method $name:ident, only, $wire:literal, $doc:literal) => {
        #[doc = $doc]
        pub fn $name(value: impl ToString) -> Self {
            Self(Conditions::one_of($wire, [value]))
        }
    };
    (@method $name:ident, at, $wire:literal, $doc:literal) => {
        #[doc = $doc]
        pub fn $name(time: impl Into<Timestamp>) -> Self {
            Self(Conditions::at($wire, time.into()))
        }
    };
    ($($(#[$doc:meta])* $type:ident { $($name:ident: $kind:ident $wire:literal $text:literal;)+ })+) => {$(
        $(#[$doc])*
        ///
        /// Conditions are joined by [`and`](Self::and); a condition that is named twice is refused.
        #[derive(Clone, Debug)]
        #[must_use]
        pub struct $type(pub(crate) Conditions);

        impl $type {
            $(filters!(@method $name, $kind, $wire, $text);)+

            /// Both this and the other.
            pub fn and(self, other: Self) -> Self {
                Self(self.0.and(other.0))
            }
        }
    )+};
}

filters! {
    /// Which pending messages to cancel.
    MessageFilter {
        url_groups: one_of "topicName" "Those for these URL groups.";
        queues: one_of "queueName" "Those in these queues.";
        urls: one_of "url" "Those for exactly these URLs.";
        hosts: one_of "host" "Those for URLs of these hosts.";
        paths: one_of "path" "Those for URLs with these paths.";
        labels: one_of "label" "Those with these labels.";
        flow_control_keys: one_of "flowControlKey" "Those under these flow control keys.";
        schedules: one_of "scheduleId" "Those of these schedules.";
        caller_ips: one_of "callerIp" "Those published from these addresses.";
        since: at "fromDate" "Those of this time or later.";
        until: at "toDate" "Those of this time or earlier.";
    }
    /// Which entries of the dead-letter queue to list, delete or retry.
    DlqFilter {
        message: only "messageId" "Those of this message.";
        url_groups: one_of "topicName" "Those for these URL groups.";
        queues: one_of "queueName" "Those of these queues.";
        urls: one_of "url" "Those for exactly these URLs.";
        labels: one_of "label" "Those with these labels.";
        flow_control_keys: one_of "flowControlKey" "Those under these flow control keys.";
        schedules: one_of "scheduleId" "Those of these schedules.";
        caller_ips: one_of "callerIp" "Those published from these addresses.";
        response_statuses: one_of "responseStatus" "Those whose last answer had these status codes.";
        since: at "fromDate" "Those of this time or later.";
        until: at "toDate" "Those of this time or earlier.";
    }
    /// Which entries of the log to list.
    LogFilter {
        messages: one_of "messageIds" "Those of these messages.";
        states: one_of "state" "Those in these states.";
        url_groups: one_of "topicName" "Those for these URL groups.";
        queues: one_of "queueName" "Those of these queues.";
        urls: one_of "url" "Those for exactly these URLs.";
        hosts: one_of "host" "Those for URLs of these hosts.";
        paths: one_of "path" "Those for URLs with these paths.";
        labels: one_of "label" "Those with these labels.";
        flow_control_keys: one_of "flowControlKey" "Those under these flow control keys.";
        schedules: one_of "scheduleId" "Those of these schedules.";
        caller_ips: one_of "callerIp" "Those published from these addresses.";
        since: at "fromDate" "Those of this time or later.";
        until: at "toDate" "Those of this time or earlier.";
    }
}

/// The order of a list by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Newest first, the default.
    LatestFirst,
    /// Oldest first.
    EarliestFirst,
}

impl Order {
    pub(crate) const fn wire_name(self) -> &'static str {
        match self {
            Self::LatestFirst => "latestFirst",
            Self::EarliestFirst => "earliestFirst",
        }
    }
}
