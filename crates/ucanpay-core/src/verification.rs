//! Is this `data` signed by the gateway? The one place that decides it, for answers and notifications alike.
//!
//! [`Merchant`](crate::Merchant) comes in with the members of `data`; out goes the proof that
//! [`Verified`](crate::Verified) carries, or the reason for the refusal.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    canonical::canonical_string,
    fields::{Fields, ReadError, Value},
    response::{AnswerError, NotificationError, Untrusted},
    scheme::SignatureScheme,
    verified::Proof,
    verifier::Verifier,
};

/// The only algorithm in use, by the name it has in `signType`.
pub(crate) const SIGN_TYPE: &str = "RSA";

/// Tries every platform key. The algorithm comes from the configuration: `signType` may only agree with it.
pub(crate) fn prove(
    data: &Fields<'_>,
    verifiers: &[Arc<dyn Verifier>],
    scheme: SignatureScheme,
) -> Result<Proof, Refusal> {
    data.refuse_ambiguous()?;
    let signed_text = canonical_string(data)?;
    if data
        .present("signType")
        .is_some_and(|name| name != SIGN_TYPE)
    {
        return Err(Untrusted::WrongSignType.into());
    }
    let sign = signature_text(data)?;
    // The engine refuses what is not canonical: white space, missing padding, stray bits.
    let signature = STANDARD
        .decode(sign)
        .map_err(|_| Untrusted::BadSignatureText)?;
    let message = scheme.message(&signed_text, None);
    let matching = verifiers.iter().find(|verifier| {
        let length = verifier.public_key().bits().div_ceil(8);
        signature.len() == length && verifier.verify(scheme.digest, &message, &signature)
    });
    match matching {
        Some(verifier) => Ok(Proof {
            signed_text,
            signature: sign.to_owned(),
            key: verifier.public_key().fingerprint().clone(),
        }),
        None => Err(Untrusted::NoMatchingKey {
            keys: verifiers.len(),
        }
        .into()),
    }
}

/// `sign`, which must be a JSON string and not empty.
fn signature_text<'a>(data: &'a Fields<'_>) -> Result<&'a str, Untrusted> {
    match data.get("sign") {
        None | Some(Value::Null) => Err(Untrusted::NoSignature),
        Some(Value::Text(text)) if text.is_empty() => Err(Untrusted::NoSignature),
        Some(Value::Text(text)) => Ok(text),
        Some(Value::Bool(_) | Value::Number(_) | Value::Nested(_)) => {
            Err(Untrusted::BadSignatureText)
        }
    }
}

/// Why `data` is not taken, before it matters whether it was an answer's or a notification's.
pub(crate) enum Refusal {
    Malformed(ReadError),
    Untrusted(Untrusted),
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::Malformed(error)
    }
}

impl From<Untrusted> for Refusal {
    fn from(error: Untrusted) -> Self {
        Self::Untrusted(error)
    }
}

impl From<Refusal> for AnswerError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed(error) => Self::Malformed(error),
            Refusal::Untrusted(error) => Self::Untrusted(error),
        }
    }
}

impl From<Refusal> for NotificationError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed(error) => Self::Malformed(error),
            Refusal::Untrusted(error) => Self::Untrusted(error),
        }
    }
}
