use qstash_mock_server::engine::Quotas;
use qstash_verify::jws::sign_hs256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::transcript::{APP, Transcript};

#[tokio::test]
async fn without_a_good_token_nothing_is_told() {
    let api = Transcript::start().await;
    for token in ["Bearer nonsense", "Bearer ", "Basic x"] {
        for path in ["/v2/queues", "/v2/nothing", "/v2/publish/https://a.example"] {
            let refusal = api
                .refusal("POST", path, &[("Authorization", token)], "")
                .await;
            assert_eq!(
                refusal,
                (401, "unable to authenticate: invalid token".into()),
                "{token} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_read_only_token_reads_everything_and_changes_nothing() {
    const SECRET: &str = "a token secret for tests";
    let api = Transcript::with(|server| server.token_secret(SECRET)).await;
    let claims = br#"{"sub":"defaultUser","read_only":true}"#;
    let token = format!("Bearer {}", sign_hs256(SECRET.as_bytes(), claims));
    let as_reader = [("Authorization", token.as_str())];
    for path in [
        "/v2/queues",
        "/v2/topics",
        "/v2/dlq",
        "/v2/events",
        "/v2/schedules",
        "/v2/keys",
        "/v2/flowControl",
    ] {
        assert_eq!(
            api.send("GET", path, &as_reader, "").await.status(),
            200,
            "{path}"
        );
    }
    for (method, path, body) in [
        ("POST", "/v2/publish/https://a.example", ""),
        ("POST", "/v2/queues", r#"{"queueName":"q"}"#),
        ("DELETE", "/v2/messages", ""),
        ("POST", "/v2/keys/rotate", ""),
        ("DELETE", "/v2/dlq", ""),
    ] {
        assert_eq!(
            api.refusal(method, path, &as_reader, body).await.0,
            403,
            "{path}"
        );
    }
}

#[tokio::test]
async fn destinations_are_refused_in_the_words_of_the_hosted_service() {
    let api = Transcript::start().await;
    let scheme = "invalid destination url: endpoint has invalid scheme, add http:// or https://";
    for (destination, status, sentence) in [
        ("", 400, "a non-empty destination must be provided"),
        ("example.com/x", 400, scheme),
        ("ftp://example.com", 400, scheme),
        ("no-such-group", 404, "topic no-such-group not found"),
        (
            "api/llm",
            400,
            "`Upstash-Callback` must be set for `api/llm`",
        ),
    ] {
        for start in ["/v2/publish/", "/v2/enqueue/q/"] {
            let refusal = api
                .refusal("POST", &format!("{start}{destination}"), &[], "x")
                .await;
            assert_eq!(refusal, (status, sentence.to_owned()), "{destination}");
        }
    }
    assert_eq!(
        api.value("/v2/events").await["events"],
        serde_json::json!([])
    );
    assert_eq!(api.value("/v2/queues").await, serde_json::json!([]));
}

#[tokio::test]
async fn malformed_headers_are_refused_by_name_and_nothing_is_stored() {
    let api = Transcript::start().await;
    for (name, value) in [
        ("Upstash-Delay", "tomorrow"),
        ("Upstash-Not-Before", "1.5"),
        ("Upstash-Retries", "-1"),
        ("Upstash-Retry-Delay", "pow(2)"),
        ("Upstash-Timeout", "0"),
        ("Upstash-Method", "TRACE"),
        ("Upstash-Callback", "nowhere"),
        ("Upstash-Deduplication-Id", "a:b"),
        ("Upstash-Content-Based-Deduplication", "perhaps"),
        ("Upstash-Flow-Control-Key", "k"),
        ("Upstash-Flow-Control-Value", "rate=0"),
        ("Upstash-Label", ","),
        ("Upstash-Redact-Fields", "url"),
        ("Upstash-Cron", "* * * * *"),
    ] {
        let (status, sentence) = api
            .refusal("POST", &format!("/v2/publish/{APP}"), &[(name, value)], "")
            .await;
        assert!(
            status == 400 && sentence.contains(name),
            "{name}: {status} {sentence}"
        );
    }
    assert_eq!(
        api.value("/v2/events").await["events"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn quotas_are_told_by_name_and_limit() {
    let quotas = Quotas {
        message_size: Some(10),
        ..Quotas::free()
    };
    let api = Transcript::with_quotas(quotas).await;
    let publish = format!("/v2/publish/{APP}");
    for (path, headers, body, sentence) in [
        (
            &publish,
            &[("Upstash-Delay", "8d")][..],
            "",
            "quota maxDelay exceeded, current limit: 604800",
        ),
        (
            &publish,
            &[("Upstash-Retries", "6")][..],
            "",
            "quota maxRetries exceeded, current limit: 5",
        ),
        (
            &publish,
            &[("Upstash-Timeout", "16m")][..],
            "",
            "quota timeout exceeded, current limit: 900",
        ),
        (
            &publish,
            &[][..],
            "12345678901",
            "quota maxMessageSize exceeded, current limit: 10",
        ),
        (
            &"/v2/queues".to_owned(),
            &[][..],
            r#"{"queueName":"q","parallelism":3}"#,
            "quota maxParallelism exceeded, current limit: 2",
        ),
    ] {
        let refusal = api.refusal("POST", path, headers, body).await;
        assert_eq!(refusal, (412, sentence.to_owned()));
    }
    assert_eq!(
        api.value("/v2/events").await["events"],
        serde_json::json!([])
    );
    assert_eq!(
        api.value("/v2/globalParallelism").await["parallelismMax"],
        10
    );
}

#[tokio::test]
async fn the_daily_limit_is_told_in_headers() {
    let quotas = Quotas {
        messages_per_day: Some(1),
        ..Quotas::unlimited()
    };
    let api = Transcript::with_quotas(quotas).await;
    api.publish(APP, &[]).await;
    let response = api
        .send("POST", &format!("/v2/publish/{APP}"), &[], "")
        .await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["ratelimit-limit"], "1");
    assert_eq!(response.headers()["ratelimit-remaining"], "0");
    // The next midnight, UTC.
    assert_eq!(response.headers()["ratelimit-reset"], "1700006400");
}

#[tokio::test]
async fn unknown_paths_methods_and_the_workflow_product_are_told_apart() {
    let api = Transcript::start().await;
    assert_eq!(api.refusal("GET", "/v2/nothing", &[], "").await.0, 404);
    let response = api.send("PUT", "/v2/queues", &[], "").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"GET, HEAD, POST".parse().unwrap())
    );
    for path in [
        "/v2/workflows/runs/wfr_1",
        "/v2/trigger/https://a.example",
        "/v2/notify/e",
        "/v2/wait/e",
    ] {
        let (status, sentence) = api.refusal("POST", path, &[], "").await;
        assert!(
            status == 501 && sentence.contains("Workflow"),
            "{path}: {status} {sentence}"
        );
    }
}

#[tokio::test]
async fn a_message_over_the_largest_plan_is_refused_before_it_is_read() {
    let api = Transcript::start().await;
    let mut stream = TcpStream::connect(api.server.address()).await.unwrap();
    let request = format!(
        "POST /v2/publish/{APP} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 52428801\r\nConnection: close\r\n\r\n",
        api.server.token()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let sentence = "the request body is larger than 52428800 bytes";
    assert!(answer.contains(sentence), "{answer}");
}
