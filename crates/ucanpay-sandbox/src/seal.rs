//! The gateway's signature on what goes out, and the merchant's on what comes in.
//!
//! The documented scheme: the canonical string is hashed with SHA-256, and those 32 bytes are signed
//! with SHA256withRSA (reference: the sample code of "Signature Algorithm"). Switches make it another.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::{OsRng, RngCore};
use sha2::{Digest as _, Sha256};
use ucanpay_core::{Digest, Signer, Verifier};

use crate::call::Call;
use crate::config::SandboxConfig;
use crate::error::SandboxError;
use crate::keyed_md5::{MD5, Md5Key};
use crate::message::Members;
use crate::switches::{AnswerSuffix, Scheme, Switches};

const NONCE_CHARACTERS: usize = 32;

/// How messages are signed in both directions, and what they are signed with.
#[derive(Debug)]
pub(crate) struct Seal {
    means: Means,
    switches: Switches,
}

#[derive(Debug)]
enum Means {
    /// The gateway's key for signing, the merchant's key for checking.
    Rsa {
        signer: Arc<dyn Signer>,
        verifier: Arc<dyn Verifier>,
    },
    Md5(Md5Key),
}

impl Seal {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        let means = match &config.md5_secret {
            Some(secret) => Means::Md5(secret.clone()),
            None => Means::Rsa {
                signer: config.platform_key.signer(),
                verifier: config.merchant_key.verifier(),
            },
        };
        Self {
            means,
            switches: config.switches,
        }
    }

    /// Whether `sign` is the merchant's signature of the other members of a call to this path.
    pub(crate) fn was_signed_by_merchant(&self, members: &Members, path: &str) -> bool {
        let canonical = members.signed_text(self.switches.signed_set, &Members::default());
        let Some(sign) = members.text("sign") else {
            return false;
        };
        match &self.means {
            Means::Md5(key) => sign == key.sign(&canonical),
            Means::Rsa { verifier, .. } => {
                let (message, digest) = message(self.switches.scheme, canonical, path);
                STANDARD
                    .decode(sign)
                    .is_ok_and(|signature| verifier.verify(digest, &message, &signature))
            }
        }
    }

    /// The `data` of a notification, or of an answer to `call`, with nonce and signature; `outer` stands around it.
    pub(crate) fn sign(
        &self,
        data: Members,
        outer: &Members,
        call: Option<Call>,
    ) -> Result<Members, SandboxError> {
        let sign_type = match self.means {
            Means::Rsa { .. } => "RSA",
            Means::Md5(_) => MD5,
        };
        let data = data.with("nonceStr", nonce()).with("signType", sign_type);
        let canonical = data.signed_text(self.switches.signed_set, outer);
        let sign = match &self.means {
            Means::Md5(key) => key.sign(&canonical),
            Means::Rsa { signer, .. } => {
                let path = match self.switches.answer_suffix {
                    AnswerSuffix::None => "",
                    AnswerSuffix::Path => call.map_or("", Call::path),
                };
                let (message, digest) = message(self.switches.scheme, canonical, path);
                let signature = signer.sign(digest, &message);
                STANDARD.encode(signature.map_err(SandboxError::signing)?)
            }
        };
        Ok(data.with("sign", sign))
    }

    /// The same with a signature of other members, for the fault plan.
    pub(crate) fn sign_badly(
        &self,
        data: Members,
        outer: &Members,
        call: Option<Call>,
    ) -> Result<Members, SandboxError> {
        let other = self.sign(data.clone().with("badly", "signed"), outer, call)?;
        let sign = other.text("sign").unwrap_or_default();
        let signed = self.sign(data, outer, call)?;
        Ok(signed.with("sign", sign))
    }
}

/// What is handed to the RSA signature, and the digest that it uses.
fn message(scheme: Scheme, canonical: String, path: &str) -> (Vec<u8>, Digest) {
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
    // As good as always enough, for one question to the system.
    let mut drawn = [0; NONCE_CHARACTERS + 16];
    loop {
        OsRng.fill_bytes(&mut drawn);
        for byte in drawn {
            // Six bits of each; the two values beyond the alphabet are left out, so that no character is likelier.
            if let Some(&character) = ALPHABET.get(usize::from(byte & 63)) {
                text.push(char::from(character));
            }
            if text.len() == NONCE_CHARACTERS {
                return text;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use ucanpay_core::PrivateKey;

    use super::*;

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

            let scheme = vector["scheme"].as_str().unwrap();
            let config = SandboxConfig::new("1", key.public_key().clone(), key.clone());
            let config = config.with_setting(&format!("scheme={scheme}")).unwrap();
            let path = vector["path"].as_str().unwrap_or_default();
            let seal = Seal::new(&config);
            let Means::Rsa { signer, .. } = &seal.means else {
                panic!("no secret is set")
            };
            let (message, digest) =
                message(config.switches.scheme, members.canonical(&["sign"]), path);
            let sign = STANDARD.encode(signer.sign(digest, &message).unwrap());
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
