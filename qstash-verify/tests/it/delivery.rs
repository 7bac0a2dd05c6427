//! What a verified request says of itself.

use qstash_verify::{Region, VerifyError};

use crate::common::*;

#[test]
fn a_v1_delivery_tells_message_attempt_queue_and_lease() {
    let (mut parts, body) = split(hmac().request(URL, "{}").unwrap());
    for (name, value) in [
        ("qstash-message-id", "0197"),
        ("qstash-attempt", "3"),
        ("qstash-queue", "orders"),
        ("qstash-lease-id", "lease-1"),
        ("qstash-published-at", "2026-11-24T12:00:00.000Z"),
        ("upstash-message-id", "of the other dialect"),
    ] {
        parts.headers.insert(name, value.parse().unwrap());
    }
    let delivery = verify(&verifier(), &parts, &body).unwrap();
    assert_eq!(delivery.message_id(), Some("0197"));
    assert_eq!((delivery.attempt(), delivery.retried()), (Some(3), Some(2)));
    assert_eq!(delivery.queue(), Some("orders"));
    assert_eq!(delivery.lease_id(), Some("lease-1"));
    assert_eq!(delivery.published_at(), Some("2026-11-24T12:00:00.000Z"));
    assert_eq!((delivery.schedule_id(), delivery.region()), (None, None));
}

#[test]
fn a_v2_delivery_tells_message_retries_schedule_group_caller_and_region() {
    let (mut parts, body) = split(jwt().request(URL, "{}").unwrap());
    for (name, value) in [
        ("upstash-message-id", "msg_1"),
        ("upstash-retried", "2"),
        ("upstash-schedule-id", "scd_1"),
        ("upstash-topic-name", "everyone"),
        ("upstash-caller-ip", "192.0.2.7"),
        ("upstash-region", "EU-CENTRAL-1"),
        ("upstash-label", "a,b"),
    ] {
        parts.headers.insert(name, value.parse().unwrap());
    }
    let delivery = verify(&verifier(), &parts, &body).unwrap();
    assert_eq!(delivery.message_id(), Some("msg_1"));
    assert_eq!((delivery.attempt(), delivery.retried()), (Some(3), Some(2)));
    assert_eq!(delivery.schedule_id(), Some("scd_1"));
    assert_eq!(delivery.url_group(), Some("everyone"));
    assert_eq!(delivery.caller_ip(), Some("192.0.2.7"));
    assert_eq!(delivery.region(), Some(Region::EuCentral1));
    assert_eq!(delivery.label(), Some("a,b"));
    assert_eq!((delivery.queue(), delivery.lease_id()), (None, None));
}

#[test]
fn odd_headers_read_as_nothing_and_repeated_ones_are_refused() {
    let (mut parts, body) = split(hmac().request(URL, "{}").unwrap());
    parts
        .headers
        .insert("qstash-attempt", "soon".parse().unwrap());
    let latin = http::HeaderValue::from_bytes(b"m\xfcll").unwrap();
    parts.headers.insert("qstash-queue", latin);
    let delivery = verify(&verifier(), &parts, &body).unwrap();
    assert_eq!((delivery.attempt(), delivery.queue()), (None, None));
    parts
        .headers
        .append("qstash-message-id", "another".parse().unwrap());
    let header = "qstash-message-id";
    assert_eq!(
        verify(&verifier(), &parts, &body),
        Err(VerifyError::RepeatedHeader { header })
    );
}

#[test]
fn a_verification_that_succeeds_allocates_nothing() {
    let verifier = verifier();
    for signer in [hmac(), jwt()] {
        let (parts, body) = split(signer.request(URL, vec![b'x'; 1024]).unwrap());
        let count = allocation_counter::measure(|| {
            assert!(verifier.verify(&parts, &body, NOW).is_ok());
        });
        assert_eq!(count.count_total, 0);
    }
}
