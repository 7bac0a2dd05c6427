//! What the module `testing` promises as a whole: the same in every run, nothing leaks, servers are independent.

use std::process::Command;
use std::time::Duration;

use qstash_mock_server::MockServer;
use qstash_mock_server::testing::Fault;

use super::{START, manual, start};
use crate::support::Api;

const DAY: Duration = Duration::from_secs(86_400);

/// A busy day on which much goes wrong; what happened.
async fn story(seed: u64) -> String {
    let api = start(manual().seed(seed)).await;
    let server = &api.server;
    let shaky = server.consumer().respond([503, 500, 200]).start();
    let slow = server.consumer().after(Duration::from_secs(7)).start();
    let fine = server.consumer().start();
    let jitter = r#""retry_backoff":{"kind":"exponential","jitter":0.5},"max_retries":20"#;
    api.queue("shaky", &shaky.url(), jitter).await;
    api.queue("slow", &slow.url(), r#""parallelism":1"#).await;
    api.queue("fine", &fine.url(), r#""max_retries":20"#).await;
    server.inject(Fault::duplicate().probability(0.2));
    server.inject(Fault::lose_answer().queue("fine").probability(0.3));
    server.inject(
        Fault::delay(Duration::from_secs(90))
            .queue("shaky")
            .probability(0.2),
    );
    for number in 0..20 {
        for queue in ["shaky", "slow", "fine"] {
            api.publish(queue, &number.to_string()).await;
        }
    }
    server.advance(DAY).await.unwrap();
    let (shaky, slow, fine) = (shaky.url(), slow.url(), fine.url());
    let names = [(&*shaky, "shaky"), (&*slow, "slow"), (&*fine, "fine")];
    server.deliveries().journal(names)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_runs_with_one_seed_are_the_same_to_the_byte() {
    let first = story(11).await;
    assert!(first.lines().count() > 100, "{first}");
    for part in [
        "fault=duplicate",
        "fault=lose_answer",
        "fault=delay",
        "endpoint=slow",
    ] {
        assert!(first.contains(part), "{part}");
    }
    for run in 1..50 {
        assert_eq!(story(11).await, first, "run {run}");
    }
    assert_ne!(story(12).await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_servers_side_by_side_do_not_see_each_other() {
    let tests = (0..200_u32).map(|number| {
        tokio::spawn(async move {
            let api = start(manual().seed(u64::from(number))).await;
            let consumer = api.server.consumer().respond([503, 200]).start();
            api.queue("q", &consumer.url(), "").await;
            api.publish("q", &number.to_string()).await;
            api.server.expect().message_to("q").delivered().times(1);
            api.server.advance(DAY).await.unwrap();
            api.server.verify().await;
            assert_eq!(
                api.server.deliveries().json::<u32>().unwrap(),
                [number, number]
            );
            assert_eq!(api.server.now(), START + DAY);
        })
    });
    for test in tests.collect::<Vec<_>>() {
        test.await.unwrap();
    }
}

/// Set in the process in which a test is to fail.
const FAIL: &str = "QSTASH_TEST_FAIL";

#[tokio::test]
async fn a_test_that_fails_tells_its_seed() {
    if std::env::var_os(FAIL).is_some() {
        let _api = start(manual().seed(4711)).await;
        panic!("the test fails");
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "testing::proof::a_test_that_fails_tells_its_seed",
        ])
        .env(FAIL, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(text.contains("the test fails"), "{text}");
    assert!(text.contains("MockServer::builder().seed(4711)"), "{text}");
}

/// Set in the process that measures.
const ALONE: &str = "QSTASH_TEST_ALONE";

#[test]
fn a_thousand_servers_leave_no_task_no_socket_and_no_memory() {
    if std::env::var_os(ALONE).is_some() {
        return measure();
    }
    // In a process of its own, where no other test opens sockets.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("testing::proof::a_thousand_servers_leave_no_task_no_socket_and_no_memory")
        .env(ALONE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("1 passed"), "{text}");
}

fn measure() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // What is made once is made now.
        servers(100).await;
        let before = Held::now();
        servers(1_000).await;
        let after = Held::now();
        println!("before {before:?}, after {after:?}");
        assert_eq!(after.tasks, before.tasks);
        assert_eq!(after.files, before.files);
        let grown = after.kib.saturating_sub(before.kib);
        assert!(grown < 4_096, "{grown} KiB for a thousand servers");
    });
}

/// Starts servers one after the other, uses each, and stops it: by shutdown, or by a plain drop.
async fn servers(count: usize) {
    for number in 0..count {
        let api = Api::over(
            MockServer::builder()
                .manual_clock(START)
                .start()
                .await
                .unwrap(),
        );
        let consumer = api.server.consumer().start();
        api.queue("q", &consumer.url(), "").await;
        api.publish("q", "1").await;
        api.server.settle().await.unwrap();
        assert_eq!(consumer.count(), 1);
        if number % 2 == 0 {
            api.server.shutdown().await;
        }
    }
    // Tasks that were aborted are gone once the runtime has looked at them.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[derive(Debug)]
struct Held {
    tasks: usize,
    /// Open file descriptors, where the system tells.
    files: usize,
    /// Resident memory, where the system tells.
    kib: usize,
}

impl Held {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|it| it.split_whitespace().next()?.parse().ok());
        Self {
            tasks: tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks(),
            files: std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            kib: kib.unwrap_or(0),
        }
    }
}
