//! Sleeping in real time, also where tokio's clock is paused.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::watch;

/// A sleep on a thread of its own. Ends with the value.
pub(crate) struct RealSleep {
    over: watch::Receiver<bool>,
    _cancel: Sender<()>,
}

impl RealSleep {
    pub(crate) fn start(duration: Duration) -> Self {
        let (cancel, cancelled) = channel::<()>();
        let (tell, over) = watch::channel(false);
        tokio::task::spawn_blocking(move || {
            // Ends early, with another error, when the sleeper is dropped.
            if cancelled.recv_timeout(duration) == Err(RecvTimeoutError::Timeout) {
                let _ = tell.send(true);
            }
        });
        Self {
            over,
            _cancel: cancel,
        }
    }

    /// Returns once the time is over. Cancel safe, and can be called again.
    pub(crate) async fn wait(&self) {
        let mut over = self.over.clone();
        if over.wait_for(|over| *over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
