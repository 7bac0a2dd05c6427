//! Which operation a method and a raw path mean (v2.md sections 1.9 and 2.1).
//!
//! Upper and lower case of fixed words and a trailing slash do not matter, and names are percent-decoded once. The
//! part after `publish/`, `enqueue/{queue}/` and `schedules/` is a destination and stays raw.

use http::Method;

use super::error::Refusal;

/// One operation of v2. A `&str` is raw; a `String` is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Publish(&'a str),
    Enqueue(String, &'a str),
    Batch,
    GetMessage(String),
    CancelMessage(String),
    CancelMessages,
    Logs,
    ListDeadLetters,
    GetDeadLetter(String),
    DeleteDeadLetter(String),
    DeleteDeadLetters,
    RetryDeadLetter(String),
    RetryDeadLetters,
    ListQueues,
    PutQueue,
    GetQueue(String),
    DeleteQueue(String),
    /// Pauses a queue (true) or resumes it.
    PauseQueue(String, bool),
    ListSchedules,
    CreateSchedule(&'a str),
    GetSchedule(String),
    DeleteSchedule(String),
    /// Pauses a schedule (true) or resumes it.
    PauseSchedule(String, bool),
    ListUrlGroups,
    GetUrlGroup(String),
    DeleteUrlGroup(String),
    /// Sets the default headers.
    PatchUrlGroup(String),
    AddEndpoints(String),
    RemoveEndpoints(String),
    ListFlowControl,
    GetFlowControl(String),
    ChangeFlowControl(String, FlowAction),
    GlobalParallelism,
    GetKeys,
    RotateKeys,
}

/// An operation on a flow-control key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowAction {
    Pause,
    Resume,
    Pin,
    Unpin,
    ResetRate,
}

/// The result of routing: an operation, or the methods that the path takes instead.
type Found<'a> = Result<Route<'a>, Refusal>;

/// Whether `path` belongs to v2. The SDKs' chat calls paths below `/llm`, which are answered with a refusal.
pub(in crate::api) fn is_v2(path: &str) -> bool {
    let (dialect, _) = first(path.strip_prefix('/').unwrap_or(path));
    dialect.eq_ignore_ascii_case("v2") || is_llm(dialect)
}

fn is_llm(dialect: &str) -> bool {
    dialect.eq_ignore_ascii_case("llm")
}

/// The operation at `path`, which is raw and without the query.
pub(super) fn find<'a>(method: &Method, path: &'a str) -> Found<'a> {
    // The answer to HEAD is that of GET without the body.
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let (dialect, rest) = first(path.strip_prefix('/').unwrap_or(path));
    if is_llm(dialect) {
        return Err(Refusal::language_model(path));
    }
    let (collection, rest) = first(rest);
    match collection.to_ascii_lowercase().as_str() {
        "publish" => only(method, &Method::POST, "POST", || Ok(Route::Publish(rest))),
        "enqueue" => only(method, &Method::POST, "POST", || {
            let (queue, destination) = first(rest);
            Ok(Route::Enqueue(decoded(queue)?, destination))
        }),
        "batch" if words(rest).is_empty() => {
            only(method, &Method::POST, "POST", || Ok(Route::Batch))
        }
        "messages" => messages(method, rest),
        "events" | "logs" if words(rest).is_empty() => {
            only(method, &Method::GET, "GET, HEAD", || Ok(Route::Logs))
        }
        "dlq" => dead_letters(method, rest),
        "queues" => queues(method, rest),
        "schedules" => schedules(method, rest),
        "topics" => url_groups(method, rest),
        "flowcontrol" => flow_control(method, rest),
        "globalparallelism" if words(rest).is_empty() => {
            only(method, &Method::GET, "GET, HEAD", || {
                Ok(Route::GlobalParallelism)
            })
        }
        "keys" => keys(method, rest),
        "workflows" | "trigger" | "notify" | "waiters" | "wait" => Err(Refusal::workflow(path)),
        "batch"
            if words(rest)
                .first()
                .is_some_and(|it| it.eq_ignore_ascii_case("trigger")) =>
        {
            Err(Refusal::workflow(path))
        }
        _ => Err(Refusal::no_such_route()),
    }
}

fn messages<'a>(method: &Method, rest: &str) -> Found<'a> {
    match words(rest)[..] {
        [] => only(method, &Method::DELETE, "DELETE", || {
            Ok(Route::CancelMessages)
        }),
        [id] => match *method {
            Method::GET => Ok(Route::GetMessage(decoded(id)?)),
            Method::DELETE => Ok(Route::CancelMessage(decoded(id)?)),
            _ => Err(Refusal::method_not_allowed("GET, HEAD, DELETE")),
        },
        _ => Err(Refusal::no_such_route()),
    }
}

fn dead_letters<'a>(method: &Method, rest: &str) -> Found<'a> {
    match words(rest)[..] {
        [] => match *method {
            Method::GET => Ok(Route::ListDeadLetters),
            Method::DELETE => Ok(Route::DeleteDeadLetters),
            _ => Err(Refusal::method_not_allowed("GET, HEAD, DELETE")),
        },
        [retry] if retry.eq_ignore_ascii_case("retry") => {
            only(method, &Method::POST, "POST", || {
                Ok(Route::RetryDeadLetters)
            })
        }
        [id] => match *method {
            Method::GET => Ok(Route::GetDeadLetter(decoded(id)?)),
            Method::DELETE => Ok(Route::DeleteDeadLetter(decoded(id)?)),
            _ => Err(Refusal::method_not_allowed("GET, HEAD, DELETE")),
        },
        [retry, id] if retry.eq_ignore_ascii_case("retry") => {
            only(method, &Method::POST, "POST", || {
                Ok(Route::RetryDeadLetter(decoded(id)?))
            })
        }
        _ => Err(Refusal::no_such_route()),
    }
}

fn queues<'a>(method: &Method, rest: &str) -> Found<'a> {
    match words(rest)[..] {
        [] => match *method {
            Method::GET => Ok(Route::ListQueues),
            Method::POST => Ok(Route::PutQueue),
            _ => Err(Refusal::method_not_allowed("GET, HEAD, POST")),
        },
        [name] => match *method {
            Method::GET => Ok(Route::GetQueue(decoded(name)?)),
            Method::DELETE => Ok(Route::DeleteQueue(decoded(name)?)),
            _ => Err(Refusal::method_not_allowed("GET, HEAD, DELETE")),
        },
        [name, verb] => match pauses(verb) {
            Some(pauses) => only(method, &Method::POST, "POST", || {
                Ok(Route::PauseQueue(decoded(name)?, pauses))
            }),
            None => Err(Refusal::no_such_route()),
        },
        _ => Err(Refusal::no_such_route()),
    }
}

fn schedules<'a>(method: &Method, rest: &'a str) -> Found<'a> {
    // `POST schedules/{x}/pause` pauses only if {x} can be an id, because `https://h/pause` is a destination.
    if let [id, verb] = words(rest)[..]
        && let (Some(pauses), Ok(id)) = (pauses(verb), decoded(id))
        && crate::engine::QueueName::parse(&id).is_some()
    {
        return match *method {
            Method::POST | Method::PATCH => Ok(Route::PauseSchedule(id, pauses)),
            _ => Err(Refusal::method_not_allowed("PATCH, POST")),
        };
    }
    match *method {
        Method::POST => Ok(Route::CreateSchedule(rest)),
        _ => match words(rest)[..] {
            [] => only(method, &Method::GET, "GET, HEAD", || {
                Ok(Route::ListSchedules)
            }),
            [id] => match *method {
                Method::GET => Ok(Route::GetSchedule(decoded(id)?)),
                Method::DELETE => Ok(Route::DeleteSchedule(decoded(id)?)),
                _ => Err(Refusal::method_not_allowed("GET, HEAD, POST, DELETE")),
            },
            _ => Err(Refusal::no_such_route()),
        },
    }
}

fn url_groups<'a>(method: &Method, rest: &str) -> Found<'a> {
    match words(rest)[..] {
        [] => only(method, &Method::GET, "GET, HEAD", || {
            Ok(Route::ListUrlGroups)
        }),
        [name] => match *method {
            Method::GET => Ok(Route::GetUrlGroup(decoded(name)?)),
            Method::DELETE => Ok(Route::DeleteUrlGroup(decoded(name)?)),
            Method::PATCH => Ok(Route::PatchUrlGroup(decoded(name)?)),
            _ => Err(Refusal::method_not_allowed("GET, HEAD, PATCH, DELETE")),
        },
        [name, endpoints] if endpoints.eq_ignore_ascii_case("endpoints") => match *method {
            Method::POST => Ok(Route::AddEndpoints(decoded(name)?)),
            Method::DELETE => Ok(Route::RemoveEndpoints(decoded(name)?)),
            _ => Err(Refusal::method_not_allowed("POST, DELETE")),
        },
        _ => Err(Refusal::no_such_route()),
    }
}

/// Routes a flow-control key. A key may contain slashes, which SDKs do not encode; with POST the last word is the
/// action.
fn flow_control<'a>(method: &Method, rest: &str) -> Found<'a> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    match *method {
        Method::GET if rest.is_empty() => Ok(Route::ListFlowControl),
        Method::GET => Ok(Route::GetFlowControl(decoded(rest)?)),
        Method::POST => {
            let (key, action) = rest.rsplit_once('/').unwrap_or(("", rest));
            let action = match action.to_ascii_lowercase().as_str() {
                "pause" => FlowAction::Pause,
                "resume" => FlowAction::Resume,
                "pin" => FlowAction::Pin,
                "unpin" => FlowAction::Unpin,
                "resetrate" | "reset" => FlowAction::ResetRate,
                _ => return Err(Refusal::no_such_route()),
            };
            match decoded(key)? {
                key if key.is_empty() => Err(Refusal::no_such_route()),
                key => Ok(Route::ChangeFlowControl(key, action)),
            }
        }
        _ => Err(Refusal::method_not_allowed("GET, HEAD, POST")),
    }
}

fn keys<'a>(method: &Method, rest: &str) -> Found<'a> {
    match words(rest)[..] {
        [] => only(method, &Method::GET, "GET, HEAD", || Ok(Route::GetKeys)),
        [verb] if verb.eq_ignore_ascii_case("rotate") => {
            only(method, &Method::POST, "POST", || Ok(Route::RotateKeys))
        }
        _ => Err(Refusal::no_such_route()),
    }
}

/// The parts of `path` before and after its first slash.
fn first(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

/// The segments of `rest`, without one slash at its end. Two slashes are an empty name, never the collection, so that
/// an operation that was meant for one entry does not apply to all.
fn words(rest: &str) -> Vec<&str> {
    if rest.is_empty() {
        return Vec::new();
    }
    rest.strip_suffix('/').unwrap_or(rest).split('/').collect()
}

fn decoded(segment: &str) -> Result<String, Refusal> {
    crate::percent::segment(segment)
        .ok_or_else(|| Refusal::of(segment, "must be UTF-8, percent-encoded"))
}

fn pauses(verb: &str) -> Option<bool> {
    if verb.eq_ignore_ascii_case("pause") {
        Some(true)
    } else {
        verb.eq_ignore_ascii_case("resume").then_some(false)
    }
}

fn only<'a>(
    given: &Method,
    taken: &Method,
    allowed: &'static str,
    route: impl FnOnce() -> Found<'a>,
) -> Found<'a> {
    if given == taken {
        route()
    } else {
        Err(Refusal::method_not_allowed(allowed))
    }
}

#[cfg(test)]
mod tests;
