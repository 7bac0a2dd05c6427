//! Keeps what all clients of a process can share, because it is expensive to make.
//!
//! Reading the certificates that the system trusts takes rustls about 20 ms in a debug build, and OpenSSL about 50.
//! What is kept holds no connection, so it belongs to no client, account or runtime.

use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// How long something is kept. A client that is made later sees what has changed in the system since.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// How many are kept: a program has a few different settings at most.
const KEPT_MAX: usize = 4;

/// What a thing was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Whether the program has installed a provider of cryptography, which it can do once.
    installed: bool,
    /// The certificates that were added.
    roots: Vec<Vec<u8>>,
    /// Where the environment says that the system's certificates are.
    places: [Option<OsString>; 2],
}

impl Settings {
    pub(crate) fn new(installed: bool, roots: &[Vec<u8>]) -> Self {
        Self {
            installed,
            roots: roots.to_vec(),
            places: ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os),
        }
    }
}

/// What was made lately, the last one first.
pub(crate) struct Kept<T>(Mutex<Vec<(Settings, Instant, T)>>);

impl<T: Clone> Kept<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Returns what was made of these settings within the last minute, or makes it. A failure is not kept.
    pub(crate) fn get(
        &self,
        settings: Settings,
        now: Instant,
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Whoever comes while it is being made waits, and then shares it. A panic in `make` leaves nothing half done.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, made_at, _)| now.saturating_duration_since(*made_at) < KEPT_FOR);
        if let Some((_, _, found)) = kept.iter().find(|(of, _, _)| *of == settings) {
            return Ok(found.clone());
        }
        let made = make()?;
        kept.truncate(KEPT_MAX - 1);
        kept.insert(0, (settings, now, made.clone()));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for what was made of this root, and returns which of the things made so far it is.
    fn ask(kept: &Kept<u32>, made: &mut u32, settings: Settings, now: Instant) -> u32 {
        let make = || {
            *made += 1;
            Ok(*made)
        };
        kept.get(settings, now, make).expect("made")
    }

    fn with(root: &str) -> Settings {
        Settings::new(false, &[root.as_bytes().to_vec()])
    }

    #[test]
    fn the_same_settings_share_one_and_others_have_their_own() {
        let (kept, mut made, now) = (Kept::new(), 0, Instant::now());
        let mut ask = |settings| ask(&kept, &mut made, settings, now);
        assert_eq!([ask(with("a")), ask(with("a"))], [1, 1]);
        assert_eq!(ask(with("b")), 2);
        let mut other = with("a");
        other.installed = true;
        assert_eq!(ask(other), 3);
        let mut other = with("a");
        other.places[0] = Some("elsewhere.pem".into());
        assert_eq!(ask(other), 4);
        assert_eq!(ask(with("a")), 1);
    }

    #[test]
    fn after_a_minute_it_is_made_again() {
        let (kept, mut made, start) = (Kept::new(), 0, Instant::now());
        let mut ask = |seconds| {
            ask(
                &kept,
                &mut made,
                with("a"),
                start + Duration::from_secs(seconds),
            )
        };
        // Being asked for does not make it younger.
        assert_eq!([ask(0), ask(59), ask(60), ask(61)], [1, 1, 2, 2]);
    }

    #[test]
    fn only_the_last_ones_are_kept() {
        let (kept, mut made, now) = (Kept::new(), 0, Instant::now());
        let mut ask = |root| ask(&kept, &mut made, with(root), now);
        for root in ["a", "b", "c", "d", "e"] {
            ask(root);
        }
        assert_eq!([ask("e"), ask("b")], [5, 2]);
        assert_eq!(ask("a"), 6);
    }

    #[test]
    fn a_failure_is_not_kept() {
        let (kept, now) = (Kept::new(), Instant::now());
        let failed = kept.get(with("a"), now, || Err(Error::config("no certificates")));
        failed.expect_err("the first");
        assert_eq!(kept.get(with("a"), now, || Ok(1)).expect("the second"), 1);
    }
}
