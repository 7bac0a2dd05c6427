use super::*;

fn route<'a>(method: &str, path: &'a str) -> Result<Route<'a>, u16> {
    assert!(is_v2(path), "{path}");
    find(&method.parse().unwrap(), path).map_err(|error| error.parts().0)
}

/// The routes of v2.md section 2.1. `x` stands for a name, `g` for a destination.
fn index() -> Vec<(&'static str, &'static str, Route<'static>)> {
    let x = || "x".to_owned();
    let flow = |action| Route::ChangeFlowControl(x(), action);
    let mut routes = messages_and_dead_letters(x);
    routes.extend([
        ("POST", "/v2/queues", Route::PutQueue),
        ("GET", "/v2/queues", Route::ListQueues),
        ("GET", "/v2/queues/x", Route::GetQueue(x())),
        ("DELETE", "/v2/queues/x", Route::DeleteQueue(x())),
        ("POST", "/v2/queues/x/pause", Route::PauseQueue(x(), true)),
        ("POST", "/v2/queues/x/resume", Route::PauseQueue(x(), false)),
        ("POST", "/v2/schedules/g", Route::CreateSchedule("g")),
        ("GET", "/v2/schedules", Route::ListSchedules),
        ("GET", "/v2/schedules/x", Route::GetSchedule(x())),
        ("DELETE", "/v2/schedules/x", Route::DeleteSchedule(x())),
        (
            "PATCH",
            "/v2/schedules/x/pause",
            Route::PauseSchedule(x(), true),
        ),
        (
            "POST",
            "/v2/schedules/x/resume",
            Route::PauseSchedule(x(), false),
        ),
        ("GET", "/v2/topics", Route::ListUrlGroups),
        ("GET", "/v2/topics/x", Route::GetUrlGroup(x())),
        ("DELETE", "/v2/topics/x", Route::DeleteUrlGroup(x())),
        ("PATCH", "/v2/topics/x", Route::PatchUrlGroup(x())),
        ("POST", "/v2/topics/x/endpoints", Route::AddEndpoints(x())),
        (
            "DELETE",
            "/v2/topics/x/endpoints",
            Route::RemoveEndpoints(x()),
        ),
        ("GET", "/v2/flowControl", Route::ListFlowControl),
        ("GET", "/v2/flowControl/x", Route::GetFlowControl(x())),
        ("POST", "/v2/flowControl/x/pause", flow(FlowAction::Pause)),
        ("POST", "/v2/flowControl/x/resume", flow(FlowAction::Resume)),
        ("POST", "/v2/flowControl/x/pin", flow(FlowAction::Pin)),
        ("POST", "/v2/flowControl/x/unpin", flow(FlowAction::Unpin)),
        (
            "POST",
            "/v2/flowControl/x/resetRate",
            flow(FlowAction::ResetRate),
        ),
        (
            "POST",
            "/v2/flowControl/x/reset",
            flow(FlowAction::ResetRate),
        ),
        ("GET", "/v2/globalParallelism", Route::GlobalParallelism),
        ("GET", "/v2/keys", Route::GetKeys),
        ("POST", "/v2/keys/rotate", Route::RotateKeys),
    ]);
    routes
}

fn messages_and_dead_letters(
    x: impl Fn() -> String,
) -> Vec<(&'static str, &'static str, Route<'static>)> {
    vec![
        ("POST", "/v2/publish/g", Route::Publish("g")),
        ("POST", "/v2/enqueue/x/g", Route::Enqueue(x(), "g")),
        ("POST", "/v2/batch", Route::Batch),
        ("GET", "/v2/messages/x", Route::GetMessage(x())),
        ("DELETE", "/v2/messages/x", Route::CancelMessage(x())),
        ("DELETE", "/v2/messages", Route::CancelMessages),
        ("GET", "/v2/events", Route::Logs),
        ("GET", "/v2/logs", Route::Logs),
        ("GET", "/v2/dlq", Route::ListDeadLetters),
        ("GET", "/v2/dlq/x", Route::GetDeadLetter(x())),
        ("DELETE", "/v2/dlq/x", Route::DeleteDeadLetter(x())),
        ("DELETE", "/v2/dlq", Route::DeleteDeadLetters),
        ("POST", "/v2/dlq/retry/x", Route::RetryDeadLetter(x())),
        ("POST", "/v2/dlq/retry", Route::RetryDeadLetters),
    ]
}

#[test]
fn every_route_of_the_contract_is_found() {
    for (method, path, expected) in index() {
        assert_eq!(route(method, path), Ok(expected.clone()), "{method} {path}");
        // Destinations and names keep their case, all other words have none.
        let spelled = path
            .split('/')
            .map(|word| {
                if matches!(word, "x" | "g") {
                    word.to_owned()
                } else {
                    word.to_ascii_uppercase()
                }
            })
            .collect::<Vec<_>>()
            .join("/");
        assert_eq!(
            route(method, &spelled),
            Ok(expected.clone()),
            "{method} {spelled}"
        );
        if !path.ends_with("/g") {
            let slashed = format!("{path}/");
            assert_eq!(
                route(method, &slashed),
                Ok(expected.clone()),
                "{method} {slashed}"
            );
        }
        if method == "GET" {
            assert_eq!(route("HEAD", path), Ok(expected), "HEAD {path}");
        }
    }
}

#[test]
fn a_destination_is_whatever_is_left_of_the_path() {
    for destination in [
        "",
        "https://h",
        "https://h//a/../b/",
        "http://h/%2F%zz",
        "api/llm",
        "group/",
        "/",
        "https://h/pause",
        "a/b/pause",
    ] {
        let path = format!("/V2/Publish/{destination}");
        assert_eq!(route("POST", &path), Ok(Route::Publish(destination)));
        let path = format!("/v2/enqueue/a%20b/{destination}");
        assert_eq!(
            route("POST", &path),
            Ok(Route::Enqueue("a b".into(), destination))
        );
        let path = format!("/v2/schedules/{destination}");
        assert_eq!(route("POST", &path), Ok(Route::CreateSchedule(destination)));
    }
    assert_eq!(route("POST", "/v2/publish"), Ok(Route::Publish("")));
}

#[test]
fn pausing_a_schedule_is_told_from_a_destination_that_ends_so() {
    for path in [
        "/v2/schedules/a%20b/pause",
        "/v2/schedules/pause",
        "/v2/schedules//pause",
        "/v2/schedules/x/y/pause",
    ] {
        assert!(
            matches!(route("POST", path), Ok(Route::CreateSchedule(_))),
            "{path}"
        );
    }
    assert_eq!(
        route("POST", "/v2/schedules/a.b/Pause/"),
        Ok(Route::PauseSchedule("a.b".into(), true))
    );
    assert_eq!(route("DELETE", "/v2/schedules/x/pause"), Err(405));
}

#[test]
fn names_are_decoded_once() {
    assert_eq!(
        route("GET", "/v2/queues/a%2525b"),
        Ok(Route::GetQueue("a%25b".into()))
    );
    assert_eq!(
        route("GET", "/v2/flowControl/a/b%2Fc+d"),
        Ok(Route::GetFlowControl("a/b/c+d".into()))
    );
    let expected = Route::ChangeFlowControl("a/pause".into(), FlowAction::Pin);
    assert_eq!(route("POST", "/v2/flowControl/a/pause/pin"), Ok(expected));
    assert_eq!(route("GET", "/v2/queues/%ff"), Err(400));
}

#[test]
fn an_empty_name_is_never_the_whole_collection() {
    assert_eq!(
        route("DELETE", "/v2/messages//"),
        Ok(Route::CancelMessage(String::new()))
    );
    assert_eq!(
        route("DELETE", "/v2/dlq//"),
        Ok(Route::DeleteDeadLetter(String::new()))
    );
    assert_eq!(
        route("POST", "/v2/dlq/retry//"),
        Ok(Route::RetryDeadLetter(String::new()))
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    for path in [
        "/v2",
        "/v2/",
        "/v2/publishes/x",
        "/v2/queues/x/pause/y",
        "/v2/queues/x/stop",
        "/v2/dlq/x/y",
        "/v2/keys/x",
        "/v2/events/x",
        "/v2/topics/x/y",
        "/v2/messages/x/y",
        "/v2//publish/x",
        "/v2/batch/x",
        "/v2/globalParallelism/x",
        "/v2/flowControl/pause",
        "/v2/flowControl/x/stop",
    ] {
        assert_eq!(route("POST", path), Err(404), "{path}");
    }
    for path in ["/", "/v1/publish", "/v22/x", "/x/v2"] {
        assert!(!is_v2(path), "{path}");
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    for (method, path) in [
        ("GET", "/v2/publish/x"),
        ("PUT", "/v2/enqueue/q/x"),
        ("GET", "/v2/batch"),
        ("GET", "/v2/messages"),
        ("POST", "/v2/messages/x"),
        ("POST", "/v2/events"),
        ("POST", "/v2/dlq"),
        ("POST", "/v2/dlq/x"),
        ("PUT", "/v2/queues"),
        ("POST", "/v2/queues/x"),
        ("GET", "/v2/queues/x/pause"),
        ("DELETE", "/v2/schedules"),
        ("PUT", "/v2/schedules/x"),
        ("POST", "/v2/topics"),
        ("POST", "/v2/topics/x"),
        ("GET", "/v2/topics/x/endpoints"),
        ("DELETE", "/v2/flowControl/x"),
        ("POST", "/v2/globalParallelism"),
        ("POST", "/v2/keys"),
        ("GET", "/v2/keys/rotate"),
    ] {
        assert_eq!(route(method, path), Err(405), "{method} {path}");
    }
}

#[test]
fn workflow_and_chat_are_told_to_be_other_products() {
    for path in [
        "/v2/workflows/runs/wfr_1?cancel=true",
        "/v2/trigger/https://h",
        "/v2/batch/trigger",
        "/v2/notify/e",
        "/v2/waiters/e",
        "/v2/wait/e",
        "/llm/v1/chat/completions",
    ] {
        assert_eq!(route("POST", path), Err(501), "{path}");
    }
}
