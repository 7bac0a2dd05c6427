//! Callers that are slow on purpose, and callers that are too many at once.

use std::net::SocketAddr;

use qstash_mock_server::MockServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::status;
use crate::support::{MINUTE, SECOND, World, pass};

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

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_in_is_given_up() {
    let builder = MockServer::builder().request_body_timeout(10 * SECOND);
    let world = World::with(builder).await;
    let began = tokio::time::Instant::now();
    let stream = begin_batch(world.server.address(), world.server.token(), 1000).await;
    let (mut reader, mut writer) = stream.into_split();
    let trickle = async {
        while writer.write_all(b" ").await.is_ok() {
            pass(SECOND).await;
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
    assert_eq!(world.metrics("q").await.published, 0);
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
    // Three that are all but sent; two of them fit. Which one is refused depends on who is read first.
    let mut uploads = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let mut stream = begin_batch(address, &token, 3 * MIB).await;
        uploads.spawn(async move {
            stream.write_all(&vec![b' '; 2 * MIB - 1024]).await.unwrap();
            let mut answer = vec![0; 4096];
            let read = stream.read(&mut answer).await.unwrap();
            String::from_utf8(answer[..read].to_vec()).unwrap()
        });
    }
    let refused = uploads.join_next().await.unwrap().unwrap();
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("\"overloaded\""), "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
    // A small request takes nothing of what large ones share.
    world.publish("other", "1").await;
    // What an upload took is given back when it goes away.
    uploads.shutdown().await;
    loop {
        let mut stream = begin_batch(address, &token, 3 * MIB).await;
        stream.write_all(whole(3 * MIB).as_bytes()).await.unwrap();
        let mut answer = [0; 16];
        stream.read_exact(&mut answer).await.unwrap();
        if status(&answer) == Some(200) {
            break;
        }
    }
    assert_eq!(world.metrics("q").await.published, 1);
}
