//! The gateway's half: says whether a signature is genuine, and nothing else.
//!
//! [`Merchant`](crate::Merchant) comes in with the scheme's message and the decoded `sign`; a verdict goes out.

use std::fmt;

use crate::{key::PublicKey, scheme::Digest};

/// Verifies RSASSA-PKCS1-v1_5 signatures of one public key.
///
/// ```
/// use std::sync::Arc;
/// use ucanpay_core::{Digest, PrivateKey, Verifier, backend::rustcrypto};
///
/// let key = PrivateKey::generate(1024)?;
/// let signature = rustcrypto::signer(&key).sign(Digest::Sha256, b"a message")?;
/// let verifier: Arc<dyn Verifier> = rustcrypto::verifier(key.public_key());
/// assert!(verifier.verify(Digest::Sha256, b"a message", &signature));
/// assert!(!verifier.verify(Digest::Sha256, b"a message", &signature[1..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Verifier: fmt::Debug + Send + Sync {
    /// Whether `signature` is exactly the signature of `message` by this key. Any length, any bytes may come in.
    fn verify(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool;

    /// The key itself.
    fn public_key(&self) -> &PublicKey;

    /// The implementation's name, for reports.
    fn backend(&self) -> &'static str;
}
