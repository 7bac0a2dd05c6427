//! The timer task: it sleeps until the engine's next timer, and fires it.

use super::handle::Driver;

impl Driver {
    /// Runs until it is dropped.
    pub(crate) async fn run_timer(self) {
        loop {
            let next = {
                let mut core = self.lock();
                core.armed = core.engine.poll_timeout();
                core.armed
            };
            match next {
                None => self.shared().earlier.notified().await,
                Some(at) => {
                    tokio::select! {
                        () = self.shared().clock.sleep_until(at) => {
                            self.fire();
                            // The steps of a bulk operation are all due at once. Calls of others come in between.
                            tokio::task::yield_now().await;
                        }
                        () = self.shared().earlier.notified() => {}
                    }
                }
            }
        }
    }

    /// Fires the timers that are due.
    pub(crate) fn fire(&self) {
        let mut core = self.lock();
        if !core.stopped {
            self.input(&mut core, crate::engine::Engine::handle_timeout);
        }
    }

    /// Catches up with the clock of the operating system every minute. Runs until it is dropped.
    pub(crate) async fn run_anchor(self) {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            self.shared().clock.follow_wall_time();
            self.shared().earlier.notify_one();
        }
    }
}
