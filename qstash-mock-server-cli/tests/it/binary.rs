//! The program: what it prints, how it is configured, how it stops.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};

/// Only a hang takes this long.
const PATIENCE: Duration = Duration::from_secs(60);
const TOKEN_SECRET: &str = "a token secret for tests";

/// The program, in an environment that says nothing about QStash.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstash-mock-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QSTASH_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(mut command: Command) -> Output {
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .expect("the program ends")
        .unwrap()
}

/// Runs a program that must fail; what it said on stderr.
pub(crate) async fn refusal(command: Command) -> String {
    let output = run(command).await;
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).unwrap()
}

/// A running program that has printed its environment.
pub(crate) struct Server {
    child: Child,
    /// What stood before its environment.
    comments: Vec<String>,
    pub(crate) url: String,
    token: String,
    signing_secret: String,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Server {
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut comments = vec![];
        let mut values = vec![];
        for name in ["QSTASH_URL", "QSTASH_TOKEN", "QSTASH_SIGNING_SECRET"] {
            let line = loop {
                let line = tokio::time::timeout(PATIENCE, stdout.next_line()).await;
                let line = line.expect("the program gets ready").unwrap();
                let line = line.expect("a line for each variable");
                if !line.starts_with('#') {
                    break line;
                }
                comments.push(line);
            };
            let value = line.strip_prefix(name).and_then(|it| it.strip_prefix('='));
            values.push(value.expect(name).to_owned());
        }
        let [url, token, signing_secret] = values.try_into().unwrap();
        Self {
            child,
            comments,
            url,
            token,
            signing_secret,
            stdout,
        }
    }

    /// Without a token.
    async fn post_plain(&self, path: &str, body: &Value) -> reqwest::Response {
        let url = format!("{}{path}", self.url);
        let request = reqwest::Client::new().post(url).json(body);
        request.send().await.unwrap()
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        reqwest::Client::new()
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.token)
            .json(body)
            .send()
            .await
            .unwrap()
    }

    /// Starts a delivery that its consumer never answers.
    async fn hang(&self) -> TcpStream {
        let consumer = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let webhook = format!("http://{}/", consumer.local_addr().unwrap());
        let queue = json!({"name": "slow", "webhook_url": webhook});
        assert_eq!(self.post("/v1/queues", &queue).await.status(), 201);
        let message = json!({"queue": "slow", "message": 1});
        assert_eq!(self.post("/v1/publish", &message).await.status(), 200);
        consumer.accept().await.unwrap().0
    }
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    let status = std::process::Command::new("kill")
        .args(["-s", name, &id])
        .status();
    assert!(status.unwrap().success());
}

#[cfg(unix)]
async fn exit_code(mut child: Child) -> Option<i32> {
    let status = tokio::time::timeout(PATIENCE, child.wait()).await;
    status.expect("the program ends").unwrap().code()
}

#[tokio::test]
async fn the_program_is_ready_when_it_prints_its_environment() {
    let server = Server::start(program(&["--port", "0"])).await;
    assert!(
        server.url.starts_with("http://127.0.0.1:"),
        "{}",
        server.url
    );
    assert!(!server.url.ends_with('/') && !server.url.ends_with(":0"));
    assert!(server.signing_secret.len() >= 16);
    let health = reqwest::get(format!("{}/health", server.url))
        .await
        .unwrap();
    assert_eq!(health.status(), 200);
    let message = json!({"queue": "order-events", "message": {"order_id": 42}});
    assert_eq!(server.post("/v1/publish", &message).await.status(), 200);
}

#[tokio::test]
async fn a_name_and_all_addresses_give_a_url_that_can_be_called() {
    for host in ["localhost", "0.0.0.0", "127.0.0.1"] {
        let server = Server::start(program(&["--port", "0", "--host", host])).await;
        assert!(
            server.url.starts_with("http://127.0.0.1:"),
            "{host}: {}",
            server.url
        );
        let message = json!({"queue": "q", "message": 1});
        assert_eq!(server.post("/v1/publish", &message).await.status(), 200);
    }
    let said = refusal(program(&["--host", "no such host", "--port", "0"])).await;
    assert!(
        said.contains("host") && said.contains("no such host"),
        "{said}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_program_prints_and_logs_no_seed() {
    let seed = "4711471147114711";
    for chosen in [&[][..], &["--seed", seed]] {
        let arguments = [&["--port", "0", "--log", "trace"], chosen].concat();
        let mut server = Server::start(program(&arguments)).await;
        let mut stderr = server.child.stderr.take().unwrap();
        let logged = tokio::spawn(async move {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.map(|_| text)
        });
        let message = json!({"queue": "q", "message": 1});
        assert_eq!(server.post("/v1/publish", &message).await.status(), 200);
        // Whoever controls the tests sees the seed that was chosen, and none that was not.
        let faults = reqwest::get(format!("{}/_admin/faults", server.url)).await;
        let faults = faults.unwrap().json::<Value>().await.unwrap();
        let told = (!chosen.is_empty()).then_some(4_711_471_147_114_711_u64);
        assert_eq!(faults["seed"].as_u64(), told, "{faults}");
        signal(&server.child, "TERM");
        let mut said = [
            server.comments.concat(),
            server.token,
            server.signing_secret,
        ]
        .concat();
        while let Some(line) = server.stdout.next_line().await.unwrap() {
            said.push_str(&line);
        }
        assert_eq!(exit_code(server.child).await, Some(0));
        let logged = logged.await.unwrap().unwrap();
        for text in [said, logged] {
            assert!(!text.to_lowercase().contains("seed"), "{text}");
            assert!(!text.contains(seed), "{text}");
        }
    }
}

#[tokio::test]
async fn the_metrics_may_be_served_elsewhere() {
    let arguments = ["--port", "0", "--metrics-address", "127.0.0.1:0"];
    let mut server = Server::start(program(&arguments)).await;
    let url = loop {
        let line = tokio::time::timeout(PATIENCE, server.stdout.next_line()).await;
        let line = line.expect("a line for the metrics").unwrap().unwrap();
        if let Some(url) = line.strip_prefix("QSTASH_METRICS_URL=") {
            break url.to_owned();
        }
    };
    let status = async |url: &str| reqwest::get(url).await.unwrap().status().as_u16();
    assert_eq!(status(&url).await, 200);
    let elsewhere = url.strip_suffix("/metrics").unwrap();
    for path in ["/health", "/v1/metrics", "/_admin/clock"] {
        assert_eq!(status(&format!("{elsewhere}{path}")).await, 404, "{path}");
    }
    assert_eq!(status(&format!("{}/metrics", server.url)).await, 404);

    let address = elsewhere.strip_prefix("http://").unwrap();
    let said = refusal(program(&["--port", "0", "--metrics-address", address])).await;
    assert!(said.contains(address) && said.contains("in use"), "{said}");
    let said = refusal(program(&["--metrics-address", "9100"])).await;
    assert!(said.contains("metrics_address"), "{said}");
}

#[tokio::test]
async fn a_flag_beats_the_environment_which_beats_the_file() {
    let file = std::env::temp_dir().join(format!("qstash-binary-{}.toml", std::process::id()));
    let text = "port = 1\nmetrics = true\nsigning_secret = \"the secret of the file\"\n";
    std::fs::write(&file, text).unwrap();
    let mut command = program(&["--port", "0", "--config", file.to_str().unwrap()]);
    command
        .env("QSTASH_MOCK_PORT", "2")
        .env("QSTASH_MOCK_METRICS", "off");
    let server = Server::start(command).await;
    std::fs::remove_file(&file).unwrap();
    assert_eq!(server.signing_secret, "the secret of the file");
    let metrics = reqwest::get(format!("{}/metrics", server.url)).await;
    assert_eq!(metrics.unwrap().status(), 404);
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_and_sigint_stop_the_program_with_0() {
    for name in ["TERM", "INT"] {
        let server = Server::start(program(&["--port", "0"])).await;
        signal(&server.child, name);
        assert_eq!(exit_code(server.child).await, Some(0), "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_hanging_delivery_holds_up_the_stop_no_longer_than_it_may() {
    let server = Server::start(program(&["--port", "0", "--shutdown-seconds", "0.1"])).await;
    let _held = server.hang().await;
    signal(&server.child, "TERM");
    assert_eq!(exit_code(server.child).await, Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_stops_the_program_at_once() {
    let server = Server::start(program(&["--port", "0", "--shutdown-seconds", "86400"])).await;
    let _held = server.hang().await;
    signal(&server.child, "TERM");
    signal(&server.child, "INT");
    assert_eq!(exit_code(server.child).await, Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_reader_that_goes_away_is_no_reason_to_stop() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let mut child = program(&["--port", &port]).spawn().unwrap();
    drop(child.stdout.take());
    let health = format!("http://127.0.0.1:{port}/health");
    let healthy = async {
        while reqwest::get(&health).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = healthy => {}
        ended = child.wait() => panic!("the program ended: {ended:?}"),
    }
    signal(&child, "TERM");
    assert_eq!(exit_code(child).await, Some(0));
}

#[tokio::test]
async fn a_scoped_token_opens_what_it_names_and_nothing_else() {
    let mut command = program(&["token", "--queue", "order-*", "--allow", "publish"]);
    command
        .args(["--expires", "1d"])
        .env("QSTASH_TOKEN_SECRET", TOKEN_SECRET);
    let output = run(command).await;
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).unwrap();
    let mut server = Server::start(program(&["--port", "0", "--token-secret", TOKEN_SECRET])).await;
    server.token = token.trim_end().to_owned();
    for (queue, status) in [("order-events", 200), ("payments", 403)] {
        let message = json!({"queue": queue, "message": 1});
        let answer = server.post("/v1/publish", &message).await;
        assert_eq!(answer.status(), status, "{queue}");
    }
    let receive = server
        .post("/v1/queues/order-events/receive", &json!({}))
        .await;
    assert_eq!(receive.status(), 403);
}

#[tokio::test]
async fn a_token_needs_a_secret_and_a_sane_lifetime() {
    let said = refusal(program(&["token", "--queue", "order-*"])).await;
    assert!(said.contains("QSTASH_TOKEN_SECRET"), "{said}");
    let arguments = ["token", "--token-secret", TOKEN_SECRET, "--expires", "soon"];
    let said = refusal(program(&arguments)).await;
    assert!(said.contains("1d or 12h30m"), "{said}");
    assert!(!said.contains(TOKEN_SECRET), "{said}");
}

#[tokio::test]
async fn a_mistake_in_the_settings_is_told_and_no_secret_with_it() {
    let file = std::env::temp_dir().join(format!("qstash-mistake-{}.toml", std::process::id()));
    std::fs::write(&file, "prot = 1\n").unwrap();
    let path = file.to_str().unwrap();
    let said = refusal(program(&["--config", path])).await;
    assert!(said.contains("`prot`") && said.contains(path), "{said}");
    std::fs::remove_file(&file).unwrap();
    let said = refusal(program(&["--config", path])).await;
    assert!(
        said.contains("cannot read") && said.contains(&format!("{path}: ")),
        "{said}"
    );
    for (arguments, name) in [
        (["--signing-secret", "hunter2"], "signing_secret"),
        (["--token-secret", "hunter2"], "token_secret"),
        (["--admin-token", ""], "admin_token"),
        (["--admin-token", "hunter2\n"], "admin_token"),
        (["--admin-token", "\"hunter2\""], "admin_token"),
        (["--shutdown-seconds", "-0.5"], "shutdown"),
        (["--max-held-bytes", "-1"], "--max-held-bytes"),
        (["--port", "70000"], "--port"),
        (["--metrics", "maybe"], "--metrics"),
        (["--log", "a=b=c"], "log"),
        (
            ["--cors", "*"],
            "`cors[0]` is wrong: `*` stands for no origin",
        ),
        (
            ["--cors", "http://hunter2@a"],
            "`cors[0]` is wrong: an origin has no user",
        ),
        (["--cors", "http://a,null"], "`cors[1]` is wrong: `null` is"),
    ] {
        let said = refusal(program(&arguments)).await;
        assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn help_names_every_variable_and_shows_no_secret() {
    let mut command = program(&["--help"]);
    command
        .env("QSTASH_SIGNING_SECRET", "hunter2 hunter2 hunter2")
        .env("QSTASH_TOKEN_SECRET", "hunter2 hunter2 hunter2")
        .env("QSTASH_ADMIN_TOKEN", "hunter2");
    let help = String::from_utf8(run(command).await.stdout).unwrap();
    for name in [
        "QSTASH_ADMIN_TOKEN",
        "QSTASH_MOCK_PORT",
        "QSTASH_MOCK_CONFIG",
        "takes a free one [default: 8080]",
    ] {
        assert!(help.contains(name), "{name}");
    }
    assert!(!help.contains("hunter2"), "{help}");
}

#[tokio::test]
async fn a_port_in_use_is_told_at_the_end_of_the_last_line() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    let output = run(program(&["--port", &port])).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("address already in use"), "{said}");
    // The TypeScript SDK picks the port out there.
    let last = said.lines().last().unwrap();
    assert!(last.ends_with(&address.to_string()), "{said}");
}

#[tokio::test]
async fn a_fixture_and_a_clock_that_stands_still_are_driven_over_http() {
    let file = std::env::temp_dir().join(format!("qstash-fixture-{}.toml", std::process::id()));
    let fixture = r#"
        queues = [{ name = "q", paused = true }]
        messages = [{ queue = "q", message = 1, delay_seconds = 60 }]
    "#;
    std::fs::write(&file, fixture).unwrap();
    let arguments = [
        "--port=0",
        "--manual-clock=2026-08-01T12:00:00Z",
        "--fixture",
    ];
    let mut command = program(&arguments);
    command.arg(&file);
    let server = Server::start(command).await;
    std::fs::remove_file(&file).unwrap();
    let response = server
        .post_plain("/_admin/clock/advance", &json!({"seconds": 60}))
        .await;
    let report: Value = response.json().await.unwrap();
    assert_eq!(report["now"], "2026-08-01T12:01:00.000Z");
    let request = reqwest::Client::new().get(format!("{}/v1/metrics", server.url));
    let response = request.bearer_auth(&server.token).send().await.unwrap();
    let metrics: Value = response.json().await.unwrap();
    assert_eq!(metrics["queues"]["q"]["ready"], 1);
}

#[tokio::test]
async fn test_control_is_off_where_it_is_told_to_be() {
    let server = Server::start(program(&["--port=0", "--no-admin"])).await;
    let response = server.post_plain("/_admin/reset", &json!({})).await;
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn settings_of_test_control_that_make_no_sense_are_refused() {
    for (arguments, expected) in [
        (
            &["--manual-clock=yesterday"][..],
            "`manual_clock` must be a time in RFC 3339",
        ),
        (
            &["--auto-clock=", "--port=0"],
            "`auto_clock` must be a time in RFC 3339",
        ),
        (
            &["--real-time-limit-seconds=-1"],
            "`real_time_limit_seconds` must be a number",
        ),
        // The option's former name.
        (
            &["--patience-seconds=-1"],
            "`real_time_limit_seconds` must be a number",
        ),
        (
            &["--fixture=no-such-file"],
            "the fixture no-such-file cannot be read: ",
        ),
    ] {
        let said = refusal(program(arguments)).await;
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn a_variable_with_the_former_name_of_a_setting_counts_where_the_present_one_is_absent() {
    let former = |value| {
        let mut program = program(&["--port", "0"]);
        program.env("QSTASH_MOCK_PATIENCE_SECONDS", value);
        program
    };
    let said = refusal(former("-1")).await;
    assert!(said.contains("`real_time_limit_seconds` must be"), "{said}");
    let said = refusal(former("soon")).await;
    assert!(
        said.contains("`QSTASH_MOCK_PATIENCE_SECONDS` must be"),
        "{said}"
    );
    let mut both = former("-1");
    both.env("QSTASH_MOCK_REAL_TIME_LIMIT_SECONDS", "1");
    Server::start(both).await;
}

#[tokio::test]
async fn the_official_commands_spelling_starts_the_server() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let words = [
        "dev",
        "-port",
        &port,
        "--log-port",
        "8081",
        "--quota",
        "payg",
    ];
    let server = Server::start(program(&words)).await;
    assert_eq!(server.url, format!("http://127.0.0.1:{port}"));
    let first = server
        .comments
        .first()
        .expect("a line before the variables");
    // What the TypeScript SDK looks for: /runn+ing( at|\.)/i
    assert!(first.contains("running."), "{first}");
    let health = reqwest::get(format!("{}/health", server.url)).await;
    assert_eq!(health.unwrap().status(), 200);
}
