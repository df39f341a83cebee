//! A frozen request, taken apart so that it can be signed anew with nothing else changed.
//!
//! [`Merchant::sign_again`](crate::Merchant::sign_again) comes in with the bytes that a ledger kept; the same members go out,
//! still unsigned, with another nonce. Whatever [`Merchant::sign`](crate::Merchant::sign) would not have written is refused:
//! a new signature must not vouch for bytes that nobody here has made.

use crate::{
    fields::{Fields, ReadError, Value},
    json::ObjectWriter,
    types::{MerchantId, Nonce},
};

/// The members of the signed request `body` with `nonceStr` and `signType` replaced and without `sign`.
pub(crate) fn renewed(
    body: &[u8],
    merchant: &MerchantId,
    nonce: &Nonce,
    sign_type: &str,
) -> Result<ObjectWriter, RenewalError> {
    let fields = Fields::parse(body)?;
    fields.refuse_ambiguous()?;
    if text(&fields, "merchantId")? != merchant.as_str() {
        return Err(RenewalError::OtherMerchant);
    }
    for member in ["nonceStr", "signType", "sign"] {
        text(&fields, member)?;
    }

    let mut as_kept = ObjectWriter::new();
    let mut renewed = ObjectWriter::new();
    for (name, value) in fields.iter() {
        match (name, value) {
            ("sign", Value::Text(old)) => as_kept.text(name, old),
            // Echoed in a signed message, it could be read as another member: never sent, so never sent again.
            (_, Value::Text(text)) if text.contains('=') => {
                return Err(ReadError::ambiguous(name).into());
            }
            (_, Value::Text(old)) => {
                as_kept.text(name, old);
                renewed.text(
                    name,
                    match name {
                        "nonceStr" => nonce.as_str(),
                        "signType" => sign_type,
                        _ => old,
                    },
                );
            }
            (_, Value::Number(lexeme)) => {
                as_kept.lexeme(name, lexeme);
                renewed.lexeme(name, lexeme);
            }
            (_, Value::Null | Value::Bool(_) | Value::Nested(_)) => {
                return Err(RenewalError::OtherForm);
            }
        }
    }
    // If the members can be written as they stood, what is written of them now has the same bytes. `sign` stands last,
    // where it will be added.
    let sign_is_last = fields.iter().last().is_some_and(|(name, _)| name == "sign");
    if !sign_is_last || as_kept.to_json().as_bytes() != body {
        return Err(RenewalError::OtherForm);
    }
    Ok(renewed)
}

/// A member that every signed request has as text.
fn text<'a>(fields: &'a Fields<'_>, member: &'static str) -> Result<&'a str, RenewalError> {
    match fields.get(member) {
        Some(Value::Text(text)) if !text.is_empty() => Ok(text),
        _ => Err(RenewalError::NotSigned { member }),
    }
}

/// Bytes that were to be signed again are no signed request of this merchant. Nothing has been signed.
///
/// Send the frozen bytes as they are, or sign the operation itself with [`Merchant::sign`](crate::Merchant::sign), under
/// the same order or refund number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenewalError {
    /// The bytes are not one flat object with each name once, or its text could be cut in two ways: look for what has
    /// changed them where they are kept.
    #[error(
        "the kept request cannot be read; look for what has changed it where it is kept, or sign the operation itself"
    )]
    Unreadable(#[from] ReadError),
    /// The request is another merchant's: sign it again with that merchant.
    #[error(
        "the kept request is another merchant's; sign it again with the merchant that it names"
    )]
    OtherMerchant,
    /// A member that signing adds is missing, empty or not text: these bytes were never signed.
    #[error("the kept request has no {member}, so it was never signed; sign the operation itself")]
    NotSigned {
        /// The gateway's name for it.
        member: &'static str,
    },
    /// The object can be read and is not written as [`Merchant::sign`](crate::Merchant::sign) writes: other white space,
    /// escapes or kinds of value, or `sign` not at the end.
    #[error(
        "the kept request was not written by this library; send it as it is, or sign the operation itself"
    )]
    OtherForm,
}
