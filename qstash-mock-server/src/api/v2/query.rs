//! Query parameters: filters, cursors, counts (v2.md sections 2.4 to 2.6).

use std::ops::RangeInclusive;

use super::super::limits::FILTER_VALUES;
use super::error::Refusal;
use super::lines::is_owned;
use crate::engine::{self, MessageId, RowId, Timestamp};
use crate::percent::query_text;
use crate::text::parse_v2_message_id;

/// Decoded parameters in order, all of them known, without those of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Refuses names that are not in `known`, because a typo in the filter of a bulk operation would make the operation
    /// match more than its caller meant. In `known`, an alias is written `alias=name`, and `name=` is ignored.
    pub(super) fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Refusal> {
        let mut found = Vec::new();
        for pair in query
            .unwrap_or("")
            .split('&')
            .filter(|it| !it.is_empty() && !is_owned(it))
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = query_text(name).ok_or_else(|| Refusal::unknown_parameter(name))?;
            let meaning = known
                .iter()
                .map(|it| it.split_once('=').unwrap_or((it, it)))
                .find(|(it, _)| *it == name)
                .map(|(_, meaning)| meaning);
            let value = query_text(value)
                .ok_or_else(|| Refusal::of(&name, "must be UTF-8, percent-encoded"))?;
            match meaning {
                None => return Err(Refusal::unknown_parameter(&name)),
                Some("") => {}
                Some(meaning) => found.push((meaning.to_owned(), value)),
            }
        }
        Ok(Self(found))
    }

    /// Whether there are no parameters.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every value of `name`, which may be repeated and may have several values separated by commas. An empty value
    /// is refused, because some callers would mean nothing by it and others everything.
    pub(super) fn all(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let mut values: Vec<String> = Vec::new();
        for (_, text) in self.0.iter().filter(|(it, _)| it == name) {
            for value in text.split(',').map(str::trim) {
                if value.is_empty() {
                    return Err(Refusal::of(name, "must not have an empty value"));
                }
                if !values.iter().any(|it| it == value) {
                    values.push(value.to_owned());
                }
                if values.len() > FILTER_VALUES {
                    return Err(Refusal::of(
                        name,
                        format!("must have at most {FILTER_VALUES} values"),
                    ));
                }
            }
        }
        Ok(values)
    }

    /// Every value of `name`, one in each parameter, because URLs and paths may contain commas.
    pub(super) fn whole(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let values: Vec<String> = self
            .0
            .iter()
            .filter(|(it, _)| it == name)
            .map(|(_, value)| value.clone())
            .collect();
        if values.iter().any(String::is_empty) {
            return Err(Refusal::of(name, "must not have an empty value"));
        }
        if values.len() > FILTER_VALUES {
            return Err(Refusal::of(
                name,
                format!("must have at most {FILTER_VALUES} values"),
            ));
        }
        Ok(values)
    }

    /// The value of `name`. If it is given twice, both values must be equal.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self
            .0
            .iter()
            .filter(|(it, _)| it == name)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        if values.any(|value| Some(value) != first) {
            return Err(Refusal::of(name, "must not be given twice"));
        }
        Ok(first)
    }

    /// A whole number in `range`.
    pub(super) fn number(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten();
        number
            .filter(|it| range.contains(it))
            .map(Some)
            .ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                Refusal::of(
                    name,
                    format!("must be a whole number from {least} to {most}"),
                )
            })
    }

    /// The parameter for the most entries of a page.
    pub(super) fn count(&self, most: usize) -> Result<Option<usize>, Refusal> {
        let count = self.number("count", 1..=most as u64)?;
        Ok(count.and_then(|count| usize::try_from(count).ok()))
    }

    /// A time in milliseconds since the Unix epoch.
    pub(super) fn date(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        Ok(self.number(name, 0..=u64::MAX)?.map(Timestamp::from_millis))
    }

    /// `true` or `false`; false if absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.one(name)? {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(Refusal::of(name, "must be `true` or `false`")),
        }
    }

    /// Whether the oldest entry comes first; by default the newest does.
    pub(super) fn earliest_first(&self) -> Result<bool, Refusal> {
        match self.one("order")? {
            None | Some("latestFirst") => Ok(false),
            Some("earliestFirst") => Ok(true),
            Some(_) => Err(Refusal::of(
                "order",
                "must be `latestFirst` or `earliestFirst`",
            )),
        }
    }

    /// The cursor of an earlier page: `<unix ms>-<sequence>`. An empty one means none, because SDKs send that.
    pub(super) fn cursor(&self) -> Result<Option<RowId>, Refusal> {
        match self.one("cursor")? {
            None | Some("") => Ok(None),
            Some(text) => RowId::parse(text)
                .map(Some)
                .ok_or_else(|| Refusal::of("cursor", "must be the cursor of an earlier page")),
        }
    }
}

/// Which messages, dead letters or log entries are meant: every field must match, and a list matches if one of its
/// values does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) message_ids: Vec<String>,
    pub(super) urls: Vec<String>,
    pub(super) hosts: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) url_groups: Vec<String>,
    pub(super) schedules: Vec<String>,
    pub(super) queues: Vec<String>,
    pub(super) labels: Vec<String>,
    pub(super) flow_keys: Vec<String>,
    pub(super) caller_ips: Vec<String>,
    pub(super) statuses: Vec<u16>,
    /// States in upper case, as the log spells them.
    pub(super) states: Vec<String>,
    /// The range of times, both ends inclusive.
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

/// The filters of every bulk operation and list. One SDK sends `urlGroup` beside `topicName`; `api` is a former filter.
const COMMON: &[&str] = &[
    "url",
    "topicName",
    "urlGroup=topicName",
    "scheduleId",
    "queueName",
    "fromDate",
    "toDate",
    "label",
    "flowControlKey",
    "callerIp",
    "callerIP=callerIp",
    "api=",
    "count",
];

/// The parameters of `DELETE /v2/messages`.
pub(super) fn of_cancel(query: Option<&str>) -> Result<Query, Refusal> {
    Query::parse(query, &[COMMON, &["messageIds", "host", "path"]].concat())
}

/// The parameters of lists and bulk operations on dead letters. `host` and `path` are refused here.
pub(super) fn of_dead_letters(query: Option<&str>) -> Result<Query, Refusal> {
    let others = &["dlqIds", "messageId", "responseStatus", "order", "cursor"];
    Query::parse(query, &[COMMON, others].concat())
}

/// The parameters of `GET /v2/events`.
pub(super) fn of_logs(query: Option<&str>) -> Result<Query, Refusal> {
    let others = &[
        "messageIds=messageId",
        "messageId",
        "state",
        "host",
        "path",
        "order",
        "cursor",
    ];
    Query::parse(query, &[COMMON, others].concat())
}

impl Filter {
    /// Reads every field that `query` has.
    pub(super) fn read(query: &Query) -> Result<Self, Refusal> {
        let statuses = query.all("responseStatus")?;
        let states = query.all("state")?;
        let filter = Self {
            message_ids: query.all("messageId")?,
            urls: query.whole("url")?,
            hosts: query.all("host")?,
            paths: query.whole("path")?,
            url_groups: query.all("topicName")?,
            schedules: query.all("scheduleId")?,
            queues: query.all("queueName")?,
            labels: query.all("label")?,
            flow_keys: query.all("flowControlKey")?,
            caller_ips: query.all("callerIp")?,
            statuses: statuses
                .iter()
                .map(|text| status(text))
                .collect::<Result<_, _>>()?,
            states: states
                .iter()
                .map(|text| state(text))
                .collect::<Result<_, _>>()?,
            from: query.date("fromDate")?,
            to: query.date("toDate")?,
        };
        if filter.from > filter.to && filter.to.is_some() {
            return Err(Refusal::of("fromDate", "must not be after `toDate`"));
        }
        Ok(filter)
    }
}

impl Filter {
    /// The filter in the engine's form. An id that cannot exist stays a filter, which matches no message.
    pub(super) fn into_engine(self) -> engine::Filter {
        let nobody = MessageId(uuid::Uuid::nil());
        let known = |id: &String| parse_v2_message_id(id).unwrap_or(nobody);
        engine::Filter {
            messages: self.message_ids.iter().map(known).collect(),
            urls: self.urls,
            hosts: self.hosts,
            paths: self.paths,
            groups: self.url_groups,
            queues: self.queues,
            schedules: self.schedules,
            labels: self.labels,
            flow_keys: self.flow_keys,
            caller_ips: self.caller_ips,
            statuses: self.statuses,
            from: self.from,
            to: self.to,
        }
    }
}

fn status(text: &str) -> Result<u16, Refusal> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let status = digits.then(|| text.parse().ok()).flatten();
    status
        .filter(|status| *status <= 999)
        .ok_or_else(|| Refusal::of("responseStatus", "must be a status code"))
}

/// The states of the log as SDKs spell them, including those that are only filters.
const STATES: [&str; 9] = [
    "CREATED",
    "ACTIVE",
    "RETRY",
    "ERROR",
    "DELIVERED",
    "FAILED",
    "CANCEL_REQUESTED",
    "CANCELED",
    "IN_PROGRESS",
];

fn state(text: &str) -> Result<String, Refusal> {
    let upper = text.to_ascii_uppercase();
    match upper.as_str() {
        // The spelling of the documentation.
        "CANCELLED" => Ok("CANCELED".into()),
        known if STATES.contains(&known) => Ok(upper),
        _ => Err(Refusal::of(
            "state",
            format!("must be one of {}", STATES.join(", ")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.unwrap_err().parts().1.to_owned()
    }

    #[test]
    fn filters_have_many_values_repeated_or_in_one() {
        let query = of_cancel(Some(
            "label=a,b&label=c&label=a&url=https://h/%3Fx%3D1,2&topicName=g&urlGroup=g&callerIP=1.2.3.4\
             &fromDate=5&toDate=5&count=500&api=x&qstash_token=t&host=h&path=/a,b",
        ))
        .unwrap();
        let filter = Filter::read(&query).unwrap();
        assert_eq!(filter.labels, ["a", "b", "c"]);
        assert_eq!(filter.urls, ["https://h/?x=1,2"]);
        assert_eq!(filter.url_groups, ["g"]);
        assert_eq!(filter.caller_ips, ["1.2.3.4"]);
        assert_eq!(
            (filter.hosts, filter.paths),
            (vec!["h".into()], vec!["/a,b".into()])
        );
        assert_eq!(filter.from, Some(Timestamp::from_millis(5)));
        assert_eq!(query.count(500).unwrap(), Some(500));
        assert!(of_cancel(None).unwrap().is_empty());
        assert!(of_cancel(Some("qstash_token=x")).unwrap().is_empty());
    }

    #[test]
    fn states_are_read_in_both_spellings() {
        let query = of_logs(Some(
            "state=CANCELLED,delivered&messageIds=a&messageIds=b&messageId=c",
        ))
        .unwrap();
        let filter = Filter::read(&query).unwrap();
        assert_eq!(filter.states, ["CANCELED", "DELIVERED"]);
        assert_eq!(filter.message_ids, ["a", "b", "c"]);
    }

    #[test]
    fn an_unknown_name_is_refused_so_that_a_typo_does_not_reach_everything() {
        for query in [
            "labeel=x",
            "messageIds=x",
            "Label=x",
            "%ff=x",
            "host=h",
            "path=/p",
            "",
        ] {
            let refused = of_dead_letters(Some(&format!("{query}&count=1")));
            match query {
                "" => assert!(refused.is_ok()),
                _ => assert!(error(refused).contains("query parameter"), "{query}"),
            }
        }
        assert!(of_cancel(Some("dlqIds=x")).is_err());
        assert!(of_cancel(Some("responseStatus=500")).is_err());
        assert!(of_logs(Some("dlqIds=x")).is_err());
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        for (query, expected) in [
            ("label=", "`label` must not have an empty value"),
            ("label=a,,b", "`label` must not have an empty value"),
            ("url=", "`url` must not have an empty value"),
            ("label=%ff", "`label` must be UTF-8, percent-encoded"),
            ("fromDate=x", "`fromDate` must be a whole number"),
            ("toDate=-1", "`toDate` must be a whole number"),
            (
                "fromDate=2&toDate=1",
                "`fromDate` must not be after `toDate`",
            ),
            (
                "responseStatus=abc",
                "`responseStatus` must be a status code",
            ),
            (
                "responseStatus=1000",
                "`responseStatus` must be a status code",
            ),
        ] {
            let found = error(of_dead_letters(Some(query)).and_then(|query| Filter::read(&query)));
            assert!(found.starts_with(expected), "{query}: {found}");
        }
        assert!(
            error(of_logs(Some("state=GONE")).and_then(|query| Filter::read(&query)))
                .contains("IN_PROGRESS")
        );
        for query in [
            "count=0",
            "count=101",
            "count=x",
            "count=",
            "count=1&count=2",
            "count=+1",
        ] {
            assert!(
                error(of_dead_letters(Some(query)).unwrap().count(100)).starts_with("`count` must"),
                "{query}"
            );
        }
        for query in ["order=up", "order="] {
            assert!(
                of_logs(Some(query)).unwrap().earliest_first().is_err(),
                "{query}"
            );
        }
    }

    #[test]
    fn a_filter_may_have_as_many_values_as_its_bound_and_no_more() {
        let labels = |count: usize| {
            let values: Vec<String> = (0..count).map(|label| label.to_string()).collect();
            Filter::read(&of_cancel(Some(&format!("label={}", values.join(",")))).unwrap()).is_ok()
        };
        assert!(labels(FILTER_VALUES) && !labels(FILTER_VALUES + 1));
    }

    #[test]
    fn a_cursor_is_only_what_a_page_gave() {
        let cursor = |text: &str| of_logs(Some(&format!("cursor={text}"))).unwrap().cursor();
        let expected = RowId {
            at: Timestamp::from_millis(1_686_652_644_442),
            sequence: 12,
        };
        assert_eq!(cursor("1686652644442-12").unwrap(), Some(expected));
        assert_eq!(expected.to_string(), "1686652644442-12");
        assert_eq!(cursor("").unwrap(), None);
        for text in [
            "x",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "1--2",
            "99999999999999999999-0",
        ] {
            assert!(cursor(text).is_err(), "{text}");
        }
    }
}
