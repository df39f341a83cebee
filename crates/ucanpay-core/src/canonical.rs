//! The canonical string: the only place that knows which members are signed and how they are joined.
//!
//! Stop 1 and stop 5 of a payment: members come from [`Fields`], the text goes to [`SignatureScheme::message`](crate::SignatureScheme::message).
//! [`Merchant`](crate::Merchant), [`Received`](crate::Received) and [`explain`](crate::explain()) all take it from here.

use smallvec::SmallVec;

use crate::{
    fields::{Fields, ReadError, Value},
    percent,
    signed_set::{NullMembers, SignedSet, SignedValues},
};

/// The members of an envelope that a set may sign.
const ENVELOPE: [&str; 3] = ["code", "msg", "timestamp"];

/// The text that is signed by the [documented set](SignedSet::DOCUMENTED): every member but `sign`, without `null` and empty
/// strings, sorted by the bytes of the name and joined as `name=value` with `&`; no percent-encoding. Reference: "Signature
/// Algorithm", step one and two.
///
/// This does not refuse text with `&` or `=`; for a received message call [`Fields::refuse_ambiguous`] first, as
/// [`Merchant`](crate::Merchant) does.
///
/// ```
/// use ucanpay_core::{Fields, canonical_string};
///
/// let fields = Fields::parse(br#"{"totalAmt":1.10,"body":"coffee","attach":"","sign":"x","Zone":null}"#)?;
/// assert_eq!(canonical_string(&fields)?, "body=coffee&totalAmt=1.10");
/// # Ok::<(), ucanpay_core::ReadError>(())
/// ```
///
/// # Errors
///
/// [`ReadError::Nested`] when a member is an object or an array.
pub fn canonical_string(fields: &Fields<'_>) -> Result<String, ReadError> {
    SignedSet::DOCUMENTED.canonical_string(fields, None)
}

impl SignedSet {
    /// The text that is signed by this set: the members of a request, or those of `data` with the `envelope` around them.
    ///
    /// This does not refuse what is ambiguous; for a received message call [`refuse_ambiguous`](Self::refuse_ambiguous)
    /// first, as [`Merchant`](crate::Merchant) does.
    ///
    /// ```
    /// use ucanpay_core::{Fields, SignedSet};
    ///
    /// let set: SignedSet = "envelope,empty,form".parse()?;
    /// let envelope = Fields::parse_envelope(br#"{"code":0,"data":{"body":"flat white","attach":""}}"#)?;
    /// let data = Fields::parse(br#"{"body":"flat white","attach":""}"#)?;
    /// assert_eq!(set.canonical_string(&data, Some(&envelope))?, "attach=&body=flat+white&code=0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError::Nested`] when a member that is to be signed is an object or an array.
    pub fn canonical_string<'a>(
        self,
        members: &Fields<'a>,
        envelope: Option<&Fields<'a>>,
    ) -> Result<String, ReadError> {
        let mut signed: SmallVec<[(&str, &str); 32]> = SmallVec::new();
        for (name, value) in members.sorted().chain(self.outer_members(envelope)) {
            if let Value::Nested(_) = value {
                return Err(ReadError::nested(name));
            }
            if let Some(text) = self.signed_text(name, value) {
                signed.push((name, text));
            }
        }
        if self.envelope {
            // The members of `data` are in order already.
            signed.sort_unstable();
        }
        let lengths = signed
            .iter()
            .map(|(name, text)| "=&".len() + name.len() + text.len());
        let mut canonical = String::with_capacity(lengths.sum());
        for (name, text) in signed {
            if !canonical.is_empty() {
                canonical.push('&');
            }
            canonical.push_str(name);
            canonical.push('=');
            match self.values {
                SignedValues::Plain => canonical.push_str(text),
                SignedValues::Percent => percent::PERCENT.push(&mut canonical, text),
                SignedValues::Form => percent::FORM.push(&mut canonical, text),
            }
        }
        Ok(canonical)
    }

    /// Refuses members that another message could have the same signed text with; `envelope` as in
    /// [`canonical_string`](Self::canonical_string).
    ///
    /// To what [`Fields::refuse_ambiguous`] refuses, in the envelope too if it is signed, a set may add: with the envelope
    /// signed, the text does not tell where a member stands, so `code`, `msg` and `timestamp` may stand in the envelope only
    /// and anything else in `data` only; with `null` kept as text, no member may hold the text `null`. Values that are
    /// encoded may hold no `&` either: not everybody encodes before cutting.
    ///
    /// ```
    /// use ucanpay_core::{Fields, ReadError, SignedSet};
    ///
    /// let set: SignedSet = "null-as-text".parse()?;
    /// let refused = set.refuse_ambiguous(&Fields::parse(br#"{"attach":"null"}"#)?, None);
    /// assert!(matches!(refused, Err(ReadError::LikeNull { name }) if name == "attach"));
    /// assert_eq!(set.refuse_ambiguous(&Fields::parse(br#"{"attach":null}"#)?, None), Ok(()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError`], naming the member. A signature over such a message proves nothing about its members.
    pub fn refuse_ambiguous<'a>(
        self,
        members: &Fields<'a>,
        envelope: Option<&Fields<'a>>,
    ) -> Result<(), ReadError> {
        members.refuse_ambiguous()?;
        if self.envelope && envelope.is_some() {
            for (name, value) in self.outer_members(envelope) {
                if !ENVELOPE.contains(&name) {
                    return Err(ReadError::misplaced(name));
                }
                if value.signed_text().is_some_and(|text| text.contains('&')) {
                    return Err(ReadError::ambiguous(name));
                }
            }
            let mut names = members.iter().map(|(name, _)| name);
            if let Some(name) = names.find(|name| ENVELOPE.contains(name)) {
                return Err(ReadError::misplaced(name));
            }
        }
        if self.null == NullMembers::AsText {
            let mut all = members.iter().chain(self.outer_members(envelope));
            let is_null = |value: &Value<'_>| value.signed_text() == Some("null");
            if let Some((name, _)) = all.find(|(name, value)| *name != "sign" && is_null(value)) {
                return Err(ReadError::like_null(name));
            }
        }
        Ok(())
    }

    /// What stands behind the `=` before it is encoded; `None` for a member that this set leaves out.
    pub(crate) fn signed_text<'v>(self, name: &str, value: &'v Value<'_>) -> Option<&'v str> {
        if name == "sign" || (name == "signType" && !self.sign_type) {
            return None;
        }
        match (value, self.null) {
            (Value::Null, NullMembers::AsNothing) => Some(""),
            (Value::Null, NullMembers::AsText) => Some("null"),
            (Value::Text(text), _) if text.is_empty() && self.empty => Some(""),
            _ => value.signed_text(),
        }
    }

    /// The members beside `data` that this set signs: all of them, or none.
    pub(crate) fn outer_members<'m, 'a>(
        self,
        envelope: Option<&'m Fields<'a>>,
    ) -> impl Iterator<Item = (&'m str, &'m Value<'a>)> {
        let envelope = envelope.filter(|_| self.envelope);
        envelope
            .into_iter()
            .flat_map(Fields::iter)
            .filter(|(name, _)| *name != "data")
    }
}
