//! Everything that reads a v2 request, without a server, for fuzzing.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::value::RawValue;

use super::destination::Destination;
use super::error::Refusal;
use super::lines::Lines;
use super::query::{self, Filter, Query};
use super::route::{self, Route};
use super::settings::{RequestKind, Settings};
use super::workflow;

/// Reads `data` as a request: the first line is a path with its query, the others are headers. A refusal must be a
/// client error, and accepted settings must be valid for the engine.
pub(crate) fn fuzz_request(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let Ok(target) = std::str::from_utf8(lines.next().unwrap_or_default()) else {
        return;
    };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE] {
        let found = checked(route::find(&method, path));
        if let Some(Route::Publish(destination) | Route::CreateSchedule(destination)) = found
            && let Some(Destination::Url(url)) = checked(Destination::parse(destination, query))
        {
            // Only the service's own parameters may be removed.
            assert!(url.starts_with(destination), "{url} of {destination}");
        }
    }
    checked(Destination::parse_whole(target));
    for read in [query::of_cancel, query::of_dead_letters, query::of_logs] {
        checked(read(query).and_then(|query| filters(&query)));
    }
    headers(lines, query);
    if let Ok(json) = serde_json::from_slice::<&RawValue>(data) {
        checked(Lines::of_json(json).map_err(Refusal::from));
        checked(workflow::refuse_batch(json));
        checked(workflow::refuse_headers_in(json));
    }
}

fn filters(query: &Query) -> Result<(), Refusal> {
    Filter::read(query)?.into_engine();
    query.cursor()?;
    query.count(100)?;
    query.earliest_first()?;
    Ok(())
}

fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>, query: Option<&str>) {
    let mut map = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
    let Some(lines) = checked(Lines::of_request(&map)) else {
        return;
    };
    let Some(of_query) = checked(Lines::of_query(query.unwrap_or_default())) else {
        return;
    };
    let all = lines.clone().or(&of_query);
    for kind in [
        RequestKind::Message,
        RequestKind::Schedule,
        RequestKind::Retry,
        RequestKind::Group,
    ] {
        if let Some(mut settings) = checked(Settings::read(&all, kind)) {
            let group = Destination::UrlGroup("group".to_owned());
            settings.take_incoming(&group, &lines, "token");
            let given = settings.given;
            checked(given.clone().or(&given).complete().map_err(Refusal::from));
        }
    }
}

/// The value that was read. A refusal must be a client error with a sentence.
fn checked<T>(result: Result<T, Refusal>) -> Option<T> {
    match result {
        Ok(read) => Some(read),
        Err(refusal) => {
            let (status, sentence) = refusal.parts();
            assert!(
                (400..500).contains(&status) || status == 501,
                "{status} {sentence}"
            );
            assert!(!sentence.is_empty());
            None
        }
    }
}
