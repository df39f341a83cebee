//! Which members are signed and how their values are written: the reference excludes nothing by name, and shows no sample
//! that would tell. One of the [switches](crate::switches), in words with commas between them.

use std::borrow::Cow;
use std::fmt;

/// What departs from the documented rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignedSet {
    /// `signType` is not signed.
    pub(crate) without_sign_type: bool,
    /// `code`, `msg` and `timestamp` are signed among the members of `data`. A request has none of them.
    pub(crate) envelope: bool,
    /// Empty strings are kept, as `name=`.
    pub(crate) empty: bool,
    pub(crate) null: Null,
    pub(crate) values: Values,
}

/// What becomes of `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Null {
    #[default]
    Skipped,
    /// `name=`
    AsNothing,
    /// `name=null`
    AsText,
}

/// How values are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Values {
    #[default]
    Plain,
    /// As in a URL: a space as `%20`.
    Percent,
    /// As in a form: a space as `+`.
    Form,
}

impl SignedSet {
    pub(crate) const WORDS: [&str; 8] = [
        "documented",
        "without-sign-type",
        "envelope",
        "empty",
        "null-as-nothing",
        "null-as-text",
        "percent",
        "form",
    ];

    /// Reads the words; `None` for one that there is not, or two that contradict each other.
    pub(crate) fn read(words: &str) -> Option<Self> {
        let mut set = Self::default();
        if words == "documented" {
            return Some(set);
        }
        for word in words.split(',').map(str::trim) {
            match word {
                "without-sign-type" => set.without_sign_type = true,
                "envelope" => set.envelope = true,
                "empty" => set.empty = true,
                "null-as-nothing" if set.null == Null::Skipped => set.null = Null::AsNothing,
                "null-as-text" if set.null == Null::Skipped => set.null = Null::AsText,
                "percent" if set.values == Values::Plain => set.values = Values::Percent,
                "form" if set.values == Values::Plain => set.values = Values::Form,
                _ => return None,
            }
        }
        Some(set)
    }
}

impl fmt::Display for SignedSet {
    /// The words, as they are read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.without_sign_type, "without-sign-type"),
            (self.envelope, "envelope"),
            (self.empty, "empty"),
            (self.null == Null::AsNothing, "null-as-nothing"),
            (self.null == Null::AsText, "null-as-text"),
            (self.values == Values::Percent, "percent"),
            (self.values == Values::Form, "form"),
        ];
        let words = words.into_iter().filter(|(holds, _)| *holds);
        let words: Vec<_> = words.map(|(_, word)| word).collect();
        f.write_str(if words.is_empty() { "documented" } else { "" })?;
        f.write_str(&words.join(","))
    }
}

impl Values {
    /// A value as it is signed.
    pub(crate) fn write(self, value: &str) -> Cow<'_, str> {
        let (plain, space) = match self {
            Self::Plain => return value.into(),
            Self::Percent => ("-._~", "%20"),
            Self::Form => ("-._*", "+"),
        };
        let mut text = String::with_capacity(value.len());
        for byte in value.bytes() {
            match char::from(byte) {
                ' ' => text.push_str(space),
                c if c.is_ascii_alphanumeric() || plain.contains(c) => text.push(c),
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_unknown_or_contradict_each_other_are_no_set() {
        for words in [
            "",
            "everything",
            "percent,form",
            "null-as-text,null-as-nothing",
            "documented,empty",
        ] {
            assert_eq!(SignedSet::read(words), None, "{words}");
        }
        for words in SignedSet::WORDS {
            assert_eq!(SignedSet::read(words).unwrap().to_string(), words);
        }
        let set = SignedSet::read("envelope, form").unwrap();
        assert!(set.envelope && set.values == Values::Form && !set.empty);
    }

    #[test]
    fn values_are_encoded_as_in_a_url_or_as_in_a_form() {
        let text = "aZ09 -._~*+/é";
        assert_eq!(Values::Percent.write(text), "aZ09%20-._~%2A%2B%2F%C3%A9");
        assert_eq!(Values::Form.write(text), "aZ09+-._%7E*%2B%2F%C3%A9");
        assert_eq!(Values::Plain.write(text), text);
    }
}
