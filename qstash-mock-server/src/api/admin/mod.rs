//! Test control over HTTP: the functions of [`testing`](crate::testing), for tests in any language.
//!
//! [`routes`] lists every route. `openapi.json` beside this file documents them, and a test compares the two. `access`
//! decides who may call (v1.md section 1): callers with the admin token or, if none is set, callers on this computer.

mod access;
mod clock;
mod deliveries;
mod faults;
mod read;
mod shelf;
mod state;

use axum::Router;
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::ApiState;
use super::error::ApiError;
use crate::testing::Watch;
pub(super) use shelf::Shelf;

/// The result of a handler.
type Answer = Result<Response, ApiError>;

/// Every route, as `openapi.json` has it.
fn routes() -> Vec<(&'static str, MethodRouter<ApiState>)> {
    vec![
        ("/_admin/health", get(state::health)),
        ("/_admin/ready", get(state::ready)),
        ("/_admin/openapi.json", get(openapi)),
        ("/_admin/clock", get(clock::now)),
        ("/_admin/clock/advance", post(clock::advance)),
        ("/_admin/clock/next", post(clock::next)),
        ("/_admin/settle", post(clock::settle)),
        (
            "/_admin/deliveries",
            get(deliveries::list).delete(deliveries::clear),
        ),
        ("/_admin/deliveries/wait", post(deliveries::wait)),
        (
            "/_admin/faults",
            get(faults::list).post(faults::inject).delete(faults::clear),
        ),
        ("/_admin/faults/{id}", delete(faults::remove)),
        ("/_admin/fixture", post(state::fixture)),
        ("/_admin/reset", post(state::reset)),
        (
            "/_admin/snapshots",
            get(state::snapshots).post(state::take_snapshot),
        ),
        ("/_admin/snapshots/{id}", delete(state::drop_snapshot)),
        (
            "/_admin/snapshots/{id}/restore",
            post(state::restore_snapshot),
        ),
    ]
}

/// The router of test control.
pub(super) fn router() -> Router<ApiState> {
    let routes = routes().into_iter();
    routes.fold(Router::new(), |router, (path, handlers)| {
        router.route(path, handlers)
    })
}

async fn openapi(_: access::Admin) -> Response {
    let text = include_str!("openapi.json");
    super::json::Json::of_text(text).into_ok()
}

/// An answer whose body is `value` as JSON.
fn answer(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value).map_err(|_| ApiError::unexpected_reply())?;
    Ok(super::json::Json::of_text(&text).into_ok())
}

fn watch(api: &ApiState) -> Watch {
    Watch::new(api.driver().clone(), api.control().auto)
}

/// The names and values of headers as text; bytes that are not UTF-8 are replaced.
fn text_of<C: FromIterator<(String, String)>>(headers: &HeaderMap) -> C {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    };
    headers.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_openapi_file_names_every_route_and_no_other() {
        let file: serde_json::Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let mut documented: Vec<(String, Vec<String>)> = file["paths"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                let mut methods: Vec<_> =
                    methods.filter(|it| *it != "parameters").cloned().collect();
                methods.sort_unstable();
                (path.clone(), methods)
            })
            .collect();
        documented.sort();
        // A method router tells its methods only in its `Debug`; `Allow` is what it says over HTTP.
        let mut there: Vec<(String, Vec<String>)> = routes()
            .into_iter()
            .map(|(path, handlers)| {
                let text = format!("{handlers:?}");
                let has = |method: &&str| !text.contains(&format!("{method}: None"));
                let methods = ["delete", "get", "post", "put", "patch"];
                let methods = methods
                    .iter()
                    .filter(|it| has(it))
                    .map(|it| (*it).to_owned());
                (path.to_owned(), methods.collect())
            })
            .collect();
        there.sort();
        assert_eq!(documented, there);
    }
}
