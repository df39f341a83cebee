//! The gateway's signature on what goes out, and the merchant's on what comes in.
//!
//! The documented scheme: the canonical string is hashed with SHA-256, and those 32 bytes are signed
//! with SHA256withRSA (reference: the sample code of "Signature Algorithm"). A switch makes it another.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::{OsRng, RngCore};
use sha2::{Digest as _, Sha256};
use ucanpay_core::{Digest, PrivateKey, PublicKey, Signer, Verifier};

use crate::error::SandboxError;
use crate::message::Members;
use crate::switches::Scheme;

const NONCE_CHARACTERS: usize = 32;

/// The gateway's key for signing, the merchant's key for checking, and the scheme of both.
#[derive(Debug)]
pub(crate) struct Seal {
    signer: Arc<dyn Signer>,
    verifier: Arc<dyn Verifier>,
    scheme: Scheme,
}

impl Seal {
    pub(crate) fn new(platform_key: &PrivateKey, merchant_key: &PublicKey, scheme: Scheme) -> Self {
        Self {
            signer: platform_key.signer(),
            verifier: merchant_key.verifier(),
            scheme,
        }
    }

    /// Whether `sign` is the merchant's signature of the other members of a call to this path.
    pub(crate) fn was_signed_by_merchant(&self, members: &Members, path: &str) -> bool {
        let (message, digest) = message(self.scheme, members, path);
        members
            .text("sign")
            .and_then(|text| STANDARD.decode(text).ok())
            .is_some_and(|signature| self.verifier.verify(digest, &message, &signature))
    }

    /// The `data` of an answer or notification with nonce and signature.
    pub(crate) fn sign(&self, data: Members) -> Result<Members, SandboxError> {
        let (data, signature) = self.signature(data)?;
        Ok(data.with("sign", STANDARD.encode(signature)))
    }

    /// The same with one bit of the signature turned, for the fault plan.
    pub(crate) fn sign_badly(&self, data: Members) -> Result<Members, SandboxError> {
        let (data, mut signature) = self.signature(data)?;
        if let Some(last) = signature.last_mut() {
            *last ^= 1;
        }
        Ok(data.with("sign", STANDARD.encode(signature)))
    }

    fn signature(&self, data: Members) -> Result<(Members, Vec<u8>), SandboxError> {
        let data = data.with("nonceStr", nonce()).with("signType", "RSA");
        let (message, digest) = message(self.scheme, &data, "");
        let signature = self
            .signer
            .sign(digest, &message)
            .map_err(SandboxError::signing)?;
        Ok((data, signature))
    }
}

/// What is handed to the RSA signature, and the digest that it uses.
fn message(scheme: Scheme, members: &Members, path: &str) -> (Vec<u8>, Digest) {
    let canonical = members.canonical(&["sign"]);
    let hashed = || Sha256::digest(&canonical).to_vec();
    match scheme {
        Scheme::Documented => (hashed(), Digest::Sha256),
        Scheme::PrehashSha1 => (hashed(), Digest::Sha1),
        Scheme::PrehashMd5Rsa => (hashed(), Digest::Md5),
        Scheme::PrehashHex => {
            let hex: String = hashed().iter().map(|byte| format!("{byte:02x}")).collect();
            (hex.into_bytes(), Digest::Sha256)
        }
        Scheme::Single => (canonical.into_bytes(), Digest::Sha256),
        Scheme::Sha1 => (canonical.into_bytes(), Digest::Sha1),
        Scheme::Md5Rsa => (canonical.into_bytes(), Digest::Md5),
        Scheme::PathSuffixed => ((canonical + path).into_bytes(), Digest::Sha256),
    }
}

/// 32 ASCII letters and digits from the operating system's generator.
fn nonce() -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(NONCE_CHARACTERS);
    while text.len() < NONCE_CHARACTERS {
        // Six bits at a time; the two values beyond the alphabet are drawn again, so that no character
        // is likelier.
        let index = (OsRng.next_u32() & 63) as usize;
        if let Some(&character) = ALPHABET.get(index) {
            text.push(char::from(character));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::switches::Switches;

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");

    fn fixture(name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(format!("{FIXTURES}/{name}")).unwrap()).unwrap()
    }

    #[test]
    fn every_vector_is_signed_and_recognised_under_its_scheme() {
        let keys = fixture("keys/keys.json");
        let vectors = fixture("vectors/signing.json");
        let mut schemes = std::collections::BTreeSet::new();
        let mut checked = 0;
        for vector in vectors["vectors"].as_array().unwrap() {
            let name = &vector["name"];
            let key = &keys[vector["key"].as_str().unwrap()]["pkcs8"];
            let key = PrivateKey::from_bytes(key.as_str().unwrap().as_bytes()).unwrap();
            let members = Members::read(vector["members"].as_str().unwrap()).unwrap();
            assert_eq!(members.canonical(&["sign"]), vector["canonical"], "{name}");

            let mut switches = Switches::default();
            let scheme = vector["scheme"].as_str().unwrap();
            switches.set(&format!("scheme={scheme}")).unwrap();
            let path = vector["path"].as_str().unwrap_or_default();
            let seal = Seal::new(&key, key.public_key(), switches.scheme);
            let (message, digest) = message(seal.scheme, &members, path);
            let sign = STANDARD.encode(seal.signer.sign(digest, &message).unwrap());
            assert_eq!(sign, vector["sign"], "{name}");
            let signed = members.with("sign", sign);
            assert!(seal.was_signed_by_merchant(&signed, path), "{name}");
            schemes.insert(scheme.to_owned());
            checked += 1;
        }
        assert!(checked >= 40 && schemes.len() == 8, "{checked} {schemes:?}");
    }

    #[test]
    fn a_nonce_is_32_letters_and_digits_and_never_the_same() {
        let (one, other) = (nonce(), nonce());
        assert_eq!(one.len(), NONCE_CHARACTERS);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(one, other);
    }
}
