//! What verifying costs, beside the bare primitives in the same run. Read ratios, not times: those of v1 are to be
//! within 1.10, those of v2 within 1.5. A verifier remembers the key that fitted last, so that the second one costs
//! no more than the first; only the delivery after a rotation is measured by both.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use qstash_verify::{Signer, Timestamp, Verifier};
use sha2::{Digest, Sha256};

const SECRET: &str = "a secret of at least sixteen bytes";
const CURRENT: &str = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r";
const NEXT: &str = "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs";
const URL: &str = "https://shop.example/orders";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn verifier() -> Verifier {
    Verifier::builder()
        .secret(SECRET)
        .current_signing_key(CURRENT)
        .next_signing_key(NEXT)
        .public_origin("https://shop.example")
        .build()
        .expect("the keys are long enough")
}

fn hmac_of(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is taken");
    mac.chain_update(message).finalize().into_bytes().into()
}

fn v1(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("v1");
    let verifier = verifier();
    for size in [1 << 10, 64 << 10] {
        group.throughput(Throughput::Bytes(size as u64));
        let body = vec![b'x'; size];
        let signer = Signer::hmac(SECRET).expect("long enough");
        let (parts, body) = signer.request(URL, body).expect("a URL").into_parts();
        group.bench_function(BenchmarkId::new("raw", size), |bencher| {
            bencher.iter(|| hmac_of(SECRET.as_bytes(), black_box(&body)));
        });
        group.bench_function(BenchmarkId::new("verify", size), |bencher| {
            bencher.iter(|| {
                verifier
                    .verify(black_box(&parts), black_box(&body), NOW)
                    .is_ok()
            });
        });
    }
    group.finish();
}

fn v2(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("v2");
    let body = vec![b'x'; 1 << 10];
    for (name, key) in [("current", CURRENT), ("next", NEXT)] {
        let signer = Signer::jwt(key).expect("long enough").clock(NOW);
        let (parts, body) = signer
            .request(URL, body.clone())
            .expect("a URL")
            .into_parts();
        let token = parts.headers["upstash-signature"].as_bytes();
        let signed = &token[..token.len() - 44];
        let verifier = verifier();
        assert!(verifier.verify(&parts, &body, NOW).is_ok());
        group.bench_function(BenchmarkId::new("raw", name), |bencher| {
            bencher.iter(|| {
                let tag = hmac_of(key.as_bytes(), black_box(signed));
                (tag, Sha256::digest(black_box(&body)))
            });
        });
        group.bench_function(BenchmarkId::new("verify", name), |bencher| {
            bencher.iter(|| {
                verifier
                    .verify(black_box(&parts), black_box(&body), NOW)
                    .is_ok()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, v1, v2);
criterion_main!(benches);
