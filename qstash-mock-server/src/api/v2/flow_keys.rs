//! Flow-control keys and the account's parallelism (v2.md section 2.10).

use std::sync::Arc;
use std::time::Duration;

use super::Answer;
use super::call::{Call, unexpected};
use super::error::Refusal;
use super::flow::MAX_PERIOD;
use super::query::Query;
use super::route;
use super::wire;
use crate::engine::{FlowAction, MetricsAction, Reply};

/// How many keys one command to the engine asks for.
const PAGE: usize = 1000;

pub(super) async fn list(call: Call) -> Answer {
    let query = Query::parse(call.query(), &["search"])?;
    let search = query.one("search")?.map(str::to_owned);
    let page = |after| FlowAction::List {
        search: search.clone(),
        after,
        limit: PAGE,
    };
    let read = |reply| match reply {
        Reply::FlowKeys { keys, next } => Some((keys, next)),
        _ => None,
    };
    Ok(wire::flow_keys(&call.all(page, read).await?))
}

pub(super) async fn get(call: Call, key: String) -> Answer {
    let action = FlowAction::Get(key.into());
    match call.ask(action).await? {
        Reply::FlowKeys { keys, .. } => match &keys[..] {
            [key] => Ok(wire::flow_key(key)),
            _ => Err(unexpected()),
        },
        _ => Err(unexpected()),
    }
}

pub(super) async fn change(call: Call, key: String, action: route::FlowAction) -> Answer {
    let key: Arc<str> = super::settings::flow_key(&key)
        .map_err(|error| Refusal::of("flow control key", error))?
        .into();
    let action = match action {
        route::FlowAction::Pause => FlowAction::SetPaused(key, true),
        route::FlowAction::Resume => FlowAction::SetPaused(key, false),
        route::FlowAction::ResetRate => FlowAction::ResetRate(key),
        route::FlowAction::Pin => pin(&call, key)?,
        route::FlowAction::Unpin => {
            let query = Query::parse(call.query(), &["parallelism", "rate"])?;
            FlowAction::Unpin {
                key,
                parallelism: query.flag("parallelism")?,
                rate: query.flag("rate")?,
            }
        }
    };
    call.done(action).await
}

fn pin(call: &Call, key: Arc<str>) -> Result<FlowAction, Refusal> {
    let query = Query::parse(call.query(), &["parallelism", "rate", "period"])?;
    let limit = |name| {
        let number = query.number(name, 1..=u64::from(u32::MAX))?;
        Ok::<_, Refusal>(number.and_then(|number| u32::try_from(number).ok()))
    };
    let period = query.number("period", 1..=MAX_PERIOD.as_secs());
    let period = period.map_err(|error| match query.one("period") {
        Ok(Some(_)) => Refusal::of("period", "must be a whole number of seconds, from 1s to 7d"),
        _ => error,
    })?;
    if query.is_empty() {
        return Err(Refusal::invalid(
            "`parallelism`, `rate` or `period` must be given",
        ));
    }
    Ok(FlowAction::Pin {
        key,
        parallelism: limit("parallelism")?,
        rate: limit("rate")?,
        period: period.map(Duration::from_secs),
    })
}

pub(super) async fn global(call: Call) -> Answer {
    match call.ask(MetricsAction::Parallelism).await? {
        Reply::GlobalParallelism { max, count } => Ok(wire::global_parallelism(max, count)),
        _ => Err(unexpected()),
    }
}
