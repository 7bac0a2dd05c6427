//! Test control: faults.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use serde::{Deserialize, Serialize};

use super::super::ApiState;
use super::super::error::ApiError;
use super::access::Admin;
use super::read::{self, Seconds};
use super::{Answer, answer, text_of};
use crate::instruments::ListedFault;
use crate::testing::{Fault, FaultHandle, FaultId, InvalidFault};

/// A fault as a request describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: Kind,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    seconds: Option<Seconds>,
    account: Option<String>,
    queue: Option<String>,
    url: Option<String>,
    path: Option<String>,
    probability: Option<f64>,
    script: Option<Vec<bool>>,
    times: Option<u64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    ApiStatus,
    ApiDelay,
    ApiResetBefore,
    ApiResetAfter,
    Delay,
    Reorder,
    Duplicate,
    LoseAnswer,
    ResetMidBody,
    Slow,
    BadSignature,
    ExpiredSignature,
    SignerAhead,
    SignerBehind,
    RotateKey,
}

impl Wanted {
    fn fault(&self) -> Result<Fault, ApiError> {
        let seconds = || {
            let missing = || ApiError::invalid_field("seconds", "is missing for this kind");
            self.seconds
                .map_or_else(|| Err(missing()), |Seconds(it)| Ok::<Duration, _>(it))
        };
        let mut fault = match self.kind {
            Kind::ApiStatus => {
                let missing = || ApiError::invalid_field("status", "is missing for this kind");
                Fault::api_status(self.status.ok_or_else(missing)?)
            }
            Kind::ApiDelay => Fault::api_delay(seconds()?),
            Kind::ApiResetBefore => Fault::api_reset_before(),
            Kind::ApiResetAfter => Fault::api_reset_after(),
            Kind::Delay => Fault::delay(seconds()?),
            Kind::Reorder => Fault::reorder(),
            Kind::Duplicate => Fault::duplicate(),
            Kind::LoseAnswer => Fault::lose_answer(),
            Kind::ResetMidBody => Fault::reset_mid_body(),
            Kind::Slow => Fault::slow(seconds()?),
            Kind::BadSignature => Fault::bad_signature(),
            Kind::ExpiredSignature => Fault::expired_signature(),
            Kind::SignerAhead => Fault::signer_ahead(seconds()?),
            Kind::SignerBehind => Fault::signer_behind(seconds()?),
            Kind::RotateKey => Fault::rotate_key(),
        };
        for (name, value) in &self.headers {
            fault = fault.header(name, value);
        }
        fault = set(fault, self.account.clone(), Fault::account);
        fault = set(fault, self.queue.clone(), Fault::queue);
        fault = set(fault, self.url.clone(), Fault::url);
        fault = set(fault, self.path.clone(), Fault::path);
        fault = set(fault, self.probability, Fault::probability);
        fault = set(fault, self.script.clone(), Fault::script);
        Ok(set(fault, self.times, Fault::times))
    }
}

fn set<T>(fault: Fault, value: Option<T>, set: impl FnOnce(Fault, T) -> Fault) -> Fault {
    match value {
        Some(value) => set(fault, value),
        None => fault,
    }
}

pub(super) async fn inject(State(api): State<ApiState>, _: Admin, request: Request) -> Answer {
    let wanted: Wanted = read::body(&api, request).await?;
    let refused = |error: InvalidFault| ApiError::invalid_field(error.field, error.problem());
    let handle =
        FaultHandle::inject(api.driver().instruments(), wanted.fault()?).map_err(refused)?;
    #[derive(Serialize)]
    struct Injected {
        id: u64,
    }
    answer(&Injected { id: handle.id().0 })
}

/// A fault in force, with its settings as they were given.
#[derive(Serialize)]
struct Listed {
    id: u64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<Vec<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    hits: u64,
}

impl Listed {
    fn of(listed: ListedFault) -> Self {
        let ListedFault { id, rule, hits } = listed;
        Self {
            id: id.0,
            kind: rule.kind.name(),
            status: rule.kind.answer().map(|(status, _)| status.as_u16()),
            headers: rule
                .kind
                .answer()
                .map_or_else(BTreeMap::new, |it| text_of(it.1)),
            seconds: rule.kind.duration().map(|it| it.as_secs_f64()),
            account: rule.scope.account,
            queue: rule.scope.queue,
            url: rule.scope.url,
            path: rule.scope.path,
            probability: rule.when.probability,
            script: rule.when.script,
            times: rule.when.times,
            hits,
        }
    }
}

pub(super) async fn list(State(api): State<ApiState>, _: Admin) -> Answer {
    #[derive(Serialize)]
    struct List {
        faults: Vec<Listed>,
        /// The seed of the server; absent if it has no number for one.
        #[serde(skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    }
    let instruments = api.driver().instruments();
    let faults = instruments
        .faults
        .list()
        .into_iter()
        .map(Listed::of)
        .collect();
    let seed = instruments.faults.seed();
    answer(&List { faults, seed })
}

#[derive(Serialize)]
struct Removed {
    removed: usize,
}

pub(super) async fn clear(State(api): State<ApiState>, _: Admin) -> Answer {
    let removed = api.driver().instruments().faults.clear();
    answer(&Removed { removed })
}

pub(super) async fn remove(
    State(api): State<ApiState>,
    _: Admin,
    Path(id): Path<String>,
) -> Answer {
    let id = id.parse().map_err(|_| ApiError::no_such_route())?;
    if api.driver().instruments().faults.remove(FaultId(id)) {
        answer(&Removed { removed: 1 })
    } else {
        Err(ApiError::no_such_route())
    }
}
