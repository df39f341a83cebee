//! The gateway's signature on what goes out, and the merchant's on what comes in.
//!
//! The documented scheme: the canonical string is hashed with SHA-256, and those 32 bytes are signed
//! with SHA256withRSA (reference: the sample code of "Signature Algorithm").

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::{OsRng, RngCore};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use ucanpay_core::{Digest, PrivateKey, PublicKey, Signer, Verifier};

use crate::clock::rfc3339;
use crate::error::SandboxError;
use crate::message::Members;

const NONCE_CHARACTERS: usize = 32;

/// The gateway's key for signing and the merchant's key for checking.
#[derive(Debug)]
pub(crate) struct Seal {
    signer: Arc<dyn Signer>,
    verifier: Arc<dyn Verifier>,
}

#[derive(Serialize)]
struct Envelope {
    code: i32,
    msg: &'static str,
    data: Members,
    timestamp: String,
}

impl Seal {
    pub(crate) fn new(platform_key: &PrivateKey, merchant_key: &PublicKey) -> Self {
        Self {
            signer: platform_key.signer(),
            verifier: merchant_key.verifier(),
        }
    }

    /// Whether `sign` is the merchant's signature of the other members.
    pub(crate) fn was_signed_by_merchant(&self, members: &Members) -> bool {
        members
            .text("sign")
            .and_then(|text| STANDARD.decode(text).ok())
            .is_some_and(|signature| {
                self.verifier
                    .verify(Digest::Sha256, &pre_hash(members), &signature)
            })
    }

    /// The whole body of an answer or notification: `data` signed, in its envelope.
    pub(crate) fn envelope(&self, data: Members, now: i64) -> Result<String, SandboxError> {
        let data = data.with("nonceStr", nonce()).with("signType", "RSA");
        let signature = self
            .signer
            .sign(Digest::Sha256, &pre_hash(&data))
            .map_err(SandboxError::signing)?;
        let data = data.with("sign", STANDARD.encode(signature));
        let envelope = Envelope {
            code: 0,
            msg: "SUCCESS",
            data,
            timestamp: rfc3339(now),
        };
        serde_json::to_string(&envelope).map_err(SandboxError::signing)
    }
}

fn pre_hash(members: &Members) -> [u8; 32] {
    Sha256::digest(members.canonical(&["sign"])).into()
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

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");

    fn fixture(name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(format!("{FIXTURES}/{name}")).unwrap()).unwrap()
    }

    #[test]
    fn every_documented_vector_is_signed_and_recognised() {
        let keys = fixture("keys/keys.json");
        let vectors = fixture("vectors/signing.json");
        let documented = vectors["vectors"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|vector| vector["scheme"] == "documented");
        let mut checked = 0;
        for vector in documented {
            let key = &keys[vector["key"].as_str().unwrap()]["pkcs8"];
            let key = PrivateKey::from_bytes(key.as_str().unwrap().as_bytes()).unwrap();
            let members = Members::read(vector["members"].as_str().unwrap()).unwrap();
            assert_eq!(
                members.canonical(&["sign"]),
                vector["canonical"],
                "{}",
                vector["name"]
            );

            let seal = Seal::new(&key, key.public_key());
            let sign = STANDARD.encode(
                seal.signer
                    .sign(Digest::Sha256, &pre_hash(&members))
                    .unwrap(),
            );
            assert_eq!(sign, vector["sign"], "{}", vector["name"]);
            assert!(
                seal.was_signed_by_merchant(&members.with("sign", sign)),
                "{}",
                vector["name"]
            );
            checked += 1;
        }
        assert!(checked >= 20, "{checked}");
    }

    #[test]
    fn a_nonce_is_32_letters_and_digits_and_never_the_same() {
        let (one, other) = (nonce(), nonce());
        assert_eq!(one.len(), NONCE_CHARACTERS);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(one, other);
    }
}
