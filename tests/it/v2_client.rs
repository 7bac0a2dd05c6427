//! The client's v2 against the server's: every operation, from publish to verified receipt.
//!
//! The stories of [`stories`] need no receiver of their own, so they run against the hosted service too: set
//! `QSTASH_LIVE_TOKEN` (and `QSTASH_LIVE_URL` for another region than the default) and run
//! `cargo test -p qstash-tests --test it v2_client::live`. Whatever they make is under names of their own and removed
//! again.

mod callbacks;
mod deliveries;
mod stories;

use std::time::Duration;

use qstash_client::{Client, Error, ErrorKind};
use stories::Place;

use crate::support::World;

/// One test for each story, here and there.
macro_rules! both {
    ($($story:ident),+ $(,)?) => {
        mod carried {
            $(#[tokio::test]
            async fn $story() {
                let world = super::World::manual().await;
                super::stories::$story(&super::Place::new(world.client.clone())).await;
            })+
        }
        mod live {
            $(#[tokio::test]
            async fn $story() {
                if let Some(place) = super::hosted() {
                    super::stories::$story(&place).await;
                }
            })+
        }
    };
}

both!(
    messages_are_held_back_looked_at_and_cancelled,
    a_duplicate_is_told,
    a_batch_mixes_destinations,
    queues_are_managed,
    url_groups_are_managed,
    schedules_are_managed,
    flow_control_is_managed,
    the_log_tells_of_a_message,
    both_signing_keys_are_told,
    what_is_not_there_is_not_found,
);

/// The hosted service, if a token for it is there.
fn hosted() -> Option<Place> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let token = set("QSTASH_LIVE_TOKEN")?;
    let url = set("QSTASH_LIVE_URL").unwrap_or_else(|| "https://qstash.upstash.io".to_owned());
    let builder = Client::builder().base_url(url).token(token);
    let client = builder.total_timeout(Duration::from_secs(120)).build();
    Some(Place::new(client.unwrap()))
}

#[track_caller]
fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}
