//! The HTTP face: decode a request to a command, call the driver, encode the reply.
//!
//! No rule of queueing lives here. [`router`] below is the one page that lists every route; the
//! contract is `protocol/v1.md`, and where it is silent, `docs/wire-v1.md`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::driver::{CallError, Driver};
use crate::engine::{Action, Caller, Command, Reply, Secret};

mod admin;
mod auth;
mod body;
mod decode;
mod error;
mod fixture;
mod front;
mod json;
mod limits;
mod token;
mod v1;
mod v2;

pub(crate) use auth::{Authenticator, development_keys};
use body::{Bodies, Body};
use error::ApiError;
pub(crate) use fixture::Decoded as DecodedFixture;
pub(crate) use front::Front;
use limits::Expected;
pub(crate) use limits::Limits;
pub(crate) use token::issue_token;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use v2::fuzz_request;
pub(crate) use v2::write_callback;

/// Every route of the server.
fn router(state: ApiState) -> Router {
    let mut router = Router::new()
        .route("/health", get(health))
        .route("/v1/publish", post(v1::publish::one))
        .route("/v1/publish/batch", post(v1::publish::batch))
        .route("/v1/queues", get(v1::queues::list).post(v1::queues::put))
        .route(
            "/v1/queues/{queue}",
            get(v1::queues::get).delete(v1::queues::delete),
        )
        .route("/v1/queues/{queue}/pause", post(v1::queues::pause))
        .route("/v1/queues/{queue}/resume", post(v1::queues::resume))
        .route("/v1/queues/{queue}/purge", post(v1::queues::purge))
        .route("/v1/queues/{queue}/redrive", post(v1::queues::redrive))
        .route("/v1/queues/{queue}/receive", post(v1::receive::receive))
        .route("/v1/queues/{queue}/messages", get(v1::messages::list))
        .route(
            "/v1/messages/{id}",
            get(v1::messages::get).delete(v1::messages::cancel),
        )
        .route("/v1/messages/{id}/extend", post(v1::receive::extend))
        .route("/v1/messages/{id}/ack", post(v1::receive::acknowledge))
        .route("/v1/messages/{id}/release", post(v1::receive::release))
        .route("/v1/metrics", get(v1::metrics::of_account))
        .route("/v1/signing-secret", get(v1::signing_secret::get))
        .route(
            "/v1/signing-secret/rotate",
            post(v1::signing_secret::rotate),
        );
    if state.0.prometheus {
        router = router.route("/metrics", get(v1::metrics::all));
    }
    if state.0.control.on {
        router = router.merge(admin::router());
    }
    router
        .fallback(elsewhere)
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(state)
}

/// What is served where the figures have an address of their own.
fn figures(state: ApiState) -> Router {
    Router::new()
        .route("/metrics", get(v1::metrics::all))
        .fallback(async || ApiError::no_such_route())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(state)
}

/// What a fixture does to a server; or what is wrong with it.
pub(crate) fn decode_fixture(text: &str) -> Result<DecodedFixture, String> {
    fixture::decode(text).map_err(|error| error.sentence())
}

/// What every handler needs.
#[derive(Clone)]
pub(crate) struct ApiState(Arc<Shared>);

struct Shared {
    driver: Driver,
    authenticator: Authenticator,
    limits: Limits,
    bodies: Bodies,
    prometheus: bool,
    control: Control,
}

/// Whether and for whom there is test control.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) on: bool,
    pub(crate) token: Option<Secret>,
    /// A token secret is configured.
    pub(crate) secured: bool,
    /// The clock skips idle time.
    pub(crate) auto: bool,
    shelf: admin::Shelf,
}

impl Control {
    pub(crate) fn new(on: bool, token: Option<Secret>, secured: bool, auto: bool) -> Self {
        Self {
            on,
            token,
            secured,
            auto,
            shelf: admin::Shelf::default(),
        }
    }
}

impl ApiState {
    /// `prometheus`: whether `GET /metrics` is served beside the API, without a token.
    pub(crate) fn new(
        driver: Driver,
        authenticator: Authenticator,
        limits: Limits,
        prometheus: bool,
        control: Control,
    ) -> Self {
        Self(Arc::new(Shared {
            driver,
            authenticator,
            limits,
            bodies: Bodies::new(limits),
            prometheus,
            control,
        }))
    }

    fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    fn driver(&self) -> &Driver {
        &self.0.driver
    }

    fn control(&self) -> &Control {
        &self.0.control
    }

    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The body of a request; see [`Bodies::read`].
    async fn body(&self, request: Request, expected: Expected) -> Result<Body<'_>, ApiError> {
        self.0.bodies.read(request, expected).await
    }

    fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }

    async fn call(&self, caller: Arc<Caller>, action: Action) -> Result<Reply, ApiError> {
        let command = Command { caller, action };
        Ok(self.0.driver.call(command).await?)
    }
}

/// All of v2: its paths hold whole URLs, in which no router of fixed segments would find its way.
async fn elsewhere(State(api): State<ApiState>, request: Request) -> Response {
    if v2::is_v2(request.uri().path()) {
        return v2::serve(api, request).await;
    }
    ApiError::no_such_route().into_response()
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

async fn health(State(api): State<ApiState>) -> Result<Response, ApiError> {
    if api.driver().is_stopped() {
        return Err(CallError::Stopped.into());
    }
    Ok(json::Json::object(|json| json.key("status").text("ok")).into_ok())
}
