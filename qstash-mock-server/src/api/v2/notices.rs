//! What is said in the log, once in a process, about headers that the server accepts although their sender has
//! probably made a mistake.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::super::error::shortened;

/// The most headers of which something is said. Who sends ever new names fills no log.
const MOST: usize = 256;

/// The names of the headers of which something was said.
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Says that no setting has this name, which begins with `upstash-`.
pub(super) fn unknown(name: &str) {
    if is_new(name) {
        tracing::warn!(
            header = %shown(name),
            "no setting has this name, and Upstash's service ignores such headers, too"
        );
    }
}

/// Says that the value of a header has no unit.
pub(super) fn without_unit(name: &str) {
    if is_new(name) {
        tracing::warn!(
            header = %shown(name),
            "a duration without a unit is read as seconds; Upstash's service may refuse it"
        );
    }
}

fn is_new(name: &str) -> bool {
    let Ok(mut said) = SAID.lock() else {
        return false;
    };
    let room = said.len() < MOST;
    room && !said.contains(name) && said.insert(name.to_owned())
}

/// The name, cut to a length that a line of the log can have. Nothing in it can change what a terminal shows.
fn shown(name: &str) -> String {
    shortened(name).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_once_and_without_control_characters() {
        assert!(is_new("upstash-once"));
        assert!(!is_new("upstash-once"));
        assert_eq!(shown("upstash-\u{1b}[31m"), "upstash-\\u{1b}[31m");
    }
}
