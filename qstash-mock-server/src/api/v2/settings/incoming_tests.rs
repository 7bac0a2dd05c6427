//! What of a request is sent along without being named.

use super::tests::{lines, read, shown};
use super::*;

#[test]
fn all_that_comes_in_is_sent_along_but_credentials_connection_and_settings() {
    let pairs = [
        ("Upstash-Header-Forward", "TRUE"),
        ("Upstash-Forward-X", "explicit"),
        ("Authorization", "Bearer token"),
        ("Host", "h"),
        ("Content-Length", "3"),
        ("Content-Type", "a/b"),
        ("Connection", "close, X-Hop"),
        ("X-Hop", "1"),
        ("User-Agent", "ua"),
        ("X", "plain"),
        ("Y", "1"),
        ("Y", "2"),
    ];
    let url = Destination::Url("https://example.com".into());
    let taken = |pairs: &[(&str, &str)], destination: &Destination, token: &str| {
        let mut settings = read(pairs, RequestKind::Message).unwrap();
        settings.take_incoming(destination, &lines(pairs), token);
        settings.given
    };
    let forwarded = |pairs: &[_], token: &str| {
        let settings = taken(pairs, &url, token).complete().unwrap();
        let headers = settings.headers.unwrap();
        let line = |(name, value): &(String, String)| format!("{name}={value}");
        headers.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        forwarded(&pairs, "token"),
        [
            "Content-Type=a/b",
            "X=explicit",
            "User-Agent=ua",
            "Y=1",
            "Y=2"
        ]
    );
    // The token came in the query, so this one is the destination's.
    let all = forwarded(&pairs, "other");
    assert!(all.contains(&"Authorization=Bearer token".to_owned()));
    let unasked = &pairs[1..];
    assert_eq!(
        forwarded(unasked, "token"),
        ["Content-Type=a/b", "X=explicit"]
    );
    // A URL group may ask for what the publisher does not, unless the publisher says no.
    assert!(taken(unasked, &url, "token").incoming.is_empty());
    let group = Destination::UrlGroup("g".into());
    let incoming = taken(unasked, &group, "token").incoming;
    assert_eq!(shown(&incoming), ["User-Agent=ua", "X=plain", "Y=1", "Y=2"]);
    let refused = [("Upstash-Header-Forward", "false"), ("Y", "1")];
    assert!(taken(&refused, &group, "token").incoming.is_empty());
}
