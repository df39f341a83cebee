//! The signature variants, by name and by parts.
//!
//! The reference prints a sample without its constants, so the variant is an assumption a merchant must be able to
//! change: [`Merchant::with_scheme`](crate::Merchant::with_scheme). The canonical string comes in, the bytes that are
//! handed to RSA go out.

use std::{borrow::Cow, ops::Deref};

use sha2::{Digest as _, Sha256};

/// The hash inside the RSA signature itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-256, as `SHA256withRSA`.
    Sha256,
    /// SHA-1, as `SHA1withRSA`.
    Sha1,
    /// MD5, as `MD5withRSA`.
    Md5,
}

/// What is done to the canonical string before it is signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum PreHash {
    /// Nothing: its UTF-8 bytes are signed.
    None,
    /// Its SHA-256, 32 bytes, is signed.
    Sha256,
    /// Its SHA-256 in lower-case hexadecimal, 64 characters, is signed.
    Sha256Hex,
}

/// What is appended to the canonical string before anything is hashed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Suffix {
    /// Nothing.
    None,
    /// The path of the call, without a separator.
    Path,
}

/// How the canonical string becomes the message of an RSASSA-PKCS1-v1_5 signature.
///
/// Combinations without a name can be built by value.
///
/// ```
/// use ucanpay_core::{Digest, PreHash, SignatureScheme, Suffix};
///
/// let scheme = SignatureScheme { pre_hash: PreHash::Sha256Hex, digest: Digest::Sha1, suffix: Suffix::None };
/// assert_eq!(scheme.name(), None);
/// assert_eq!(SignatureScheme { digest: Digest::Sha256, ..scheme }, SignatureScheme::PREHASH_HEX);
/// assert_eq!(SignatureScheme::default().name(), Some("documented"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SignatureScheme {
    /// What is done to the canonical string first.
    pub pre_hash: PreHash,
    /// The signature's own digest.
    pub digest: Digest,
    /// What is appended to the canonical string.
    pub suffix: Suffix,
}

const fn scheme(pre_hash: PreHash, digest: Digest, suffix: Suffix) -> SignatureScheme {
    SignatureScheme {
        pre_hash,
        digest,
        suffix,
    }
}

impl SignatureScheme {
    /// `documented`: SHA-256, then SHA256withRSA, as the published sample does. The default.
    pub const DOCUMENTED: Self = scheme(PreHash::Sha256, Digest::Sha256, Suffix::None);
    /// `single`: SHA256withRSA over the canonical string.
    pub const SINGLE: Self = scheme(PreHash::None, Digest::Sha256, Suffix::None);
    /// `sha1`: SHA1withRSA over the canonical string.
    pub const SHA1: Self = scheme(PreHash::None, Digest::Sha1, Suffix::None);
    /// `md5-rsa`: MD5withRSA over the canonical string.
    pub const MD5_RSA: Self = scheme(PreHash::None, Digest::Md5, Suffix::None);
    /// `prehash-sha1`: SHA-256, then SHA1withRSA.
    pub const PREHASH_SHA1: Self = scheme(PreHash::Sha256, Digest::Sha1, Suffix::None);
    /// `prehash-md5-rsa`: SHA-256, then MD5withRSA.
    pub const PREHASH_MD5_RSA: Self = scheme(PreHash::Sha256, Digest::Md5, Suffix::None);
    /// `prehash-hex`: SHA-256 in lower-case hexadecimal, then SHA256withRSA.
    pub const PREHASH_HEX: Self = scheme(PreHash::Sha256Hex, Digest::Sha256, Suffix::None);
    /// `path-suffixed`: the path appended, then SHA256withRSA.
    pub const PATH_SUFFIXED: Self = scheme(PreHash::None, Digest::Sha256, Suffix::Path);

    const NAMED: [(&'static str, Self); 8] = [
        ("documented", Self::DOCUMENTED),
        ("single", Self::SINGLE),
        ("sha1", Self::SHA1),
        ("md5-rsa", Self::MD5_RSA),
        ("prehash-sha1", Self::PREHASH_SHA1),
        ("prehash-md5-rsa", Self::PREHASH_MD5_RSA),
        ("prehash-hex", Self::PREHASH_HEX),
        ("path-suffixed", Self::PATH_SUFFIXED),
    ];

    /// The names, `documented` first.
    ///
    /// ```
    /// use ucanpay_core::SignatureScheme;
    ///
    /// let choices = SignatureScheme::names().collect::<Vec<_>>().join(", ");
    /// assert!(choices.starts_with("documented, single, sha1, "));
    /// assert!(SignatureScheme::names().all(|name| SignatureScheme::by_name(name).is_some()));
    /// ```
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().map(|(name, _)| name)
    }

    /// The scheme of a name, such as `documented`.
    ///
    /// ```
    /// use ucanpay_core::SignatureScheme;
    ///
    /// assert_eq!(SignatureScheme::by_name("single"), Some(SignatureScheme::SINGLE));
    /// assert_eq!(SignatureScheme::by_name("double"), None);
    /// ```
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let (_, scheme) = Self::NAMED.into_iter().find(|(known, _)| *known == name)?;
        Some(scheme)
    }

    /// The scheme's name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        let (name, _) = Self::NAMED.into_iter().find(|(_, known)| known == self)?;
        Some(name)
    }

    /// The bytes handed to the RSA signature. `path` matters to a scheme with [`Suffix::Path`] only; `None` appends nothing.
    ///
    /// ```
    /// use ucanpay_core::SignatureScheme;
    ///
    /// let text = "outTradeNo=A20260301";
    /// assert_eq!(SignatureScheme::DOCUMENTED.message(text, None).len(), 32); // its SHA-256
    /// assert_eq!(&*SignatureScheme::SINGLE.message(text, None), text.as_bytes());
    /// let message = SignatureScheme::PATH_SUFFIXED.message(text, Some("/payment/orderquery"));
    /// assert_eq!(&*message, b"outTradeNo=A20260301/payment/orderquery");
    /// ```
    #[must_use]
    pub fn message<'a>(&self, canonical: &'a str, path: Option<&str>) -> SignedMessage<'a> {
        let text = match (self.suffix, path) {
            (Suffix::Path, Some(path)) => Cow::Owned([canonical, path].concat()),
            (Suffix::Path, None) | (Suffix::None, _) => Cow::Borrowed(canonical),
        };
        SignedMessage(match self.pre_hash {
            PreHash::None => Bytes::Text(text),
            PreHash::Sha256 => Bytes::Hash(Sha256::digest(text.as_bytes()).into()),
            PreHash::Sha256Hex => Bytes::Text(Cow::Owned(hex(&Sha256::digest(text.as_bytes())))),
        })
    }
}

impl Default for SignatureScheme {
    fn default() -> Self {
        Self::DOCUMENTED
    }
}

/// The bytes that a scheme hands to the RSA signature, which hashes them once more. It derefs to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedMessage<'a>(Bytes<'a>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Bytes<'a> {
    Text(Cow<'a, str>),
    Hash([u8; 32]),
}

impl Deref for SignedMessage<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Text(text) => text.as_bytes(),
            Bytes::Hash(hash) => hash,
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
