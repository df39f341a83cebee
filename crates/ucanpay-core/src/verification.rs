//! Is this `data` signed by the gateway? The one place that decides it, for answers and notifications alike.
//!
//! [`Merchant`](crate::Merchant) comes in with the members of `data`; out goes the proof that
//! [`Verified`](crate::Verified) carries, or the reason for the refusal.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    canonical::canonical_string,
    fields::{Fields, ReadError, Value},
    keyed_md5::{self, Md5Secret},
    response::{AnswerError, NotificationError, Untrusted},
    scheme::SignatureScheme,
    verified::{Proof, VerifiedBy},
    verifier::Verifier,
};

/// RSA's name in `signType`.
pub(crate) const SIGN_TYPE: &str = "RSA";

/// Room for the signature of the largest key, 4096 bits, as the base64 decoder estimates it.
const LONGEST_SIGNATURE: usize = 516;

/// Tries every platform key.
pub(crate) fn prove(
    data: &Fields<'_>,
    verifiers: &[Arc<dyn Verifier>],
    scheme: SignatureScheme,
    path: Option<&str>,
) -> Result<Proof, Refusal> {
    let Claim { signed_text, sign } = Claim::read(data, SIGN_TYPE)?;
    let mut buffer = [0; LONGEST_SIGNATURE];
    // The engine refuses what is not canonical: white space, missing padding, stray bits.
    let length = STANDARD
        .decode_slice(sign, &mut buffer)
        .map_err(|_| Untrusted::BadSignatureText)?;
    let signature = &buffer[..length];
    let message = scheme.message(&signed_text, path);
    let matching = verifiers.iter().find(|verifier| {
        let length = verifier.public_key().bits().div_ceil(8);
        signature.len() == length && verifier.verify(scheme.digest, &message, signature)
    });
    match matching {
        Some(verifier) => Ok(Proof {
            signature: sign.to_owned(),
            key: VerifiedBy::PlatformKey(verifier.public_key().fingerprint().clone()),
            signed_text,
        }),
        None => Err(Untrusted::NoMatchingKey {
            keys: verifiers.len(),
        }
        .into()),
    }
}

/// Tries the shared secret, in constant time.
pub(crate) fn prove_by_secret(data: &Fields<'_>, secret: &Md5Secret) -> Result<Proof, Refusal> {
    let Claim { signed_text, sign } = Claim::read(data, keyed_md5::SIGN_TYPE)?;
    if !keyed_md5::is_well_formed(sign) {
        return Err(Untrusted::BadSignatureText.into());
    }
    if !secret.fits(&signed_text, sign) {
        return Err(Untrusted::OtherSecret.into());
    }
    Ok(Proof {
        signature: sign.to_owned(),
        key: VerifiedBy::Md5Secret,
        signed_text,
    })
}

/// What a message says of itself, not yet believed.
struct Claim<'a> {
    signed_text: String,
    sign: &'a str,
}

impl<'a> Claim<'a> {
    /// The algorithm comes from the configuration: `signType` may only agree with it.
    fn read(data: &'a Fields<'_>, sign_type: &str) -> Result<Self, Refusal> {
        data.refuse_ambiguous()?;
        let signed_text = canonical_string(data)?;
        if data
            .present("signType")
            .is_some_and(|name| name != sign_type)
        {
            return Err(Untrusted::WrongSignType.into());
        }
        let sign = signature_text(data)?;
        Ok(Self { signed_text, sign })
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
