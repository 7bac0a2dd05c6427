//! The official SDKs, from their registries, against the program: scripts in `tests/sdk` go through every method
//! of each and assert on results and on what a consumer received. `examples/control.py` runs beside them.
//!
//! They need Python or Node and their registry, so they run only with `QSTASH_CI=1`, as in `.ci/run` and `just sdk`:
//! plain `cargo test` needs nothing but Rust and installs nothing.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::binary::{Server, program};

/// Only a hang takes this long: installing, or a whole suite that waits a minute for a schedule.
const PATIENCE: Duration = Duration::from_secs(300);

fn in_ci() -> bool {
    std::env::var("QSTASH_CI").is_ok_and(|it| it == "1")
}

/// Where things are installed and run; outlives the test, so that the next run finds them.
fn workshop(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Copies the suite's files there; whether `pins` is the one that was installed from.
fn copy_suite(from: &str, to: &Path, pins: &str) -> bool {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sdk")
        .join(from);
    for entry in std::fs::read_dir(&from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    let installed = std::fs::read_to_string(to.join("installed"));
    installed.is_ok_and(|installed| installed == std::fs::read_to_string(to.join(pins)).unwrap())
}

/// Runs one step of the installation; what went wrong, if it did not work.
async fn install(folder: &Path, words: &[&str]) -> Result<(), String> {
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .map_err(|_| format!("`{}` hangs", words.join(" ")))?
        .map_err(|error| format!("`{}`: {error}", words[0]))?;
    let said = String::from_utf8_lossy(&output.stderr);
    output
        .status
        .success()
        .then_some(())
        .ok_or_else(|| format!("`{}`: {said}", words.join(" ")))
}

/// Notes that what `pins` names is installed.
fn ready(folder: &Path, pins: &str, installed: Result<(), String>) {
    if let Err(reason) = installed {
        panic!("QSTASH_CI=1, and the suite cannot run: {reason}");
    }
    std::fs::copy(folder.join(pins), folder.join("installed")).unwrap();
}

/// Tells that a suite is left out.
fn left_out(suite: &str) {
    use std::io::Write;
    // Not `eprintln`, which the test harness swallows.
    let text = format!(
        "LEFT OUT: {suite}, which is installed and run by `just sdk` or with QSTASH_CI=1\n"
    );
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// One test installs, the other finds it installed.
static INSTALLING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn python() -> Option<PathBuf> {
    if !in_ci() {
        left_out("the official SDK for Python");
        return None;
    }
    let _one = INSTALLING.lock().await;
    let folder = workshop("sdk-python");
    let pins = "requirements.txt";
    if copy_suite("python", &folder, pins) {
        return Some(folder);
    }
    let pip = ["venv/bin/python", "-m", "pip", "install", "--quiet"];
    let pip = [&pip[..], &["--disable-pip-version-check", "-r", pins]].concat();
    let mut installed = install(&folder, &["python3", "-m", "venv", "--clear", "venv"]).await;
    if installed.is_ok() {
        installed = install(&folder, &pip).await;
    }
    ready(&folder, pins, installed);
    Some(folder)
}

async fn node() -> Option<PathBuf> {
    if !in_ci() {
        left_out("the official SDK for TypeScript");
        return None;
    }
    let folder = workshop("sdk-node");
    let pins = "package-lock.json";
    if copy_suite("node", &folder, pins) {
        return Some(folder);
    }
    let mut installed = install(&folder, &["node", "--version"]).await;
    if installed.is_ok() {
        let npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        installed = install(&folder, &npm).await;
    }
    ready(&folder, pins, installed);
    Some(folder)
}

/// Runs a script in an environment that says nothing about QStash but `variables`; it must exit with 0.
async fn run(folder: &Path, words: &[&str], variables: &[(&str, &str)]) {
    let mut command = Command::new(words[0]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.contains("QSTASH")) {
        command.env_remove(name);
    }
    command
        .args(&words[1..])
        .current_dir(folder)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.expect("the script ends").unwrap();
    assert!(
        output.status.success(),
        "{words:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
}

/// Makes the scripts wait until a schedule fires, which takes up to a minute.
const CLOCK: (&str, &str) = ("SDK_CLOCK", "1");

#[tokio::test]
async fn the_official_python_sdk_works_unchanged() {
    let Some(folder) = python().await else { return };
    let server = Server::start(program(&["--port", "0"])).await;
    let variables = [("QSTASH_URL", server.url.as_str()), CLOCK];
    run(&folder, &["venv/bin/python", "sdk.py"], &variables).await;

    let server = Server::start(program(&["dev", "--port", "0", "-quota=free"])).await;
    let variables = [("QSTASH_URL", server.url.as_str())];
    run(&folder, &["venv/bin/python", "plan.py"], &variables).await;
}

/// The SDK stands on httpx, and so does the example.
#[tokio::test]
async fn the_python_example_drives_clock_and_faults_through_test_control() {
    let Some(folder) = python().await else { return };
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/control.py");
    let words = [
        "venv/bin/python",
        example.to_str().unwrap(),
        env!("CARGO_BIN_EXE_qstash-mock-server"),
    ];
    run(&folder, &words, &[]).await;
}

#[tokio::test]
async fn the_official_typescript_sdk_works_unchanged_and_finds_the_server_in_dev_mode() {
    let Some(folder) = node().await else { return };
    let server = Server::start(program(&["--port", "0"])).await;
    let variables = [("QSTASH_URL", server.url.as_str()), CLOCK];
    run(&folder, &["node", "sdk.mjs"], &variables).await;

    let server = Server::start(program(&["dev", "--port", "0", "-quota=free"])).await;
    let variables = [("QSTASH_URL", server.url.as_str())];
    run(&folder, &["node", "plan.mjs"], &variables).await;

    let server = Server::start(program(&["dev", "--port", "0"])).await;
    let port = server.url.rsplit(':').next().unwrap();
    let variables = [("QSTASH_DEV", "true"), ("QSTASH_DEV_PORT", port)];
    run(&folder, &["node", "dev.mjs"], &variables).await;
}
