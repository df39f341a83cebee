//! The canonical string: the only place that knows which members are signed and how they are joined.
//!
//! Stop 1 and stop 5 of a payment: members come from [`Fields`], the text goes to [`SignatureScheme::message`](crate::SignatureScheme::message).

use smallvec::SmallVec;

use crate::fields::{Fields, ReadError, Value};

/// The text that is signed: every member but `sign`, without `null` and empty strings, sorted by the bytes of the name and
/// joined as `name=value` with `&`; no percent-encoding. Reference: "Signature Algorithm", step one and two.
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
    let mut signed: SmallVec<[(&str, &str); 32]> = SmallVec::new();
    for (name, value) in fields.iter() {
        if let Value::Nested(_) = value {
            return Err(ReadError::nested(name));
        }
        if let (true, Some(text)) = (name != "sign", value.signed_text()) {
            signed.push((name, text));
        }
    }
    signed.sort_unstable();
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
        canonical.push_str(text);
    }
    Ok(canonical)
}
