//! The Redis store, against a real `redis-server` on a free port.

use std::error::Error;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use qstash_verify::idempotency::{Begin, Claimed, Guard, RedisStore, Store, StoreError};

use crate::guard::{an_outlived_claim_has_no_say, conforms, granted, keeps_answers};
use crate::guard_layer::a_hundred_deliveries_run_the_handler_once;

const MINUTE: Duration = Duration::from_secs(60);

/// Asks the server again until it is so.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !so().await {
        assert!(started.elapsed() < MINUTE / 2, "it never became so");
    }
}

/// The folder of certificates and their key.
const CERTIFICATES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../qstash-client/tests/it/network/certificates"
);

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
        let port = free_port();
        let started = Self::with(&["--port", &port], format!("redis://127.0.0.1:{port}"));
        if let Err(error) = &started {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        started.inspect_err(leave_out).ok()
    }

    /// The same with TLS, and a certificate for 127.0.0.1. Not every `redis-server` is built with TLS.
    async fn start_with_tls() -> Option<Self> {
        let port = free_port();
        let [good, key, root] =
            ["good.pem", "server.key", "ca.pem"].map(|it| format!("{CERTIFICATES}/{it}"));
        let ports = ["--port", "0", "--tls-port", &port];
        let own = ["--tls-cert-file", &good, "--tls-key-file", &key];
        let clients = ["--tls-ca-cert-file", &root, "--tls-auth-clients", "no"];
        let all = [ports, own, clients].concat();
        let started = Self::with(&all, format!("rediss://127.0.0.1:{port}"));
        started.inspect_err(leave_out).ok()
    }

    fn with(settings: &[&str], url: String) -> std::io::Result<Self> {
        let mut process = Command::new("redis-server")
            .args(settings)
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut log = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("Ready to accept connections") {
            line.clear();
            if log.read_line(&mut line)? == 0 {
                process.wait()?;
                return Err(std::io::Error::other("it ended before it was ready"));
            }
        }
        Ok(Self {
            process,
            _log: log,
            url,
        })
    }

    async fn store(&self) -> RedisStore {
        RedisStore::connect(&self.url).await.unwrap()
    }
}

/// Says that a test is left out. Under `QSTASH_CI` it fails.
fn leave_out(error: &std::io::Error) {
    assert!(
        std::env::var_os("QSTASH_CI").is_none(),
        "redis-server: {error}"
    );
    // Not `eprintln!`, which the test harness hides when a test passes.
    let text = format!(
        "LEFT OUT: a test of the Redis store, because redis-server does not start: {error} (apt-get install redis-server)\n"
    );
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
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
    keeps_answers(&redis.store().await).await;
    conforms(&redis.store().await.prefix("of another service:")).await;
}

#[tokio::test]
async fn in_redis_a_claim_that_outlived_its_hold_has_no_say() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let store = redis.store().await;
    let first = granted(store.claim("a", Duration::from_millis(1)).await.unwrap());
    // It ends by the clock of Redis, which no test can move.
    let second = loop {
        if let Claimed::Granted(claim) = store.claim("a", MINUTE).await.unwrap() {
            break claim;
        }
    };
    assert_ne!(first.fence(), second.fence());
    an_outlived_claim_has_no_say(&store, first, second).await;
}

#[tokio::test]
async fn in_redis_a_claim_is_renewed_while_its_work_goes_on() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let store = redis.store().await;
    let claim = granted(store.claim("a", 10 * MINUTE).await.unwrap());
    let remaining = async || match store.claim("a", MINUTE).await.unwrap() {
        Claimed::InProgress { remaining } => remaining,
        other => panic!("{other:?}"),
    };
    assert!(remaining().await > 9 * MINUTE);
    // Renewed, it ends sooner, which tells that it was. The test need not wait for an end.
    tokio::select! {
        () = store.renew(&claim, Duration::from_secs(3)) => unreachable!("it never completes"),
        () = until(async || remaining().await < MINUTE) => {}
    }
}

/// The first poll of `future`, which is not its last.
async fn poll_once(future: Pin<&mut impl Future>) {
    tokio::select! {
        biased;
        _ = future => panic!("an answer takes longer"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_claim_whose_caller_is_cancelled_before_the_answer_is_released() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let store = redis.store().await;
    // From here on the script is known to the server: one command is one claim.
    granted(store.claim("a", MINUTE).await.unwrap());
    {
        let mut claim = pin!(store.claim("b", MINUTE));
        poll_once(claim.as_mut()).await;
        // On one connection commands are carried out in order: when this one is answered, that one was granted.
        granted(store.claim("c", MINUTE).await.unwrap());
    }
    until(async || matches!(store.claim("b", MINUTE).await.unwrap(), Claimed::Granted(_))).await;
}

#[tokio::test]
async fn a_commit_whose_caller_is_cancelled_is_carried_out() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let guard = Guard::new(redis.store().await);
    let Begin::First(ticket) = guard.begin("msg_1").await.unwrap() else {
        panic!("a free id is claimed");
    };
    {
        let mut commit = pin!(ticket.commit());
        poll_once(commit.as_mut()).await;
    }
    until(async || match guard.begin("msg_1").await.unwrap() {
        Begin::Finished => true,
        Begin::InProgress { .. } => false,
        Begin::First(_) => panic!("work that is done is given out again"),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_simultaneous_deliveries_run_the_handler_once_with_redis() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    a_hundred_deliveries_run_the_handler_once(redis.store().await).await;
}

#[tokio::test]
async fn an_address_that_is_none_is_an_error_without_its_password() {
    for url in [
        "redis://:open-sesame@127.0.0.1:1/",
        "redis://me:open-sesame@127.0.0.1:port/",
        "open-sesame",
    ] {
        let error = RedisStore::connect(url).await.unwrap_err();
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        let shown = format!("{error} {error:?} {source}");
        assert!(!shown.contains("open-sesame"), "{shown}");
    }
}

/// A server without TLS does not finish the handshake, so the store cannot be made. It neither panics nor falls back to
/// plain text.
#[tokio::test]
async fn an_address_with_tls_is_never_spoken_to_in_plain_text() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("rediss://:hunter2@{}", listener.local_addr().unwrap());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut first = [0; 3];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first)
            .await
            .unwrap();
        first
    };
    let (connected, first) = tokio::join!(RedisStore::connect(&url), server);
    // A record of a TLS handshake begins so.
    assert_eq!(first[..2], [22, 3]);
    let error = connected.unwrap_err();
    let shown = format!("{error} {error:?} {}", error.source().unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// The store trusts the roots of the system, which only a process of its own can have changed.
#[tokio::test]
async fn over_tls_the_store_conforms_where_the_root_is_trusted_and_connects_nowhere_else() {
    const CHILD: &str = "QSTASH_VERIFY_TEST_REDIS_URL";
    if let Ok(url) = std::env::var(CHILD) {
        let store = RedisStore::connect(&url).await;
        return conforms(&store.unwrap_or_else(|error| panic!("{:?}", error.source()))).await;
    }
    let Some(redis) = Redis::start_with_tls().await else {
        return;
    };
    let name =
        "redis::over_tls_the_store_conforms_where_the_root_is_trusted_and_connects_nowhere_else";
    for (root, ends) in [
        ("ca.pem", "1 passed"),
        ("self_signed.pem", "invalid peer certificate: UnknownIssuer"),
    ] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env("SSL_CERT_FILE", format!("{CERTIFICATES}/{root}"))
            .env_remove("SSL_CERT_DIR")
            .env(CHILD, &redis.url)
            .output()
            .unwrap();
        let (out, err) = (output.stdout, output.stderr);
        let said = String::from_utf8([out, err].concat()).unwrap();
        assert!(said.contains(ends), "{root}: {said}");
        assert_eq!(output.status.success(), root == "ca.pem", "{said}");
    }
}

#[tokio::test]
async fn a_claim_that_is_dropped_is_released_in_the_background() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let guard = Guard::new(redis.store().await);
    drop(guard.begin("msg_1").await.unwrap());
    until(async || matches!(guard.begin("msg_1").await.unwrap(), Begin::First(_))).await;
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
