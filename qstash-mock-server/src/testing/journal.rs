//! The journal: the deliveries of a run, as a text that can be compared byte for byte.

use std::fmt::Write;

use super::delivery::Delivery;
use crate::text::rfc3339;

/// Writes one line for each delivery, ordered by time, message and attempt.
pub(super) fn write(deliveries: &[Delivery], names: &[(&str, &str)]) -> String {
    let mut sorted: Vec<_> = deliveries.iter().collect();
    sorted.sort_by_key(|it| {
        let again = it.is_duplicate();
        (it.started_at(), it.message_id(), it.attempt(), again)
    });
    let mut text = String::new();
    for delivery in sorted {
        line(&mut text, delivery, names);
    }
    text
}

fn line(text: &mut String, delivery: &Delivery, names: &[(&str, &str)]) {
    let url = delivery.url();
    let name = names.iter().find(|(known, _)| *known == url);
    let ended = delivery
        .finished_at()
        .map_or_else(|| "-".to_owned(), rfc3339);
    let written = write!(
        text,
        "{} {} queue={} endpoint={} message={} attempt={} {}",
        rfc3339(delivery.started_at()),
        ended,
        delivery.queue().unwrap_or("-"),
        name.map_or_else(|| without_port(url), |(_, name)| (*name).to_owned()),
        delivery.message_id().0,
        delivery.attempt(),
        delivery.ending(),
    );
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
    if delivery.is_duplicate() {
        text.push_str(" duplicate");
    }
    for fault in delivery.faults() {
        text.push_str(" fault=");
        text.push_str(fault);
    }
    text.push_str(" body=");
    text.push_str(&delivery.body().escape_ascii().to_string());
    text.push('\n');
}

/// The URL with `*` instead of the port.
fn without_port(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    let authority = &url[start..end];
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit());
    match authority.rsplit_once(':') {
        Some((host, port)) if digits(port) => format!("{}{host}:*{}", &url[..start], &url[end..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_part_of_what_happened() {
        for (url, expected) in [
            (
                "http://127.0.0.1:40123/hook?a=1:2",
                "http://127.0.0.1:*/hook?a=1:2",
            ),
            ("http://[::1]:9", "http://[::1]:*"),
            ("http://[::1]/", "http://[::1]/"),
            ("https://example.com/a:1/", "https://example.com/a:1/"),
        ] {
            assert_eq!(without_port(url), expected);
        }
    }
}
