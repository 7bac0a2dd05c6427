//! Every route of the server. The routes of `/_admin` are in `admin/mod.rs`, those of `/v2`, whose paths contain
//! whole URLs, in `v2/route.rs`.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::error::ApiError;
use super::json::Json;
use super::{ApiState, admin, v1, v2};
use crate::driver::CallError;

/// Every route of the server.
pub(super) fn router(state: ApiState) -> Router {
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
    if state.prometheus() {
        router = router.route("/metrics", get(v1::metrics::all));
    }
    if state.control().on {
        router = router.merge(admin::router());
    }
    router
        .fallback(elsewhere)
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(state)
}

/// The routes of a separate address for metrics.
pub(super) fn metrics(state: ApiState) -> Router {
    Router::new()
        .route("/metrics", get(v1::metrics::all))
        .fallback(async || ApiError::no_such_route())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(state)
}

/// Handles all of v2. Its paths contain whole URLs, which a router of fixed segments cannot match.
async fn elsewhere(State(api): State<ApiState>, request: Request) -> Response {
    if v2::is_v2(request.uri().path()) {
        return v2::serve(api, request).await;
    }
    ApiError::no_such_route().into_response()
}

async fn health(State(api): State<ApiState>) -> Result<Response, ApiError> {
    if api.driver().is_stopped() {
        return Err(CallError::Stopped.into());
    }
    Ok(Json::object(|json| json.key("status").text("ok")).into_ok())
}
