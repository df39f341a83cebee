//! A flat JSON object as the gateway reads and writes it, and the text that is signed.
//!
//! Requests come in here from `api.rs`; answers and notifications go out through `seal.rs`.
//! This is the sandbox's own reading of the signature rules (reference: "Signature Algorithm"): it
//! shares no code with the client side, so that two readings check each other.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::signed_set::{Null, SignedSet};

/// The members of a message, by name. `null` and the empty string count as absent, but in the signed text of some
/// [`SignedSet`]s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members(BTreeMap<String, Scalar>);

/// What a member may hold. A number stays as its characters stood in the JSON, because those are what is
/// signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(String),
    Number(String),
    Flag(bool),
    Empty,
    Null,
}

impl Scalar {
    fn holds(&self, character: char) -> bool {
        matches!(self, Self::Text(text) if text.contains(character))
    }

    fn is_absent(&self) -> bool {
        matches!(self, Self::Empty | Self::Null)
    }

    /// The characters that stand for this value in the signed text; `None`: it is left out.
    fn signed(&self, set: SignedSet) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Flag(true) => Some("true"),
            Self::Flag(false) => Some("false"),
            Self::Empty => set.empty.then_some(""),
            Self::Null => match set.null {
                Null::Skipped => None,
                Null::AsNothing => Some(""),
                Null::AsText => Some("null"),
            },
        }
    }
}

impl Members {
    /// Reads one JSON object: no nested value, no name twice, nothing after it.
    pub(crate) fn read(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Scalar> {
        self.0.get(name).filter(|value| !value.is_absent())
    }

    /// The member's text, if it is there and is a string.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Adds a text member; an empty text is no member.
    pub(crate) fn with(mut self, name: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.0.insert(name.to_owned(), Scalar::Text(text));
        }
        self
    }

    /// Adds a member that is a JSON number.
    pub(crate) fn with_number(mut self, name: &str, number: i64) -> Self {
        self.0
            .insert(name.to_owned(), Scalar::Number(number.to_string()));
        self
    }

    /// `name=value` pairs joined by `&`, sorted by the names' bytes, without the named members.
    pub(crate) fn canonical(&self, without: &[&str]) -> String {
        self.joined(SignedSet::default(), &Self::default(), without)
    }

    /// The text that is signed: these members, and those of the envelope around them where the set says so.
    pub(crate) fn signed_text(&self, set: SignedSet, envelope: &Self) -> String {
        let without: &[&str] = if set.without_sign_type {
            &["sign", "signType"]
        } else {
            &["sign"]
        };
        self.joined(set, envelope, without)
    }

    fn joined(&self, set: SignedSet, envelope: &Self, without: &[&str]) -> String {
        let outer = envelope.0.iter().filter(|_| set.envelope);
        let mut members: Vec<(&String, &Scalar)> = self.0.iter().chain(outer).collect();
        members.sort_by_key(|(name, _)| *name);
        let mut text = String::new();
        for (name, value) in members {
            let Some(value) = value
                .signed(set)
                .filter(|_| !without.contains(&name.as_str()))
            else {
                continue;
            };
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(name);
            text.push('=');
            text.push_str(&set.values.write(value));
        }
        text
    }

    /// Whether the signed text could also be read as other members: a `&` in a value, a `&` or `=` in a name.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.0
            .iter()
            .any(|(name, value)| name.contains(['&', '=']) || value.holds('&'))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flat JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
            let value = scalar(raw.get()).map_err(de::Error::custom)?;
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom("a name stands twice"));
            }
        }
        Ok(Members(members))
    }
}

/// The value of one member.
fn scalar(lexeme: &str) -> Result<Scalar, String> {
    Ok(match lexeme.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(lexeme).map_err(|error| error.to_string())?;
            if text.is_empty() {
                Scalar::Empty
            } else {
                Scalar::Text(text)
            }
        }
        Some(b'-' | b'0'..=b'9') => Scalar::Number(lexeme.to_owned()),
        Some(b't') => Scalar::Flag(true),
        Some(b'f') => Scalar::Flag(false),
        Some(b'n') => Scalar::Null,
        _ => return Err("a nested value".to_owned()),
    })
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            match value {
                Scalar::Text(text) => map.serialize_entry(name, text)?,
                Scalar::Flag(flag) => map.serialize_entry(name, flag)?,
                Scalar::Empty => map.serialize_entry(name, "")?,
                Scalar::Null => map.serialize_entry(name, &())?,
                Scalar::Number(lexeme) => {
                    let raw = RawValue::from_string(lexeme.clone()).map_err(ser::Error::custom)?;
                    map.serialize_entry(name, &raw)?;
                }
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_are_left_out_and_zero_and_false_stay() {
        let members = Members::read(r#"{"b":null,"a":"","d":0,"c":false,"e":"x"}"#).unwrap();
        assert_eq!(members.canonical(&[]), "c=false&d=0&e=x");
    }

    #[test]
    fn names_sort_by_bytes_and_numbers_keep_their_characters() {
        let members = Members::read(r#"{"b":1.10,"B":1e2,"ab":"\u0041\/","a":"2"}"#).unwrap();
        assert_eq!(members.canonical(&["a"]), "B=1e2&ab=A/&b=1.10");
    }

    #[test]
    fn a_set_keeps_or_leaves_out_what_the_documented_one_does_not() {
        let json = r#"{"b":"x y","a":"","c":null,"signType":"RSA","sign":"s"}"#;
        let members = Members::read(json).unwrap();
        let envelope = Members::default().with_number("code", 0).with("bb", "z");
        for (words, expected) in [
            ("documented", "b=x y&signType=RSA"),
            ("without-sign-type", "b=x y"),
            ("envelope", "b=x y&bb=z&code=0&signType=RSA"),
            ("empty", "a=&b=x y&signType=RSA"),
            ("null-as-nothing", "b=x y&c=&signType=RSA"),
            ("null-as-text", "b=x y&c=null&signType=RSA"),
            ("percent", "b=x%20y&signType=RSA"),
            ("form", "b=x+y&signType=RSA"),
        ] {
            let set = SignedSet::read(words).unwrap();
            assert_eq!(members.signed_text(set, &envelope), expected, "{words}");
        }
    }

    #[test]
    fn what_is_not_one_flat_object_with_distinct_names_is_refused() {
        for json in [
            r#"{"a":"1","a":"2"}"#,
            r#"{"a":"1","\u0061":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":[1]}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1} x"#,
            "[]",
            "",
        ] {
            assert!(Members::read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn text_that_could_be_read_as_other_members_is_ambiguous() {
        for (json, ambiguous) in [
            (r#"{"a":"x&b=y"}"#, true),
            (r#"{"a=b":"x"}"#, true),
            (r#"{"a&b":"x"}"#, true),
            (r#"{"a":"x=y"}"#, false),
        ] {
            assert_eq!(
                Members::read(json).unwrap().is_ambiguous(),
                ambiguous,
                "{json}"
            );
        }
    }

    #[test]
    fn a_message_is_written_as_it_was_read() {
        let json = r#"{"amount":1.10,"empty":"","flag":true,"nothing":null,"text":"é"}"#;
        assert_eq!(
            serde_json::to_string(&Members::read(json).unwrap()).unwrap(),
            json
        );
    }
}
