//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::api::issue_token;
use crate::config::Settings;
use crate::driver::wall_time;
use crate::engine::{AccountName, Permission};
use crate::{MockServer, StartError};

/// A complete QStash server with real queueing semantics, for tests and local development.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    /// A TOML file with any of these settings
    #[arg(long, env = "QSTASH_MOCK_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Subcommands>,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Print a token that is limited to some queues and permissions
    Token(TokenArgs),
}

#[derive(Debug, clap::Args)]
struct TokenArgs {
    /// A queue name or glob; repeat it for several [default: all]
    #[arg(long = "queue")]
    queues: Vec<String>,
    /// What the token allows; repeat it for several [default: all]
    #[arg(long = "allow", value_enum)]
    permissions: Vec<Allow>,
    /// For how long, for example 1d or 12h30m [default: for ever]
    #[arg(long, value_parser = duration)]
    expires: Option<Duration>,
    /// Whose state it opens
    #[arg(long, default_value = AccountName::DEFAULT)]
    account: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Allow {
    Publish,
    Consume,
    Manage,
    Metrics,
}

impl From<Allow> for Permission {
    fn from(allow: Allow) -> Self {
        match allow {
            Allow::Publish => Self::Publish,
            Allow::Consume => Self::Consume,
            Allow::Manage => Self::Manage,
            Allow::Metrics => Self::Metrics,
        }
    }
}

/// Runs the program with the process's arguments; returns when it is stopped.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Subcommands::Token(args)) => token(cli.settings, cli.config.as_deref(), &args),
        None => serve(cli.settings, cli.config.as_deref()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere else to say it.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn token(settings: Settings, config: Option<&Path>, args: &TokenArgs) -> Result<(), Failure> {
    let settings = settings.complete(config)?;
    let secret = settings.token_secret.ok_or(
        "a token needs the server's token secret: set QSTASH_TOKEN_SECRET or pass --token-secret",
    )?;
    let permissions: Vec<Permission> = args
        .permissions
        .iter()
        .map(|allow| (*allow).into())
        .collect();
    let token = issue_token(
        secret.as_bytes(),
        &args.account,
        Some(args.queues.as_slice()).filter(|queues| !queues.is_empty()),
        Some(permissions.as_slice()).filter(|permissions| !permissions.is_empty()),
        args.expires
            .map(|expires| (wall_time() + expires).as_secs()),
    );
    print(&[token])?;
    Ok(())
}

fn serve(settings: Settings, config: Option<&Path>) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("QSTASH_MOCK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let settings = settings.complete(config)?;
    let patience = settings.shutdown()?;
    let server = settings.server()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let server = server.start().await.map_err(|error| explained(&error))?;
        let lines: Vec<_> = server
            .env()
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        print(&lines)?;
        stop_signal().await?;
        shut_down(server, patience).await
    })
}

fn explained(error: &StartError) -> Failure {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    format!("{error}{cause}").into()
}

/// A second signal ends the wait.
async fn shut_down(server: MockServer, patience: Duration) -> Result<(), Failure> {
    tokio::select! {
        () = server.shutdown_within(patience) => Ok(()),
        signal = stop_signal() => Ok(signal?),
    }
}

#[cfg(unix)]
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// A reader that has gone away is no reason to stop.
fn print(lines: &[String]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            result => result?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// One or more of a number with `d`, `h`, `m` or `s`.
fn duration(text: &str) -> Result<Duration, String> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong(text))?;
        let unit = match rest.as_bytes().get(digits) {
            Some(b'd') => 86_400,
            Some(b'h') => 3_600,
            Some(b'm') => 60,
            Some(b's') => 1,
            _ => return Err(wrong(text)),
        };
        total = number
            .checked_mul(unit)
            .and_then(|it| total.checked_add(it))
            .ok_or_else(|| wrong(text))?;
        rest = &rest[digits + 1..];
    }
    if text.is_empty() || total > 3_650 * 86_400 {
        Err(wrong(text))
    } else {
        Ok(Duration::from_secs(total))
    }
}

fn wrong(text: &str) -> String {
    format!("`{text}` is not a duration such as 1d or 12h30m, of at most ten years")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in [
            ("1d", 86_400),
            ("12h30m", 45_000),
            ("90s", 90),
            ("1h1s", 3_601),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in [
            "",
            "1",
            "d",
            "-1d",
            "1.5h",
            "1w",
            "1d ",
            "99999999999999999999d",
            "9999999d",
            "1é",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
