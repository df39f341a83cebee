//! The private half of a key, wherever it is held: in memory, in an HSM, behind a KMS.
//!
//! [`Merchant::sign`](crate::Merchant::sign) comes in with the scheme's message; the raw signature goes out.

use std::{error::Error, fmt};

use crate::{key::PublicKey, scheme::Digest};

/// Makes RSASSA-PKCS1-v1_5 signatures with one key.
///
/// A key in memory is one by [`PrivateKey::signer`](crate::PrivateKey::signer). A signer of one's own must give the
/// bytes any other would give (the signature is deterministic), and its `Debug` must not show the key.
///
/// A signer of one's own, over a device that holds the key:
///
/// ```
/// use std::sync::Arc;
/// use ucanpay_core::{Digest, PublicKey, Signer, SigningError};
///
/// # use ucanpay_core::*;
/// # struct Device(Arc<dyn Signer>);
/// # impl Device {
/// #     fn rsa_pkcs1_sha256(&self, message: &[u8]) -> Result<Vec<u8>, std::io::Error> {
/// #         self.0.sign(Digest::Sha256, message).map_err(std::io::Error::other)
/// #     }
/// # }
/// struct Hsm { device: Device, public_key: PublicKey }
///
/// impl std::fmt::Debug for Hsm {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.debug_struct("Hsm").finish_non_exhaustive()
///     }
/// }
///
/// impl Signer for Hsm {
///     fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SigningError> {
///         match digest {
///             Digest::Sha256 => self.device.rsa_pkcs1_sha256(message).map_err(SigningError::new),
///             _ => Err(SigningError::new("the device knows SHA-256 only")),
///         }
///     }
///     fn public_key(&self) -> &PublicKey {
///         &self.public_key
///     }
///     fn backend(&self) -> &'static str {
///         "hsm"
///     }
/// }
///
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let (device, public_key) = (Device(key.signer()), key.public_key().clone());
/// # let verifier = gateway.public_key().verifier();
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// let hsm = Arc::new(Hsm { device, public_key });
/// let merchant = Merchant::with_signer(MerchantId::new("2000000010")?, hsm, vec![verifier])?;
/// assert!(merchant.sign(&query, Nonce::random()).is_ok());
/// let refused = merchant.with_scheme(SignatureScheme::SHA1).sign(&query, Nonce::random());
/// assert!(matches!(refused, Err(SignError::Signing(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    ///
    /// ```
    /// use std::{error::Error, io};
    /// use ucanpay_core::SigningError;
    ///
    /// let error = SigningError::new(io::Error::from(io::ErrorKind::TimedOut));
    /// assert_eq!(error.to_string(), "the private key could not sign");
    /// assert!(error.source().is_some_and(|cause| cause.is::<io::Error>()));
    /// ```
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
        }
    }
}
