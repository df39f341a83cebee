//! The `rsa` crate: any size from 1024 bits, signing blinded.
//!
//! Blinded because the crate's private operation is not constant in time (RUSTSEC-2023-0071): a random factor hides the
//! exponentiation from whoever measures it.

use std::sync::Arc;

use md5::Md5;
use rand_core::OsRng;
use rsa::{Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey, traits::PublicKeyParts};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::{
    key::{PrivateKey, PublicKey},
    scheme::Digest,
    signer::{Signer, SigningError},
    verifier::Verifier,
};

/// What [`Signer::backend`] and [`Verifier::backend`] say.
pub const NAME: &str = "rustcrypto";

/// Signs with a key in memory, of any size that [`PrivateKey`] takes.
///
/// ```
/// use ucanpay_core::{Digest, PrivateKey, backend::rustcrypto};
///
/// let key = PrivateKey::generate(1024)?;
/// let signer = rustcrypto::signer(&key);
/// assert_eq!(signer.backend(), rustcrypto::NAME);
/// assert_eq!(signer.sign(Digest::Sha256, b"a message")?.len(), 128);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn signer(key: &PrivateKey) -> Arc<dyn Signer> {
    Arc::new(RustCryptoSigner::new(key.clone()))
}

/// Verifies with a key of any size that [`PublicKey`] takes.
///
/// ```
/// use ucanpay_core::{Digest, PrivateKey, backend::rustcrypto};
///
/// let key = PrivateKey::generate(1024)?;
/// let signature = key.signer().sign(Digest::Sha256, b"a message")?; // by whichever backend
/// let verifier = rustcrypto::verifier(key.public_key());
/// assert_eq!(verifier.backend(), rustcrypto::NAME);
/// assert!(verifier.verify(Digest::Sha256, b"a message", &signature));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn verifier(key: &PublicKey) -> Arc<dyn Verifier> {
    Arc::new(RustCryptoVerifier::new(key.clone()))
}

#[derive(Debug)]
pub(super) struct RustCryptoSigner {
    key: PrivateKey,
}

impl RustCryptoSigner {
    pub(super) fn new(key: PrivateKey) -> Self {
        Self { key }
    }
}

impl Signer for RustCryptoSigner {
    fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let (padding, hash) = hashed(digest, message);
        let key: &RsaPrivateKey = self.key.rsa();
        key.sign_with_rng(&mut OsRng, padding, &hash)
            .map_err(SigningError::new)
    }

    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn backend(&self) -> &'static str {
        NAME
    }
}

#[derive(Debug)]
pub(super) struct RustCryptoVerifier {
    key: PublicKey,
}

impl RustCryptoVerifier {
    pub(super) fn new(key: PublicKey) -> Self {
        Self { key }
    }
}

impl Verifier for RustCryptoVerifier {
    fn verify(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool {
        let key: &RsaPublicKey = self.key.rsa();
        let (padding, hash) = hashed(digest, message);
        signature.len() == key.size() && key.verify(padding, &hash, signature).is_ok()
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn backend(&self) -> &'static str {
        NAME
    }
}

fn hashed(digest: Digest, message: &[u8]) -> (Pkcs1v15Sign, Vec<u8>) {
    match digest {
        Digest::Sha256 => (
            Pkcs1v15Sign::new::<Sha256>(),
            Sha256::digest(message).to_vec(),
        ),
        Digest::Sha1 => (Pkcs1v15Sign::new::<Sha1>(), Sha1::digest(message).to_vec()),
        Digest::Md5 => (Pkcs1v15Sign::new::<Md5>(), Md5::digest(message).to_vec()),
    }
}
