//! The Redis store, against a real `redis-server` on a free port.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use qstash_verify::idempotency::{Begin, Claimed, Guard, RedisStore, Store, StoreError};

use crate::guard::conforms;

/// A server of our own, which ends with the test.
struct Redis {
    process: Child,
    /// Stays open, because the server writes on.
    _log: BufReader<ChildStdout>,
    url: String,
}

impl Redis {
    /// `None` if there is no `redis-server`: then the test is left out, and says so. Under `QSTASH_CI` it fails.
    async fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::piped())
            .spawn();
        let mut process = match process {
            Ok(process) => process,
            Err(error) => {
                assert!(
                    std::env::var_os("QSTASH_CI").is_none(),
                    "redis-server: {error}"
                );
                // Not `eprintln!`, which the test harness hides when a test passes.
                let text = "LEFT OUT: a test of the Redis store, because there is no redis-server (apt-get install redis-server)\n";
                std::io::stderr().write_all(text.as_bytes()).unwrap();
                return None;
            }
        };
        let url = format!("redis://127.0.0.1:{port}");
        let mut log = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("Ready to accept connections") {
            line.clear();
            let read = log.read_line(&mut line).unwrap();
            assert!(read > 0, "redis-server ended before it was ready");
        }
        Some(Self {
            process,
            _log: log,
            url,
        })
    }

    async fn store(&self) -> RedisStore {
        RedisStore::connect(&self.url).await.unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn the_redis_store_conforms_and_its_prefixes_are_apart() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    conforms(&redis.store().await).await;
    conforms(&redis.store().await.prefix("of another service:")).await;
}

#[tokio::test]
async fn a_hold_ends_by_the_clock_of_redis() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let store = redis.store().await;
    let Claimed::Granted(first) = store.claim("a", Duration::from_millis(1)).await.unwrap() else {
        panic!("a free id is claimed");
    };
    let minute = Duration::from_secs(60);
    let second = loop {
        if let Claimed::Granted(claim) = store.claim("a", minute).await.unwrap() {
            break claim;
        }
    };
    assert_ne!(first.fence(), second.fence());
}

#[tokio::test]
async fn a_claim_that_is_dropped_is_released_in_the_background() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let guard = Guard::new(redis.store().await);
    drop(guard.begin("msg_1").await.unwrap());
    let started = Instant::now();
    while matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::InProgress { .. }
    ) {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it is released"
        );
    }
}

#[tokio::test]
async fn a_hundred_simultaneous_claims_are_granted_once() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let mut claims = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let guard = Guard::new(redis.store().await);
        for _ in 0..25 {
            let guard = guard.clone();
            claims.spawn(async move { guard.begin("msg_1").await.unwrap() });
        }
    }
    // All are kept until the last is there: one that is dropped would free the message.
    let claims = claims.join_all().await;
    let granted = claims.iter().filter(|it| matches!(it, Begin::First(_)));
    assert_eq!(granted.count(), 1);
}

#[tokio::test]
async fn a_redis_that_is_gone_is_an_error_and_no_hang() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let guard = Guard::new(redis.store().await);
    drop(redis);
    assert!(matches!(
        guard.begin("msg_1").await,
        Err(StoreError::Backend(_))
    ));
}
