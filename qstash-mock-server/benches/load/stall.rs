//! How long one caller holds up all others. The server holds a million messages, and for each operation that reaches
//! many entries it measures the longest time that its lock is held.
//!
//! That is wall time: where others use the machine, too, the thread that holds the lock may have to wait for a
//! processor. An idle run before each operation, about as long, shows how much of that there is.

mod held;
mod work;

use std::cell::Cell;
use std::future::Future;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Plan;
use crate::report::{self, median, millis};
use crate::subject::{Role, Subject};
use crate::wire::{Connection, post};
use held::Field;
use work::{Operation, Work};

/// The bounds on the length of an idle run.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_millis(500);

/// The figures of one operation, one in each round, in milliseconds.
#[derive(Debug, Default)]
struct Figures {
    /// The longest time that the lock was held.
    held: Vec<f64>,
    /// The same during the idle run, in which only the probe publishes.
    idle: Vec<f64>,
    /// How long the slowest publish of the probe took.
    waited: Vec<f64>,
    /// How long the operation took.
    took: Vec<f64>,
}

pub(crate) async fn longest_holds(plan: &Plan) {
    report::heading(&format!(
        "longest time that the lock is held (ms), {} messages held",
        plan.held
    ));
    let mut subject = Subject::start(Role::Server, None);
    give_way();
    let probe = Probe::new(&subject);
    let mut field = Field::prepare(&subject, plan).await;
    let operations = work::all(plan);
    let mut figures: Vec<Figures> = operations.iter().map(|_| Figures::default()).collect();
    for _ in 0..plan.rounds {
        for (operation, figures) in operations.iter().zip(&mut figures) {
            operation.work.prepare(&mut field).await;
            round(&mut subject, &probe, &mut field, &operation.work, figures).await;
            operation.work.settle(&mut field).await;
        }
    }
    for (operation, figures) in operations.iter().zip(figures) {
        show(operation, figures);
    }
}

/// Lets the subject go first on a machine with few processors. Otherwise this process, which makes the load, takes the
/// processor from the thread that holds the lock, and the figures show how long it keeps it.
fn give_way() {
    let own = std::process::id().to_string();
    let succeeds = |program: &str, words: [&str; 4]| {
        let mut command = Command::new(program);
        let command = command.args(words).stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    // Even with the lowest priority this process would get three milliseconds now and then, but not as an idle one.
    let idle = succeeds("chrt", ["--idle", "--pid", "0", &own]);
    if !idle && !succeeds("renice", ["-n", "19", "-p", &own]) {
        println!(
            "  (neither `chrt` nor `renice` works: the load may take the processor from the subject)"
        );
    }
}

/// Measures one idle run and one run of the operation.
async fn round(
    subject: &mut Subject,
    probe: &Probe,
    field: &mut Field,
    work: &Work,
    figures: &mut Figures,
) {
    let last = figures.took.last().copied().unwrap_or_default();
    let idle = Duration::from_secs_f64(last / 1e3).clamp(SHORTEST, LONGEST);
    subject.longest_hold();
    probe.beside(tokio::time::sleep(idle)).await;
    figures.idle.push(millis(subject.longest_hold()));
    let start = Instant::now();
    let waited = probe.beside(work.run(field)).await;
    figures.took.push(millis(start.elapsed()));
    figures.held.push(millis(subject.longest_hold()));
    figures.waited.push(millis(waited));
}

fn show(operation: &Operation, figures: Figures) {
    let aim = if operation.has_aim { "aim: <= 2" } else { "" };
    let text = |figures| format!("{:.2}", median(figures));
    let (idle, waited, took) = (text(figures.idle), text(figures.waited), text(figures.took));
    report::line(
        &operation.name,
        text(figures.held),
        &format!("{aim:<9} (idle {idle}; a publish waited {waited}; took {took})"),
    );
}

/// Publishes a small message every millisecond.
#[derive(Debug)]
struct Probe {
    address: SocketAddr,
    request: Vec<u8>,
}

impl Probe {
    fn new(subject: &Subject) -> Self {
        let body = r#"{"queue":"probe","delay_seconds":86400,"message":1}"#;
        Self {
            address: subject.address,
            request: post("/v1/publish", &subject.bearer, body),
        }
    }

    /// Publishes until the work is done, and returns how long the slowest publish took.
    async fn beside(&self, work: impl Future<Output = ()>) -> Duration {
        // A new one each time: the server closes those that were idle for long.
        let connection = Connection::open(self.address).await;
        let mut connection = connection.expect("a connection");
        let over = Cell::new(false);
        let work = async {
            work.await;
            over.set(true);
        };
        let probe = async {
            let mut slowest = Duration::ZERO;
            while !over.get() {
                let start = Instant::now();
                connection.succeed(&self.request).await;
                slowest = slowest.max(start.elapsed());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            slowest
        };
        tokio::join!(work, probe).1
    }
}
