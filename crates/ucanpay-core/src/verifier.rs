//! The gateway's half: says whether a signature is genuine, and nothing else.
//!
//! [`Merchant`](crate::Merchant) comes in with the scheme's message and the decoded `sign`; a verdict goes out.

use std::fmt;

use crate::{key::PublicKey, scheme::Digest};

/// Verifies RSASSA-PKCS1-v1_5 signatures of one public key.
pub trait Verifier: fmt::Debug + Send + Sync {
    /// Whether `signature` is exactly the signature of `message` by this key. Any length, any bytes may come in.
    fn verify(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool;

    /// The key itself.
    fn public_key(&self) -> &PublicKey;

    /// The implementation's name, for reports.
    fn backend(&self) -> &'static str;
}
