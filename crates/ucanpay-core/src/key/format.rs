//! Tells the key formats apart and strips them down to one: PKCS#1 DER.
//!
//! Whatever the wrapping says, the shape of the DER decides, so that a wrong kind is named for what it is.

use base64::{Engine, engine::general_purpose::STANDARD};
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
#[derive(Clone, Copy, PartialEq, Eq)]
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
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => return Err(KeyError::Empty),
        Ok(text) if text.contains("-----BEGIN ") => pem_body(text)?,
        Ok(text) if text.bytes().all(is_base64_or_space) => text,
        _ => return Ok(Zeroizing::new(bytes.to_vec())),
    };
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    STANDARD
        .decode(&*packed)
        .map(Zeroizing::new)
        .map_err(|_| KeyError::Unreadable)
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
    if label == "ENCRYPTED PRIVATE KEY" || body.contains("ENCRYPTED") {
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
