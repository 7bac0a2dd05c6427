//! URL groups, which paths call topics (v2.md section 2.9).

use std::sync::Arc;

use axum::body::Body;
use serde_json::value::RawValue;

use super::super::decode::{Object, array, text};
use super::super::error::ApiError;
use super::super::limits::{Expected, FILTER_VALUES, V2_NAME_BYTES};
use super::Answer;
use super::call::{Call, unexpected};
use super::destination;
use super::error::Refusal;
use super::lines::Lines;
use super::settings::{RequestKind, Settings};
use super::{wire, workflow};
use crate::engine::{Endpoint, EndpointRef, GroupName, PartialSettings, Reply, UrlGroupAction};

/// How many URL groups one command to the engine asks for.
const PAGE: usize = 50;

pub(super) async fn list(call: Call) -> Answer {
    let page = |after| UrlGroupAction::List { after, limit: PAGE };
    let read = |reply| match reply {
        Reply::UrlGroups { groups, next } => Some((groups, next)),
        _ => None,
    };
    Ok(wire::url_groups(&call.all(page, read).await?))
}

pub(super) async fn get(call: Call, name: String) -> Answer {
    let known = GroupName::parse(&name).ok_or_else(|| Refusal::not_found("topic", &name))?;
    match call.ask(UrlGroupAction::Get(known)).await? {
        Reply::UrlGroup(group) => Ok(wire::url_group(&group)),
        _ => Err(unexpected()),
    }
}

/// Deletes a URL group, which need not exist.
pub(super) async fn delete(call: Call, name: String) -> Answer {
    match GroupName::parse(&name) {
        Some(name) => call.done(UrlGroupAction::Delete(name)).await,
        None => Ok(wire::empty()),
    }
}

pub(super) async fn add(call: Call, body: Body, name: String) -> Answer {
    let name = group_name(&name)?;
    let body = call.body(body, Expected::V2Json).await?;
    let endpoints = Object::of_any_body(&body)?.required("endpoints", endpoints)?;
    call.done(UrlGroupAction::PutEndpoints(name, endpoints))
        .await
}

pub(super) async fn remove(call: Call, body: Body, name: String) -> Answer {
    let name = group_name(&name)?;
    let body = call.body(body, Expected::V2Json).await?;
    let endpoints = Object::of_any_body(&body)?.required("endpoints", references)?;
    call.done(UrlGroupAction::RemoveEndpoints(name, endpoints))
        .await
}

/// Sets the default headers of publishes to the group.
pub(super) async fn patch(call: Call, body: Body, name: String) -> Answer {
    let body = call.body(body, Expected::V2Json).await?;
    if let Ok(object) = serde_json::from_slice(&body) {
        workflow::refuse_headers_in(object)?;
    }
    let name = group_name(&name)?;
    let headers = Object::of_body(&body, &["headers"])?.required("headers", Lines::of_json)?;
    let action = UrlGroupAction::SetDefaults(name, defaults(&headers)?);
    call.done(action).await
}

/// The default settings of publishes to a group. Settings that no publish could use are refused here, instead of at
/// each publish.
pub(super) fn defaults(headers: &Lines) -> Result<Arc<PartialSettings>, Refusal> {
    let defaults = Settings::read(headers, RequestKind::Group)?.given;
    defaults.clone().complete()?;
    Ok(Arc::new(defaults))
}

fn group_name(name: &str) -> Result<GroupName, Refusal> {
    GroupName::parse(name).ok_or_else(|| {
        Refusal::of(
            name,
            "cannot name a URL group; use 1 to 256 letters, digits, `_`, `.` or `-`",
        )
    })
}

pub(super) fn endpoints(value: &RawValue) -> Result<Vec<Endpoint>, ApiError> {
    each(value, endpoint)
}

fn references(value: &RawValue) -> Result<Vec<EndpointRef>, ApiError> {
    each(value, reference)
}

fn each<T>(
    value: &RawValue,
    read: impl Fn(&RawValue) -> Result<T, ApiError>,
) -> Result<Vec<T>, ApiError> {
    let items = array(value, FILTER_VALUES)?.into_iter().enumerate();
    items
        .map(|(index, item)| read(item).map_err(|error| error.under(&format!("[{index}]"))))
        .collect()
}

fn endpoint(item: &RawValue) -> Result<Endpoint, ApiError> {
    let object = Object::of_any_fields(item)?;
    let name = endpoint_name(&object)?;
    let url = object.required("url", |value| {
        let url = text(value)?;
        destination::url(&url).map_err(ApiError::invalid_value)?;
        Ok(url)
    })?;
    Ok(Endpoint {
        url: url.into(),
        name,
    })
}

fn reference(item: &RawValue) -> Result<EndpointRef, ApiError> {
    let object = Object::of_any_fields(item)?;
    let name = endpoint_name(&object)?;
    let url = object.nullable("url", text)?.filter(|url| !url.is_empty());
    if name.is_none() && url.is_none() {
        return Err(ApiError::invalid_value("must have a `url` or a `name`"));
    }
    Ok(EndpointRef {
        url: url.map(Into::into),
        name,
    })
}

/// Reads a name, which may contain blanks; an empty one means none.
fn endpoint_name(object: &Object<'_>) -> Result<Option<Arc<str>>, ApiError> {
    let name = object
        .nullable("name", text)?
        .filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.len() > V2_NAME_BYTES) {
        let error = format!("must be at most {V2_NAME_BYTES} bytes long");
        return Err(ApiError::invalid_field("name", error));
    }
    Ok(name.map(Into::into))
}
