//! Hands the fuzzer's bytes to the property in `properties/canonical.rs`.

#![no_main]

#[path = "../properties/canonical.rs"]
mod canonical;

libfuzzer_sys::fuzz_target!(|input: &[u8]| canonical::check(input));
