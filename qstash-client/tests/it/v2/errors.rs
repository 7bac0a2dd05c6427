//! What the service's answers become, over a real connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use qstash_client::{Client, ErrorKind, RateLimit, RetryPolicy};
use tokio::io::AsyncReadExt as _;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn meets(answer: ResponseTemplate) -> qstash_client::Error {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let builder = Client::builder().base_url(server.uri()).token("t0ken");
    let client = builder.retry(RetryPolicy::none()).build().expect("valid");
    let publish = client.v2().publish("https://e.com/s3cret?k=s3cret");
    let error = publish.send().await.expect_err("an error");
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    error
}

#[tokio::test]
async fn statuses_have_kinds_and_keep_the_services_words() {
    for (status, kind, text) in [
        (
            400,
            ErrorKind::Rejected,
            "DeduplicationId cannot contain ':'",
        ),
        (
            401,
            ErrorKind::Unauthorized,
            "unable to authenticate: invalid token",
        ),
        (403, ErrorKind::Forbidden, "read only"),
        (404, ErrorKind::NotFound, "topic g not found"),
        (
            412,
            ErrorKind::Rejected,
            "quota maxDelay exceeded, current limit: 604800",
        ),
        (413, ErrorKind::TooLarge, "too large"),
        (500, ErrorKind::Server, "oops"),
    ] {
        let body = serde_json::json!({ "error": text });
        let error = meets(ResponseTemplate::new(status).set_body_json(body)).await;
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        assert_eq!(error.api().map(|api| api.message.as_str()), Some(text));
        assert!(error.rate_limit().is_none());
        assert!(
            error
                .to_string()
                .starts_with("could not publish to `https://e.com`: "),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_shown_as_it_is() {
    let error = meets(ResponseTemplate::new(502).set_body_string("<h1>Bad gateway</h1>")).await;
    assert_eq!(
        error.api().map(|api| api.message.as_str()),
        Some("<h1>Bad gateway</h1>")
    );
    let error = meets(ResponseTemplate::new(200).set_body_string("welcome")).await;
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn the_three_kinds_of_429_are_told_apart() {
    let limited = || ResponseTemplate::new(429).set_body_json(serde_json::json!({"error": "no"}));
    let daily = limited()
        .insert_header("RateLimit-Limit", "1000")
        .insert_header("RateLimit-Remaining", "0")
        .insert_header("RateLimit-Reset", "1795564800");
    let error = meets(daily).await;
    assert!(
        matches!(error.rate_limit(), Some(RateLimit::Daily(w)) if w.remaining == Some(0) && w.reset.is_some())
    );
    let burst = limited().insert_header("Burst-RateLimit-Limit", "100");
    let error = meets(burst).await;
    assert!(matches!(error.rate_limit(), Some(RateLimit::Burst(w)) if w.limit == Some(100)));
    let chat = limited().insert_header("x-ratelimit-limit-requests", "30");
    let error = meets(chat).await;
    assert!(
        matches!(error.rate_limit(), Some(RateLimit::Chat { requests, .. }) if requests.limit == Some(30))
    );
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(error.is_retryable());
}

/// A server that reads a request, hangs up, and counts.
async fn hangs_up() -> (String, Arc<AtomicU32>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("binds");
    let uri = format!("http://{}", listener.local_addr().expect("bound"));
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n")
                && stream.read_buf(&mut head).await.is_ok_and(|n| n > 0)
            {}
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (uri, count)
}

#[tokio::test]
async fn a_publish_that_broke_off_is_repeated_only_where_that_is_safe() {
    let (uri, count) = hangs_up().await;
    let policy = RetryPolicy {
        max_retries: 2,
        base: std::time::Duration::ZERO,
        ..RetryPolicy::default()
    };
    let client = Client::builder().base_url(uri).retry(policy);
    let client = client.build().expect("valid");
    let bare = client.v2().publish("https://e.com").without_deduplication();
    let error = bare.send().await.expect_err("no answer");
    assert_eq!((error.kind(), error.retries()), (ErrorKind::Transport, 0));
    assert_eq!(count.swap(0, Ordering::Relaxed), 1, "it may have arrived");
    let named = client.v2().publish("https://e.com");
    let error = named.send().await.expect_err("no answer");
    assert_eq!((error.kind(), error.retries()), (ErrorKind::Transport, 2));
    assert_eq!(count.load(Ordering::Relaxed), 3);
}
