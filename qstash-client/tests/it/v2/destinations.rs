//! Destinations arrive byte for byte, through reqwest and over a real connection.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use proptest::prelude::*;
use qstash_client::transport::{Reqwest, Transport as _};
use qstash_client::v2::{Destination as _, Endpoint, NewMessage};
use qstash_client::{Client, ErrorKind};

/// A server that tells the request lines that it gets. (wiremock parses them as URLs.)
fn lines() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let uri = format!("http://{}", listener.local_addr().expect("bound"));
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let line = head.lines().next().unwrap_or_default().to_owned();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\nconnection: close\r\n\r\n{\"messageId\":\"m\"}";
            if tell.send(line).is_err() || stream.write_all(answer).is_err() {
                return;
            }
        }
    });
    (uri, told)
}

#[tokio::test]
async fn the_url_that_reqwest_sends_is_the_one_that_was_built() {
    let (uri, told) = lines();
    let client = Client::builder().base_url(&uri).build().expect("valid");
    for url in [
        "https://example.com",
        "https://example.com/",
        "http://localhost:3000/a//b",
        "https://EXAMPLE.com:443/Hook?x=1&x=2",
        "https://e.com?",
        "https://e.com/p?next=https://b.com/../c&y=%2e%2e/",
        "https://e.com/a%2Fb%20c;v=1,2/(x)!*'$&+@:~|%zz",
        "https://e.com/?q={a}^`[1]",
        "https://user:pw@[::1]:8080/x",
        "https://e.com/.../..a/a..",
        "https://oz.requestcatcher.com/?foo=bar",
    ] {
        client.v2().publish(url).send().await.expect(url);
        let line = told.recv().expect("a request");
        assert_eq!(line, format!("POST /v2/publish/{url} HTTP/1.1"));
        client.v2().enqueue("q", url).send().await.expect(url);
        let line = told.recv().expect("a request");
        assert_eq!(line, format!("POST /v2/enqueue/q/{url} HTTP/1.1"));
        client
            .v2()
            .schedules()
            .create(url, "* * * * *")
            .send()
            .await
            .expect_err("no schedule id");
        let line = told.recv().expect("a request");
        assert_eq!(line, format!("POST /v2/schedules/{url} HTTP/1.1"));
    }
}

#[tokio::test]
async fn an_id_or_key_stays_one_segment_on_the_way() {
    let (uri, told) = lines();
    let client = Client::builder().base_url(&uri).build().expect("valid");
    for (key, segment) in [
        ("%2e%2e", "%252e%252e"),
        ("a/../b", "a%2F..%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("a\\b", "a%5Cb"),
        ("a;b:c", "a%3Bb%3Ac"),
    ] {
        let pause = client.v2().flow_control().pause(key);
        pause.send().await.expect(key);
        let line = told.recv().expect("a request");
        assert_eq!(
            line,
            format!("POST /v2/flowControl/{segment}/pause HTTP/1.1")
        );
        let retry = client.v2().dlq().retry(key);
        retry.send().await.expect(key);
        let line = told.recv().expect("a request");
        assert_eq!(line, format!("POST /v2/dlq/retry/{segment} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_destination_cannot_reach_another_route() {
    let (uri, told) = lines();
    let client = Client::builder().base_url(&uri).build().expect("valid");
    for url in [
        "https://e.com/../../../messages",
        "https://e.com/%2e%2e/x",
        "https://e.com\\..\\x",
        "https://e.com/a\tb",
        "https://e.com/a\nb",
        "https://e.com/a b",
        "https://e.com/ä",
        "https://e.com/#f",
        "https://",
        "javascript:alert(1)",
    ] {
        let told_of = client.v2().publish("https://e.com").callback(url);
        told_of.send().await.expect_err(url);
        let failed = NewMessage::to("https://e.com").failure_callback(url);
        client.v2().batch([failed]).send().await.expect_err(url);
        let groups = client.v2().url_groups();
        let added = groups.add_endpoints("g", [Endpoint::url(url)]);
        added.send().await.expect_err(url);
        client.v2().enqueue("q", url).send().await.expect_err(url);
        let error = client.v2().publish(url).send().await.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let batch = client.v2().batch([NewMessage::to(url)]);
        batch.send().await.expect_err(url);
        client
            .v2()
            .schedules()
            .create(url, "* * * * *")
            .send()
            .await
            .expect_err(url);
    }
    assert!(told.try_recv().is_err(), "nothing was sent");
}

#[tokio::test]
async fn the_transport_itself_refuses_what_reqwest_would_change() {
    let transport = Reqwest::new(std::time::Duration::from_secs(1)).expect("builds");
    for path in ["/a/../b", "/a/%2e%2e/b", "/a\"b", "/x?q='"] {
        let request = http::Request::get(format!("http://127.0.0.1:9{path}"));
        let request = request.body(bytes::Bytes::new()).expect("a request");
        let error = transport.execute(request).await.expect_err(path);
        assert_eq!(
            error.to_string(),
            "the request cannot be sent as it is",
            "{path}"
        );
    }
}

proptest! {
    /// Whatever is accepted passes the URL parser that reqwest uses unchanged.
    #[test]
    fn what_is_accepted_is_not_changed(rest in r#"[a-z.%2eE/\\?#'"`{}|^<> \[\]@:&=,;!$()*+~\t-]{0,24}"#) {
        let url = format!("https://e.com{rest}");
        if url.as_str().into_target().is_ok() {
            let sent = format!("http://h/v2/publish/{url}");
            let parsed = reqwest::Url::parse(&sent).expect("a URL");
            prop_assert_eq!(parsed.as_str(), &sent);
            let uri: http::Uri = sent.parse().expect("a URI");
            prop_assert_eq!(uri.to_string(), sent);
        }
    }
}
