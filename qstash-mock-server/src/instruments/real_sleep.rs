//! Sleeping in real time, also if tokio's clock is paused.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// A sleep on a thread of its own. Dropping it ends the thread.
pub(crate) struct RealSleep {
    over: watch::Receiver<bool>,
    duration: Duration,
    /// When it began, on tokio's clock.
    began: Instant,
    _cancel: Sender<()>,
}

impl RealSleep {
    pub(crate) fn start(duration: Duration) -> Self {
        let (cancel, cancelled) = channel::<()>();
        let (tell, over) = watch::channel(false);
        tokio::task::spawn_blocking(move || {
            // Returns early, with another error, when the sleep is dropped.
            if cancelled.recv_timeout(duration) == Err(RecvTimeoutError::Timeout) {
                let _ = tell.send(true);
            }
        });
        Self {
            over,
            duration,
            began: Instant::now(),
            _cancel: cancel,
        }
    }

    /// Whether tokio's clock stood still while this slept, because a test has paused it. Only true once the time is over.
    pub(crate) fn tokio_stood_still(&self) -> bool {
        self.began.elapsed() < self.duration / 2
    }

    /// Waits until the time is over. Cancel safe; can be called again.
    pub(crate) async fn wait(&self) {
        let mut over = self.over.clone();
        if over.wait_for(|over| *over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
