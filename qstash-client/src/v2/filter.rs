//! Which messages, entries of the dead-letter list and log entries a call selects.
//!
//! A filter holds at least one condition: there is no empty filter, so a bulk operation on everything can only be asked
//! for with [`All`].

use crate::endpoint::Query;
use crate::error::Error;
use crate::timing::Timestamp;

/// Says that a bulk operation is meant for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct All;

/// The conditions under their names on the wire, or the first mistake in them.
#[derive(Clone)]
pub(crate) struct Conditions(Result<Vec<(&'static str, Vec<String>)>, Error>);

/// Shows names, no values, because URLs may hold secrets.
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
            return bad("has no value, so it would select everything");
        }
        // A service that trims values would read a blank value as an empty one.
        if values.iter().any(|value| value.trim().is_empty()) {
            return bad("has an empty value, so it might select everything");
        }
        // The service splits the values of query parameters at commas.
        if values.iter().any(|value| value.contains(',')) {
            return bad("has a value with a comma, which the service would read as several values");
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
        /// If you give several values, one of them must match. A value cannot be empty or hold a comma.
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
        /// [`and`](Self::and) joins conditions. Each condition can be given only once.
        #[derive(Clone, Debug)]
        #[must_use]
        pub struct $type(pub(crate) Conditions);

        impl $type {
            $(filters!(@method $name, $kind, $wire, $text);)+

            /// Selects what matches both filters.
            pub fn and(self, other: Self) -> Self {
                Self(self.0.and(other.0))
            }
        }
    )+};
}

filters! {
    /// Selects messages to cancel, among those that are not finished.
    MessageFilter {
        url_groups: one_of "topicName" "Selects messages that were published to these URL groups.";
        queues: one_of "queueName" "Selects messages in these queues.";
        urls: one_of "url" "Selects messages to exactly these URLs.";
        hosts: one_of "host" "Selects messages to URLs with these hosts.";
        paths: one_of "path" "Selects messages to URLs with these paths.";
        labels: one_of "label" "Selects messages with these labels.";
        flow_control_keys: one_of "flowControlKey" "Selects messages with these flow-control keys.";
        schedules: one_of "scheduleId" "Selects messages that these schedules made.";
        caller_ips: one_of "callerIp" "Selects messages that were published from these IP addresses.";
        since: at "fromDate" "Selects messages of this time or later.";
        until: at "toDate" "Selects messages of this time or earlier.";
    }
    /// Selects entries of the dead-letter list to list, delete or retry.
    DlqFilter {
        message: only "messageId" "Selects the entry of this message.";
        url_groups: one_of "topicName" "Selects entries of messages that were published to these URL groups.";
        queues: one_of "queueName" "Selects entries of messages that were in these queues.";
        urls: one_of "url" "Selects entries of messages to exactly these URLs.";
        labels: one_of "label" "Selects entries of messages with these labels.";
        flow_control_keys: one_of "flowControlKey" "Selects entries of messages with these flow-control keys.";
        schedules: one_of "scheduleId" "Selects entries of messages that these schedules made.";
        caller_ips: one_of "callerIp" "Selects entries of messages that were published from these IP addresses.";
        response_statuses: one_of "responseStatus" "Selects the entries whose last attempt was answered with these status codes.";
        since: at "fromDate" "Selects entries of this time or later.";
        until: at "toDate" "Selects entries of this time or earlier.";
    }
    /// Selects log entries to list.
    LogFilter {
        messages: one_of "messageIds" "Selects the entries of these messages.";
        states: one_of "state" "Selects the entries in these states.";
        url_groups: one_of "topicName" "Selects entries of messages that were published to these URL groups.";
        queues: one_of "queueName" "Selects entries of messages that were in these queues.";
        urls: one_of "url" "Selects entries of messages to exactly these URLs.";
        hosts: one_of "host" "Selects entries of messages to URLs with these hosts.";
        paths: one_of "path" "Selects entries of messages to URLs with these paths.";
        labels: one_of "label" "Selects entries of messages with these labels.";
        flow_control_keys: one_of "flowControlKey" "Selects entries of messages with these flow-control keys.";
        schedules: one_of "scheduleId" "Selects entries of messages that these schedules made.";
        caller_ips: one_of "callerIp" "Selects entries of messages that were published from these IP addresses.";
        since: at "fromDate" "Selects entries of this time or later.";
        until: at "toDate" "Selects entries of this time or earlier.";
    }
}

/// The order of a list by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest come first. This is the default.
    LatestFirst,
    /// The oldest come first.
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
