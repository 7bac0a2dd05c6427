//! What is measured, each in a process of its own: this program, started again with `--subject`.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use axum::serve::ListenerExt;
use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use qstash_mock_server::MockServer;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// (a) reads a body and answers 60 bytes.
    Bare,
    /// (c) reads a body, answers, and posts the body to the consumer later.
    Relay,
    /// (b), (d): the server.
    Server,
}

/// Webhook calls under way at once, in the relay and in the server's queue.
pub(crate) const PARALLELISM: usize = 64;

const ANSWER: &str = r#"{"message_id":"00000000-0000-7000-8000-000000000000","a":"b"}"#;

/// A subject's process. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Subject {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    /// The `Authorization` header, ready to be written.
    pub(crate) bearer: String,
}

impl Subject {
    pub(crate) fn start(role: Role, consumer: Option<SocketAddr>) -> Self {
        let program = std::env::current_exe().expect("a path to this program");
        let mut command = match std::env::var("SUBJECT_RUNNER") {
            Ok(runner) => {
                let mut words = runner.split_whitespace();
                let mut command = Command::new(words.next().expect("a command"));
                command.args(words).arg(program);
                command
            }
            Err(_) => Command::new(program),
        };
        let name = role.to_possible_value().expect("no role is skipped");
        command.args(["--subject", name.get_name()]);
        if let Some(consumer) = consumer {
            command.arg("--consumer").arg(consumer.to_string());
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout
            .read_line(&mut line)
            .expect("a line from the subject");
        let (address, token) = line
            .trim()
            .split_once(' ')
            .unwrap_or_else(|| (line.trim(), ""));
        Self {
            address: address.parse().expect("an address from the subject"),
            bearer: format!("Authorization: Bearer {token}\r\n"),
            child,
            stdout,
        }
    }

    /// The longest time that the server's lock was held since this was last asked.
    pub(crate) fn longest_hold(&mut self) -> Duration {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        stdin.write_all(b"\n").expect("the subject listens");
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .expect("a line from the subject");
        Duration::from_nanos(line.trim().parse().expect("nanoseconds"))
    }

    /// Processor time that the process has used. Known on Linux only.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        // Fields 14 and 15, in ticks of 10 ms; the second field is a name in brackets.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let fields = stat.rsplit_once(") ")?.1;
        let ticks: u64 = fields
            .split(' ')
            .skip(11)
            .take(2)
            .map_while(|field| field.parse::<u64>().ok())
            .sum();
        Some(Duration::from_millis(ticks * 10))
    }

    /// Bytes of memory in use. Known on Linux only.
    pub(crate) fn resident(&self) -> Option<u64> {
        resident(self.child.id())
    }
}

/// Bytes of memory that a process uses. Known on Linux only.
pub(crate) fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

impl Drop for Subject {
    fn drop(&mut self) {
        // Fails only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the subject, until whoever started it goes away.
pub(crate) fn run(role: Role, consumer: Option<SocketAddr>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(async {
        match role {
            Role::Bare => serve(Router::new().route("/", post(bare))).await,
            Role::Relay => serve(relay(consumer.expect("a consumer"))).await,
            Role::Server => {
                let server = MockServer::builder()
                    .max_held_bytes(8 << 30)
                    .start()
                    .await
                    .expect("the server starts");
                println!("{} {}", server.address(), server.token());
                return Some(server);
            }
        }
        None
    });
    // Each line asks how long the lock was held. The lines end when the process that started this one ends.
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        let held = server.as_ref().map(MockServer::take_longest_hold);
        println!("{}", held.unwrap_or_default().as_nanos());
    }
    drop(server);
    runtime.shutdown_background();
}

async fn serve(router: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn bare(_body: Bytes) -> &'static str {
    ANSWER
}

/// Bodies on their way from the handler to the tasks that post them.
#[derive(Debug)]
struct Channel {
    bodies: Mutex<VecDeque<Bytes>>,
    waiting: Semaphore,
}

fn relay(consumer: SocketAddr) -> Router {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(tcp);
    let channel = Arc::new(Channel {
        bodies: Mutex::default(),
        waiting: Semaphore::new(0),
    });
    let uri: http::Uri = format!("http://{consumer}/").parse().expect("a URL");
    for _ in 0..PARALLELISM {
        let (channel, client, uri) = (Arc::clone(&channel), client.clone(), uri.clone());
        tokio::spawn(async move {
            loop {
                let permit = channel.waiting.acquire().await.expect("it stays open");
                permit.forget();
                let body = channel.bodies.lock().expect("no panic").pop_front();
                let body = body.expect("a permit for each body");
                let mut request = http::Request::post(uri.clone()).body(Full::new(body));
                let request = request.as_mut().map(std::mem::take).expect("a request");
                let answer = client.request(request).await.expect("an answer");
                answer.into_body().collect().await.expect("its body");
            }
        });
    }
    Router::new().route("/", post(accept)).with_state(channel)
}

async fn accept(State(channel): State<Arc<Channel>>, body: Bytes) -> &'static str {
    channel.bodies.lock().expect("no panic").push_back(body);
    channel.waiting.add_permits(1);
    ANSWER
}
