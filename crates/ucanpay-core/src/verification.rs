//! Is this message signed by the gateway? The one place that decides it, for answers and notifications alike.
//!
//! [`Merchant`](crate::Merchant) comes in with the members of `data` and of the envelope; out goes the proof that
//! [`Verified`](crate::Verified) carries, or the reason for the refusal.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    fields::{Fields, ReadError, Value},
    keyed_md5::{self, Md5Secret},
    response::{AnswerError, NotificationError, Untrusted},
    scheme::SignatureScheme,
    signed_set::SignedSet,
    verified::{Proof, VerifiedBy},
    verifier::Verifier,
};

/// RSA's name in `signType`.
pub(crate) const SIGN_TYPE: &str = "RSA";

/// Room for the signature of the largest key, 4096 bits, as the base64 decoder estimates it.
const LONGEST_SIGNATURE: usize = 516;

/// What is to be proven, and what is taken for its text.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'m, 'a> {
    /// The members of `data`, or of a flat object.
    pub(crate) members: &'m Fields<'a>,
    /// The envelope around `data`.
    pub(crate) envelope: Option<&'m Fields<'a>>,
    /// By configuration, never by the message.
    pub(crate) set: SignedSet,
}

/// Tries every platform key.
pub(crate) fn prove(
    claim: Claim<'_, '_>,
    verifiers: &[Arc<dyn Verifier>],
    scheme: SignatureScheme,
    path: Option<&str>,
) -> Result<Proof, Refusal> {
    let (signed_text, sign) = claim.read(SIGN_TYPE)?;
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
pub(crate) fn prove_by_secret(claim: Claim<'_, '_>, secret: &Md5Secret) -> Result<Proof, Refusal> {
    let (signed_text, sign) = claim.read(keyed_md5::SIGN_TYPE)?;
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

impl<'m> Claim<'m, '_> {
    /// The text and `sign`, not yet believed. The algorithm comes from the configuration: `signType` may only agree with it,
    /// and outside the signed set it says nothing.
    fn read(self, sign_type: &str) -> Result<(String, &'m str), Refusal> {
        let Self {
            members,
            envelope,
            set,
        } = self;
        set.refuse_ambiguous(members, envelope)?;
        let signed_text = set.canonical_string(members, envelope)?;
        let named = members.present("signType").filter(|_| set.sign_type);
        if named.is_some_and(|name| name != sign_type) {
            return Err(Untrusted::WrongSignType.into());
        }
        Ok((signed_text, signature_text(members)?))
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
