//! The module `testing` and messages with rules of their own (`/v2`).

use std::time::Duration;

use qstash_mock_server::MockServer;
use qstash_mock_server::engine::Timestamp;
use qstash_mock_server::testing::{Consumer, Delivery, Fault, Received, SignatureClock};
use qstash_verify::Verifier;
use reqwest::Method;

use super::{START, manual, start};
use crate::support::Api;

const HOUR: Duration = Duration::from_secs(3600);

impl Api {
    async fn publish_v2(&self, consumer: &Consumer, body: &str) {
        let path = format!("/v2/publish/{}", consumer.url());
        let request = self.request(Method::POST, &path).body(body.to_owned());
        let response = request.send().await.unwrap();
        let status = response.status();
        assert!(
            status.is_success(),
            "{status} {}",
            response.text().await.unwrap()
        );
    }
}

#[tokio::test]
async fn a_consumer_verifies_tokens_in_the_servers_time() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([503, 200]).start();
    api.publish_v2(&consumer, "hello").await;
    api.server.advance(HOUR).await.unwrap();
    let received = consumer.received();
    assert_eq!(
        received.iter().map(Received::attempt).collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(received.iter().all(|it| it.signature().is_ok()));
    let deliveries = api.server.deliveries().to(consumer.url()).all();
    assert_eq!(
        deliveries.iter().map(Delivery::status).collect::<Vec<_>>(),
        [Some(503), Some(200)]
    );
    for (delivery, received) in deliveries.iter().zip(&received) {
        let name = "upstash-signature";
        assert_eq!(delivery.header(name).as_deref(), received.header(name));
        assert_eq!(delivery.body(), "hello");
    }
}

#[tokio::test]
async fn signers_with_a_wrong_clock_are_refused() {
    for fault in [
        Fault::expired_signature(),
        Fault::signer_ahead(HOUR),
        Fault::signer_behind(HOUR),
        Fault::bad_signature(),
    ] {
        let api = start(manual()).await;
        let consumer = api.server.consumer().start();
        let text = format!("{fault:?}");
        api.server.inject(fault.times(1));
        api.publish_v2(&consumer, "hello").await;
        api.server.advance(24 * HOUR).await.unwrap();
        let statuses: Vec<_> = api
            .server
            .deliveries()
            .into_iter()
            .map(|it| it.status())
            .collect();
        assert_eq!(statuses, [Some(401), Some(200)], "{text}");
    }
}

#[tokio::test]
async fn signatures_tell_the_machines_time_if_asked_to() {
    // A server far in the past, whose tokens are good now.
    for (clock, tells_start) in [
        (SignatureClock::Virtual, true),
        (SignatureClock::Real, false),
    ] {
        let api = start(manual().signature_clock(clock)).await;
        let consumer = api.server.consumer().start();
        api.publish_v2(&consumer, "hello").await;
        api.server.settle().await.unwrap();
        let received = consumer.received();
        assert!(received[0].signature().is_ok(), "{clock:?}");
        let token = received[0].header("upstash-signature").unwrap();
        let payload = token.split('.').nth(1).unwrap();
        assert_eq!(
            issued_at(payload) == START.as_secs(),
            tells_start,
            "{clock:?}"
        );
    }
}

#[tokio::test]
async fn keys_that_are_rotated_in_mid_flight_are_good_for_who_knows_both() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().trusting().start();
    let before = api.get("/v2/keys").await;
    api.server.inject(Fault::rotate_key().times(1));
    api.publish_v2(&consumer, "hello").await;
    api.server.settle().await.unwrap();
    let after = api.get("/v2/keys").await;
    assert_eq!(after["current"], before["next"]);
    assert_ne!(after["next"], before["next"]);
    // Signed before the rotation: a consumer with the keys of before takes it, one with those of after does not.
    let received = &consumer.received()[0];
    assert!(received.signature().is_err());
    let old = Verifier::builder()
        .current_signing_key(before["current"].as_str().unwrap())
        .next_signing_key(before["next"].as_str().unwrap())
        .dangerously_accept_any_url()
        .build()
        .unwrap();
    let request = http::Request::post("/").body(()).unwrap();
    let (mut parts, ()) = request.into_parts();
    parts.headers = received.headers().clone();
    let now = qstash_verify::Clock::now(&api.server.clock());
    assert!(old.verify(&parts, received.body(), now).is_ok());
}

#[tokio::test]
async fn tokens_of_the_api_are_checked_in_real_time() {
    let secret = "a token secret for tests";
    let hour = Duration::from_secs(3600);
    let real = std::time::UNIX_EPOCH.elapsed().unwrap();
    // One server lives in 2001, one in 2096.
    for start_at in [1_000_000_000_000, 4_000_000_000_000] {
        let builder = MockServer::builder().token_secret(secret);
        let builder = builder.manual_clock(Timestamp::from_millis(start_at));
        let api = start(builder).await;
        for (expires, status) in [(real + hour, 200), (real - hour, 401)] {
            let claims = format!(r#"{{"sub":"shop","exp":{}}}"#, expires.as_secs());
            let token = qstash_verify::jws::sign_hs256(secret.as_bytes(), claims.as_bytes());
            let request = api.bare(Method::GET, "/v1/queues").bearer_auth(token);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{start_at}");
        }
    }
}

/// The `iat` of a token's payload, which is unpadded base64url.
fn issued_at(payload: &str) -> u64 {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for digit in payload.chars() {
        bits = (bits << 6) | u32::try_from(DIGITS.find(digit).unwrap()).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    let claims: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    claims["iat"].as_u64().unwrap()
}
