//! Starting: in process, as a program, and what the idle program takes.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use qstash_mock_server::MockServer;

use crate::Plan;
use crate::report::{self, line, median, millis};
use crate::subject::resident;
use crate::wire::{Connection, bare};

pub(crate) async fn both_ways(plan: &Plan) {
    report::heading("from start to the first answered request");
    let mut inside = Vec::new();
    for _ in 0..plan.starts {
        let start = Instant::now();
        let server = MockServer::start().await;
        first_answer(server.address()).await;
        inside.push(millis(start.elapsed()));
        server.shutdown().await;
    }
    line(
        "in process (ms)",
        format!("{:.2}", median(inside)),
        "aim: < 5",
    );
    let path = built();
    let mut outside = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..plan.starts.min(21) {
        let (time, bytes) = program(&path).await;
        outside.push(millis(time));
        memory.extend(bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)));
    }
    line(
        "program (ms)",
        format!("{:.1}", median(outside)),
        "aim: < 50",
    );
    if !memory.is_empty() {
        line(
            "idle program (MiB resident)",
            format!("{:.1}", median(memory)),
            "aim: < 10",
        );
    }
}

/// Builds the program, which is a package of its own, with the profile of this benchmark, and returns its path.
fn built() -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", "bench"])
        .args(["--package", "qstash-mock-server-cli"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(status.is_ok_and(|it| it.success()), "the program is built");
    let this = std::env::current_exe().expect("the benchmark has a path");
    let folder = this.ancestors().nth(2).expect("it lies in `deps`");
    folder.join("qstash-mock-server")
}

/// The program's time to its first answer, and its memory after that.
async fn program(path: &Path) -> (Duration, Option<u64>) {
    let start = Instant::now();
    let mut child = Command::new(path)
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("it is piped"))
        .read_line(&mut line)
        .expect("a line from the program");
    let address = line.trim().strip_prefix("QSTASH_URL=http://");
    let address = address.and_then(|address| address.parse().ok());
    first_answer(address.expect("an address from the program")).await;
    let time = start.elapsed();
    let memory = resident(child.id());
    let _ = child.kill();
    let _ = child.wait();
    (time, memory)
}

async fn first_answer(address: SocketAddr) {
    let mut connection = Connection::open(address).await.expect("a connection");
    connection.succeed(&bare("GET", "/health", "")).await;
}
