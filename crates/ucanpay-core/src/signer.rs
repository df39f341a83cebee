//! The private half of a key, wherever it is held: in memory, in an HSM, behind a KMS.
//!
//! [`Merchant::sign`](crate::Merchant::sign) comes in with the scheme's message; the raw signature goes out.

use std::{error::Error, fmt};

use crate::{key::PublicKey, scheme::Digest};

/// Makes RSASSA-PKCS1-v1_5 signatures with one key.
///
/// A key in memory is one by [`PrivateKey::signer`](crate::PrivateKey::signer). A signer of one's own must give the
/// bytes any other would give (the signature is deterministic), and its `Debug` must not show the key.
pub trait Signer: fmt::Debug + Send + Sync {
    /// Hashes `message` with `digest` and signs it. The signature is exactly as long as the key's modulus.
    ///
    /// # Errors
    ///
    /// [`SigningError`] when the key cannot sign now. Nothing has been sent; the call may be repeated.
    fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SigningError>;

    /// The public half, by which the gateway verifies.
    fn public_key(&self) -> &PublicKey;

    /// The implementation's name, for reports.
    fn backend(&self) -> &'static str;
}

/// A signature could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the private key could not sign")]
pub struct SigningError {
    source: Box<dyn Error + Send + Sync>,
}

impl SigningError {
    /// Wraps the cause. Its text must hold no secret.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
        }
    }
}
