//! The texts that may have been signed: those of every signed set, and those of values that were rewritten.
//!
//! Comes in: the members of `data` and of the envelope. Goes out: every distinct text, the likeliest first. The texts
//! are bounded in number (at most 88), and each is at most six times as long as the message (a raw U+007F as `\u007f`).

use std::{collections::HashSet, fmt};

use crate::{
    fields::{Fields, Value},
    signed_set::SignedSet,
};

/// One way in which the values that were signed differ from those that have come. No setting undoes it: either something on
/// the way has parsed the body and written it again, or the gateway signs its values as it does not write them.
///
/// ```
/// use ucanpay_core::{AtHand, Rewriting, Verdict, explain};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"#,
/// #     r#""ucpOrderNo":"377654578511872","outTradeNo":"A20260301","tradeStatus":"SUCCESS","#,
/// #     r#""signType":"RSA"}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # let platform_key = gateway.public_key().clone();
/// // Something on the way read the body and wrote it again, with floating-point numbers.
/// let rewritten = body.replace(r#""totalAmt":450"#, r#""totalAmt":450.0"#);
/// let explanation = explain(rewritten.as_bytes(), &AtHand::new([platform_key]))?;
/// assert_eq!(explanation.verdict, Verdict::Rewritten);
/// assert_eq!(explanation.fits[0].rewriting, Some(Rewriting::NumbersWhole));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Rewriting {
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

const REWRITINGS: [Rewriting; 8] = [
    Rewriting::NumbersWhole,
    Rewriting::NumbersWithOneDecimal,
    Rewriting::NumbersWithTwoDecimals,
    Rewriting::Latin1Undone,
    Rewriting::Escaped,
    Rewriting::SlashesEscaped,
    Rewriting::BeyondAsciiEscaped,
    Rewriting::Trimmed,
];

impl Rewriting {
    fn undone<'f>(self, fields: &'f Fields<'_>) -> Fields<'f> {
        fields.with_values(|value| self.undo(value))
    }

    /// The text that was signed for `value`, if it can be told.
    fn undo(self, value: &Value<'_>) -> Option<String> {
        match (self, value) {
            (Self::NumbersWhole, Value::Number(lexeme)) => whole(lexeme),
            (Self::NumbersWithOneDecimal, Value::Number(lexeme)) => with_decimals(lexeme, 1),
            (Self::NumbersWithTwoDecimals, Value::Number(lexeme)) => with_decimals(lexeme, 2),
            (Self::Latin1Undone, Value::Text(text)) => latin1_undone(text),
            (Self::Escaped, Value::Text(text)) => Some(escaped(text, |_| false)),
            (Self::SlashesEscaped, Value::Text(text)) => {
                Some(escaped(text, |_| false).replace('/', "\\/"))
            }
            (Self::BeyondAsciiEscaped, Value::Text(text)) => Some(escaped(text, |c| !c.is_ascii())),
            (Self::Trimmed, Value::Text(text)) => Some(text.trim().to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for Rewriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
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

/// A text that may have been signed.
pub(super) struct Candidate {
    pub(super) set: SignedSet,
    pub(super) rewriting: Option<Rewriting>,
    pub(super) text: String,
}

/// Every distinct text: that of the configured set first, then those of the sets with few words before those with many,
/// then the rewritten ones.
pub(super) fn candidates(
    data: &Fields<'_>,
    envelope: Option<&Fields<'_>>,
    configured: SignedSet,
) -> Vec<Candidate> {
    let others = SignedSet::all()
        .into_iter()
        .filter(|set| *set != configured);
    let sets = std::iter::once(configured).chain(others);
    let plain = sets.filter_map(|set| Candidate::of(data, envelope, set, None));

    // Rewritten values are looked for in the two likeliest sets only.
    let without_sign_type = SignedSet {
        sign_type: !configured.sign_type,
        ..configured
    };
    let rewritten = REWRITINGS.into_iter().flat_map(|rewriting| {
        let data = rewriting.undone(data);
        let envelope = envelope.map(|envelope| rewriting.undone(envelope));
        [configured, without_sign_type]
            .map(|set| Candidate::of(&data, envelope.as_ref(), set, Some(rewriting)))
    });

    let mut seen = HashSet::new();
    plain
        .chain(rewritten.flatten())
        .filter(|candidate| seen.insert(candidate.text.clone()))
        .collect()
}

impl Candidate {
    /// `None` for a set that signs the envelope, when that has a member which cannot be signed.
    fn of<'a>(
        data: &Fields<'a>,
        envelope: Option<&Fields<'a>>,
        set: SignedSet,
        rewriting: Option<Rewriting>,
    ) -> Option<Self> {
        let text = set.canonical_string(data, envelope).ok()?;
        Some(Self {
            set,
            rewriting,
            text,
        })
    }
}

/// A number that is whole, below 2^53, without fraction and exponent.
fn whole(lexeme: &str) -> Option<String> {
    let number: f64 = lexeme.parse().ok()?;
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0)
        .then(|| format!("{number:.0}"))
}

/// A plain decimal number filled up with zeros.
fn with_decimals(lexeme: &str, decimals: usize) -> Option<String> {
    let (whole, fraction) = lexeme.split_once('.').unwrap_or((lexeme, ""));
    let fits = !lexeme.contains(['e', 'E']) && fraction.len() < decimals;
    fits.then(|| format!("{whole}.{fraction:0<decimals$}"))
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

    fn all(data: &str, envelope: &str) -> Vec<Candidate> {
        let data = Fields::parse(data.as_bytes()).unwrap();
        let envelope = Fields::parse_envelope(envelope.as_bytes()).unwrap();
        candidates(&data, Some(&envelope), SignedSet::DOCUMENTED)
    }

    fn rewritten(candidates: &[Candidate], rewriting: Rewriting) -> &str {
        let found = candidates.iter().find(|candidate| {
            candidate.rewriting == Some(rewriting) && candidate.set == SignedSet::DOCUMENTED
        });
        &found.unwrap().text
    }

    #[test]
    fn each_set_and_each_rewriting_changes_what_it_says() {
        use Rewriting::*;
        let all = all(
            r#"{"a":"é /","n":450,"e":"","z":null,"f":1.1,"w":2.0,"signType":"RSA","sign":"x"}"#,
            r#"{"code":0,"data":{}}"#,
        );
        for (set, text) in [
            ("documented", "a=é /&f=1.1&n=450&signType=RSA&w=2.0"),
            ("without-sign-type", "a=é /&f=1.1&n=450&w=2.0"),
            ("envelope", "a=é /&code=0&f=1.1&n=450&signType=RSA&w=2.0"),
            ("empty", "a=é /&e=&f=1.1&n=450&signType=RSA&w=2.0"),
            ("null-as-nothing", "a=é /&f=1.1&n=450&signType=RSA&w=2.0&z="),
            (
                "null-as-text",
                "a=é /&f=1.1&n=450&signType=RSA&w=2.0&z=null",
            ),
            ("percent", "a=%C3%A9%20%2F&f=1.1&n=450&signType=RSA&w=2.0"),
            ("form", "a=%C3%A9+%2F&f=1.1&n=450&signType=RSA&w=2.0"),
            (
                "without-sign-type,envelope,empty,null-as-text,form",
                "a=%C3%A9+%2F&code=0&e=&f=1.1&n=450&w=2.0&z=null",
            ),
        ] {
            let found = all.iter().find(|candidate| {
                candidate.rewriting.is_none() && candidate.set == set.parse().unwrap()
            });
            assert_eq!(found.unwrap().text, text, "{set}");
        }
        for (rewriting, text) in [
            (NumbersWhole, "a=é /&f=1.1&n=450&signType=RSA&w=2"),
            (
                NumbersWithOneDecimal,
                "a=é /&f=1.1&n=450.0&signType=RSA&w=2.0",
            ),
            (
                NumbersWithTwoDecimals,
                "a=é /&f=1.10&n=450.00&signType=RSA&w=2.00",
            ),
            (SlashesEscaped, "a=é \\/&f=1.1&n=450&signType=RSA&w=2.0"),
            (
                BeyondAsciiEscaped,
                "a=\\u00e9 /&f=1.1&n=450&signType=RSA&w=2.0",
            ),
        ] {
            assert_eq!(rewritten(&all, rewriting), text);
        }
        assert_eq!(all[0].set, SignedSet::DOCUMENTED);
    }

    #[test]
    fn misread_text_is_put_right_and_other_text_is_left_alone() {
        let all = all(r#"{"a":" cafÃ© "}"#, "{}");
        assert_eq!(rewritten(&all, Rewriting::Latin1Undone), "a= café ");
        assert_eq!(rewritten(&all, Rewriting::Trimmed), "a=cafÃ©");
        assert_eq!(latin1_undone("咖啡"), None);
        assert_eq!(latin1_undone("é"), None);
    }

    #[test]
    fn there_are_at_most_88_texts_and_none_stands_twice() {
        let data = r#"{"a":"é/ \" ","b":" Ã© ","n":1.0,"m":2,"e":"","z":null,"signType":"RSA"}"#;
        let many = all(data, r#"{"code":0,"data":{}}"#);
        assert!((80..=88).contains(&many.len()), "{}", many.len());
        let few = all(r#"{"a":"b"}"#, "{}");
        assert_eq!(few.len(), 1);
    }

    #[test]
    fn the_configured_set_is_named_for_every_text_that_it_gives_too() {
        let data = Fields::parse(br#"{"a":"b"}"#).unwrap();
        let configured = "envelope,form".parse().unwrap();
        let all = candidates(&data, None, configured);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].set, configured);
    }
}
