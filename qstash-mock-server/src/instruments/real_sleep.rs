//! Sleeping in real time, also if tokio's clock is paused.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::watch;

/// A sleep on a thread of its own. Dropping it ends the thread.
pub(crate) struct RealSleep {
    over: watch::Receiver<bool>,
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
            _cancel: cancel,
        }
    }

    /// Waits until the time is over. Cancel safe; can be called again.
    pub(crate) async fn wait(&self) {
        let mut over = self.over.clone();
        if over.wait_for(|over| *over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
