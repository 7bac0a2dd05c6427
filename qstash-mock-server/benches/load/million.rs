//! A million delayed messages: the memory that they take, what a publish costs beside them, and the time to list and to
//! cancel them.

use std::time::{Duration, Instant};

use crate::Plan;
use crate::report::{self, line, millis};
use crate::subject::{Role, Subject};
use crate::wire::{BATCH, Connection, SMALL, bare, message, next_page, post};

pub(crate) async fn held(plan: &Plan) {
    report::heading(&format!("{} delayed messages of {SMALL} bytes", plan.held));
    let subject = Subject::start(Role::Server, None);
    let mut connection = Connection::open(subject.address)
        .await
        .expect("a connection");
    connection.succeed(&bare("GET", "/health", "")).await;
    let empty = subject.resident();

    let start = Instant::now();
    publish(&subject, &mut connection, plan.held).await;
    line("published in (s)", seconds(start.elapsed()), "");
    if let (Some(empty), Some(full)) = (empty, subject.resident()) {
        let each = (full - empty) as f64 / plan.held as f64 - SMALL as f64;
        line(
            "bytes a message, beside its body",
            format!("{each:.0}"),
            "aim: <= 400",
        );
    }

    compare(&subject, &mut connection, plan).await;
    let pages = list(&subject, &mut connection, plan.held).await;
    let slowest = pages.iter().max().copied().unwrap_or_default();
    line("listed in (s)", seconds(pages.iter().sum()), "");
    line(
        "slowest page of 1,000 (ms)",
        format!("{:.1}", millis(slowest)),
        "",
    );

    let (answered, gone, slowest) = cancel(&subject, &mut connection).await;
    line(
        "purge answered in (ms)",
        format!("{:.1}", millis(answered)),
        "",
    );
    line("all cancelled in (s)", seconds(gone), "");
    line(
        "slowest publish meanwhile (ms)",
        format!("{:.1}", millis(slowest)),
        "",
    );
    if let (Some(empty), Some(after)) = (empty, subject.resident()) {
        let held = after.saturating_sub(empty) >> 20;
        line(
            "memory kept afterwards (MiB)",
            held,
            "at most 100,000 finished messages stay readable",
        );
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

async fn publish(subject: &Subject, connection: &mut Connection, count: usize) {
    let item = format!(
        r#"{{"queue":"load","delay_seconds":86400,"message":{}}}"#,
        message(SMALL)
    );
    let items = vec![item; BATCH].join(",");
    let body = format!(r#"{{"messages":[{items}]}}"#);
    let request = post("/v1/publish/batch", &subject.bearer, &body);
    for _ in 0..count / BATCH {
        connection.succeed(&request).await;
    }
}

/// Compares what a publish, and a batch of a thousand, cost while the server holds all these messages and while another
/// one holds a thousand.
async fn compare(full: &Subject, to_full: &mut Connection, plan: &Plan) {
    let few = Subject::start(Role::Server, None);
    let mut to_few = Connection::open(few.address).await.expect("a connection");
    publish(&few, &mut to_few, BATCH).await;
    let requests = |subject: &Subject| {
        let text = message(SMALL);
        let item = format!(r#"{{"queue":"other","delay_seconds":86390,"message":{text}}}"#);
        let items = vec![item.as_str(); BATCH].join(",");
        let batch = format!(r#"{{"messages":[{items}]}}"#);
        let one = post("/v1/publish", &subject.bearer, &item);
        let many = post("/v1/publish/batch", &subject.bearer, &batch);
        let purge = post("/v1/queues/other/purge", &subject.bearer, "{}");
        [
            (one, plan.singles),
            (many, plan.singles.div_ceil(50)),
            (purge, 1),
        ]
    };
    let (of_few, of_full) = (requests(&few), requests(full));
    // These fill the logs of both servers, so that each publish that is measured makes its server forget a row.
    for (index, count) in [(1, 60), (2, 1)] {
        for _ in 0..count {
            to_few.succeed(&of_few[index].0).await;
            to_full.succeed(&of_full[index].0).await;
        }
    }
    let used = || Some([few.processor_time()?, full.processor_time()?]);
    let mut spent = [[Duration::ZERO; 2]; 3];
    for _ in 0..plan.rounds {
        for (spent, ((to, count), (other, _))) in spent.iter_mut().zip(of_few.iter().zip(&of_full))
        {
            let before = used();
            // The servers take turns, so that both meet the same disturbances.
            for _ in 0..*count {
                to_few.succeed(to).await;
                to_full.succeed(other).await;
            }
            if let (Some(before), Some(after)) = (before, used()) {
                for (spent, (after, before)) in spent.iter_mut().zip(after.iter().zip(before)) {
                    *spent += *after - before;
                }
            }
        }
    }
    // In processor time: how long a caller waits depends more on whether the server's thread slept meanwhile.
    let share =
        |[small, large]: [Duration; 2]| format!("{:.2}", large.as_secs_f64() / small.as_secs_f64());
    let [one, many, _] = spent;
    line(
        "cost of a publish / with 1,000 messages held",
        share(one),
        "aim: <= 1.3",
    );
    line("the same for a batch of 1,000", share(many), "");
}

/// The time of each page.
async fn list(subject: &Subject, connection: &mut Connection, count: usize) -> Vec<Duration> {
    let (mut pages, mut seen, mut cursor) = (vec![], 0, String::new());
    loop {
        let path = format!("/v1/queues/load/messages?limit={BATCH}{cursor}");
        let request = bare("GET", &path, &subject.bearer);
        let start = Instant::now();
        let page = connection.succeed(&request).await;
        pages.push(start.elapsed());
        let text = std::str::from_utf8(page).expect("UTF-8");
        seen += text.matches(r#""message_id":"#).count();
        let Some(next) = next_page(page) else {
            assert_eq!(seen, count, "every message is listed once");
            return pages;
        };
        cursor = format!("&cursor={next}");
    }
}

/// How long the purge takes to answer, how long until nothing is left, and the slowest publish meanwhile.
async fn cancel(subject: &Subject, connection: &mut Connection) -> (Duration, Duration, Duration) {
    let mut other = Connection::open(subject.address)
        .await
        .expect("a connection");
    let purge = post("/v1/queues/load/purge", &subject.bearer, "{}");
    let body = r#"{"queue":"other","message":1}"#;
    let probe = post("/v1/publish", &subject.bearer, body);
    let metrics = bare("GET", "/v1/metrics", &subject.bearer);
    let start = Instant::now();
    let purged = async {
        connection.succeed(&purge).await;
        let answered = start.elapsed();
        loop {
            let figures = String::from_utf8_lossy(connection.succeed(&metrics).await).into_owned();
            let (_, load) = figures.split_once(r#""load":"#).expect("its figures");
            if load
                .split_once(r#""pending":0,"#)
                .is_some_and(|(before, _)| !before.contains('}'))
            {
                return (answered, start.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::pin!(purged);
    let mut slowest = Duration::ZERO;
    loop {
        let start = Instant::now();
        tokio::select! {
            (answered, gone) = &mut purged => return (answered, gone, slowest.max(start.elapsed())),
            _ = other.succeed(&probe) => slowest = slowest.max(start.elapsed()),
        }
    }
}
