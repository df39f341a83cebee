//! The proof, as a type, that a message was signed by the gateway.

use std::ops::Deref;

use crate::key::Fingerprint;

/// A message whose signature has been verified with a platform key of the merchant.
///
/// Only [`Merchant`](crate::Merchant) makes one. Verified means: the gateway wrote it. Whether it is about *this* order
/// and amount is another question, which the ledger answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    message: T,
    proof: Proof,
}

/// What proves a message: kept together, so that nobody can pair one message's text with another's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) signed_text: String,
    pub(crate) signature: String,
    pub(crate) key: Fingerprint,
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

    /// The canonical string that the signature vouches for: evidence worth keeping.
    #[must_use]
    pub fn signed_text(&self) -> &str {
        &self.proof.signed_text
    }

    /// The signature as it came (`sign`, base64). With the text and the key it is proof for a third party.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.proof.signature
    }

    /// Which platform key the signature fitted.
    #[must_use]
    pub fn key(&self) -> &Fingerprint {
        &self.proof.key
    }

    /// Turns the message into a part of itself; the proof goes along. Not public: it could be given anything.
    pub(crate) fn filter_map<U>(self, part: impl FnOnce(T) -> Option<U>) -> Option<Verified<U>> {
        let message = part(self.message)?;
        Some(Verified::new(message, self.proof))
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.message
    }
}
