//! Tells the key formats apart and strips them down to one: PKCS#1 DER.
//!
//! Whatever the wrapping says, the shape of the DER decides, so that a wrong kind is named for what it is.

use base64::{Engine, decoded_len_estimate, engine::general_purpose::STANDARD};
use rsa::{
    pkcs1::ALGORITHM_OID,
    pkcs8::{
        PrivateKeyInfo, SubjectPublicKeyInfoRef,
        der::{Decode, Reader, Tag, Tagged, asn1::AnyRef},
    },
};
use zeroize::Zeroizing;

use super::KeyError;

/// Which half of a key pair is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Half {
    Private,
    Public,
}

enum Shape {
    Pkcs8,
    Pkcs1Private,
    Spki,
    Pkcs1Public,
    Encrypted,
    Certificate,
    OtherKey,
    Unknown,
}

/// The PKCS#1 DER of the wanted half.
pub(super) fn decode(bytes: &[u8], wanted: Half) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let der = unwrap(bytes)?;
    match (shape(&der), wanted) {
        (Shape::Pkcs1Private, Half::Private) | (Shape::Pkcs1Public, Half::Public) => Ok(der),
        (Shape::Pkcs8, Half::Private) => {
            let info = PrivateKeyInfo::from_der(&der).map_err(|_| KeyError::Broken)?;
            if info.algorithm.oid != ALGORITHM_OID {
                return Err(KeyError::NotRsa);
            }
            Ok(Zeroizing::new(info.private_key.to_vec()))
        }
        (Shape::Spki, Half::Public) => {
            let info = SubjectPublicKeyInfoRef::from_der(&der).map_err(|_| KeyError::Broken)?;
            if info.algorithm.oid != ALGORITHM_OID {
                return Err(KeyError::NotRsa);
            }
            let bits = info.subject_public_key.as_bytes();
            Ok(Zeroizing::new(bits.ok_or(KeyError::Broken)?.to_vec()))
        }
        (Shape::Spki | Shape::Pkcs1Public, Half::Private) => Err(KeyError::IsPublic),
        (Shape::Pkcs8 | Shape::Pkcs1Private, Half::Public) => Err(KeyError::IsPrivate),
        (Shape::Encrypted, _) => Err(KeyError::Encrypted),
        (Shape::Certificate, _) => Err(KeyError::Certificate),
        (Shape::OtherKey, _) => Err(KeyError::NotRsa),
        (Shape::Unknown, _) => Err(KeyError::Unreadable),
    }
}

/// The DER inside PEM armour, inside base64, or as it is.
fn unwrap(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Some editors put a mark before the first character of a file.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => return Err(KeyError::Empty),
        Ok(text) if text.contains("-----BEGIN ") => pem_body(text)?,
        Ok(text) if text.bytes().all(is_base64_or_space) => text,
        _ => return Ok(Zeroizing::new(bytes.to_vec())),
    };
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    // Into a buffer that is wiped whatever happens: broken base64 may still hold most of a key.
    let mut der = Zeroizing::new(vec![0; decoded_len_estimate(packed.len())]);
    let length = STANDARD
        .decode_slice(&*packed, &mut der)
        .map_err(|_| KeyError::Unreadable)?;
    der.truncate(length);
    Ok(der)
}

fn is_base64_or_space(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=".contains(&byte)
}

fn pem_body(text: &str) -> Result<&str, KeyError> {
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(KeyError::Unreadable)?;
    let (label, rest) = rest.split_once("-----").ok_or(KeyError::Unreadable)?;
    let (body, rest) = rest.split_once("-----END ").ok_or(KeyError::Unreadable)?;
    if rest.contains("-----BEGIN ") {
        return Err(KeyError::SeveralKeys);
    }
    // `Proc-Type: 4,ENCRYPTED` of the old format: a header, with a colon. Base64 has none, and may spell the word itself.
    let encrypted = body.contains(':') && body.contains("ENCRYPTED");
    if label == "ENCRYPTED PRIVATE KEY" || encrypted {
        return Err(KeyError::Encrypted);
    }
    match label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "PUBLIC KEY" | "RSA PUBLIC KEY" => Ok(body),
        "CERTIFICATE" => Err(KeyError::Certificate),
        _ if label.ends_with("KEY") => Err(KeyError::NotRsa),
        _ => Err(KeyError::Unreadable),
    }
}

/// Looks at the tags of the outer sequence's elements only.
fn shape(der: &[u8]) -> Shape {
    let tags = AnyRef::from_der(der).and_then(|outer| {
        outer.sequence(|elements| {
            let mut tags = Vec::new();
            while !elements.is_finished() {
                tags.push(AnyRef::decode(elements)?.tag());
            }
            Ok(tags)
        })
    });
    match tags.as_deref() {
        Ok([Tag::Integer, Tag::Integer]) => Shape::Pkcs1Public,
        Ok([Tag::Integer, Tag::Sequence, Tag::OctetString, ..]) => Shape::Pkcs8,
        Ok([Tag::Integer, Tag::Integer, Tag::Integer, ..]) => Shape::Pkcs1Private,
        Ok([Tag::Integer, Tag::OctetString, ..]) => Shape::OtherKey,
        Ok([Tag::Sequence, Tag::BitString]) => Shape::Spki,
        Ok([Tag::Sequence, Tag::OctetString]) => Shape::Encrypted,
        Ok([Tag::Sequence, Tag::Sequence, Tag::BitString]) => Shape::Certificate,
        _ => Shape::Unknown,
    }
}

/// How a key is written in its file, for reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyFormat {
    half: Half,
    syntax: &'static str,
    encoding: &'static str,
}

impl KeyFormat {
    /// Looks at a key file without taking the key out of it.
    ///
    /// ```
    /// use ucanpay_core::{KeyError, KeyFormat};
    ///
    /// # let file = ucanpay_core::PrivateKey::generate(1024)?.to_pkcs8_pem().as_bytes().to_vec();
    /// let format = KeyFormat::of(&file)?;
    /// assert_eq!((format.syntax(), format.encoding()), ("PKCS#8", "PEM"));
    /// assert!(format.is_private(), "never send this file to anyone");
    /// assert_eq!(KeyFormat::of(b"\n"), Err(KeyError::Empty));
    /// # Ok::<(), KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError`], when the bytes are no key that could be read, saying what they are instead.
    pub fn of(bytes: &[u8]) -> Result<Self, KeyError> {
        let (half, syntax) = match shape(&unwrap(bytes)?) {
            Shape::Pkcs8 => (Half::Private, "PKCS#8"),
            Shape::Pkcs1Private => (Half::Private, "PKCS#1"),
            Shape::Spki => (Half::Public, "SubjectPublicKeyInfo"),
            Shape::Pkcs1Public => (Half::Public, "PKCS#1"),
            Shape::Encrypted => return Err(KeyError::Encrypted),
            Shape::Certificate => return Err(KeyError::Certificate),
            Shape::OtherKey => return Err(KeyError::NotRsa),
            Shape::Unknown => return Err(KeyError::Unreadable),
        };
        let encoding = match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN ") => "PEM",
            Ok(text) if text.bytes().all(is_base64_or_space) => "base64",
            _ => "DER",
        };
        Ok(Self {
            half,
            syntax,
            encoding,
        })
    }

    /// Whether it is a private key.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.half == Half::Private
    }

    /// The structure: `PKCS#8`, `PKCS#1` or `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn syntax(&self) -> &'static str {
        self.syntax
    }

    /// The wrapping: `PEM`, `base64` or `DER`.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        self.encoding
    }
}

#[cfg(test)]
mod tests {
    use super::KeyFormat;
    use crate::key::{KeyError, PrivateKey};

    #[test]
    fn a_key_file_is_described_without_being_taken_in() {
        let key = PrivateKey::generate(1024).unwrap();
        let private = KeyFormat::of(key.to_pkcs8_pem().as_bytes()).unwrap();
        assert!(private.is_private());
        assert_eq!((private.syntax(), private.encoding()), ("PKCS#8", "PEM"));

        let pem = key.public_key().to_spki_pem();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let public = KeyFormat::of(body.as_bytes()).unwrap();
        assert!(!public.is_private());
        assert_eq!(public.syntax(), "SubjectPublicKeyInfo");
        assert_eq!(public.encoding(), "base64");
        assert_eq!(key.public_key().exponent(), 65537);

        assert_eq!(KeyFormat::of(b" \n"), Err(KeyError::Empty));
        assert_eq!(KeyFormat::of(b"AAAA"), Err(KeyError::Unreadable));
    }
}
