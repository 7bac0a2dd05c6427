//! Merging settings field by field is merging their header lines: a name that one side gives hides all lines of that
//! name of the other side.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::engine;

type Line = (&'static str, &'static [u8]);

/// What a publisher may say. A line may hold what is no text, or half of what belongs together.
const OWN: &[Line] = &[
    ("upstash-retries", b"1"),
    ("upstash-method", b"put"),
    ("upstash-delay", b"1s"),
    ("upstash-timeout", b"1s"),
    ("upstash-retry-delay", b"1"),
    ("upstash-header-forward", b"true"),
    ("upstash-header-forward", b"false"),
    ("upstash-not-before", b"1"),
    ("upstash-deduplication-id", b"own"),
    ("upstash-content-based-deduplication", b"true"),
    ("upstash-content-based-deduplication", b"false"),
    ("upstash-flow-control-key", b"own"),
    ("upstash-flow-control-value", b"rate=1"),
    ("upstash-label", b"a, b"),
    ("upstash-label", b"b, c"),
    ("upstash-redact-fields", b"body"),
    ("upstash-forward-x", b"own 1"),
    ("upstash-forward-x", b"own 2"),
    ("upstash-forward-y", b"\xff"),
    ("upstash-forward-host", b"own"),
    ("upstash-forward-content-type", b"own/forwarded"),
    ("content-type", b"own/plain"),
    ("content-type", b"\xff"),
    ("upstash-callback", b"https://own.example"),
    ("upstash-callback-retries", b"1"),
    ("upstash-callback-method", b"put"),
    ("upstash-callback-flow-control-key", b"own"),
    ("upstash-callback-forward-x", b"own"),
    ("upstash-callback-forward-y", b"\xff"),
    ("upstash-callback-forward-content-type", b"own/callback"),
    ("upstash-failure-callback", b"https://own.example/failed"),
    ("upstash-failure-callback-delay", b"1s"),
    ("upstash-failure-callback-flow-control-value", b"rate=1"),
    ("upstash-failure-callback-forward-x", b"\xff"),
    ("upstash-unknown", b"own"),
    ("authorization", b"Bearer token"),
    ("x", b"incoming 1"),
    ("x", b"incoming 2"),
    ("z", b"\xff"),
    ("connection", b"hop"),
    ("hop", b"1"),
];

/// What a URL group may say, but for [`LIMITS`].
const DEFAULTS: &[Line] = &[
    ("upstash-header-forward", b"true"),
    ("upstash-not-before", b"2"),
    ("upstash-retries", b"2"),
    ("upstash-method", b"patch"),
    ("upstash-delay", b"2s"),
    ("upstash-timeout", b"2s"),
    ("upstash-retry-delay", b"2"),
    ("upstash-deduplication-id", b"default"),
    ("upstash-content-based-deduplication", b"true"),
    ("upstash-flow-control-key", b"default"),
    ("upstash-label", b"c"),
    ("upstash-label", b"d, e"),
    ("upstash-redact-fields", b"header[x]"),
    ("upstash-redact-fields", b"header[y]"),
    ("upstash-forward-x", b"default"),
    ("upstash-forward-y", b"default 1"),
    ("upstash-forward-y", b"default 2"),
    ("upstash-forward-content-type", b"default/forwarded"),
    ("content-type", b"default/plain"),
    ("upstash-callback", b"https://default.example"),
    ("upstash-callback-retries", b"2"),
    ("upstash-callback-timeout", b"2s"),
    ("upstash-callback-flow-control-key", b"default"),
    ("upstash-callback-forward-x", b"default"),
    ("upstash-callback-forward-content-type", b"default/callback"),
    (
        "upstash-failure-callback",
        b"https://default.example/failed",
    ),
    ("upstash-failure-callback-retry-delay", b"2"),
    ("upstash-failure-callback-flow-control-key", b"default"),
    ("upstash-failure-callback-forward-y", b"default"),
    ("x", b"means nothing"),
];

/// A PATCH takes a flow-control key with its limits only.
const LIMITS: &[(&str, Line)] = &[
    (
        "upstash-flow-control-key",
        ("upstash-flow-control-value", b"parallelism=2"),
    ),
    (
        "upstash-callback-flow-control-key",
        ("upstash-callback-flow-control-value", b"rate=2"),
    ),
    (
        "upstash-failure-callback-flow-control-key",
        ("upstash-failure-callback-flow-control-value", b"rate=2"),
    ),
];

fn with_limits(mut defaults: Vec<Line>) -> Vec<Line> {
    for (key, limits) in LIMITS {
        if defaults.iter().any(|(name, _)| name == key) {
            defaults.push(*limits);
        }
    }
    defaults
}

fn lines(pairs: &[Line]) -> Lines {
    let mut headers = http::HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, http::HeaderValue::from_bytes(value).unwrap());
    }
    Lines::of_request(&headers).unwrap()
}

fn completed(given: PartialSettings, kind: RequestKind) -> Result<engine::Settings, Refusal> {
    Ok(match kind {
        RequestKind::Schedule => given.complete_for_schedule()?,
        RequestKind::Message | RequestKind::Retry | RequestKind::Group => given.complete()?,
    })
}

/// By the header lines.
fn of_lines(own: &Lines, defaults: &Lines, kind: RequestKind) -> Result<engine::Settings, Refusal> {
    let mut settings = Settings::read(&own.clone().or(defaults), kind)?;
    let url = Destination::Url("https://example.com".into());
    settings.take_incoming(&url, own, "token");
    completed(settings.given, kind)
}

/// Field by field.
fn of_fields(
    own: &Lines,
    defaults: &PartialSettings,
    kind: RequestKind,
) -> Result<engine::Settings, Refusal> {
    let mut settings = Settings::read(own, kind)?;
    let group = Destination::UrlGroup("g".into());
    settings.take_incoming(&group, own, "token");
    completed(settings.given.or(defaults), kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_fields_of_both_sides_are_merged_as_their_lines_would_be(
        own in subsequence(OWN, 0..=12),
        defaults in subsequence(DEFAULTS, 0..=12),
        kind in prop::sample::select(vec![RequestKind::Message, RequestKind::Schedule]),
    ) {
        let (own, lines_of_group) = (lines(&own), lines(&with_limits(defaults)));
        let defaults = Settings::read(&lines_of_group, RequestKind::Group).unwrap().given;
        prop_assert!(defaults.clone().complete().is_ok());
        let expected = of_lines(&own, &lines_of_group, kind);
        prop_assert_eq!(of_fields(&own, &defaults, kind), expected);
    }
}
