//! The proof, as a type, that a message was signed by the gateway.

use std::{fmt, ops::Deref};

use crate::key::Fingerprint;

/// A message whose signature has been verified as the merchant is configured: with a platform key, or with the MD5 secret.
///
/// Only [`Merchant`](crate::Merchant) makes one. Verified means: the gateway wrote it. Whether it is about *this* order
/// and amount is another question, which the ledger answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<T> {
    message: T,
    proof: Proof,
}

/// What proves a message: kept together, so that nobody can pair one message's text with another's signature. Evidence
/// worth keeping; [`Verified::into_parts`] hands it out.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// The canonical string that the signature vouches for.
    pub signed_text: String,
    /// The signature as it came (`sign`). With the text and the platform key it is proof for a third party.
    pub signature: String,
    /// Which platform key the signature fitted, or that it was the MD5 secret.
    pub key: VerifiedBy,
}

/// The key alone. The signed text and the signature are evidence: kept, not logged.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What a message was verified with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VerifiedBy {
    /// The platform key of this short name: the gateway alone can have signed. Displayed as its 16 digits.
    PlatformKey(Fingerprint),
    /// The merchant's MD5 secret: whoever knows it can have signed, the merchant too, so it is no proof for a third party.
    /// Displayed as `md5-secret`.
    Md5Secret,
}

impl fmt::Display for VerifiedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlatformKey(fingerprint) => fingerprint.fmt(f),
            Self::Md5Secret => f.write_str("md5-secret"),
        }
    }
}

impl<T> Verified<T> {
    pub(crate) fn new(message: T, proof: Proof) -> Self {
        Self { message, proof }
    }

    /// The message, without its proof.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.message
    }

    /// The message, and apart from it what proves it.
    #[must_use]
    pub fn into_parts(self) -> (T, Proof) {
        (self.message, self.proof)
    }

    /// The canonical string that the signature vouches for: evidence worth keeping.
    #[must_use]
    pub fn signed_text(&self) -> &str {
        &self.proof.signed_text
    }

    /// The signature as it came (`sign`). With the text and the platform key it is proof for a third party.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.proof.signature
    }

    /// Which platform key the signature fitted, or that it was the MD5 secret.
    #[must_use]
    pub fn key(&self) -> &VerifiedBy {
        &self.proof.key
    }

    /// Turns the message into a part of itself; the proof goes along. Not public: it could be given anything.
    pub(crate) fn filter_map<U>(self, part: impl FnOnce(T) -> Option<U>) -> Option<Verified<U>> {
        let message = part(self.message)?;
        Some(Verified::new(message, self.proof))
    }
}

/// The message and the key. The signed text and the signature are evidence: kept, not logged.
impl<T: fmt::Debug> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("message", &self.message)
            .field("key", &self.proof.key)
            .finish_non_exhaustive()
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.message
    }
}
