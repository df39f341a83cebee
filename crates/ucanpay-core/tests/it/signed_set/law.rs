//! One text, one reading, by every set.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use ucanpay_core::{Fields, SignedSet};

use super::{all_sets, set};

const NAMES: [&str; 6] = ["a", "b", "code", "msg", "signType", ""];

/// What a member can be; `None` is absent.
fn values() -> Vec<Option<Json>> {
    let texts = [
        "", "null", "x", "a=x", "x&b=y", "1", "true", " ", "+", "%20", "%", "~*",
    ];
    let mut values: Vec<Option<Json>> = texts.iter().map(|text| Some(json!(text))).collect();
    values.extend([None, Some(Json::Null), Some(json!(1)), Some(json!(true))]);
    values
}

/// With few members, few messages are refused.
fn mostly_absent() -> impl Strategy<Value = Option<Json>> {
    prop_oneof![3 => Just(None), 1 => prop::sample::select(values())]
}

/// The members of `data` and of the envelope, by place in [`NAMES`].
type Members = [Vec<Option<Json>>; 2];

fn written(members: &[Option<Json>]) -> String {
    let members = NAMES
        .iter()
        .zip(members)
        .filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let members: Vec<String> = members
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Where a member stands, its name and its text.
type Said = (usize, String, String);

/// The signed text of members that are not refused, and what they say: those that are not empty.
fn read(set: SignedSet, [data, envelope]: &Members) -> Option<(String, Vec<Said>)> {
    let (data, envelope) = (written(data), written(envelope));
    let data = Fields::parse(data.as_bytes()).unwrap();
    let envelope = Fields::parse_envelope(envelope.as_bytes()).unwrap();
    set.refuse_ambiguous(&data, Some(&envelope)).ok()?;
    let text = set.canonical_string(&data, Some(&envelope)).unwrap();
    let places = if set.envelope { 2 } else { 1 };
    let said = [&data, &envelope]
        .into_iter()
        .enumerate()
        .take(places)
        .flat_map(|(place, fields)| {
            let signed = fields
                .iter()
                .filter(|(name, _)| set.sign_type || *name != "signType");
            signed
                .filter_map(move |(name, value)| {
                    Some((place, name.to_owned(), value.signed_text()?.to_owned()))
                })
                .collect::<Vec<_>>()
        });
    Some((text, said.collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Everything that one or two changes can make of a message: whatever has the same text says the same.
    #[test]
    fn by_every_set_one_text_has_one_reading(
        members in prop::array::uniform2(prop::collection::vec(mostly_absent(), NAMES.len())),
        which in 0..72_usize,
        also in (0..2_usize, 0..NAMES.len(), prop::sample::select(values())),
    ) {
        let set = set(&all_sets()[which]);
        let Some((text, said)) = read(set, &members) else { return Ok(()) };
        let mut two = members.clone();
        two[also.0][also.1] = also.2;
        for base in [members, two] {
            for place in 0..2 {
                for name in 0..NAMES.len() {
                    for value in values() {
                        let mut changed = base.clone();
                        // To the other place, or to another value.
                        let old = changed[place][name].take();
                        let mut moved = changed.clone();
                        moved[1 - place][name] = old;
                        changed[place][name] = value;
                        for other in [changed, moved] {
                            if let Some((same, reading)) = read(set, &other) && same == text {
                                prop_assert_eq!(&reading, &said, "{} {:?}", set, other);
                            }
                        }
                    }
                }
            }
        }
    }
}
