//! The fault gate: it passes a request on to the router, and carries out the faults that strike it.

use std::borrow::Cow;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use tower::Service;

use super::error::Reason;
use super::json::Json;
use super::limits::Expected;
use super::{ApiState, router};
use crate::connection::Reset;
use crate::engine::AccountName;
use crate::instruments::{ApiCall, ApiFault};

/// The router, behind the faults.
pub(crate) struct FaultGate {
    router: Router,
    api: ApiState,
}

impl FaultGate {
    pub(crate) fn new(api: ApiState) -> Self {
        Self {
            router: router::router(api.clone()),
            api,
        }
    }

    /// A gate that serves the metrics alone.
    pub(crate) fn of_metrics(api: ApiState) -> Self {
        Self {
            router: router::metrics(api.clone()),
            api,
        }
    }

    /// Answers a request, or returns that its connection is to be reset. A refusal is noted for reports.
    pub(super) async fn answer(&self, request: Request) -> Result<Response, Reset> {
        // Cheap to clone.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let answer = self.answer_unseen(request).await;
        if let Ok(response) = &answer
            && response.status().as_u16() >= 400
            && is_told(uri.path())
        {
            let reason = response.extensions().get::<Reason>();
            let reason = reason.map_or("", |it| &*it.0);
            let (now, status) = (self.api.driver().now(), response.status().as_u16());
            let refusals = &self.api.driver().instruments().refusals;
            refusals.note(now, (method.as_str(), uri.path()), status, reason);
        }
        answer
    }

    async fn answer_unseen(&self, request: Request) -> Result<Response, Reset> {
        if self.api.driver().instruments().faults.any_api() && is_faulty_path(request.uri().path())
        {
            // Boxed, so that the future of a request without faults is small.
            return Box::pin(self.answer_badly(request)).await;
        }
        self.hand_over(request).await
    }

    async fn hand_over(&self, request: Request) -> Result<Response, Reset> {
        Ok(self.router.clone().call(request).await?)
    }

    async fn answer_badly(&self, request: Request) -> Result<Response, Reset> {
        let (request, queue) = match self.queue_of(request).await {
            Ok(found) => found,
            Err(refused) => return Ok(refused),
        };
        let account = self.api.authenticator().account(request.headers());
        let met = self.api.driver().instruments().faults.call(&ApiCall {
            path: request.uri().path(),
            account: account.as_ref().map(AccountName::as_str),
            queue: queue.as_deref(),
        });
        let ApiFault {
            delay,
            status,
            reset_before,
            reset_after,
        } = met;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if reset_before {
            return Err(Reset);
        }
        if let Some((status, headers)) = status {
            return Ok(refusal(status, headers));
        }
        let response = self.hand_over(request).await?;
        if reset_after {
            Err(Reset)
        } else {
            Ok(response)
        }
    }

    /// The queue that a request is about, if a fault is limited to a queue.
    async fn queue_of(&self, request: Request) -> Result<(Request, Option<String>), Response> {
        if !self.api.driver().instruments().faults.any_api_queue() {
            return Ok((request, None));
        }
        if request.uri().path() != "/v1/publish" {
            let queue = queue_in(request.uri().path());
            return Ok((request, queue));
        }
        let (parts, body) = request.into_parts();
        let copy = Request::from_parts(parts.clone(), body);
        let body = self.api.body(copy, Expected::Publish).await;
        let body = body.map_err(IntoResponse::into_response)?;
        let published: Option<Published<'_>> = serde_json::from_slice(&body).ok();
        let queue = published.and_then(|it| it.queue).map(Cow::into_owned);
        Ok((Request::from_parts(parts, Body::from(body.clone())), queue))
    }
}

#[derive(Deserialize)]
struct Published<'a> {
    #[serde(borrow)]
    queue: Option<Cow<'a, str>>,
}

/// Whether faults may strike a request: those of the dialects, never health, metrics and test control.
fn is_faulty_path(path: &str) -> bool {
    path.starts_with("/v1/") || path.starts_with("/v2/")
}

/// Whether reports tell refused calls of this path: also of a misspelled one, but not of test control.
fn is_told(path: &str) -> bool {
    path != "/_admin" && !path.starts_with("/_admin/")
}

/// The queue that a path names, if it names one.
fn queue_in(path: &str) -> Option<String> {
    let mut segments = path.split('/').skip(2);
    let named = segments
        .next()
        .is_some_and(|it| matches!(it, "queues" | "enqueue"));
    let name = segments.next().filter(|_| named)?;
    Some(name.to_owned())
}

fn refusal(status: StatusCode, headers: HeaderMap) -> Response {
    let code = match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limited",
        StatusCode::SERVICE_UNAVAILABLE => "overloaded",
        _ => "fault",
    };
    let sentence = "an injected fault answers instead of the server";
    let mut response = Json::object(|json| {
        json.key("error").text(sentence);
        json.key("code").text(code);
    })
    .into_response(status);
    response.extensions_mut().insert(Reason(sentence.into()));
    if code != "fault" && !headers.contains_key(RETRY_AFTER) {
        let one = HeaderValue::from_static("1");
        response.headers_mut().insert(RETRY_AFTER, one);
    }
    response.headers_mut().extend(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_queue() {
        for (path, queue) in [
            ("/v1/queues/orders/receive", Some("orders")),
            ("/v2/enqueue/orders/https://a/queues/b", Some("orders")),
            ("/v1/queues", None),
            ("/v1/messages/queues/orders", None),
        ] {
            assert_eq!(queue_in(path).as_deref(), queue, "{path}");
        }
    }
}
