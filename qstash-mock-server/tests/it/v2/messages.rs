use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

const DELAYED: (&str, &str) = ("Upstash-Delay", "1d");

#[tokio::test]
async fn a_pending_message_shows_everything_that_was_said_of_it() {
    let mut api = Transcript::start().await;
    let headers = [
        ("Content-Type", "application/json"),
        ("Upstash-Method", "PUT"),
        ("Upstash-Retries", "2"),
        ("Upstash-Retry-Delay", "1000 * (1 + retried)"),
        DELAYED,
        ("Upstash-Timeout", "30s"),
        ("Upstash-Callback", "https://cb.example.com/done"),
        ("Upstash-Callback-Forward-X-Cb", "1"),
        ("Upstash-Failure-Callback", "https://cb.example.com/failed"),
        ("Upstash-Flow-Control-Key", "tenant/7"),
        (
            "Upstash-Flow-Control-Value",
            "parallelism=5, rate=10, period=1m",
        ),
        ("Upstash-Label", "first, second"),
        ("Upstash-Forward-x-tenant", "a, b"),
        ("Upstash-Forward-X-Tenant", "c"),
    ];
    let published = api
        .post(
            &format!("/v2/publish/{APP}//a/b?x=1&upstash-x=y&y=%20"),
            &headers,
            r#"{"a":1}"#,
        )
        .await;
    let id = published["messageId"].as_str().unwrap();
    api.get(&format!("/v2/messages/{id}")).await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn a_message_about_which_nothing_was_said_shows_little() {
    let mut api = Transcript::start().await;
    let published = api
        .post(&format!("/v2/publish/{APP}"), &[DELAYED], "")
        .await;
    let id = published["messageId"].as_str().unwrap();
    api.get(&format!("/v2/messages/{id}")).await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn hidden_fields_are_shown_as_digests() {
    let mut api = Transcript::start().await;
    let headers = [
        DELAYED,
        ("Upstash-Redact-Fields", "body, header[X-Secret]"),
        ("Upstash-Forward-X-Secret", "s3cret"),
        ("Upstash-Forward-X-Open", "open"),
    ];
    let id = api.publish(APP, &headers).await;
    api.get(&format!("/v2/messages/{id}")).await;
    let log = api.get("/v2/events").await;
    assert!(!log.to_string().contains("s3cret"));
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn bytes_that_are_no_text_are_shown_in_base64() {
    let api = Transcript::start().await;
    let url = format!("{}/v2/publish/{APP}", api.server.uri());
    let client = reqwest::Client::new();
    let request = client
        .post(url)
        .bearer_auth(api.server.token())
        .header("Upstash-Delay", "1d");
    let answer = request
        .body(vec![0xff, 0xfe])
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let id = answer["messageId"].as_str().unwrap();
    let message = api.value(&format!("/v2/messages/{id}")).await;
    assert_eq!(message["bodyBase64"], "//4=");
    assert_eq!(message.get("body"), None);
}

#[tokio::test]
async fn settings_in_the_query_count_and_a_header_beats_them() {
    let api = Transcript::start().await;
    let query = "?a=1&upstash-retries=7&Upstash-Delay=1d&upstash-forward-x=f&upstash-method=GET";
    let id = api
        .publish(&format!("{APP}/p{query}"), &[("Upstash-Retries", "4")])
        .await;
    let message = api.value(&format!("/v2/messages/{id}")).await;
    assert_eq!(message["url"], format!("{APP}/p?a=1"));
    assert_eq!(message["maxRetries"], 4);
    assert_eq!(message["method"], "GET");
    assert_eq!(message["header"], serde_json::json!({"X": ["f"]}));
}

#[tokio::test]
async fn duplicates_are_accepted_and_told() {
    let mut api = Transcript::start().await;
    let headers = [DELAYED, ("Upstash-Deduplication-Id", "one")];
    api.post(&format!("/v2/publish/{APP}"), &headers, "").await;
    api.post(&format!("/v2/publish/{APP}"), &headers, "").await;
    let headers = [DELAYED, ("Upstash-Content-Based-Deduplication", "True")];
    api.post(&format!("/v2/publish/{APP}"), &headers, "x").await;
    api.post(&format!("/v2/publish/{APP}"), &headers, "x").await;
    api.post(&format!("/v2/publish/{APP}"), &headers, "y").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn one_message_is_cancelled_once() {
    let mut api = Transcript::start().await;
    let id = api.publish(APP, &[DELAYED]).await;
    api.delete(&format!("/v2/messages/{id}"), "").await;
    api.delete("/v2/messages/msg_123", "").await;
    api.get("/v2/messages/msg_123").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn many_messages_are_cancelled_by_ids_filters_or_all_at_once() {
    let mut api = Transcript::start().await;
    let mut ids = Vec::new();
    for label in ["a", "a", "b", "c", "c"] {
        let destination = format!("{APP}/{label}?q=1");
        ids.push(
            api.publish(&destination, &[DELAYED, ("Upstash-Label", label)])
                .await,
        );
    }
    api.delete(
        "/v2/messages",
        &format!(r#"{{"messageIds":["{}","msg_none"]}}"#, ids[0]),
    )
    .await;
    api.delete("/v2/messages", r#"{"messageIds":[]}"#).await;
    api.delete("/v2/messages?messageIds=nothing", "").await;
    api.delete("/v2/messages?label=a,b&path=/b", "").await;
    api.delete(&format!("/v2/messages?messageIds={}&count=100", ids[1]), "")
        .await;
    api.delete("/v2/messages?host=app.example.com&count=1", "")
        .await;
    api.delete("/v2/messages/", "").await;
    api.delete("/v2/messages", "").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn the_token_may_stand_in_the_query_and_case_and_slashes_do_not_matter() {
    let api = Transcript::start().await;
    let (token, uri) = (api.server.token(), api.server.uri());
    let client = reqwest::Client::new();
    for path in ["/v2/queues", "/V2/Queues/", "/v2/KEYS", "/v2/Schedules/"] {
        let url = format!("{uri}{path}?qstash_token={token}");
        let response = client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let head = api.send("HEAD", path, &[], "").await;
        assert_eq!(
            (head.status().as_u16(), head.text().await.unwrap()),
            (200, String::new())
        );
    }
}

/// Client libraries rewrite dot segments and more, so this one is written by hand.
#[tokio::test]
async fn a_destination_reaches_the_server_as_it_was_written() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let api = Transcript::start().await;
    let destination = format!("{APP}/a/../b//c/./%7e?x=a,b&y=%zz&Z");
    let mut stream = tokio::net::TcpStream::connect(api.server.address())
        .await
        .unwrap();
    let request = format!(
        "POST /v2/publish/{destination} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Upstash-Delay: 1d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        api.server.token()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(
        api.value(&format!("/v2/messages/{id}")).await["url"],
        destination
    );
}
