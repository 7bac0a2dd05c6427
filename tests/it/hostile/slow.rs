//! Callers that are slow on purpose, and callers that are too many at once.

use std::net::SocketAddr;

use qstash_mock_server::MockServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::status;
use crate::support::{MINUTE, SECOND, World};

/// The head of a batch that announces `length` bytes.
async fn begin_batch(address: SocketAddr, token: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/publish/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn read(stream: &mut TcpStream) -> String {
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_in_is_given_up() {
    let builder = MockServer::builder().request_body_timeout(10 * SECOND);
    let world = World::with(builder).await;
    let began = tokio::time::Instant::now();
    let stream = begin_batch(world.server.address(), world.server.token(), 1000).await;
    let (mut reader, mut writer) = stream.into_split();
    let trickle = async {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(SECOND).await;
        }
    };
    let mut answer = vec![];
    tokio::select! {
        _ = reader.read_to_end(&mut answer) => {}
        () = trickle => panic!("the connection broke without an answer"),
    }
    assert_eq!(status(&answer), Some(408));
    assert!(String::from_utf8_lossy(&answer).contains("request_timeout"));
    let took = began.elapsed();
    assert!((10 * SECOND..MINUTE).contains(&took), "{took:?}");
    assert_eq!(world.figures("q").await.published, 0);
}

#[tokio::test]
async fn bodies_under_way_are_bounded_all_together() {
    const MIB: usize = 1 << 20;
    let builder = MockServer::builder()
        .max_batch_bytes(3 * MIB)
        .max_body_bytes_in_flight(4 * MIB);
    let world = World::with(builder).await;
    let (address, token) = (world.server.address(), world.server.token().to_owned());
    let whole = |length: usize| {
        let batch = r#"{"messages":[{"queue":"q","message":1}]}"#;
        " ".repeat(length - batch.len()) + batch
    };
    // Two that are all but sent, and a third that does not fit beside them.
    let mut half = vec![];
    for _ in 0..2 {
        let mut stream = begin_batch(address, &token, 3 * MIB).await;
        stream.write_all(&vec![b' '; 2 * MIB - 1024]).await.unwrap();
        half.push(stream);
    }
    // Whether the server has read what was sent shows in its answers only.
    let refused = loop {
        let mut third = begin_batch(address, &token, 2 * MIB).await;
        let (mut reader, mut writer) = third.split();
        let mut answer = vec![0; 4096];
        let body = whole(2 * MIB);
        let (_, read) = tokio::join!(writer.write_all(body.as_bytes()), reader.read(&mut answer));
        answer.truncate(read.unwrap());
        match status(&answer) {
            Some(200) => tokio::task::yield_now().await,
            _ => break String::from_utf8(answer).unwrap(),
        }
    };
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(
        refused.contains("\"overloaded\"") && refused.contains("retry-after: 1"),
        "{refused}"
    );
    // A small publish needs next to nothing and goes through; so does a large one once there is room.
    world.publish("other", "1").await;
    drop(half.pop());
    loop {
        let mut third = begin_batch(address, &token, 2 * MIB).await;
        third.write_all(whole(2 * MIB).as_bytes()).await.unwrap();
        let mut answer = [0; 16];
        third.read_exact(&mut answer).await.unwrap();
        if status(&answer) == Some(200) {
            break;
        }
    }
    drop(half);
    let mut largest = begin_batch(address, &token, 3 * MIB).await;
    largest.write_all(whole(3 * MIB).as_bytes()).await.unwrap();
    largest.shutdown().await.unwrap();
    let answer = read(&mut largest).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 503 "),
        "{answer}"
    );
}
