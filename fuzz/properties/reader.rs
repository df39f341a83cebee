//! The property of the target `reader`: no bytes make it panic, it reads what another JSON reader reads, and the canonical
//! string of what it does not call ambiguous can be read back in one way only.
//!
//! The fuzz target comes in with bytes of its own making, the tests of `ucanpay-core` with the corpus. A panic goes out.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use ucanpay_core::{Fields, ReadError, Value, canonical_string};

/// Panics if the reader breaks its promise for these bytes.
pub(crate) fn check(input: &[u8]) {
    let flat = Fields::parse(input);
    let envelope = Fields::parse_envelope(input);
    let other: Result<Json, _> = serde_json::from_slice(input);

    match &other {
        Ok(Json::Object(_)) => assert_only_stricter(&flat, &envelope),
        Ok(_) => assert!(envelope.is_err(), "read something that is not an object"),
        // A number that fits no 64 bits is well-formed; only the other reader has to convert it.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(error) => assert!(envelope.is_err(), "read what is not JSON: {error}"),
    }
    if let (Ok(fields), Ok(Json::Object(members))) = (&envelope, &other) {
        assert_eq!(fields.iter().count(), members.len());
        for (name, value) in fields.iter() {
            assert_same(value, &members[name]);
        }
    }
    match (&flat, &envelope) {
        (Ok(flat), Ok(envelope)) => assert_eq!(flat, envelope),
        (Ok(_), Err(error)) => panic!("flat, and yet no envelope: {error}"),
        (Err(_), _) => {}
    }
    if let Ok(fields) = &envelope {
        let nested = fields
            .iter()
            .any(|(_, value)| matches!(value, Value::Nested(_)));
        assert_eq!(flat.is_err(), nested);
        assert_eq!(canonical_string(fields).is_err(), nested);
    }
    if let Ok(fields) = &flat {
        assert_one_to_one(fields);
    }
}

/// What another reader takes for an object is refused for these reasons only.
fn assert_only_stricter(
    flat: &Result<Fields<'_>, ReadError>,
    envelope: &Result<Fields<'_>, ReadError>,
) {
    assert!(
        matches!(
            flat,
            Ok(_)
                | Err(ReadError::Duplicate { .. }
                    | ReadError::Nested { .. }
                    | ReadError::Nul { .. })
        ),
        "{flat:?}"
    );
    assert!(
        matches!(
            envelope,
            Ok(_)
                | Err(ReadError::Duplicate { .. }
                    | ReadError::TooDeep { .. }
                    | ReadError::Nul { .. })
        ),
        "{envelope:?}"
    );
}

fn assert_same(ours: &Value<'_>, theirs: &Json) {
    match (ours, theirs) {
        (Value::Null, Json::Null) => {}
        (Value::Bool(ours), Json::Bool(theirs)) => assert_eq!(ours, theirs),
        (Value::Text(ours), Json::String(theirs)) => assert_eq!(ours, theirs),
        (Value::Number(lexeme), Json::Number(theirs)) if !theirs.is_f64() => {
            assert_eq!(*lexeme, theirs.to_string());
        }
        (Value::Number(lexeme), Json::Number(theirs)) => {
            let ours: f64 = lexeme.parse().expect("a JSON number is one of Rust's");
            let theirs = theirs.as_f64().expect("it is one");
            // The other reader may be some last digits off.
            let allowed = ours.abs().max(theirs.abs()) * 1e-12 + f64::MIN_POSITIVE;
            assert!((ours - theirs).abs() <= allowed, "{lexeme} and {theirs}");
        }
        (Value::Nested(text), Json::Object(_) | Json::Array(_)) => {
            let ours: Json = serde_json::from_str(text).expect("it was read as a part");
            assert_eq!(ours, *theirs);
        }
        _ => panic!("{ours:?} and {theirs:?}"),
    }
}

/// Cuts the canonical string at each `&`, and each part at its first `=`: that must give the members that count, sorted.
fn assert_one_to_one(fields: &Fields<'_>) {
    if fields.refuse_ambiguous().is_err() {
        return;
    }
    let members: BTreeMap<&str, &str> = fields
        .iter()
        .filter(|(name, _)| *name != "sign")
        .filter_map(|(name, value)| Some((name, value.signed_text()?)))
        .collect();
    let canonical = canonical_string(fields).expect("a flat object has a canonical string");
    let read_back: Vec<(&str, &str)> = canonical
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').expect("each part has a name"))
        .collect();
    assert_eq!(read_back, Vec::from_iter(members));
}
