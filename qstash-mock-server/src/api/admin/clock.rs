//! Test control: moving the clock.

use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};

use super::super::ApiState;
use super::super::error::ApiError;
use super::access::Admin;
use super::read::{self, Seconds, Time};
use super::{Answer, answer, watch};
use crate::driver::{Advanced, ClockBusy, Due};
use crate::text::rfc3339;

#[derive(Serialize)]
struct Now {
    now: String,
    manual: bool,
    auto: bool,
}

pub(super) async fn now(State(api): State<ApiState>, _: Admin) -> Answer {
    answer(&Now {
        now: rfc3339(api.driver().now()),
        manual: api.driver().is_manual(),
        auto: api.control().auto,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: Option<Seconds>,
    to: Option<Time>,
}

pub(super) async fn advance(State(api): State<ApiState>, _: Admin, request: Request) -> Answer {
    let wanted: Advance = read::body(&api, request).await?;
    let now = api.driver().now();
    let target = match wanted {
        Advance {
            seconds: Some(Seconds(by)),
            to: None,
        } => now + by,
        Advance {
            seconds: None,
            to: Some(Time(to)),
        } => to.max(now),
        _ => {
            let error = "must be given, or `to`, and not both";
            return Err(ApiError::invalid_field("seconds", error));
        }
    };
    answer(&Report::of(&api.driver().advance_to(target).await?))
}

pub(super) async fn next(State(api): State<ApiState>, _: Admin, request: Request) -> Answer {
    read::nothing(&api, request).await?;
    let report = api.driver().advance_to_next().await?;
    #[derive(Serialize)]
    struct Next {
        report: Option<Report>,
    }
    answer(&Next {
        report: report.as_ref().map(Report::of),
    })
}

pub(super) async fn settle(State(api): State<ApiState>, _: Admin, request: Request) -> Answer {
    read::nothing(&api, request).await?;
    answer(&Report::of(&watch(&api).settle().await?))
}

/// The report of a call that moved the clock.
#[derive(Serialize)]
struct Report {
    now: String,
    deadlines: usize,
    started: usize,
    due: Vec<Listed>,
    unanswered: usize,
    left_behind: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    message_id: String,
    queue: Option<String>,
    url: String,
    attempt: u32,
    started_at: String,
}

impl Report {
    fn of(report: &Advanced) -> Self {
        Self {
            now: rfc3339(report.now),
            deadlines: report.deadlines,
            started: report.started,
            due: report.due.iter().map(Listed::of).collect(),
            unanswered: report.unanswered,
            left_behind: report.left_behind.iter().map(Listed::of).collect(),
        }
    }
}

impl Listed {
    fn of(due: &Due) -> Self {
        Self {
            message_id: due.message.0.to_string(),
            queue: due.queue.as_ref().map(ToString::to_string),
            url: due.url.to_string(),
            attempt: due.attempt,
            started_at: rfc3339(due.at),
        }
    }
}

impl From<ClockBusy> for ApiError {
    fn from(busy: ClockBusy) -> Self {
        Self::clock(
            match busy {
                ClockBusy::Moving => "clock_busy",
                ClockBusy::NotManual => "clock_not_manual",
                ClockBusy::Endless => "clock_endless",
            },
            busy.to_string(),
        )
    }
}
