//! Hands the fuzzer's bytes to the property in `properties/explain.rs`.

#![no_main]

#[path = "../properties/explain.rs"]
mod explain;

libfuzzer_sys::fuzz_target!(|input: &[u8]| explain::check(input));
