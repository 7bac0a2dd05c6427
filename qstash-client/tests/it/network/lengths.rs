//! What a request says about its length, seen on the wire: hyper leaves out a length of nothing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use qstash_client::v2::{All, FlowControl, Group};
use qstash_client::{Client, RetryPolicy};

/// Answers every request with `{}` and reports its head, in lower case.
fn listen() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (report, heads) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let report = report.clone();
            let stream = stream.expect("accepts");
            std::thread::spawn(move || while answer(&stream, &report).is_some() {});
        }
    });
    (url, heads)
}

/// Answers one request of a connection. Returns `None` at its end.
fn answer(mut stream: &TcpStream, report: &std::sync::mpsc::Sender<String>) -> Option<()> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = length(&head).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    report.send(head).ok()?;
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        .ok()
}

fn length(head: &str) -> Option<usize> {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    line.map(|digits| digits.parse().expect("a length"))
}

#[tokio::test]
async fn every_call_by_a_method_that_expects_a_body_says_its_length() {
    let (url, heads) = listen();
    let builder = Client::builder().base_url(url).token("t0ken");
    let client = builder.retry(RetryPolicy::none()).build().expect("valid");
    let (v1, v2) = (client.v1(), client.v2());
    // Whether the answer suits the call does not matter here, so the results are dropped.
    let to = "https://e.com/";
    drop(v1.queues().pause("q").send().await);
    drop(v1.queues().resume("q").send().await);
    drop(v1.queues().purge("q").send().await);
    drop(v1.queues().redrive("q").send().await);
    drop(v1.queues().create("q").send().await);
    drop(v1.rotate_signing_secret().send().await);
    drop(v1.messages().ack("m").send().await);
    drop(v1.messages().cancel("m").send().await);
    drop(v1.receive::<u8>("q").send().await);
    drop(v2.publish(to).send().await);
    drop(v2.publish(Group("g")).send().await);
    drop(v2.publish(to).body("x").send().await);
    drop(v2.enqueue("q", to).send().await);
    drop(v2.schedules().create(to, "* * * * *").send().await);
    drop(v2.schedules().pause("s").send().await);
    drop(v2.schedules().resume("s").send().await);
    drop(v2.queues().pause("q").send().await);
    drop(v2.queues().resume("q").send().await);
    drop(v2.dlq().retry("1-0").send().await);
    drop(v2.dlq().retry_all(All).send().await);
    drop(v2.flow_control().pause("k").send().await);
    drop(v2.flow_control().pin("k").parallelism(1).send().await);
    drop(v2.flow_control().unpin("k").rate().send().await);
    drop(v2.flow_control().reset_rate("k").send().await);
    drop(v2.keys().rotate().send().await);
    let flow = FlowControl::parallelism("k", 1);
    drop(v2.publish(to).flow_control(flow).send().await);
    drop(v2.messages().cancel_all(All).send().await);
    drop(v2.keys().get().send().await);

    let heads: Vec<String> = heads.try_iter().collect();
    assert_eq!(heads.len(), 28, "{heads:?}");
    let expects = |head: &str| {
        let methods = ["post ", "put ", "patch "];
        methods.iter().any(|method| head.starts_with(method))
    };
    let posts: Vec<&String> = heads.iter().filter(|head| expects(head)).collect();
    assert!(posts.len() > 20, "{}", posts.len());
    for head in posts {
        let lengths = head.matches("content-length:").count();
        assert_eq!(lengths, 1, "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
    let bare = heads.iter().find(|head| head.starts_with("get "));
    assert!(length(bare.expect("a GET")).is_none(), "a GET has no body");
}
