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

/// The members of a message, by name. `null` and the empty string count as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members(BTreeMap<String, Scalar>);

/// What a member may hold. A number stays as its characters stood in the JSON, because those are what is
/// signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(String),
    Number(String),
    Flag(bool),
}

impl Scalar {
    /// The characters that stand for this value in the signed text.
    fn signed(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Flag(true) => "true",
            Self::Flag(false) => "false",
        }
    }
}

impl Members {
    /// Reads one JSON object: no nested value, no name twice, nothing after it.
    pub(crate) fn read(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Scalar> {
        self.0.get(name)
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
        let mut text = String::new();
        for (name, value) in self
            .0
            .iter()
            .filter(|(name, _)| !without.contains(&name.as_str()))
        {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(name);
            text.push('=');
            text.push_str(value.signed());
        }
        text
    }

    /// Whether the signed text could also be read as other members: a `&` in a value, a `&` or `=` in a name.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.0
            .iter()
            .any(|(name, value)| name.contains(['&', '=']) || value.signed().contains('&'))
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
        let mut names = std::collections::BTreeSet::new();
        let mut members = BTreeMap::new();
        while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
            if !names.insert(name.clone()) {
                return Err(de::Error::custom("a name stands twice"));
            }
            if let Some(value) = scalar(raw.get()).map_err(de::Error::custom)? {
                members.insert(name, value);
            }
        }
        Ok(Members(members))
    }
}

/// The value of one member; `None` for `null` and the empty string.
fn scalar(lexeme: &str) -> Result<Option<Scalar>, String> {
    Ok(match lexeme.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(lexeme).map_err(|error| error.to_string())?;
            (!text.is_empty()).then_some(Scalar::Text(text))
        }
        Some(b'-' | b'0'..=b'9') => Some(Scalar::Number(lexeme.to_owned())),
        Some(b't') => Some(Scalar::Flag(true)),
        Some(b'f') => Some(Scalar::Flag(false)),
        Some(b'n') => None,
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
        let json = r#"{"amount":1.10,"flag":true,"text":"é"}"#;
        assert_eq!(
            serde_json::to_string(&Members::read(json).unwrap()).unwrap(),
            json
        );
    }
}
