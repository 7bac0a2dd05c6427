//! The load benchmark: the server beside what it is compared with, in one go, in interleaved rounds.
//!
//! ```sh
//! cargo bench -p qstash-mock-server --bench load
//! cargo bench -p qstash-mock-server --bench load -- --only deliver,latency --rounds 9
//! cargo bench -p qstash-mock-server --bench load -- --only million
//! cargo bench -p qstash-mock-server --bench load -- --only stall --messages 100000
//! ```
//!
//! There are four subjects, each in a process of its own, so that its processor time can be told: (a) a bare axum
//! handler, (b) publish into a pull queue, (c) a toy relay, (d) publish to a webhook. This process is the load generator
//! and the consumer. Machines drift from minute to minute, so only figures of the same round are compared, and the
//! median over the rounds counts.
//!
//! `--only stall` measures wall time. Where others use the machine, too, `SUBJECT_RUNNER="chrt -f 1"` before the command
//! (as root) gives the subjects precedence, so that the times are nearly those of the calls alone.

/// The program's allocator, so that what is measured is what is released.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

mod consumer;
mod deliver;
mod latency;
mod million;
mod publish;
mod pull;
mod report;
mod stall;
mod startup;
mod subject;
mod wire;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use subject::Role;

/// Measures the server beside a bare handler and a toy relay.
#[derive(Debug, Parser)]
struct Args {
    /// What to measure [default: all but million and stall]
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long each measurement of throughput takes
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections that the load comes over
    #[arg(long, value_delimiter = ',', default_values_t = [1, 32, 64])]
    connections: Vec<usize>,
    /// How many messages the server holds in `million` and `stall`
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// Measure only those operations of `stall` that have this text in their names
    #[arg(long, default_value = "")]
    matching: String,
    /// Runs everything once and briefly, to see that it works; its figures mean nothing
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`; without it (`cargo test --benches`) the run is a quick one
    #[arg(long, hide = true)]
    bench: bool,
    /// Makes this process a subject
    #[arg(long, hide = true)]
    subject: Option<Role>,
    /// Where the relay sends what it is given
    #[arg(long, hide = true)]
    consumer: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// (b) publish into a pull queue against (a) a bare handler: throughput and processor time
    Publish,
    /// (d) publish to a webhook against (c) a toy relay: throughput
    Deliver,
    /// From publish to receipt, one at a time: (d) against (c)
    Latency,
    /// Send 10, receive 10, acknowledge 10
    Pull,
    /// Publishing a delayed message in either dialect
    V2,
    /// Starting, in process and as a program, and the idle program's memory
    Startup,
    /// A million delayed messages: held, listed, cancelled
    Million,
    /// How long one caller holds up all others, with a million messages held
    Stall,
}

/// How much is measured.
#[derive(Clone, Debug)]
struct Plan {
    rounds: usize,
    time: Duration,
    connections: Vec<usize>,
    /// Messages sent one at a time in a round.
    singles: usize,
    /// Starts in a row.
    starts: usize,
    /// Messages that are held at once.
    held: usize,
    /// The text that the names of measured operations of `stall` have.
    matching: String,
}

impl Args {
    fn plan(&self) -> Plan {
        if self.quick || !self.bench {
            return Plan {
                rounds: 1,
                time: Duration::from_millis(100),
                connections: vec![1, 4],
                singles: 50,
                starts: 3,
                held: 20_000,
                matching: self.matching.clone(),
            };
        }
        Plan {
            rounds: self.rounds.max(1),
            time: Duration::from_secs_f64(self.seconds),
            connections: self.connections.clone(),
            singles: 2_000,
            starts: 51,
            held: self.messages,
            matching: self.matching.clone(),
        }
    }

    fn parts(&self) -> Vec<Part> {
        let every = !self.bench || self.quick;
        let all = Part::value_variants().iter().copied();
        let is_long = |part: &Part| matches!(part, Part::Million | Part::Stall);
        match self.only.is_empty() {
            true => all.filter(|part| every || !is_long(part)).collect(),
            false => self.only.clone(),
        }
    }
}

fn main() {
    let args = Args::parse();
    if let Some(role) = args.subject {
        return subject::run(role, args.consumer);
    }
    let plan = args.plan();
    // One thread for the load, so that the subject has what is left of the machine.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for part in args.parts() {
            match part {
                Part::Publish => publish::against_bare(&plan).await,
                Part::Deliver => deliver::against_relay(&plan).await,
                Part::Latency => latency::against_relay(&plan).await,
                Part::Pull => pull::cycle(&plan).await,
                Part::V2 => publish::both_dialects(&plan).await,
                Part::Startup => startup::both_ways(&plan).await,
                Part::Million => million::held(&plan).await,
                Part::Stall => stall::longest_holds(&plan).await,
            }
        }
    });
}
