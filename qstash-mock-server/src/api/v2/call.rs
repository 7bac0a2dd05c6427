//! One routed request: its caller, its content, and the way to the engine.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use http::request::Parts;

use super::super::body::Body as Bytes;
use super::super::decode::{Object, array, text};
use super::super::error::ApiError;
use super::super::limits::{Expected, FILTER_VALUES};
use super::super::{ApiState, Peer};
use super::error::Refusal;
use super::lines::Lines;
use super::query::Query;
use super::{Answer, wire};
use crate::engine::{Action, Caller, Command, Permission, Reply};

pub(super) struct Call {
    api: ApiState,
    caller: Arc<Caller>,
    /// The caller's token, which must not be forwarded.
    token: String,
    head: Parts,
}

impl Call {
    /// Checks the token before anything else is read.
    pub(super) fn new(api: ApiState, request: Request) -> Result<(Self, Body), Refusal> {
        let (head, body) = request.into_parts();
        let (caller, token) = api.authenticator().v2_caller(&head)?;
        let call = Self {
            api,
            caller,
            token,
            head,
        };
        Ok((call, body))
    }

    /// The raw path.
    pub(super) fn path(&self) -> &str {
        self.head.uri.path()
    }

    pub(super) fn method(&self) -> &http::Method {
        &self.head.method
    }

    /// The raw query.
    pub(super) fn query(&self) -> Option<&str> {
        self.head.uri.query()
    }

    pub(super) fn headers(&self) -> &http::HeaderMap {
        &self.head.headers
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// The address that the request came from.
    pub(super) fn caller_ip(&self) -> Option<Arc<str>> {
        let peer = self.head.extensions.get::<Peer>()?;
        Some(peer.0.ip().to_string().into())
    }

    /// The settings of the request, from its headers and its query. A header has precedence.
    pub(super) fn lines(&self) -> Result<Lines, Refusal> {
        let query = Lines::of_query(self.query().unwrap_or_default())?;
        Ok(Lines::of_request(&self.head.headers)?.or(&query))
    }

    /// Refuses a token that is limited to some queues, for an operation about the whole account (v1.md section 1).
    pub(super) fn check_account(&self, permission: Permission) -> Result<(), Refusal> {
        Ok(self.caller.check_account(permission)?)
    }

    pub(super) async fn ask(&self, action: impl Into<Action>) -> Result<Reply, Refusal> {
        let command = Command {
            caller: Arc::clone(&self.caller),
            action: action.into(),
        };
        self.api.driver().call(command).await.map_err(Refusal::from)
    }

    /// All entries of a list, in pages, so that other callers come in between. `page` makes the action that asks for the
    /// page after a place; `read` takes the entries, and the place of the next page, from the reply.
    pub(super) async fn all<T, P, A: Into<Action>>(
        &self,
        page: impl Fn(Option<P>) -> A,
        read: impl Fn(Reply) -> Option<(Vec<T>, Option<P>)>,
    ) -> Result<Vec<T>, Refusal> {
        let (mut all, mut after) = (vec![], None);
        loop {
            let reply = self.ask(page(after)).await?;
            let (entries, next) = read(reply).ok_or_else(unexpected)?;
            all.extend(entries);
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Carries out an action that has no result.
    pub(super) async fn done(&self, action: impl Into<Action>) -> Answer {
        match self.ask(action).await? {
            Reply::Done => Ok(wire::empty()),
            _ => Err(unexpected()),
        }
    }

    /// The bytes of a body of any content type, because SDKs do not always declare their JSON.
    pub(super) async fn body(&self, body: Body, expected: Expected) -> Result<Bytes<'_>, Refusal> {
        let bodies = self.api.bodies();
        Ok(bodies.read_any(&self.head.headers, body, expected).await?)
    }

    /// The ids that the field `name` of the body gives, or else the parameter `name`; `None` if both are absent. The
    /// body is JSON with this field alone, or empty.
    pub(super) async fn ids(
        &self,
        body: Body,
        query: &Query,
        name: &str,
    ) -> Result<Option<Vec<String>>, Refusal> {
        let in_body = self.ids_in(body, name).await?;
        let in_query = query.all(name)?;
        Ok(in_body.or_else(|| (!in_query.is_empty()).then_some(in_query)))
    }

    async fn ids_in(&self, body: Body, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let body = self.body(body, Expected::V2Json).await?;
        if body.trim_ascii().is_empty() {
            return Ok(None);
        }
        let object = Object::of_body(&body, &[name])?;
        let ids = object.optional(name, |value| {
            array(value, FILTER_VALUES)?.into_iter().map(text).collect()
        })?;
        Ok(ids)
    }
}

/// The refusal for a reply of the engine that does not belong to the command. No input leads here.
pub(super) fn unexpected() -> Refusal {
    ApiError::unexpected_reply().into()
}
