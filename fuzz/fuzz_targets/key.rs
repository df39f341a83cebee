//! Hands the fuzzer's bytes to the property in `properties/key.rs`.

#![no_main]

#[path = "../properties/key.rs"]
mod key;

libfuzzer_sys::fuzz_target!(|input: &[u8]| key::check(input));
