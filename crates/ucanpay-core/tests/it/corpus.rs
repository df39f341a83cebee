//! The corpus of the fuzz targets, replayed: what a fuzzer once found stays found, without a fuzzer.
//!
//! `cargo xtask fuzz` looks for more. An input that broke something is added to `fuzz/corpus/`, under a name that says what it is.

use std::{fs, panic, path::Path};

#[path = "../../../../fuzz/properties/canonical.rs"]
mod canonical;
#[path = "../../../../fuzz/properties/envelope.rs"]
mod envelope;
#[path = "../../../../fuzz/properties/explain.rs"]
mod explain;
#[path = "../../../../fuzz/properties/key.rs"]
mod key;
#[path = "../../../../fuzz/properties/reader.rs"]
mod reader;

use crate::fixtures::vectors;

#[test]
fn the_reader_holds_its_property_on_its_corpus() {
    replay("reader", 70, reader::check);
}

#[test]
fn merchant_and_gateway_read_the_corpus_of_the_reader_alike() {
    replay("reader", 70, canonical::check);
}

#[test]
fn the_key_reader_holds_its_property_on_its_corpus() {
    replay("key", 20, key::check);
}

#[test]
fn the_envelope_holds_its_property_on_its_corpus() {
    replay("envelope", 60, envelope::check);
}

#[test]
fn an_explanation_holds_its_property_on_the_envelopes_corpus() {
    replay("envelope", 60, explain::check);
}

#[test]
#[should_panic(expected = "accepted a text that was never signed")]
fn the_envelopes_property_notices_a_verifier_that_believes_everything() {
    let vectors = vectors("notifications");
    let cases = vectors["cases"].as_array().unwrap();
    let forged = cases
        .iter()
        .find(|case| case["name"] == "one cent less")
        .unwrap();
    let body = forged["body"].as_str().unwrap().as_bytes();
    envelope::assert_genuine(&envelope::GULLIBLE, body);
}

fn replay(target: &str, at_least: usize, check: fn(&[u8])) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    let (mut count, mut broken) = (0, Vec::new());
    for entry in fs::read_dir(Path::new(root).join(target)).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        count += 1;
        if panic::catch_unwind(|| check(&input)).is_err() {
            broken.push(path);
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
    assert!(count >= at_least, "{count} inputs in {root}/{target}");
}
