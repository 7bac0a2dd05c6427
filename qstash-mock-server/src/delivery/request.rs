//! From an attempt to the HTTP request of v1.md section 5 or v2.md section 3.1. Pure.

use base64ct::{Base64, Encoding};
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use http::{Method, Request, Uri};

use super::hosted;
use crate::engine::{Attempt, Envelope, QueueEnvelope};
use crate::percent::segment;
use crate::text::{lease_id, rfc3339};

const SIGNATURE: HeaderName = HeaderName::from_static("qstash-signature");
const MESSAGE_ID: HeaderName = HeaderName::from_static("qstash-message-id");
const QUEUE: HeaderName = HeaderName::from_static("qstash-queue");
const ATTEMPT: HeaderName = HeaderName::from_static("qstash-attempt");
const LEASE_ID: HeaderName = HeaderName::from_static("qstash-lease-id");
const PUBLISHED_AT: HeaderName = HeaderName::from_static("qstash-published-at");
const AGENT: &str = concat!("qstash-mock-server/", env!("CARGO_PKG_VERSION"));

/// Why an attempt cannot be written as a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsendable {
    /// The webhook URL is no absolute http or https URL.
    Url,
    /// A header has a name or value that HTTP cannot carry.
    Header,
}

/// The request that delivers `attempt` to `url`, which stands in it as it was given. A message that
/// was sent elsewhere by a route keeps the host it was meant for.
pub(super) fn request<B>(
    attempt: &Attempt,
    url: &str,
    signature: &str,
    body: B,
) -> Result<Request<B>, Unsendable> {
    let mut request = Request::new(body);
    *request.method_mut() = match &attempt.envelope {
        Envelope::QueueRules(_) => Method::POST,
        Envelope::CarriedRules(envelope) => method(envelope.carried.method),
    };
    let meant = webhook(&attempt.url)?;
    *request.headers_mut() = headers(attempt, signature)?;
    if let Some(credentials) = credentials(&meant) {
        request
            .headers_mut()
            .entry(AUTHORIZATION)
            .or_insert(credentials);
    }
    if *url == *attempt.url {
        *request.uri_mut() = meant;
    } else {
        let host = meant.authority().map_or("", |authority| {
            let text = authority.as_str();
            text.rsplit('@').next().unwrap_or(text)
        });
        request.headers_mut().insert(HOST, text(host)?);
        *request.uri_mut() = webhook(url)?;
    }
    Ok(request)
}

fn method(method: crate::engine::Method) -> Method {
    match method {
        crate::engine::Method::Get => Method::GET,
        crate::engine::Method::Post => Method::POST,
        crate::engine::Method::Put => Method::PUT,
        crate::engine::Method::Patch => Method::PATCH,
        crate::engine::Method::Delete => Method::DELETE,
    }
}

fn webhook(url: &str) -> Result<Uri, Unsendable> {
    let uri: Uri = url.parse().map_err(|_| Unsendable::Url)?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let named = uri.host().is_some_and(|host| !host.is_empty());
    // A port that is none, such as 99999, would silently become the default port.
    let ported = uri.authority().is_some_and(|authority| {
        let after_user = authority.as_str().rsplit('@').next().unwrap_or_default();
        after_user == authority.host() || authority.port_u16().is_some()
    });
    (known && named && ported)
        .then_some(uri)
        .ok_or(Unsendable::Url)
}

/// What a URL with a user in it means to HTTP (RFC 7617); a header of the publisher beats it.
fn credentials(url: &Uri) -> Option<HeaderValue> {
    let (user, _) = url.authority()?.as_str().rsplit_once('@')?;
    // What is not decodable is meant as it stands.
    let decoded = segment(user).unwrap_or_else(|| user.to_owned());
    let (name, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
    let encoded = Base64::encode_string(format!("{name}:{password}").as_bytes());
    let mut value = HeaderValue::try_from(format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The publisher's headers and ours.
pub(crate) fn headers(attempt: &Attempt, signature: &str) -> Result<HeaderMap, Unsendable> {
    let mut headers = HeaderMap::with_capacity(16 + attempt.headers.len());
    for (name, value) in attempt.headers.iter() {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| Unsendable::Header)?;
        headers.append(name, text(value)?);
    }
    match &attempt.envelope {
        Envelope::QueueRules(envelope) => add(&mut headers, attempt, envelope, signature)?,
        Envelope::CarriedRules(envelope) => {
            hosted::add(&mut headers, attempt, envelope, signature)?;
        }
    }
    Ok(headers)
}

/// Adds those of a queue. Ours win, but for the content type and the user agent, which are defaults.
fn add(
    headers: &mut HeaderMap,
    attempt: &Attempt,
    envelope: &QueueEnvelope,
    signature: &str,
) -> Result<(), Unsendable> {
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(AGENT));
    headers.insert(SIGNATURE, text(signature)?);
    headers.insert(MESSAGE_ID, text(&attempt.message.0.to_string())?);
    headers.insert(QUEUE, text(envelope.queue.as_str())?);
    headers.insert(ATTEMPT, HeaderValue::from(attempt.number));
    headers.insert(LEASE_ID, text(&lease_id(envelope.lease))?);
    headers.insert(PUBLISHED_AT, text(&rfc3339(attempt.published_at))?);
    Ok(())
}

pub(super) fn text(value: &str) -> Result<HeaderValue, Unsendable> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Unsendable::Header)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;
    use crate::engine::{
        AccountName, AttemptId, CarriedEnvelope, CarriedRules, FlowControl, GroupName, LeaseId,
        MessageId, QueueName, RetryDelay, ScheduleId, Timestamp,
    };

    pub(crate) fn attempt(url: &str, headers: &[(&str, &str)]) -> Attempt {
        Attempt {
            id: AttemptId(7),
            message: MessageId(Uuid::from_u128(0x0197)),
            account: AccountName::new(AccountName::DEFAULT),
            url: Arc::from(url),
            body: Bytes::from_static(br#"{"order_id": 42.0}"#),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            number: 2,
            published_at: Timestamp::from_millis(1_709_210_096_007),
            started_at: Timestamp::from_millis(1_709_210_097_000),
            most_answer: 4096,
            envelope: envelope(),
        }
    }

    pub(crate) fn envelope() -> Envelope {
        Envelope::QueueRules(QueueEnvelope {
            queue: QueueName::parse("order-events").unwrap(),
            lease: LeaseId(0xabc),
            secret: Arc::from("a signing secret"),
        })
    }

    pub(crate) fn carried_envelope() -> CarriedEnvelope {
        let flow_control = FlowControl {
            key: Arc::from("k"),
            parallelism: Some(5),
            rate: None,
            period: std::time::Duration::from_secs(60),
        };
        let carried = CarriedRules {
            url: Arc::from("https://a.example/hook?x=1"),
            api: None,
            group: Some((GroupName::parse("orders").unwrap(), None)),
            schedule: ScheduleId::parse("scd_1"),
            callback_of: None,
            method: crate::engine::Method::Put,
            max_retries: 2,
            retry_delay: RetryDelay::parse("1000 * (1 + retried)").ok().map(Arc::new),
            timeout: None,
            callback: None,
            failure_callback: None,
            flow_control: Some(Arc::new(flow_control)),
            labels: Arc::new([Arc::from("a"), Arc::from("b")]),
            redaction: None,
            caller_ip: Some(Arc::from("203.0.113.9")),
        };
        CarriedEnvelope {
            carried: Arc::new(carried),
            key: Arc::from("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r"),
        }
    }

    fn request(attempt: &Attempt, signature: &str, body: ()) -> Result<Request<()>, Unsendable> {
        super::request(attempt, &attempt.url, signature, body)
    }

    #[test]
    fn a_request_carries_every_header_of_the_contract() {
        let attempt = attempt(
            "http://127.0.0.1:9/hook",
            &[("X-Trace", "a"), ("x-trace", "b")],
        );
        let request = request(&attempt, "5bdc", ()).unwrap();
        let mut lines: Vec<String> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        let agent = format!("user-agent: {AGENT}");
        assert_eq!(request.method(), "POST");
        assert_eq!(
            lines,
            [
                "content-type: application/json",
                "qstash-attempt: 2",
                "qstash-lease-id: lse_0000000000000abc",
                "qstash-message-id: 00000000-0000-0000-0000-000000000197",
                "qstash-published-at: 2024-02-29T12:34:56.007Z",
                "qstash-queue: order-events",
                "qstash-signature: 5bdc",
                agent.as_str(),
                "x-trace: a",
                "x-trace: b",
            ]
        );
    }

    #[test]
    fn the_publisher_chooses_the_content_type_but_never_our_headers() {
        let published = [
            ("Content-Type", "application/cloudevents+json"),
            ("QStash-Signature", "forged"),
        ];
        let request = request(&attempt("http://a/", &published), "real", ()).unwrap();
        assert_eq!(
            request.headers()["content-type"],
            "application/cloudevents+json"
        );
        assert_eq!(request.headers()["qstash-signature"], "real");
        assert_eq!(
            request.headers().get_all("qstash-signature").iter().count(),
            1
        );
    }

    #[test]
    fn the_url_is_sent_as_it_was_given() {
        for url in [
            "http://127.0.0.1:8080/a/../b//c?x=%2f&y=",
            "https://Example.com/%7Euser/",
            "http://[::1]:9/",
        ] {
            let request = request(&attempt(url, &[]), "", ()).unwrap();
            assert_eq!(request.uri().to_string(), url);
        }
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for url in [
            "",
            "/hook",
            "ftp://a/",
            "http://",
            "http:///x",
            "a b",
            "http://a:99999/",
            "http://a:/",
            "mailto:a@b",
        ] {
            let refused = request(&attempt(url, &[]), "", ()).err();
            assert_eq!(refused, Some(Unsendable::Url), "{url}");
        }
    }

    #[test]
    fn a_header_that_http_cannot_carry_is_refused() {
        for header in [("x y", "1"), ("", "1"), ("x", "a\r\nb: c"), ("x", "\0")] {
            let refused = request(&attempt("http://a/", &[header]), "", ()).err();
            assert_eq!(refused, Some(Unsendable::Header), "{header:?}");
        }
    }

    #[test]
    fn a_message_with_its_own_rules_carries_the_headers_of_the_hosted_service() {
        let mut attempt = attempt("https://a.example/hook?x=1", &[("X-Tenant", "7")]);
        attempt.envelope = Envelope::CarriedRules(carried_envelope());
        let request = request(&attempt, "eyJ", ()).unwrap();
        let mut lines: Vec<String> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        assert_eq!(request.method(), "PUT");
        assert_eq!(request.uri(), "https://a.example/hook?x=1");
        assert_eq!(
            lines,
            [
                "upstash-caller-ip: 203.0.113.9",
                "upstash-flow-control-key: k",
                "upstash-flow-control-value: parallelism=5,period=60",
                "upstash-label: a,b",
                "upstash-max-retries: 2",
                "upstash-message-id: msg_1111111111111111111182",
                "upstash-region: EU-CENTRAL-1",
                "upstash-retried: 1",
                "upstash-retries: 1",
                "upstash-retry-delay: 1000 * (1 + retried)",
                "upstash-schedule-id: scd_1",
                "upstash-signature: eyJ",
                "upstash-topic-name: orders",
                "user-agent: Upstash-QStash",
                "x-tenant: 7",
            ]
        );
    }

    #[test]
    fn a_user_in_the_url_is_a_basic_credential_unless_the_publisher_says_otherwise() {
        for (url, headers, expected) in [
            // The example of RFC 7617, section 2.
            (
                "http://Aladdin:open%20sesame@a/",
                &[][..],
                Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ),
            ("http://key@a/", &[], Some("Basic a2V5Og==")),
            ("http://u:p%zz@a/", &[], Some("Basic dTpwJXp6")),
            (
                "http://u:p@a/",
                &[("Authorization", "Bearer t")],
                Some("Bearer t"),
            ),
            ("http://a/u:p@b", &[], None),
        ] {
            let request = request(&attempt(url, headers), "", ()).unwrap();
            let found = request.headers().get("authorization");
            assert_eq!(found.map(|it| it.to_str().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_routed_request_keeps_the_host_it_was_meant_for() {
        let attempt = attempt("https://u:p@App.example:8443/hook", &[]);
        let request = super::request(&attempt, "http://127.0.0.1:3000/hook", "", ()).unwrap();
        assert_eq!(request.uri(), "http://127.0.0.1:3000/hook");
        assert_eq!(request.headers()["host"], "App.example:8443");
    }
}
