//! Requests that are held back until another request has overtaken them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::engine::{Attempt, AttemptId};

/// The requests that are held back, by URL.
#[derive(Default)]
pub(crate) struct Overtaking {
    /// Whether a request is held back, so that a request that is over need not take the lock otherwise.
    any: AtomicBool,
    held: Mutex<HashMap<Arc<str>, Vec<Held>>>,
}

struct Held {
    attempt: AttemptId,
    go: oneshot::Sender<()>,
}

/// A request that is held back.
pub(crate) struct Turn(oneshot::Receiver<()>);

impl Turn {
    /// Completes once the request was overtaken.
    pub(crate) async fn over(self) {
        // Fails only if everything was cleared, and then the request goes on.
        let _ = self.0.await;
    }
}

impl Overtaking {
    /// Holds a request back.
    pub(crate) fn hold(&self, attempt: &Attempt) -> Turn {
        let (go, over) = oneshot::channel();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.any.store(true, Ordering::Relaxed);
        let here = held.entry(Arc::clone(&attempt.url)).or_default();
        here.retain(|held| !held.go.is_closed());
        here.push(Held {
            attempt: attempt.id,
            go,
        });
        Turn(over)
    }

    /// Lets requests go on that were held back before `attempt`, which is over. `unpark` is called for each first.
    pub(crate) fn passed(&self, attempt: &Attempt, unpark: impl Fn(AttemptId)) {
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(here) = held.get_mut(&attempt.url) else {
            return;
        };
        for ahead in here.extract_if(.., |held| held.attempt < attempt.id) {
            unpark(ahead.attempt);
            // Fails if the attempt was given up.
            let _ = ahead.go.send(());
        }
        if here.is_empty() {
            held.remove(&attempt.url);
        }
        self.any.store(!held.is_empty(), Ordering::Relaxed);
    }
}
