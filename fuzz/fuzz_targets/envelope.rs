//! Hands the fuzzer's bytes to the property in `properties/envelope.rs`.

#![no_main]

#[path = "../properties/envelope.rs"]
mod envelope;

libfuzzer_sys::fuzz_target!(|input: &[u8]| envelope::check(input));
