//! What somebody wrote for one setting, and how a block of settings is read from a document.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{AccountSettings, Home};

/// One value, and the variable that it stands in, if it is in one.
#[derive(Clone)]
pub(super) struct Written {
    variable: Option<String>,
    value: Value,
}

#[derive(Clone)]
enum Value {
    /// Trimmed.
    Text(String),
    /// A variable that is not UTF-8.
    Bytes,
    /// A block, a list of blocks, a number with a fraction.
    NoText,
}

impl Written {
    pub(super) fn in_variable(variable: String, text: OsString) -> Option<Self> {
        let value = match text.into_string() {
            Ok(text) => Value::Text(text.trim().to_owned()),
            Err(_) => Value::Bytes,
        };
        Self::unless_empty(Some(variable), value)
    }

    /// An empty setting counts as not written.
    fn unless_empty(variable: Option<String>, value: Value) -> Option<Self> {
        let empty = matches!(&value, Value::Text(text) if text.is_empty());
        (!empty).then_some(Self { variable, value })
    }

    pub(super) fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    /// The text, or what is wrong and what to do.
    pub(super) fn text(&self) -> Result<&str, (&'static str, &'static str)> {
        match &self.value {
            Value::Text(text) => Ok(text),
            Value::Bytes => Err(("is not UTF-8 text", "write it in plain characters")),
            Value::NoText => Err((
                "is neither a text nor a list of texts",
                "write a text, in quotes if it looks like something else",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for AccountSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Block)
    }
}

struct Block;

impl<'de> Visitor<'de> for Block {
    type Value = AccountSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a block of settings, each a name and a text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AccountSettings, A::Error> {
        let mut names = std::collections::BTreeSet::new();
        let mut written = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            // Of two values one would be lost without a word.
            if !names.insert(name.clone()) {
                let shown = super::beginning(&name);
                return Err(A::Error::custom(format_args!("{shown} is written twice")));
            }
            if let Some(value) = Written::unless_empty(None, value) {
                written.insert(name, value);
            }
        }
        Ok(AccountSettings {
            written,
            home: Home::Document(String::new()),
            first: true,
        })
    }

    /// A block without a line in it, in YAML. All of it may come from the environment.
    fn visit_unit<E: Error>(self) -> Result<AccountSettings, E> {
        Ok(AccountSettings {
            written: BTreeMap::new(),
            home: Home::Document(String::new()),
            first: true,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

/// Takes whatever stands there: what is no text is told apart later, when its name is known.
struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.trim().to_owned()))
    }

    /// YAML takes an unquoted merchant number for a number.
    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Text(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Text(number.to_string()))
    }

    /// Its digits are gone: 1.10 has become 1.1.
    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Ok(Value::NoText)
    }

    fn visit_bool<E: Error>(self, word: bool) -> Result<Value, E> {
        Ok(Value::Text(word.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Text(String::new()))
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut texts = Vec::new();
        let mut fits = true;
        while let Some(value) = list.next_element::<Value>()? {
            match value {
                Value::Text(text) => texts.push(text),
                Value::Bytes | Value::NoText => fits = false,
            }
        }
        Ok(if fits {
            Value::Text(texts.join(","))
        } else {
            Value::NoText
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::NoText)
    }
}
