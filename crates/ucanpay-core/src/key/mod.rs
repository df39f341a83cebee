//! RSA keys in every format a merchant may be handed, and their fingerprints. A private key is never printed.
//!
//! Bytes of a file come in; a [`Signer`] or a [`Verifier`] goes out. The formats are told apart in `format.rs`.

mod format;

use std::{fmt, sync::Arc};

use rand_core::OsRng;
use rsa::{
    BigUint, RsaPrivateKey, RsaPublicKey,
    pkcs1::{self, DecodeRsaPrivateKey, DecodeRsaPublicKey},
    pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding},
    traits::PublicKeyParts,
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use self::format::KeyFormat;
use self::format::{Half, decode};
use crate::{backend, scheme::hex, signer::Signer, verifier::Verifier};

const MIN_BITS: usize = 1024;
const MAX_BITS: usize = 4096;
const MIN_EXPONENT: u32 = 65537;

/// A merchant's RSA private key, 1024 to 4096 bits. Cheap to clone; `Debug` shows its size and fingerprint only, and its numbers
/// are wiped from memory with the last clone.
///
/// ```
/// use ucanpay_core::PrivateKey;
///
/// let key = PrivateKey::generate(1024)?;
/// let debug = format!("{key:?}");
/// assert!(debug.contains(key.public_key().fingerprint().as_str()) && !debug.contains("BEGIN"));
/// # Ok::<(), ucanpay_core::KeyError>(())
/// ```
#[derive(Clone)]
pub struct PrivateKey {
    inner: Arc<RsaPrivateKey>,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads PEM (PKCS#8 or PKCS#1), DER of either, or the bare base64 of either, with or without line breaks.
    ///
    /// ```
    /// use ucanpay_core::{KeyError, PrivateKey};
    ///
    /// # let file = PrivateKey::generate(1024)?.to_pkcs8_pem().as_bytes().to_vec();
    /// # let wrong_file = PrivateKey::generate(1024)?.public_key().to_spki_pem().into_bytes();
    /// // let file = std::fs::read("merchant.pem")?;
    /// let key = PrivateKey::from_bytes(&file)?;
    /// assert_eq!(key.bits(), 1024);
    /// assert_eq!(PrivateKey::from_bytes(&wrong_file).err(), Some(KeyError::IsPublic));
    /// # Ok::<(), KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError`], saying what the bytes are instead, or what is wrong with the key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let der = decode(bytes, Half::Private)?;
        let parts = pkcs1::RsaPrivateKey::try_from(der.as_slice()).map_err(|_| KeyError::Broken)?;
        check(parts.modulus.as_bytes(), parts.public_exponent.as_bytes())?;
        let inner = RsaPrivateKey::from_pkcs1_der(&der).map_err(|_| KeyError::Broken)?;
        Self::new(inner)
    }

    /// Makes a new key from the operating system's randomness.
    ///
    /// ```
    /// use ucanpay_core::{KeyError, PrivateKey};
    ///
    /// let key = PrivateKey::generate(1024)?; // 2048 in earnest
    /// assert_eq!(key.bits(), 1024);
    /// assert_eq!(PrivateKey::generate(512).err(), Some(KeyError::Size { bits: 512 }));
    /// # Ok::<(), KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError::Size`] unless `bits` is 1024 to 4096.
    pub fn generate(bits: usize) -> Result<Self, KeyError> {
        check_size(bits)?;
        let inner = RsaPrivateKey::new(&mut OsRng, bits).map_err(|_| KeyError::Broken)?;
        Self::new(inner)
    }

    fn new(inner: RsaPrivateKey) -> Result<Self, KeyError> {
        // The crate takes any two factors that multiply to the modulus; without this inverse they are no key.
        if inner.crt_coefficient().is_none() {
            return Err(KeyError::Broken);
        }
        let public = PublicKey::new(inner.to_public_key())?;
        Ok(Self {
            inner: Arc::new(inner),
            public,
        })
    }

    /// The public half.
    ///
    /// ```
    /// use ucanpay_core::PrivateKey;
    ///
    /// let key = PrivateKey::generate(1024)?;
    /// let upload = key.public_key().to_spki_pem(); // what the merchant portal asks for
    /// assert!(upload.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    /// # Ok::<(), ucanpay_core::KeyError>(())
    /// ```
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Size of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.public.bits()
    }

    /// The key as PKCS#8 PEM, for writing it to a file; wiped from memory when dropped.
    ///
    /// ```
    /// use ucanpay_core::PrivateKey;
    ///
    /// let key = PrivateKey::generate(1024)?;
    /// let pem = key.to_pkcs8_pem(); // into a file that only the shop may read
    /// assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    /// assert_eq!(PrivateKey::from_bytes(pem.as_bytes())?.public_key(), key.public_key());
    /// # Ok::<(), ucanpay_core::KeyError>(())
    /// ```
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        self.inner
            .to_pkcs8_pem(LineEnding::LF)
            .expect("`new` has seen that there are two primes and that they have an inverse")
    }

    /// Signs with this key, in memory, by the fastest [backend] that is compiled in and can hold it. Make it once and keep it.
    ///
    /// ```
    /// use ucanpay_core::{Digest, PrivateKey};
    ///
    /// let key = PrivateKey::generate(1024)?;
    /// let signature = key.signer().sign(Digest::Sha256, b"a message")?;
    /// assert_eq!(signature.len(), 1024 / 8);
    /// assert!(key.public_key().verifier().verify(Digest::Sha256, b"a message", &signature));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn signer(&self) -> Arc<dyn Signer> {
        backend::signer(self)
    }

    pub(crate) fn rsa(&self) -> &RsaPrivateKey {
        &self.inner
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("bits", &self.bits())
            .field("fingerprint", &self.public.fingerprint().as_str())
            .finish_non_exhaustive()
    }
}

/// An RSA public key, 1024 to 4096 bits, exponent 65537 or more. Cheap to clone.
///
/// ```
/// use ucanpay_core::{PrivateKey, PublicKey};
///
/// let key = PrivateKey::generate(1024)?.public_key().clone();
/// let again = PublicKey::from_bytes(key.to_spki_pem().as_bytes())?;
/// assert_eq!(again, key);
/// assert_eq!((again.bits(), again.exponent()), (1024, 65537));
/// # Ok::<(), ucanpay_core::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    inner: Arc<RsaPublicKey>,
    fingerprint: Fingerprint,
}

impl PublicKey {
    /// Reads PEM (SubjectPublicKeyInfo or PKCS#1), DER of either, or the bare base64 of either, with or without line breaks.
    ///
    /// ```
    /// use ucanpay_core::{KeyError, PublicKey};
    ///
    /// // As the merchant portal shows it: base64 alone, cut off here.
    /// let copied = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ";
    /// assert_eq!(PublicKey::from_bytes(copied.as_bytes()).err(), Some(KeyError::Unreadable));
    ///
    /// # let key = ucanpay_core::PrivateKey::generate(1024)?;
    /// # let pem = key.public_key().to_spki_pem();
    /// # let copied: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    /// // The whole of it.
    /// assert_eq!(PublicKey::from_bytes(copied.as_bytes())?.bits(), 1024);
    /// # Ok::<(), KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError`], saying what the bytes are instead, or what is wrong with the key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let der = decode(bytes, Half::Public)?;
        let parts = pkcs1::RsaPublicKey::try_from(der.as_slice()).map_err(|_| KeyError::Broken)?;
        check(parts.modulus.as_bytes(), parts.public_exponent.as_bytes())?;
        let inner = RsaPublicKey::from_pkcs1_der(&der).map_err(|_| KeyError::Broken)?;
        Self::new(inner)
    }

    fn new(inner: RsaPublicKey) -> Result<Self, KeyError> {
        let der = inner.to_public_key_der().map_err(|_| KeyError::Broken)?;
        let fingerprint = Fingerprint::of(der.as_bytes());
        Ok(Self {
            inner: Arc::new(inner),
            fingerprint,
        })
    }

    /// Size of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.inner.n().bits()
    }

    /// The public exponent, usually 65537.
    #[must_use]
    pub fn exponent(&self) -> u64 {
        let bytes = self.inner.e().to_bytes_be();
        bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
    }

    /// A short name for the key, safe to log and to show.
    ///
    /// ```
    /// use ucanpay_core::{PrivateKey, PublicKey};
    ///
    /// # let key = PrivateKey::generate(1024)?;
    /// # let (uploaded, pem) = (key.public_key().fingerprint().to_string(), key.public_key().to_spki_pem());
    /// let key = PublicKey::from_bytes(pem.as_bytes())?;
    /// assert_eq!(key.fingerprint().as_str().len(), 16);
    /// assert_eq!(key.fingerprint().as_str(), uploaded, "the portal has another key");
    /// # Ok::<(), ucanpay_core::KeyError>(())
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The key as SubjectPublicKeyInfo PEM, as one uploads it to the merchant portal.
    ///
    /// ```
    /// use ucanpay_core::{PrivateKey, PublicKey};
    ///
    /// let key = PrivateKey::generate(1024)?;
    /// let pem = key.public_key().to_spki_pem();
    /// assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    /// assert_eq!(&PublicKey::from_bytes(pem.as_bytes())?, key.public_key());
    /// # Ok::<(), ucanpay_core::KeyError>(())
    /// ```
    #[must_use]
    pub fn to_spki_pem(&self) -> String {
        self.inner
            .to_public_key_pem(LineEnding::LF)
            .expect("a key that has a fingerprint was encoded once already")
    }

    /// Verifies with this key, by the fastest [backend] that is compiled in and can hold it. Make it once and keep it.
    ///
    /// ```
    /// use ucanpay_core::{Digest, PrivateKey};
    ///
    /// # let key = PrivateKey::generate(1024)?;
    /// # let platform_key = key.public_key();
    /// # let signature = key.signer().sign(Digest::Sha256, b"a message")?;
    /// let verifier = platform_key.verifier();
    /// assert!(verifier.verify(Digest::Sha256, b"a message", &signature));
    /// assert!(!verifier.verify(Digest::Sha256, b"another message", &signature));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn verifier(&self) -> Arc<dyn Verifier> {
        backend::verifier(self)
    }

    pub(crate) fn rsa(&self) -> &RsaPublicKey {
        &self.inner
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("bits", &self.bits())
            .field("fingerprint", &self.fingerprint.as_str())
            .finish_non_exhaustive()
    }
}

/// A short name of a public key: the first 16 hexadecimal digits of the SHA-256 of its SubjectPublicKeyInfo.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    fn of(spki: &[u8]) -> Self {
        Self(hex(&Sha256::digest(spki)[..8]).into())
    }

    /// The 16 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyError> {
    check_size(BigUint::from_bytes_be(modulus).bits())?;
    let number = BigUint::from_bytes_be(exponent);
    if number < BigUint::from(MIN_EXPONENT) {
        let digits = number.to_bytes_be();
        let exponent = digits.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
        return Err(KeyError::Exponent { exponent });
    }
    Ok(())
}

fn check_size(bits: usize) -> Result<(), KeyError> {
    if (MIN_BITS..=MAX_BITS).contains(&bits) {
        Ok(())
    } else {
        Err(KeyError::Size { bits })
    }
}

/// Why bytes are not the key they should be. It never holds any of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing but white space.
    #[error("the key is empty")]
    Empty,
    /// Neither PEM, nor base64, nor DER of a key.
    #[error("this is neither PEM, nor base64, nor DER of an RSA key")]
    Unreadable,
    /// More than one PEM block.
    #[error("there is more than one PEM block; keep the one key that is meant")]
    SeveralKeys,
    /// A public key where a private key is needed.
    #[error("this is a public key; the private key is needed here")]
    IsPublic,
    /// A private key where a public key is needed.
    #[error("this is a private key; the public key is needed here")]
    IsPrivate,
    /// A private key under a passphrase.
    #[error("this private key is encrypted; store it decrypted, for example with `openssl pkey`")]
    Encrypted,
    /// A certificate.
    #[error(
        "this is a certificate; take the public key out of it, for example with `openssl x509 -pubkey -noout`"
    )]
    Certificate,
    /// A key, but not for plain RSA.
    #[error("this key is not an RSA key")]
    NotRsa,
    /// Too small or too large.
    #[error("{bits} bits; at least 1024 and at most 4096 are needed")]
    Size {
        /// Size of the modulus.
        bits: usize,
    },
    /// A public exponent so low that forgeries become thinkable.
    #[error("exponent {exponent} is below 65537")]
    Exponent {
        /// The public exponent.
        exponent: u32,
    },
    /// The numbers of the key do not belong together, or the encoding is damaged.
    #[error("the key is damaged: its numbers do not fit together")]
    Broken,
}
