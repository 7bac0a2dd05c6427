//! `cargo +nightly fuzz run headers` in `qstash-verify`: see `target.rs`.
#![no_main]

#[path = "target.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::headers(data));
