//! The corpus of the fuzz target `endpoint`, replayed: what a fuzzer once found stays found, without a fuzzer.
//!
//! `cargo xtask fuzz` looks for more. An input that broke something is added to `fuzz/corpus/`, under a name that says what it is.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../../fuzz/properties/endpoint.rs"]
mod endpoint;
#[path = "../../../../fuzz/properties/envelope.rs"]
#[allow(dead_code, reason = "the bodies are its own, the property is not")]
mod envelope;

#[test]
fn the_endpoint_holds_its_property_on_its_corpus() {
    let inputs = inputs("endpoint");
    assert!(inputs.len() >= 20, "{inputs:?}");
    for input in inputs {
        endpoint::check(&fs::read(input).unwrap());
    }
}

#[test]
fn and_on_the_envelopes_corpus_however_it_comes_in() {
    let inputs = inputs("envelope");
    assert!(inputs.len() >= 60, "{inputs:?}");
    for input in inputs {
        let body = fs::read(input).unwrap();
        for way in 0..=u8::MAX {
            endpoint::check(&[&[way], &*body].concat());
        }
    }
}

fn inputs(target: &str) -> Vec<PathBuf> {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    let entries = fs::read_dir(Path::new(corpus).join(target)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}
