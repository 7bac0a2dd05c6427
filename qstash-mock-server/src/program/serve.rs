//! Running a server until the program gets a signal.

use std::path::Path;
use std::time::Duration;

use super::Failure;
use super::config::Settings;
use super::console::{Signals, print};
use crate::MockServerBuilder;
use crate::testing::Fixture;

/// Starts a server and lets it run until the program gets a signal.
pub(super) fn serve(
    settings: Settings,
    config: Option<&Path>,
    banner: Option<&str>,
) -> Result<(), Failure> {
    let settings = settings.complete(config)?;
    tracing_subscriber::fmt()
        .with_env_filter(settings.log_filter()?)
        .with_writer(std::io::stderr)
        .init();
    let shutdown_limit = settings.shutdown()?;
    let fixture = settings.fixture()?;
    let server = settings.server()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(run_until_told(server, fixture, shutdown_limit, banner));
    // A plain drop would wait for a name that is being resolved.
    runtime.shutdown_background();
    result
}

async fn run_until_told(
    server: MockServerBuilder,
    fixture: Option<Fixture>,
    shutdown_limit: Duration,
    banner: Option<&str>,
) -> Result<(), Failure> {
    // Caught before the lines below are printed, because their reader may send a signal at once.
    let mut signals = Signals::new()?;
    let server = tokio::select! {
        started = server.start() => started?,
        () = signals.next() => return Ok(()),
    };
    if let Some(fixture) = fixture {
        server.load(&fixture).await?;
    }
    let metrics = server.metrics_url().map(|url| ("QSTASH_METRICS_URL", url));
    let env = server.env().into_iter().chain(metrics);
    let env = env.map(|(name, value)| format!("{name}={value}"));
    let lines: Vec<_> = banner.map(str::to_owned).into_iter().chain(env).collect();
    print(&lines)?;
    signals.next().await;
    tokio::select! {
        () = server.shutdown_within(shutdown_limit) => {}
        // A second signal ends the wait.
        () = signals.next() => {}
    }
    Ok(())
}
