//! A message as it stood on the wire: its members, each with its own characters.
//!
//! Raw bytes come in from `merchant.rs` and `envelope.rs`; [`canonical_string`](crate::canonical_string) and the
//! readers of answers and notifications take the members from here. Nothing is converted before it is signed or verified:
//! a number is the slice of the message that held it.

mod lookup;
mod reader;

use std::borrow::Cow;

use smallvec::SmallVec;

use self::reader::{Members, Nesting, read_envelope, read_object};

/// One value of a message, with its wire text.
///
/// ```
/// use ucanpay_core::{Fields, Value};
///
/// let fields = Fields::parse(br#"{"a":"x","b":1.10,"c":true,"d":null}"#)?;
/// let values: Vec<_> = fields.iter().map(|(_, value)| value.clone()).collect();
/// assert_eq!(values, [Value::Text("x".into()), Value::Number("1.10"), Value::Bool(true), Value::Null]);
/// # Ok::<(), ucanpay_core::ReadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `null`: counts as absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, exactly as its characters stand in the message.
    Number(&'a str),
    /// A string's characters, escapes undone.
    Text(Cow<'a, str>),
    /// An object or an array, as its characters stand. Only in an envelope; never in signed members.
    Nested(&'a str),
}

impl Value<'_> {
    /// The text that is signed, by the [documented set](crate::SignedSet::DOCUMENTED): `None` for `null`, for an empty
    /// string, and for an object or array, which can never be signed.
    ///
    /// ```
    /// use ucanpay_core::Value;
    ///
    /// assert_eq!(Value::Number("1.10").signed_text(), Some("1.10")); // never 1.1
    /// assert_eq!(Value::Text("".into()).signed_text(), None);
    /// assert_eq!(Value::Null.signed_text(), None);
    /// ```
    #[must_use]
    pub fn signed_text(&self) -> Option<&str> {
        match self {
            Value::Null | Value::Nested(_) => None,
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            Value::Number(lexeme) => Some(lexeme),
            Value::Text(text) => Some(text.as_ref()).filter(|text| !text.is_empty()),
        }
    }
}

/// The members of one JSON object, in message order. No name stands twice.
///
/// ```
/// use ucanpay_core::{Fields, Value};
///
/// let fields = Fields::parse(br#"{"totalAmt": 450, "body": "caf\u00e9"}"#)?;
/// assert_eq!(fields.get("totalAmt"), Some(&Value::Number("450")));
/// assert_eq!(fields.get("body").and_then(Value::signed_text), Some("café"));
/// # Ok::<(), ucanpay_core::ReadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields<'a> {
    members: Members<'a>,
    /// The places of the members by the bytes of their names: the order in which they are signed.
    by_name: SmallVec<[u32; 16]>,
}

impl<'a> Fields<'a> {
    /// Reads one flat JSON object: a request's body, or the `data` of an answer or a notification.
    ///
    /// ```
    /// use ucanpay_core::{Fields, ReadError};
    ///
    /// let fields = Fields::parse(br#"{"outTradeNo":"A20260301","totalAmt":450}"#)?;
    /// assert_eq!(fields.iter().count(), 2);
    ///
    /// let twice = Fields::parse(br#"{"totalAmt":1,"totalAmt":450}"#);
    /// assert!(matches!(twice, Err(ReadError::Duplicate { name }) if name == "totalAmt"));
    /// # Ok::<(), ReadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the bytes are not exactly one well-formed, flat UTF-8 object with each name once.
    /// Such a message cannot be trusted; do not try to repair it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReadError> {
        Self::of(read_object(bytes, Nesting::Refuse)?)
    }

    /// Reads an envelope, whose `data` may be an object: nested values are kept as text, once well-formed.
    ///
    /// ```
    /// use ucanpay_core::{Fields, Value};
    ///
    /// let envelope = Fields::parse_envelope(br#"{"code":0,"data":{"totalAmt":450}}"#)?;
    /// let Some(Value::Nested(data)) = envelope.get("data") else { panic!("no data") };
    /// assert_eq!(Fields::parse(data.as_bytes())?.get("totalAmt"), Some(&Value::Number("450")));
    /// # Ok::<(), ucanpay_core::ReadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError`], as for [`parse`](Self::parse), and for values nested deeper than 32 levels.
    pub fn parse_envelope(bytes: &'a [u8]) -> Result<Self, ReadError> {
        Self::of(read_object(bytes, Nesting::Keep)?)
    }

    /// Reads an envelope, and its `data` in the same pass if that is a flat object with each name once. If it is not, `data`
    /// is kept as text, as by [`parse_envelope`](Self::parse_envelope).
    pub(crate) fn parse_with_data(bytes: &'a [u8]) -> Result<(Self, Option<Self>), ReadError> {
        let (members, data) = read_envelope(bytes)?;
        let data = data.and_then(|members| Self::of(members).ok());
        Ok((Self::of(members)?, data))
    }

    fn of(members: Members<'a>) -> Result<Self, ReadError> {
        let name = |place: u32| members[place as usize].0.as_ref();
        let mut by_name: SmallVec<[u32; 16]> = (0..).take(members.len()).collect();
        by_name.sort_unstable_by_key(|&place| name(place));
        let twice = by_name
            .windows(2)
            .find(|pair| name(pair[0]) == name(pair[1]));
        match twice {
            Some(pair) => Err(ReadError::Duplicate {
                name: shown(name(pair[0])),
            }),
            None => Ok(Self { members, by_name }),
        }
    }

    /// The value of a member, `null` and empty strings included.
    ///
    /// ```
    /// use ucanpay_core::{Fields, Value};
    ///
    /// let fields = Fields::parse(br#"{"attach":"","remark":null}"#)?;
    /// assert_eq!(fields.get("attach"), Some(&Value::Text("".into())));
    /// assert_eq!(fields.get("remark"), Some(&Value::Null));
    /// assert_eq!(fields.get("totalAmt"), None);
    /// # Ok::<(), ucanpay_core::ReadError>(())
    /// ```
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        let (_, value) = self.members.iter().find(|(member, _)| member == name)?;
        Some(value)
    }

    /// All members in message order.
    ///
    /// ```
    /// use ucanpay_core::Fields;
    ///
    /// let fields = Fields::parse(br#"{"totalAmt":450,"body":"coffee"}"#)?;
    /// let names: Vec<&str> = fields.iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["totalAmt", "body"]);
    /// # Ok::<(), ucanpay_core::ReadError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members
            .iter()
            .map(|(name, value)| (name.as_ref(), value))
    }

    /// All members by the bytes of their names.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.by_name.iter().map(|&place| {
            let (name, value) = &self.members[place as usize];
            (name.as_ref(), value)
        })
    }

    /// The same members with other text for those values for which `rewritten` has one.
    pub(crate) fn with_values(
        &self,
        rewritten: impl Fn(&Value<'_>) -> Option<String>,
    ) -> Fields<'_> {
        let members = self.iter().map(|(name, value)| {
            let value = match rewritten(value) {
                Some(text) => Value::Text(Cow::Owned(text)),
                None => value.clone(),
            };
            (Cow::Borrowed(name), value)
        });
        Fields {
            members: members.collect(),
            by_name: self.by_name.clone(),
        }
    }

    /// Refuses members whose text could be cut in two ways.
    ///
    /// `a=x&b=y` is the canonical string of `{"a":"x","b":"y"}` and of `{"a":"x&b=y"}`. Without `&` in a value and
    /// without `&` and `=` in a name there is exactly one way to read it back.
    ///
    /// ```
    /// use ucanpay_core::{Fields, ReadError, canonical_string};
    ///
    /// let (two, one) = (Fields::parse(br#"{"a":"x","b":"y"}"#)?, Fields::parse(br#"{"a":"x&b=y"}"#)?);
    /// assert_eq!(canonical_string(&two)?, canonical_string(&one)?);
    /// assert_eq!(two.refuse_ambiguous(), Ok(()));
    /// assert!(matches!(one.refuse_ambiguous(), Err(ReadError::Ambiguous { name }) if name == "a"));
    /// # Ok::<(), ReadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError::Ambiguous`], naming the member. A signature over such a message proves nothing about its members.
    pub fn refuse_ambiguous(&self) -> Result<(), ReadError> {
        let ambiguous = self.iter().find(|(name, value)| {
            name.bytes().any(|byte| matches!(byte, b'&' | b'='))
                || value.signed_text().is_some_and(|text| text.contains('&'))
        });
        match ambiguous {
            Some((name, _)) => Err(ReadError::Ambiguous { name: shown(name) }),
            None => Ok(()),
        }
    }
}

/// Why a message cannot be read. It holds places and member names, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The message is not UTF-8.
    #[error("the message is not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// Offset of the first bad byte.
        at: usize,
    },
    /// The message is not JSON as it must be.
    #[error("byte {at} of the message: expected {expected}")]
    Syntax {
        /// Offset in bytes.
        at: usize,
        /// What should have stood there.
        expected: &'static str,
    },
    /// Values are nested deeper than 32 levels.
    #[error("byte {at} of the message: nested too deeply")]
    TooDeep {
        /// Offset in bytes.
        at: usize,
    },
    /// A name or a text holds U+0000, where a database would cut it off or refuse it. No genuine member does.
    #[error("byte {at} of the message: U+0000, which no member may hold")]
    Nul {
        /// Offset of its hexadecimal digits, in bytes.
        at: usize,
    },
    /// A name stands twice, so two readers could see two messages.
    #[error("the member {name} stands twice")]
    Duplicate {
        /// The name, shortened.
        name: String,
    },
    /// An object or array where only text, numbers and truth values can be signed.
    #[error("the member {name} is an object or an array, which cannot be signed")]
    Nested {
        /// The name, shortened.
        name: String,
    },
    /// A member whose text could be read as several members of the signed string.
    #[error("the member {name} holds `&` or `=` where the signed string would be ambiguous")]
    Ambiguous {
        /// The name, shortened.
        name: String,
    },
    /// With the envelope [signed too](crate::SignedSet), a member stands where its signature does not say it stands.
    #[error(
        "the member {name} stands in the wrong place: with the envelope signed too, code, msg and timestamp must stand in the \
         envelope, and all else in data"
    )]
    Misplaced {
        /// The name, shortened.
        name: String,
    },
    /// Text that a [signed set](crate::SignedSet) which keeps `null` as text cannot tell from it.
    #[error(
        "the member {name} holds the text `null`, which cannot be told from a null that is signed as text"
    )]
    LikeNull {
        /// The name, shortened.
        name: String,
    },
    /// A member that must be there is absent, `null` or empty.
    #[error("the member {member} is missing")]
    Missing {
        /// The gateway's name for it.
        member: &'static str,
    },
    /// A member is there and cannot be what it must be.
    #[error("the member {member} is not {expected}")]
    Invalid {
        /// The gateway's name for it.
        member: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
    /// A notification has both `tradeStatus` and `refundStatus`, or neither.
    #[error("a notification must have either tradeStatus or refundStatus")]
    UnclearStatus,
}

impl ReadError {
    pub(crate) fn ambiguous(name: &str) -> Self {
        Self::Ambiguous { name: shown(name) }
    }

    pub(crate) fn misplaced(name: &str) -> Self {
        Self::Misplaced { name: shown(name) }
    }

    pub(crate) fn like_null(name: &str) -> Self {
        Self::LikeNull { name: shown(name) }
    }

    pub(crate) fn nested(name: &str) -> Self {
        Self::Nested { name: shown(name) }
    }
}

/// A member's name for an error message: escaped, and at most 32 characters of it.
fn shown(name: &str) -> String {
    const MAX: usize = 32;
    let mut text: String = name
        .chars()
        .take(MAX)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(MAX).is_some() {
        text.push('…');
    }
    text
}
