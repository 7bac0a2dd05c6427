//! A refusal reaches its caller, also one who is still sending.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{assert_refused, exchange, status};
use crate::support::World;

#[tokio::test]
async fn who_sends_a_long_body_still_gets_to_see_the_refusal() {
    let world = World::start().await;
    let token = world.server.token();
    for length in [100 << 10, 3 << 20, 12 << 20] {
        for (method, path, token, kind, refusal) in [
            (
                Method::POST,
                "/v1/publish",
                "wrong",
                "application/json",
                (401, "invalid_token"),
            ),
            (
                Method::POST,
                "/v1/publish",
                token,
                "text/plain",
                (415, "unsupported_media_type"),
            ),
            (
                Method::POST,
                "/v1/nowhere",
                token,
                "application/json",
                (404, "not_found"),
            ),
            (
                Method::PUT,
                "/v1/publish",
                token,
                "application/json",
                (405, "method_not_allowed"),
            ),
            (
                Method::POST,
                "/v1/queues/a%20b/receive",
                token,
                "application/json",
                (404, "queue_not_found"),
            ),
            (
                Method::POST,
                "/v1/queues",
                token,
                "application/json",
                (413, "body_too_large"),
            ),
        ] {
            let request = world
                .bare(method, path)
                .bearer_auth(token)
                .header("content-type", kind);
            let what = format!("{path} {length}");
            let response = request.body("x".repeat(length)).send().await;
            let response = response.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            assert_refused(response, (refusal.0, refusal.1, None), &what).await;
        }
    }
}

/// Many clients look at the answer only when they have sent everything.
#[tokio::test]
async fn who_reads_only_after_sending_all_gets_to_see_the_refusal_too() {
    let world = World::start().await;
    for (length, token, code) in [
        (100 << 10, "wrong", "invalid_token"),
        (12 << 20, "wrong", "invalid_token"),
        (12 << 20, world.server.token(), "message_too_large"),
    ] {
        let mut stream = TcpStream::connect(world.server.address()).await.unwrap();
        let head = format!(
            "POST /v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        let request = [head.into_bytes(), vec![b' '; length]].concat();
        let sent = stream.write_all(&request).await;
        sent.unwrap_or_else(|error| panic!("{length} {code}: {error}"));
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(code), "{answer}");
    }
}

#[tokio::test]
async fn what_the_parser_refuses_is_answered_too() {
    let world = World::start().await;
    let many: String = (0..600)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect();
    let (long, longer) = ("x".repeat(70_000), "x".repeat(1 << 20));
    for (request, expected) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400),
        (
            "GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET /health HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET /health HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
            400,
        ),
        (format!("GET /health HTTP/1.1\r\n{many}\r\n"), 431),
        (format!("GET /health HTTP/1.1\r\nX: {longer}\r\n\r\n"), 431),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), 414),
    ] {
        let answer = exchange(&world, request.as_bytes()).await.unwrap();
        assert_eq!(
            status(&answer),
            Some(expected),
            "{:.60}: {}",
            request,
            String::from_utf8_lossy(&answer)
        );
    }
}

#[tokio::test]
async fn a_broken_body_is_answered_or_its_end_awaited_and_nothing_is_kept() {
    let world = World::start().await;
    let head = format!(
        "POST /v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        world.server.token()
    );
    for (rest, expected) in [
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n{\"que", 400),
        (
            "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
            400,
        ),
        ("Content-Length: 100\r\n\r\n{\"queue\":\"q\"", 400),
        ("Content-Length: 0\r\n\r\n", 400),
        ("\r\n", 400),
    ] {
        let answer = exchange(&world, format!("{head}{rest}").as_bytes())
            .await
            .unwrap();
        assert_eq!(
            status(&answer),
            Some(expected),
            "{rest}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    let chunked =
        "Transfer-Encoding: chunked\r\n\r\n1b\r\n{\"queue\":\"q\",\"message\":1.0}\r\n0\r\n\r\n";
    let answer = exchange(
        &world,
        format!("{head}Connection: close\r\n{chunked}").as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(
        status(&answer),
        Some(200),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(world.metrics("q").await.published, 1);
}

/// Two requests in one packet, the second before the first is answered.
#[tokio::test]
async fn requests_may_follow_each_other_without_waiting() {
    let world = World::start().await;
    let body = r#"{"queue":"q","message":1}"#;
    let publish = format!(
        "POST /v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        world.server.token(),
        body.len()
    );
    let answer = exchange(&world, publish.repeat(3).as_bytes())
        .await
        .unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
}
