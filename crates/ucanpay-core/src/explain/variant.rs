//! The texts that may have been signed instead of the canonical string, each with what is different about it.
//!
//! Comes in: the members of `data` and of the envelope. Goes out: every distinct text, the likeliest first. The texts
//! are bounded in number (at most 88), and each is at most six times as long as the message (a raw U+007F as `\u007f`).

use std::{collections::HashSet, fmt};

use crate::fields::{Fields, Value};

/// One way in which a signed text differs from the canonical string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Difference {
    /// `signType` is left out.
    WithoutSignType,
    /// The envelope's own members (`code`, `msg`, `timestamp` …) stand among those of `data`.
    WithEnvelope,
    /// Empty strings are kept, as `name=`.
    EmptyKept,
    /// `null` is kept, as `name=`.
    NullAsNothing,
    /// `null` is kept, as `name=null`.
    NullAsText,
    /// Values are percent-encoded, a space as `%20`.
    PercentEncoded,
    /// Values are encoded as in a form, a space as `+`.
    FormEncoded,
    /// Numbers stand without fraction and exponent: `450` for `450.0`.
    NumbersWhole,
    /// Whole numbers stand with one decimal: `450.0` for `450`.
    NumbersWithOneDecimal,
    /// Numbers stand with two decimals: `1.10` for `1.1`.
    NumbersWithTwoDecimals,
    /// Text was UTF-8 once, was read as Latin-1 and written as UTF-8 again: `é` for `Ã©`.
    Latin1Undone,
    /// Text stands with JSON's escapes of quotes, backslashes and control characters.
    Escaped,
    /// As [`Escaped`](Self::Escaped), and `/` stands as `\/`.
    SlashesEscaped,
    /// As [`Escaped`](Self::Escaped), and all beyond ASCII stands as `\u`….
    BeyondAsciiEscaped,
    /// Text stands without white space at its ends.
    Trimmed,
}

impl Difference {
    /// Whether it comes from rewriting the values, not from another rule about which members are signed.
    pub(super) fn is_rewriting(self) -> bool {
        REWRITINGS.contains(&self)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WithoutSignType => "signType is left out",
            Self::WithEnvelope => "the envelope's own members are signed too",
            Self::EmptyKept => "empty strings are kept as `name=`",
            Self::NullAsNothing => "null is kept as `name=`",
            Self::NullAsText => "null is kept as `name=null`",
            Self::PercentEncoded => "values are percent-encoded",
            Self::FormEncoded => "values are encoded as in a form",
            Self::NumbersWhole => "numbers stand whole (450 for 450.0)",
            Self::NumbersWithOneDecimal => "numbers stand with one decimal (450.0 for 450)",
            Self::NumbersWithTwoDecimals => "numbers stand with two decimals (1.10 for 1.1)",
            Self::Latin1Undone => "text that was misread as Latin-1 is put right",
            Self::Escaped => "text stands with its JSON escapes",
            Self::SlashesEscaped => "text stands with its JSON escapes, `/` as `\\/`",
            Self::BeyondAsciiEscaped => {
                "text stands with its JSON escapes, all beyond ASCII as `\\u`"
            }
            Self::Trimmed => "text stands without white space at its ends",
        })
    }
}

const REWRITINGS: [Difference; 8] = [
    Difference::NumbersWhole,
    Difference::NumbersWithOneDecimal,
    Difference::NumbersWithTwoDecimals,
    Difference::Latin1Undone,
    Difference::Escaped,
    Difference::SlashesEscaped,
    Difference::BeyondAsciiEscaped,
    Difference::Trimmed,
];

/// A text that may have been signed.
pub(super) struct Candidate {
    pub(super) differences: Vec<Difference>,
    pub(super) text: String,
}

/// Every distinct text, those with fewer differences first; the first is the canonical string.
pub(super) fn candidates(data: &Fields<'_>, envelope: Option<&Fields<'_>>) -> Vec<Candidate> {
    use Difference::{
        EmptyKept, FormEncoded, NullAsNothing, NullAsText, PercentEncoded, WithEnvelope,
        WithoutSignType,
    };
    let mut sets: Vec<Vec<Difference>> = vec![Vec::new()];
    for choices in [
        &[WithoutSignType][..],
        &[WithEnvelope],
        &[EmptyKept],
        &[NullAsNothing, NullAsText],
        &[PercentEncoded, FormEncoded],
    ] {
        let more: Vec<_> = sets
            .iter()
            .flat_map(|set| choices.iter().map(|choice| [set, &[*choice][..]].concat()))
            .collect();
        sets.extend(more);
    }
    // Rewritten values are looked for in the two likeliest sets only.
    for rewriting in REWRITINGS {
        sets.push(vec![rewriting]);
        sets.push(vec![WithoutSignType, rewriting]);
    }
    sets.sort_by_key(Vec::len);

    let names: HashSet<&str> = data.iter().map(|(name, _)| name).collect();
    let outer: Vec<(&str, &Value<'_>)> = envelope
        .into_iter()
        .flat_map(Fields::iter)
        .filter(|(name, _)| *name != "data" && !names.contains(name))
        .collect();
    let mut seen = HashSet::new();
    sets.into_iter()
        .map(|differences| Candidate {
            text: text(data, &outer, &differences),
            differences,
        })
        .filter(|candidate| seen.insert(candidate.text.clone()))
        .collect()
}

fn text(data: &Fields<'_>, outer: &[(&str, &Value<'_>)], differences: &[Difference]) -> String {
    let outer = match differences.contains(&Difference::WithEnvelope) {
        true => outer,
        false => &[],
    };
    let mut members: Vec<(&str, String)> = data
        .iter()
        .chain(outer.iter().copied())
        .filter(|(name, _)| *name != "sign")
        .filter(|(name, _)| {
            *name != "signType" || !differences.contains(&Difference::WithoutSignType)
        })
        .filter_map(|(name, value)| Some((name, value_text(value, differences)?)))
        .collect();
    members.sort_unstable();
    let pairs: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// What stands after the `=`, or `None` for a member that is skipped.
fn value_text(value: &Value<'_>, differences: &[Difference]) -> Option<String> {
    let has = |difference| differences.contains(&difference);
    let mut text = match value {
        Value::Null if has(Difference::NullAsNothing) => String::new(),
        Value::Null if has(Difference::NullAsText) => "null".to_owned(),
        Value::Text(text) if text.is_empty() && has(Difference::EmptyKept) => String::new(),
        _ => value.signed_text()?.to_owned(),
    };
    for difference in differences {
        text = match (difference, value) {
            (Difference::PercentEncoded, _) => encoded(&text, b"-._~", "%20"),
            (Difference::FormEncoded, _) => encoded(&text, b"-._*", "+"),
            (Difference::NumbersWhole, Value::Number(_)) => whole(&text).unwrap_or(text),
            (Difference::NumbersWithOneDecimal, Value::Number(_)) => with_decimals(text, 1),
            (Difference::NumbersWithTwoDecimals, Value::Number(_)) => with_decimals(text, 2),
            (Difference::Latin1Undone, Value::Text(_)) => latin1_undone(&text).unwrap_or(text),
            (Difference::Escaped, Value::Text(_)) => escaped(&text, |_| false),
            (Difference::SlashesEscaped, Value::Text(_)) => {
                escaped(&text, |_| false).replace('/', "\\/")
            }
            (Difference::BeyondAsciiEscaped, Value::Text(_)) => escaped(&text, |c| !c.is_ascii()),
            (Difference::Trimmed, Value::Text(_)) => text.trim().to_owned(),
            _ => text,
        };
    }
    Some(text)
}

fn encoded(text: &str, plain: &[u8], space: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push_str(space),
            _ if byte.is_ascii_alphanumeric() || plain.contains(&byte) => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A number that is whole, below 2^53, without fraction and exponent.
fn whole(lexeme: &str) -> Option<String> {
    let number: f64 = lexeme.parse().ok()?;
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0)
        .then(|| format!("{number:.0}"))
}

/// Fills a plain decimal number up with zeros; any other stays as it is.
fn with_decimals(lexeme: String, decimals: usize) -> String {
    if lexeme.contains(['e', 'E']) {
        return lexeme;
    }
    let (whole, fraction) = lexeme.split_once('.').unwrap_or((&lexeme, ""));
    if fraction.len() >= decimals {
        return lexeme;
    }
    format!("{whole}.{fraction:0<decimals$}")
}

fn latin1_undone(text: &str) -> Option<String> {
    let bytes: Result<Vec<u8>, _> = text.chars().map(|c| u8::try_from(u32::from(c))).collect();
    String::from_utf8(bytes.ok()?).ok()
}

fn escaped(text: &str, also: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ if character.is_ascii_control() || also(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonical_string;

    fn all(data: &str, envelope: &str) -> Vec<Candidate> {
        let data = Fields::parse(data.as_bytes()).unwrap();
        let envelope = Fields::parse_envelope(envelope.as_bytes()).unwrap();
        let candidates = candidates(&data, Some(&envelope));
        assert_eq!(candidates[0].text, canonical_string(&data).unwrap());
        assert!(candidates[0].differences.is_empty());
        candidates
    }

    fn text_with(candidates: &[Candidate], differences: &[Difference]) -> String {
        let candidate = candidates
            .iter()
            .find(|candidate| candidate.differences == differences);
        candidate.unwrap().text.clone()
    }

    #[test]
    fn each_difference_changes_what_it_says() {
        use Difference::*;
        let all = all(
            r#"{"a":"é /","n":450,"e":"","z":null,"f":1.1,"w":2.0,"signType":"RSA","sign":"x"}"#,
            r#"{"code":0,"data":{},"n":7,"x":[]}"#,
        );
        let expect = |differences: &[Difference], text: &str| {
            assert_eq!(text_with(&all, differences), text, "{differences:?}");
        };
        expect(&[], "a=é /&f=1.1&n=450&signType=RSA&w=2.0");
        expect(&[WithoutSignType], "a=é /&f=1.1&n=450&w=2.0");
        expect(
            &[WithEnvelope],
            "a=é /&code=0&f=1.1&n=450&signType=RSA&w=2.0",
        );
        expect(&[EmptyKept], "a=é /&e=&f=1.1&n=450&signType=RSA&w=2.0");
        expect(&[NullAsNothing], "a=é /&f=1.1&n=450&signType=RSA&w=2.0&z=");
        expect(&[NullAsText], "a=é /&f=1.1&n=450&signType=RSA&w=2.0&z=null");
        expect(
            &[PercentEncoded],
            "a=%C3%A9%20%2F&f=1.1&n=450&signType=RSA&w=2.0",
        );
        expect(
            &[FormEncoded],
            "a=%C3%A9+%2F&f=1.1&n=450&signType=RSA&w=2.0",
        );
        expect(&[NumbersWhole], "a=é /&f=1.1&n=450&signType=RSA&w=2");
        expect(
            &[NumbersWithOneDecimal],
            "a=é /&f=1.1&n=450.0&signType=RSA&w=2.0",
        );
        expect(
            &[NumbersWithTwoDecimals],
            "a=é /&f=1.10&n=450.00&signType=RSA&w=2.00",
        );
        expect(&[SlashesEscaped], "a=é \\/&f=1.1&n=450&signType=RSA&w=2.0");
        expect(
            &[BeyondAsciiEscaped],
            "a=\\u00e9 /&f=1.1&n=450&signType=RSA&w=2.0",
        );
    }

    #[test]
    fn misread_text_is_put_right_and_other_text_is_left_alone() {
        let all = all(r#"{"a":" cafÃ© "}"#, "{}");
        assert_eq!(text_with(&all, &[Difference::Latin1Undone]), "a= café ");
        assert_eq!(text_with(&all, &[Difference::Trimmed]), "a=cafÃ©");
        assert_eq!(latin1_undone("咖啡"), None);
        assert_eq!(latin1_undone("é"), None);
    }

    #[test]
    fn there_are_at_most_88_texts_and_none_stands_twice() {
        let data = r#"{"a":"é/ \" ","b":" Ã© ","n":1.0,"m":2,"e":"","z":null,"signType":"RSA"}"#;
        let many = all(data, r#"{"code":0,"data":{}}"#);
        assert!(many.len() <= 88, "{}", many.len());
        let few = all(r#"{"a":"b"}"#, "{}");
        assert_eq!(few.len(), 1);
    }
}
