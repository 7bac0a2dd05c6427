//! Test control: captured deliveries.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, Request, State};
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};

use super::super::ApiState;
use super::super::error::ApiError;
use super::super::limits::{DEFAULT_PAGE, PAGE};
use super::access::Admin;
use super::read::{self, Seconds};
use super::{Answer, answer, text_of, watch};
use crate::engine::Verdict;
use crate::testing::{Deliveries, Delivery};
use crate::text::rfc3339;

/// Which deliveries are meant; an absent field does not limit them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    account: Option<String>,
    queue: Option<String>,
    url: Option<String>,
    message_id: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    count: Option<usize>,
    within_seconds: Option<Seconds>,
}

impl Wanted {
    fn of(&self, api: &ApiState) -> Deliveries {
        let mut deliveries = Deliveries::new(watch(api));
        let filter = &mut deliveries.filter;
        filter.account.clone_from(&self.account);
        filter.queue.clone_from(&self.queue);
        filter.url.clone_from(&self.url);
        filter.message.clone_from(&self.message_id);
        filter.headers = self.headers.clone().into_iter().collect();
        deliveries
    }
}

#[derive(Serialize)]
struct Page {
    deliveries: Vec<Listed>,
    /// The cursor of the next page, if there is one.
    next: Option<u64>,
    /// How many attempts were forgotten because a bound was reached.
    forgotten: u64,
}

pub(super) async fn list(
    State(api): State<ApiState>,
    _: Admin,
    RawQuery(query): RawQuery,
) -> Answer {
    let known = ["account", "queue", "url", "message_id", "limit", "after"];
    let query = super::super::v1::Query::parse(query.as_deref(), &known)?;
    let text = |name| query.get(name).map(str::to_owned);
    let number =
        |name: &'static str, default, range: std::ops::RangeInclusive<u64>| match query.get(name) {
            None => Ok(default),
            Some(given) => given
                .parse()
                .ok()
                .filter(|it| range.contains(it))
                .ok_or_else(|| {
                    ApiError::invalid_field(
                        name,
                        format!("must be from {} to {}", range.start(), range.end()),
                    )
                }),
        };
    let wanted = Wanted {
        account: text("account"),
        queue: text("queue"),
        url: text("url"),
        message_id: text("message_id"),
        ..Wanted::default()
    };
    let limit = number("limit", u64::from(DEFAULT_PAGE), 1..=u64::from(PAGE))?;
    let after = number("after", 0, 0..=u64::MAX)?;
    let (found, more) = wanted.of(&api).page(after, limit as usize);
    answer(&Page {
        next: found.last().filter(|_| more).map(id),
        deliveries: found.iter().map(Listed::of).collect(),
        forgotten: api.driver().instruments().captured.forgotten(),
    })
}

pub(super) async fn wait(State(api): State<ApiState>, _: Admin, request: Request) -> Answer {
    let wanted: Wanted = read::body(&api, request).await?;
    let mut deliveries = wanted.of(&api);
    if let Some(Seconds(within)) = wanted.within_seconds {
        deliveries = deliveries.within(within);
    }
    match deliveries.wait_for(wanted.count.unwrap_or(1)).await {
        Ok(found) => answer(&Page {
            deliveries: found.iter().map(Listed::of).collect(),
            next: None,
            forgotten: api.driver().instruments().captured.forgotten(),
        }),
        Err(too_few) => Err(ApiError::too_few(too_few.to_string())),
    }
}

pub(super) async fn clear(State(api): State<ApiState>, _: Admin) -> Answer {
    #[derive(Serialize)]
    struct Cleared {
        cleared: usize,
    }
    let cleared = api.driver().instruments().captured.clear();
    answer(&Cleared { cleared })
}

/// The number of the delivery, from 1, in the order in which requests were captured.
fn id(delivery: &Delivery) -> u64 {
    delivery.record.number + 1
}

#[derive(Serialize)]
struct Listed {
    id: u64,
    message_id: String,
    account: String,
    queue: Option<String>,
    url: String,
    attempt: u32,
    duplicate: bool,
    request: Sent,
    answer: Option<Answered>,
    /// `delivered`, `accepted`, `failed`, or null while the attempt is under way.
    verdict: Option<&'static str>,
    error: Option<String>,
    faults: Vec<&'static str>,
    started_at: String,
    finished_at: Option<String>,
    took_seconds: Option<f64>,
}

#[derive(Serialize)]
struct Sent {
    headers: Vec<(String, String)>,
    #[serde(flatten)]
    body: Body,
}

#[derive(Serialize)]
struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    #[serde(flatten)]
    body: Body,
}

/// A body as text if it is UTF-8, else in base64.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Body(String),
    BodyBase64(String),
}

impl Body {
    fn of(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes).map_or_else(
            |_| Self::BodyBase64(Base64::encode_string(bytes)),
            |text| Self::Body(text.to_owned()),
        )
    }
}

impl Listed {
    fn of(delivery: &Delivery) -> Self {
        Self {
            id: id(delivery),
            message_id: delivery.message_id().0.to_string(),
            account: delivery.account().to_owned(),
            queue: delivery.queue().map(str::to_owned),
            url: delivery.url().to_owned(),
            attempt: delivery.attempt(),
            duplicate: delivery.is_duplicate(),
            request: Sent {
                headers: text_of(&delivery.headers()),
                body: Body::of(delivery.body()),
            },
            answer: delivery.status().map(|status| Answered {
                status,
                headers: text_of(&delivery.answer_headers()),
                body: Body::of(&delivery.answer_body()),
            }),
            verdict: delivery.verdict().map(|verdict| match verdict {
                Verdict::Success => "delivered",
                Verdict::Accepted => "accepted",
                Verdict::Failure { .. } | Verdict::Rejected => "failed",
            }),
            error: delivery.error().map(str::to_owned),
            faults: delivery.faults().to_vec(),
            started_at: rfc3339(delivery.started_at()),
            finished_at: delivery.finished_at().map(rfc3339),
            took_seconds: delivery.took().map(|it| it.as_secs_f64()),
        }
    }
}
