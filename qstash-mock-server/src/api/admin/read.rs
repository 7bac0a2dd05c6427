//! Test control: reading requests.

use std::time::Duration;

use axum::extract::Request;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::super::ApiState;
use super::super::error::ApiError;
use super::super::limits::Expected;
use crate::engine::Timestamp;

/// The body of `request`; an absent body is `{}`.
pub(super) async fn body<T: DeserializeOwned>(
    api: &ApiState,
    request: Request,
) -> Result<T, ApiError> {
    let body = api.body(request, Expected::Optional).await?;
    let mut json = serde_json::Deserializer::from_slice(&body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        explained(&path, error.inner())
    })?;
    json.end()
        .map_err(|error| ApiError::invalid_json(format!("the body is not JSON: {error}")))?;
    Ok(read)
}

/// Reads the body of a `request` that takes no fields.
pub(super) async fn nothing(api: &ApiState, request: Request) -> Result<(), ApiError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    let Nothing {} = body(api, request).await?;
    Ok(())
}

/// The refusal of a body that does not have the expected form; it names the field.
fn explained(path: &str, error: &serde_json::Error) -> ApiError {
    if !error.is_data() {
        return ApiError::invalid_json(format!("the body is not JSON: {error}"));
    }
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let quoted = |text: &str| Some(text.split('`').nth(1)?.to_owned());
    if text.starts_with("unknown field") {
        return ApiError::unknown_field(&quoted(text).unwrap_or_default());
    }
    if text.starts_with("missing field") {
        return ApiError::invalid_field(&quoted(text).unwrap_or_default(), "is missing");
    }
    match path {
        "." | "?" => ApiError::invalid_json(format!("the body is not what this takes: {text}")),
        path => ApiError::invalid_field(path, format!("is not what it must be: {text}")),
    }
}

/// Seconds, from 0 to 100 years.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(pub(super) Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MOST: f64 = 100.0 * 366.0 * 86_400.0;
        let seconds = f64::deserialize(deserializer)?;
        if (0.0..=MOST).contains(&seconds) {
            Ok(Self(Duration::from_secs_f64(seconds)))
        } else {
            Err(serde::de::Error::custom(
                "it must be from 0 to 3162240000 seconds",
            ))
        }
    }
}

/// A time in RFC 3339.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::text::parse_rfc3339(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("it must be a time in RFC 3339"))
    }
}
