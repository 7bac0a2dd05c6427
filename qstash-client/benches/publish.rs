//! How much the client costs on top of reqwest: publishes through it against raw POSTs of the same bytes to the same
//! bare server, at 1 and at 32 in flight.
//!
//! Rounds of both alternate within one run, so that a busy machine slows both; what counts is the ratio of each
//! pair of rounds, of which the median and the quartiles are printed.
//!
//! `cargo bench -p qstash-client --bench publish [-- --quick]`

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use qstash_client::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const DESTINATION: &str = "https://example.com/hook";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJiZW5jaCJ9.c2lnbmF0dXJl";
const DEDUPLICATION_ID: &str = "8f14e45f-ceea-467f-a0e6-1c3f2a9d4b7e";
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 42\r\n\r\n{\"messageId\":\"msg_7YoJxFpwkEy5zBp378JgvD\"}";
const BODY_BYTES: usize = 1024;

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    // Short rounds: whatever else the machine does then falls on both of a pair.
    let round = Duration::from_millis(50);
    let pairs = if quick { 10 } else { 300 };
    let address = serve();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for in_flight in [1, 32] {
        let mut ratios = runtime.block_on(compare(address, in_flight, pairs, round));
        ratios.sort_by(f64::total_cmp);
        let at = |share: usize| ratios[(ratios.len() - 1) * share / 4];
        println!(
            "{in_flight:>2} in flight: client / raw = {:.3} (quartiles {:.3} to {:.3}, {} pairs of rounds)",
            at(2),
            at(1),
            at(3),
            ratios.len(),
        );
    }
}

/// Requests per second of the client over those of raw reqwest, pair by pair.
async fn compare(address: SocketAddr, in_flight: usize, pairs: usize, round: Duration) -> Vec<f64> {
    let base = format!("http://{address}");
    let body = Bytes::from(vec![b'x'; BODY_BYTES]);
    let client = Client::builder()
        .base_url(&base)
        .token(TOKEN)
        .build()
        .expect("valid");
    let raw = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let url = format!("{base}/v2/publish/{DESTINATION}");

    let by_client = || async {
        let publish = client.v2().publish(DESTINATION).body(body.clone());
        publish
            .content_type("application/json")
            .send()
            .await
            .expect("published");
    };
    let by_raw = || async {
        let request = raw
            .post(&url)
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .header("upstash-deduplication-id", DEDUPLICATION_ID)
            .body(body.clone());
        let answer = request.send().await.expect("sent");
        assert!(answer.status().is_success());
        answer.bytes().await.expect("read");
    };
    let (mut of_client, mut of_raw) = (Vec::new(), Vec::new());
    // The first pair warms up connections and caches and is not counted.
    for pair in 0..=pairs {
        // Who begins alternates, for the second of two may profit from the first.
        if pair % 2 == 0 {
            of_client.push(rate(in_flight, round, &by_client).await);
            of_raw.push(rate(in_flight, round, &by_raw).await);
        } else {
            of_raw.push(rate(in_flight, round, &by_raw).await);
            of_client.push(rate(in_flight, round, &by_client).await);
        }
    }
    let mean = |rates: &[f64]| rates[1..].iter().sum::<f64>() / pairs as f64;
    println!(
        "{in_flight:>2} in flight: client {:.0}/s, raw {:.0}/s",
        mean(&of_client),
        mean(&of_raw)
    );
    let pairs = of_client.iter().zip(&of_raw).skip(1);
    pairs.map(|(client, raw)| client / raw).collect()
}

/// Calls per second with so many at once.
async fn rate<F: Future<Output = ()>>(
    in_flight: usize,
    round: Duration,
    call: &impl Fn() -> F,
) -> f64 {
    let start = Instant::now();
    let calls =
        stream::repeat_with(call).take_while(|_| std::future::ready(start.elapsed() < round));
    let done = calls.buffer_unordered(in_flight).count().await;
    done as f64 / start.elapsed().as_secs_f64()
}

/// A server on a thread of its own that reads a request and answers the same each time.
fn serve() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("bound");
    listener.set_nonblocking(true).expect("non-blocking");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
    });
    address
}

async fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket");
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        while buffer.len() < head + BODY_BYTES {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        buffer.drain(..head + BODY_BYTES);
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}
