//! The one timer: sleeps until the engine wants to be called, and calls it.

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
                            // The steps of a bulk operation are due at once, one after the other: those
                            // who call meanwhile come in between.
                            tokio::task::yield_now().await;
                        }
                        () = self.shared().earlier.notified() => {}
                    }
                }
            }
        }
    }

    /// Does what is due.
    pub(crate) fn fire(&self) {
        let mut core = self.lock();
        if !core.stopped {
            self.input(&mut core, crate::engine::Engine::handle_timeout);
        }
    }

    /// Follows the machine's clock when that runs ahead; runs until it is dropped.
    pub(crate) async fn run_anchor(self) {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            self.shared().clock.follow_wall_time();
            self.shared().earlier.notify_one();
        }
    }
}
