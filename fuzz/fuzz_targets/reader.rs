//! Hands the fuzzer's bytes to the property in `properties/reader.rs`.

#![no_main]

#[path = "../properties/reader.rs"]
mod reader;

libfuzzer_sys::fuzz_target!(|input: &[u8]| reader::check(input));
