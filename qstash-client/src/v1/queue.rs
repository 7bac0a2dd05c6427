//! A queue and its settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::timing::seconds;
use crate::types::ids::QueueName;

/// A queue and its settings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Queue {
    /// The queue's name.
    pub name: QueueName,
    /// The queue that gets the messages which run out of retries.
    #[serde(default)]
    pub dead_letter_queue: Option<QueueName>,
    /// The URL that messages are pushed to. `None` if consumers receive them.
    #[serde(default)]
    pub webhook_url: Option<String>,
    /// How often the server retries a message after its first attempt failed.
    pub max_retries: u32,
    /// The waits between attempts.
    pub retry_backoff: Backoff,
    /// How long a message stays hidden after a consumer received it or a webhook answered 202.
    #[serde(rename = "visibility_timeout_seconds", with = "seconds")]
    pub visibility_timeout: Duration,
    /// How long a webhook may take to answer.
    #[serde(rename = "delivery_timeout_seconds", with = "seconds")]
    pub delivery_timeout: Duration,
    /// How many webhook calls may be in flight at once.
    pub parallelism: u32,
    /// What it means that a webhook answers 202.
    pub on_accepted: OnAccepted,
    /// Whether the queue is paused. A paused queue hands out nothing.
    #[serde(default)]
    pub paused: bool,
}

/// The waits between the attempts to deliver a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Backoff {
    /// Each wait is `factor` times the one before, up to `max`.
    Exponential {
        /// The first wait.
        #[serde(rename = "base_seconds", with = "seconds")]
        base: Duration,
        /// What each further wait is multiplied by, 1 to 100.
        factor: f64,
        /// The longest wait.
        #[serde(rename = "max_seconds", with = "seconds")]
        max: Duration,
        /// The share of each wait that is random, 0 to 1.
        #[serde(default)]
        jitter: f64,
    },
    /// All waits are equal.
    Fixed {
        /// The wait.
        #[serde(rename = "seconds", with = "seconds")]
        wait: Duration,
    },
    /// The waits are listed one by one; the last one repeats.
    List {
        /// The waits.
        #[serde(rename = "seconds", with = "list_of_seconds")]
        waits: Vec<Duration>,
    },
}

mod list_of_seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Serialize as _};

    use crate::timing::Seconds;

    pub(super) fn serialize<S: serde::Serializer>(
        waits: &[Duration],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        waits
            .iter()
            .copied()
            .map(Seconds)
            .collect::<Vec<_>>()
            .serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Duration>, D::Error> {
        let waits = Vec::<Seconds>::deserialize(from)?;
        Ok(waits.into_iter().map(|seconds| seconds.0).collect())
    }
}

/// What it means that a webhook answers 202.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnAccepted {
    /// The message is not processed yet: the server hides it for the visibility timeout and then delivers it again.
    Pending,
    /// The message is processed, as after any other 2xx.
    Done,
    /// The server named a meaning that this version does not know. It cannot be sent.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read_with_all_its_settings() {
        let queue: Queue = serde_json::from_str(
            r#"{"name":"q","dead_letter_queue":null,"webhook_url":"http://e.com/h","max_retries":3,
            "retry_backoff":{"kind":"exponential","base_seconds":1,"factor":2,"max_seconds":300,"jitter":0},
            "visibility_timeout_seconds":30,"delivery_timeout_seconds":0.5,"parallelism":16,
            "on_accepted":"something_new","paused":false,"new_setting":1}"#,
        )
        .expect("decodes");
        assert_eq!(queue.delivery_timeout, Duration::from_millis(500));
        assert_eq!(queue.on_accepted, OnAccepted::Unknown);
        let max = Duration::from_secs(300);
        let base = Duration::from_secs(1);
        assert_eq!(
            queue.retry_backoff,
            Backoff::Exponential {
                base,
                factor: 2.0,
                max,
                jitter: 0.0
            }
        );
    }
}
