//! What the adapters answer, through real HTTP: the same table for all three.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use qstash_verify::{Signer, Timestamp, VerifyError};

use crate::common::*;
use crate::server::{ALL, Framework, serve};

struct Answer {
    status: u16,
    reason: Option<String>,
    text: String,
}

async fn send(address: SocketAddr, path: &str, request: http::Request<Bytes>) -> Answer {
    let (parts, body) = request.into_parts();
    let client = reqwest::Client::new().post(format!("http://{address}{path}"));
    let response = client.headers(parts.headers).body(body).send().await;
    let response = response.unwrap();
    let reason = response.headers().get("x-reason");
    Answer {
        status: response.status().as_u16(),
        reason: reason.map(|it| it.to_str().unwrap().to_owned()),
        text: response.text().await.unwrap(),
    }
}

fn without(name: &'static str, mut request: http::Request<Bytes>) -> http::Request<Bytes> {
    request.headers_mut().remove(name);
    request
}

fn with(
    name: &'static str,
    value: &str,
    mut request: http::Request<Bytes>,
) -> http::Request<Bytes> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// What is expected of an answer.
enum Expected {
    /// 200 with this text.
    Good(&'static str),
    /// 401, which does not tell why, for a reason of which this is a part.
    Untrusted(&'static str),
    /// Another status, for a reason of which this is a part. The text is the framework's own.
    Status(u16, &'static str),
}

type Case = (&'static str, &'static str, http::Request<Bytes>, Expected);

const ORDER: &str = r#"{"order_id": 42}"#;

/// What is sent where, and what is expected: of every framework.
#[rustfmt::skip]
fn table() -> Vec<Case> {
    use Expected::{Good, Status, Untrusted};
    let padded = |length: usize| format!("{ORDER:<length$}");
    let v1 = |body: &str| hmac().request(URL, body.to_owned()).unwrap();
    let v2 = |rest: &str| jwt().request(&format!("{URL}{rest}"), ORDER).unwrap();
    let next = Signer::jwt(NEXT).unwrap().clock(NOW).request(URL, ORDER).unwrap();
    let stranger = Signer::jwt("sig_of_somebody_else_altogether").unwrap().clock(NOW).request(URL, ORDER).unwrap();
    let expired = |millis| jwt().clock(Timestamp::from_millis(NOW.as_millis() - millis)).request(URL, ORDER).unwrap();
    let forged = |mut request: http::Request<Bytes>| {
        *request.body_mut() = Bytes::from(r#"{"order_id": 43}"#);
        request
    };
    let mut twice = v1(ORDER);
    let value = twice.headers()["qstash-signature"].clone();
    twice.headers_mut().append("qstash-signature", value);
    let v1_signature = v1(ORDER).headers()["qstash-signature"].to_str().unwrap().to_owned();
    let unsigned_large = http::Request::new(Bytes::from(padded(101)));
    vec![
        ("v1", "/orders", v1(ORDER), Good("1 42")),
        ("v2", "/orders", v2(""), Good("1 42")),
        ("v2 with a query", "/orders?a=%20b", v2("?a=%20b"), Good("1 42")),
        ("v2 under the next key", "/orders", next, Good("1 42")),
        ("v2 at its third attempt", "/orders", with("upstash-retried", "2", v2("")), Good("3 42")),
        ("v2 a moment before it expires", "/orders", expired(299_000), Good("1 42")),
        ("both", "/orders", with("qstash-signature", &v1_signature, v2("")), Good("1 42")),
        ("unsigned", "/orders", without("qstash-signature", v1(ORDER)), Untrusted("neither a `QStash-Signature`")),
        ("another body in v1", "/orders", forged(v1(ORDER)), Untrusted("does not fit the body")),
        ("another body in v2", "/orders", forged(v2("")), Untrusted("not the one that was signed")),
        ("no signature of v1", "/orders", with("qstash-signature", "0000", v1(ORDER)), Untrusted("not 64")),
        ("no token", "/orders", with("upstash-signature", "a.b.c", v2("")), Untrusted("is not a token")),
        ("both, one of them wrong", "/orders", with("qstash-signature", &"0".repeat(64), v2("")), Untrusted("does not fit")),
        ("an unknown key", "/orders", stranger, Untrusted("no configured signing key")),
        ("another route", "/orders", v2("/2"), Untrusted("is for https://shop.example/orders/2, but this is")),
        ("another query", "/orders?a=c", v2("?a=b"), Untrusted("?a=b, but this is https://shop.example/orders?a=c")),
        ("expired", "/orders", expired(312_000), Untrusted("made with the current signing key, expired 12 s ago")),
        ("at exactly exp", "/orders", expired(300_000), Untrusted("expired 0 s ago")),
        ("signed twice", "/orders", twice, Untrusted("more than one `qstash-signature`")),
        ("at the limit", "/orders", v1(&padded(100)), Good("1 42")),
        ("over the limit", "/orders", v1(&padded(101)), Status(413, "more than 100 bytes")),
        ("unsigned over the limit", "/orders", unsigned_large, Status(413, "more than 100 bytes")),
        ("not JSON", "/orders", v1("{"), Status(400, "could not be decoded")),
        ("another shape", "/orders", v1(r#"{"order_id": "x"}"#), Status(400, "could not be decoded")),
        ("no content type", "/orders", without("content-type", v1(ORDER)), Status(415, "`Content-Type`")),
        ("text", "/orders", with("content-type", "text/plain", v1(ORDER)), Status(415, "`Content-Type`")),
    ]
}

#[tokio::test]
async fn every_framework_gives_the_same_answers() {
    for framework in ALL {
        let verifier = builder().body_limit(100).clock(NOW).build().unwrap();
        let address = serve(framework, verifier).await;
        for (name, path, request, expected) in table() {
            // What a body is decoded to is up to the service behind a layer.
            let decodes = framework != Framework::Tower;
            if !decodes && matches!(expected, Expected::Status(400 | 415, _)) {
                continue;
            }
            let answer = send(address, path, request).await;
            let context = format!("{framework:?}, {name}: {:?} {}", answer.reason, answer.text);
            let (status, reason) = match expected {
                Expected::Good(text) => {
                    assert_eq!(answer.text, text, "{context}");
                    (200, None)
                }
                Expected::Untrusted(reason) => {
                    let text = "the request could not be verified";
                    assert_eq!(answer.text, text, "{context}");
                    (401, Some(reason))
                }
                Expected::Status(status, reason) => (status, Some(reason)),
            };
            assert_eq!(answer.status, status, "{context}");
            match (answer.reason, reason) {
                (None, None) => {}
                (Some(told), Some(part)) => assert!(told.contains(part), "{context}"),
                _ => panic!("{context}"),
            }
        }
    }
}

/// A body whose length nobody announced is read to the limit and no further.
#[tokio::test]
async fn a_body_in_chunks_has_the_same_limit() {
    for framework in ALL {
        let verifier = builder().body_limit(100).clock(NOW).build().unwrap();
        let address = serve(framework, verifier).await;
        for (length, status) in [(100, "200"), (101, "413")] {
            let body = format!("{ORDER:<length$}");
            let (parts, _) = hmac().request(URL, body.clone()).unwrap().into_parts();
            let signature = parts.headers["qstash-signature"].to_str().unwrap();
            let (start, end) = body.split_at(60);
            let request = format!(
                "POST /orders HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\ncontent-type: application/json\r\n\
                 qstash-signature: {signature}\r\nqstash-attempt: 1\r\ntransfer-encoding: chunked\r\n\r\n\
                 {:x}\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n",
                start.len(),
                end.len(),
            );
            let answer = raw(address, &request, false).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{framework:?}: {answer}"
            );
        }
    }
}

/// A sender that goes away in the middle of a body was not trusted yet; nothing of it reaches the handler.
#[tokio::test]
async fn a_body_that_breaks_off_never_reaches_the_handler() {
    for framework in ALL {
        let verifier = builder().clock(NOW).build().unwrap();
        let address = serve(framework, verifier).await;
        let (parts, body) = hmac().request(URL, ORDER).unwrap().into_parts();
        let signature = parts.headers["qstash-signature"].to_str().unwrap();
        let length = body.len() + 1;
        let request = format!(
            "POST /orders HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\n\
             qstash-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{ORDER}"
        );
        let answer = raw(address, &request, true).await;
        // Some frameworks answer, some hang up on who has hung up.
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 400 ");
        assert!(refused, "{framework:?}: {answer}");
    }
}

/// Sends these bytes, and nothing more where `ends`; returns what comes back until the connection is closed.
async fn raw(address: SocketAddr, request: &str, ends: bool) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    if ends {
        stream.shutdown().await.unwrap();
    }
    let mut answer = vec![];
    // A server that stops reading may reset the connection behind its answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn the_answer_to_what_is_refused_can_be_another_and_its_maker_is_told_why() {
    for framework in ALL {
        let reasons = Arc::new(Mutex::new(vec![]));
        let seen = Arc::clone(&reasons);
        let verifier = builder()
            .clock(NOW)
            .rejection_response(move |reason, request| {
                let path = request.path_and_query().unwrap().to_owned();
                let method = request.http_method().unwrap().clone();
                let seen_by = request.headers()["x-seen-by"].clone();
                assert_eq!(
                    (method, seen_by),
                    (http::Method::POST, "the test".parse().unwrap())
                );
                seen.lock().unwrap().push((reason.clone(), path));
                let response = http::Response::builder()
                    .status(404)
                    .header("x-why", "none");
                response.body(Bytes::from_static(b"nothing here")).unwrap()
            })
            .build()
            .unwrap();
        let address = serve(framework, verifier).await;
        let response = reqwest::Client::new()
            .post(format!("http://{address}/orders?a"))
            .header("x-seen-by", "the test")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 404, "{framework:?}");
        assert_eq!(response.headers()["x-why"], "none");
        assert_eq!(response.text().await.unwrap(), "nothing here");
        let refused = std::mem::take(&mut *reasons.lock().unwrap());
        let unsigned = (VerifyError::MissingSignature, "/orders?a".to_owned());
        assert_eq!(refused, [unsigned]);
        if framework == Framework::Tower {
            continue;
        }
        // The decoder's own sentence differs from framework to framework.
        let shapeless = hmac().request(URL, r#"{"order_id": true}"#).unwrap();
        let untyped = without("content-type", hmac().request(URL, ORDER).unwrap());
        for request in [shapeless, untyped] {
            let request = with("x-seen-by", "the test", request);
            let answer = send(address, "/orders", request).await;
            assert_eq!((answer.status, &*answer.text), (404, "nothing here"));
        }
        let refused = std::mem::take(&mut *reasons.lock().unwrap());
        let [
            (VerifyError::Undecodable { detail }, _),
            (VerifyError::ContentType { detail: kind }, _),
        ] = &refused[..]
        else {
            panic!("{refused:?}");
        };
        assert!(detail.contains("expected u32"), "{framework:?}: {detail}");
        assert!(
            kind.to_lowercase().contains("content"),
            "{framework:?}: {kind}"
        );
    }
}
