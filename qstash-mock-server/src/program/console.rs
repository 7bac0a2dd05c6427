//! The program's terminal: its output, and the signals that end it.

use std::error::Error;
use std::io::{self, ErrorKind, Write};

/// SIGINT and SIGTERM.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Catches the signals, which from now on do not end the process by themselves.
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
pub(super) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    /// Catches Ctrl-C, which from now on does not end the process by itself.
    pub(super) fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Prints lines. It is not an error if the reader has gone away.
pub(super) fn print(lines: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in lines {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            result => result?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// An error and its causes in one line, the outermost first.
pub(super) fn explained(error: &(dyn Error + 'static)) -> String {
    // The error that has this cause says already that the address is in use, and ends with the address.
    let is_told = |cause: &&(dyn Error + 'static)| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|it| it.kind() == ErrorKind::AddrInUse)
    };
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes = causes.filter(|it| !is_told(it)).map(ToString::to_string);
    let all: Vec<_> = std::iter::once(error.to_string()).chain(causes).collect();
    let lines: Vec<_> = all.iter().map(|it| it.trim_end()).collect();
    lines.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the {0} is lost")]
    struct Lost(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn an_error_is_told_with_all_its_causes() {
        let nail = Lost("nail", None);
        let shoe = Lost("shoe", Some(Box::new(nail)));
        let horse = Lost("horse", Some(Box::new(shoe)));
        let told = explained(&horse);
        assert_eq!(
            told,
            "the horse is lost: the shoe is lost: the nail is lost"
        );
    }
}
