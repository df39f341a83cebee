//! aws-lc, by way of the `aws-lc-rs` crate: constant-time signing from 2048 bits, and the fastest verification of any size.
//!
//! It cannot sign with fewer than 2048 bits, which live keys may well have, and knows neither MD5 nor SHA-1 for signing and
//! no MD5 for verifying. A smaller key is refused here; another digest is handed to [`rustcrypto`](super::rustcrypto), so that every scheme
//! works with every value of this module.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    error::KeyRejected,
    rand::SystemRandom,
    signature::{
        ParsedPublicKey, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use rsa::{pkcs1::EncodeRsaPublicKey, pkcs8::EncodePrivateKey};

use super::rustcrypto::{RustCryptoSigner, RustCryptoVerifier};
use crate::{
    key::{PrivateKey, PublicKey},
    scheme::Digest,
    signer::{Signer, SigningError},
    verifier::Verifier,
};

/// What [`Signer::backend`] and [`Verifier::backend`] say.
pub const NAME: &str = "aws-lc";

/// The fewest bits it signs with.
pub const LEAST_BITS_TO_SIGN: usize = 2048;

/// Signs with a key in memory. SHA-1 and MD5 are signed by [`rustcrypto`](super::rustcrypto).
///
/// ```
/// use ucanpay_core::{Digest, PrivateKey, backend::{aws_lc, rustcrypto}};
///
/// let key = PrivateKey::generate(2048)?;
/// let signature = aws_lc::signer(&key)?.sign(Digest::Sha256, b"a message")?;
/// assert_eq!(signature, rustcrypto::signer(&key).sign(Digest::Sha256, b"a message")?); // the same bytes
///
/// let small = PrivateKey::generate(1024)?;
/// assert_eq!(aws_lc::signer(&small).err(), Some(aws_lc::KeyRefused::TooSmall { bits: 1024 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`KeyRefused`] for a key below 2048 bits, or one whose numbers aws-lc does not take. [`rustcrypto::signer`](super::rustcrypto::signer()) takes it.
pub fn signer(key: &PrivateKey) -> Result<Arc<dyn Signer>, KeyRefused> {
    if key.bits() < LEAST_BITS_TO_SIGN {
        return Err(KeyRefused::TooSmall { bits: key.bits() });
    }
    // The document wipes itself when dropped.
    let document = key
        .rsa()
        .to_pkcs8_der()
        .map_err(|_| KeyRefused::rejected())?;
    let pair = RsaKeyPair::from_pkcs8(document.as_bytes())?;
    Ok(Arc::new(AwsLcSigner {
        pair,
        others: RustCryptoSigner::new(key.clone()),
    }))
}

/// Verifies with a key of any size. MD5 is verified by [`rustcrypto`](super::rustcrypto).
///
/// ```
/// use ucanpay_core::{Digest, PrivateKey, backend::aws_lc};
///
/// let key = PrivateKey::generate(1024)?; // verified in any size
/// let signature = key.signer().sign(Digest::Sha256, b"a message")?;
/// let verifier = aws_lc::verifier(key.public_key())?;
/// assert_eq!(verifier.backend(), aws_lc::NAME);
/// assert!(verifier.verify(Digest::Sha256, b"a message", &signature));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`KeyRefused`] for a key whose numbers aws-lc does not take. [`rustcrypto::verifier`](super::rustcrypto::verifier()) takes it.
pub fn verifier(key: &PublicKey) -> Result<Arc<dyn Verifier>, KeyRefused> {
    let document = key
        .rsa()
        .to_pkcs1_der()
        .map_err(|_| KeyRefused::rejected())?;
    let parsed = |algorithm| ParsedPublicKey::new(algorithm, document.as_bytes());
    Ok(Arc::new(AwsLcVerifier {
        sha256: parsed(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY)?,
        sha1: parsed(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY)?,
        others: RustCryptoVerifier::new(key.clone()),
    }))
}

/// aws-lc cannot hold this key, although it is a good one. Take another backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefused {
    /// Too small to sign with.
    #[error("aws-lc signs with 2048 bits or more, and this key has {bits}")]
    TooSmall {
        /// Size of the modulus in bits.
        bits: usize,
    },
    /// The key's numbers are outside what aws-lc takes.
    #[error("aws-lc does not take this key ({reason})")]
    Rejected {
        /// aws-lc's word for it; it holds nothing of the key.
        reason: String,
    },
}

impl KeyRefused {
    fn rejected() -> Self {
        Self::Rejected {
            reason: "it cannot be encoded".to_owned(),
        }
    }
}

impl From<KeyRejected> for KeyRefused {
    fn from(error: KeyRejected) -> Self {
        Self::Rejected {
            reason: error.to_string(),
        }
    }
}

struct AwsLcSigner {
    pair: RsaKeyPair,
    others: RustCryptoSigner,
}

impl fmt::Debug for AwsLcSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsLcSigner")
            .field("key", self.public_key())
            .finish_non_exhaustive()
    }
}

impl Signer for AwsLcSigner {
    fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        match digest {
            Digest::Sha256 => {
                let mut signature = vec![0; self.pair.public_modulus_len()];
                // The generator is part of the signature of this function and not used: aws-lc blinds with its own.
                self.pair
                    .sign(
                        &RSA_PKCS1_SHA256,
                        &SystemRandom::new(),
                        message,
                        &mut signature,
                    )
                    .map_err(SigningError::new)?;
                Ok(signature)
            }
            Digest::Sha1 | Digest::Md5 => self.others.sign(digest, message),
        }
    }

    fn public_key(&self) -> &PublicKey {
        self.others.public_key()
    }

    fn backend(&self) -> &'static str {
        NAME
    }
}

/// The keys are parsed once: parsing takes as long as a third of a verification.
struct AwsLcVerifier {
    sha256: ParsedPublicKey,
    sha1: ParsedPublicKey,
    others: RustCryptoVerifier,
}

impl fmt::Debug for AwsLcVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsLcVerifier")
            .field("key", self.public_key())
            .finish_non_exhaustive()
    }
}

impl Verifier for AwsLcVerifier {
    fn verify(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool {
        match digest {
            Digest::Sha256 => self.sha256.verify_sig(message, signature).is_ok(),
            Digest::Sha1 => self.sha1.verify_sig(message, signature).is_ok(),
            Digest::Md5 => self.others.verify(digest, message, signature),
        }
    }

    fn public_key(&self) -> &PublicKey {
        self.others.public_key()
    }

    fn backend(&self) -> &'static str {
        NAME
    }
}
