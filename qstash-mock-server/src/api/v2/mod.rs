//! The v2 dialect: Upstash's HTTP API (contract: v2.md; where it is silent, `docs/wire-v2.md`).
//!
//! [`serve`] answers every request below `/v2`. `route.rs` finds the operation in the raw path, because a path
//! contains the destination's URL unchanged. `settings.rs` reads the headers, which have all settings of a message.
//! Each operation decodes its request, calls the engine and encodes the reply (`wire.rs`).

mod call;
mod callback;
mod dead_letters;
mod destination;
mod duration;
mod error;
mod fixture;
mod flow;
mod flow_keys;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod keys;
mod lines;
mod logs;
mod messages;
mod notices;
mod publish;
mod query;
mod queues;
mod redact;
mod route;
mod schedules;
mod settings;
mod url_groups;
mod wire;
mod workflow;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};

use super::ApiState;
use call::Call;
pub(crate) use callback::write_callback;
use error::Refusal;
pub(super) use fixture::FixtureReader;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fuzz::fuzz_request;
use route::Route;
pub(super) use route::is_v2;

/// The result of an operation.
type Answer = Result<Response, Refusal>;

/// Answers a request for which [`is_v2`] holds.
pub(super) async fn serve(api: ApiState, request: Request) -> Response {
    match Call::new(api, request) {
        Ok((call, body)) => answer(call, body)
            .await
            .unwrap_or_else(Refusal::into_response),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(call: Call, body: Body) -> Answer {
    let path = call.path().to_owned();
    let route = route::find(call.method(), &path);
    if may_have_settings(&route) {
        workflow::refuse_request(call.headers(), call.query())?;
    }
    match route? {
        Route::Publish(destination) => publish::one(call, body, None, destination).await,
        Route::Enqueue(queue, destination) => {
            publish::one(call, body, Some(queue), destination).await
        }
        Route::Batch => publish::batch(call, body).await,
        Route::GetMessage(id) => messages::get(call, id).await,
        Route::CancelMessage(id) => messages::cancel(call, id).await,
        Route::CancelMessages => messages::cancel_many(call, body).await,
        Route::Logs => logs::list(call).await,
        Route::ListDeadLetters => dead_letters::list(call, body).await,
        Route::GetDeadLetter(id) => dead_letters::get(call, id).await,
        Route::DeleteDeadLetter(id) => dead_letters::delete(call, id).await,
        Route::DeleteDeadLetters => dead_letters::delete_many(call, body).await,
        Route::RetryDeadLetter(id) => dead_letters::retry(call, id).await,
        Route::RetryDeadLetters => dead_letters::retry_many(call, body).await,
        Route::ListQueues => queues::list(call).await,
        Route::PutQueue => queues::put(call, body).await,
        Route::GetQueue(name) => queues::get(call, name).await,
        Route::DeleteQueue(name) => queues::delete(call, name).await,
        Route::PauseQueue(name, paused) => queues::pause(call, name, paused).await,
        Route::ListSchedules => schedules::list(call).await,
        Route::CreateSchedule(destination) => schedules::create(call, body, destination).await,
        Route::GetSchedule(id) => schedules::get(call, id).await,
        Route::DeleteSchedule(id) => schedules::delete(call, id).await,
        Route::PauseSchedule(id, paused) => schedules::pause(call, id, paused).await,
        Route::ListUrlGroups => url_groups::list(call).await,
        Route::GetUrlGroup(name) => url_groups::get(call, name).await,
        Route::DeleteUrlGroup(name) => url_groups::delete(call, name).await,
        Route::PatchUrlGroup(name) => url_groups::patch(call, body, name).await,
        Route::AddEndpoints(name) => url_groups::add(call, body, name).await,
        Route::RemoveEndpoints(name) => url_groups::remove(call, body, name).await,
        Route::ListFlowControl => flow_keys::list(call).await,
        Route::GetFlowControl(key) => flow_keys::get(call, key).await,
        Route::ChangeFlowControl(key, action) => flow_keys::change(call, key, action).await,
        Route::GlobalParallelism => flow_keys::global(call).await,
        Route::GetKeys => keys::get(call).await,
        Route::RotateKeys => keys::rotate(call).await,
    }
}

/// Whether the headers of a request for `route` may be settings. A path that is malformed may be meant for such a route.
fn may_have_settings(route: &Result<Route<'_>, Refusal>) -> bool {
    match route {
        Ok(route) => matches!(
            route,
            Route::Publish(_)
                | Route::Enqueue(..)
                | Route::Batch
                | Route::CreateSchedule(_)
                | Route::RetryDeadLetter(_)
                | Route::RetryDeadLetters
        ),
        Err(refusal) => refusal.is_malformed(),
    }
}
