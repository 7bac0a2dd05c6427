//! The official SDKs, from their registries, against the program: scripts in `tests/sdk` go through every method
//! of each and assert on results and on what a consumer received. `examples/control.py` runs beside them.
//!
//! They need Python or Node and their registry. Where those are missing the suite is left out and says so on
//! stderr; with `QSTASH_CI=1`, as in `.ci/run`, it fails instead.

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

/// Notes that what `pins` names is installed; or tells that the suite is left out.
fn ready(folder: &Path, pins: &str, installed: Result<(), String>) -> bool {
    match installed {
        Ok(()) => {
            std::fs::copy(folder.join(pins), folder.join("installed")).unwrap();
            true
        }
        Err(reason) if in_ci() => panic!("QSTASH_CI=1, and the suite cannot run: {reason}"),
        Err(reason) => {
            use std::io::Write;
            // Not `eprintln`, which the test harness swallows.
            let text = format!(
                "LEFT OUT: the official SDK in {}: {reason}\n",
                folder.display()
            );
            let _ = std::io::stderr().write_all(text.as_bytes());
            false
        }
    }
}

/// One test installs, the other finds it installed.
static INSTALLING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn python() -> Option<PathBuf> {
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
    ready(&folder, pins, installed).then_some(folder)
}

async fn node() -> Option<PathBuf> {
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
    ready(&folder, pins, installed).then_some(folder)
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

/// Whether the scripts wait until a schedule fires, which takes up to a minute.
fn clock() -> (&'static str, &'static str) {
    ("SDK_CLOCK", if in_ci() { "1" } else { "0" })
}

#[tokio::test]
async fn the_official_python_sdk_works_unchanged() {
    let Some(folder) = python().await else { return };
    let server = Server::start(program(&["--port", "0"])).await;
    let variables = [("QSTASH_URL", server.url.as_str()), clock()];
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
    let variables = [("QSTASH_URL", server.url.as_str()), clock()];
    run(&folder, &["node", "sdk.mjs"], &variables).await;

    let server = Server::start(program(&["dev", "--port", "0", "-quota=free"])).await;
    let variables = [("QSTASH_URL", server.url.as_str())];
    run(&folder, &["node", "plan.mjs"], &variables).await;

    let server = Server::start(program(&["dev", "--port", "0"])).await;
    let port = server.url.rsplit(':').next().unwrap();
    let variables = [("QSTASH_DEV", "true"), ("QSTASH_DEV_PORT", port)];
    run(&folder, &["node", "dev.mjs"], &variables).await;
}
