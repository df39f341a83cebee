//! Hands the fuzzer's bytes to the property in `properties/endpoint.rs`.

#![no_main]

#[path = "../properties/endpoint.rs"]
mod endpoint;
#[path = "../properties/envelope.rs"]
#[allow(dead_code, reason = "the bodies are its own, the property is not")]
mod envelope;

libfuzzer_sys::fuzz_target!(|input: &[u8]| endpoint::check(input));
