//! A server on a thread and a runtime of its own.

use std::io;

use tokio::sync::oneshot;

use super::{MockServer, MockServerBuilder, StartError};

/// The thread of a server. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Thread {
    /// Ends the thread when it is dropped.
    _run: oneshot::Sender<()>,
    /// Closed once the thread has dropped everything that it had.
    ended: oneshot::Receiver<()>,
}

impl Thread {
    /// Ends the thread, and waits until it has dropped everything that it had.
    pub(super) async fn end(self) {
        drop(self._run);
        // Nothing is ever sent: the thread drops its end when it is done.
        let _ = self.ended.await;
    }
}

/// Starts `builder`'s server on a new thread.
pub(super) async fn start(builder: MockServerBuilder) -> Result<MockServer, StartError> {
    let (tell, told) = oneshot::channel();
    let (run, stop) = oneshot::channel();
    let (alive, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("qstash-mock-server".to_owned())
        .spawn(move || {
            // Dropped last, when the runtime and all that ran on it are gone.
            let _alive: oneshot::Sender<()> = alive;
            serve(builder, tell, stop);
        })
        .map_err(StartError::Thread)?;
    let mut server = told.await.map_err(|_| {
        StartError::Thread(io::Error::other(
            "the thread ended before the server started",
        ))
    })??;
    server.thread = Some(Thread { _run: run, ended });
    Ok(server)
}

fn serve(
    builder: MockServerBuilder,
    tell: oneshot::Sender<Result<MockServer, StartError>>,
    stop: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        // Fails only if nobody waits any more.
        Err(error) => return drop(tell.send(Err(StartError::Thread(error)))),
    };
    runtime.block_on(async {
        let started = builder.start_here().await;
        if tell.send(started).is_ok() {
            // Ends with an error, when the other end is dropped.
            let _ = stop.await;
        }
    });
    // A plain drop would wait for a name that is being resolved.
    runtime.shutdown_background();
}
