#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qstash_mock_server::fuzzing::expressions(data));
