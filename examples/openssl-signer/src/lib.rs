//! Signs with OpenSSL instead of the `rsa` crate: a [`Signer`] of one's own, start to end.
//!
//! A PEM file comes in; a signer for [`Merchant::with_signer`](ucanpay_core::Merchant::with_signer) goes out. OpenSSL's
//! private operation is blinded and constant in time, and for small keys about three times as fast.

use std::fmt;

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Private},
    sign,
};
use ucanpay_core::{Digest, KeyError, PublicKey, Signer, SigningError};

/// A signer with the RSA private key of a PEM file, PKCS#8 or PKCS#1.
///
/// # Errors
///
/// [`SignerError`] when this is no private key without a passphrase, or not one the gateway could take.
pub fn signer(pem: &[u8]) -> Result<impl Signer + use<>, SignerError> {
    // Left to itself, OpenSSL asks for a passphrase on the terminal.
    let key = PKey::private_key_from_pem_callback(pem, |_| Err(ErrorStack::get()))
        .map_err(SignerError::Unreadable)?;
    let public = key.public_key_to_pem().map_err(SignerError::Unreadable)?;
    // The project's own reader checks the kind, the size and the exponent.
    let public = PublicKey::from_bytes(&public).map_err(SignerError::Unfit)?;
    Ok(OpenSslSigner { key, public })
}

struct OpenSslSigner {
    key: PKey<Private>,
    public: PublicKey,
}

impl Signer for OpenSslSigner {
    fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let digest = match digest {
            Digest::Sha256 => MessageDigest::sha256(),
            Digest::Sha1 => MessageDigest::sha1(),
            Digest::Md5 => MessageDigest::md5(),
            _ => return Err(SigningError::new("this digest came after this signer")),
        };
        // For an RSA key OpenSSL pads by PKCS#1 v1.5 unless told otherwise.
        sign::Signer::new(digest, &self.key)
            .and_then(|mut signer| signer.sign_oneshot_to_vec(message))
            .map_err(SigningError::new)
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn backend(&self) -> &'static str {
        "openssl"
    }
}

impl fmt::Debug for OpenSslSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSslSigner")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// Why bytes are not a key to sign with. It never holds any of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// OpenSSL cannot read it. A key under a passphrase is one of these: store it decrypted.
    #[error("this is not the PEM of a private key without a passphrase")]
    Unreadable(#[source] ErrorStack),
    /// A key, but not one to sign with: not RSA, too small or too large, or a low exponent.
    #[error("this key cannot be used with the gateway")]
    Unfit(#[source] KeyError),
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use ucanpay_core::PrivateKey;

    use super::*;

    fn pem(name: &str) -> Vec<u8> {
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/keys");
        fs::read(keys.join(name)).unwrap()
    }

    #[test]
    fn the_bytes_are_those_of_the_projects_own_signer() {
        let digests = [Digest::Sha256, Digest::Sha1, Digest::Md5];
        let messages: [&[u8]; 4] = [b"", b"body=coffee&totalAmt=450", &[0xff; 32], &[7; 5000]];
        for key in [
            "merchant-1024",
            "merchant-2048",
            "platform-1024",
            "platform-2048",
        ] {
            for format in ["pkcs8", "pkcs1"] {
                let pem = pem(&format!("{key}.{format}.pem"));
                let theirs = signer(&pem).unwrap();
                let ours = PrivateKey::from_bytes(&pem).unwrap().signer();
                assert_eq!(theirs.public_key(), ours.public_key());
                for digest in digests {
                    for message in messages {
                        let theirs = theirs.sign(digest, message).unwrap();
                        let ours = ours.sign(digest, message).unwrap();
                        assert_eq!(theirs, ours, "{key} {format} {digest:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn its_signature_is_accepted_by_the_projects_verifier_and_a_changed_one_is_not() {
        let signer = signer(&pem("merchant-1024.pkcs8.pem")).unwrap();
        let verifier = signer.public_key().verifier();
        let mut signature = signer.sign(Digest::Sha256, b"message").unwrap();
        assert!(verifier.verify(Digest::Sha256, b"message", &signature));
        signature[60] ^= 1;
        assert!(!verifier.verify(Digest::Sha256, b"message", &signature));
    }

    #[test]
    fn what_is_no_private_key_is_refused_and_nobody_is_asked_for_a_passphrase() {
        let rsa = openssl::rsa::Rsa::generate(1024).unwrap();
        let cipher = openssl::symm::Cipher::aes_128_cbc();
        let locked = rsa
            .private_key_to_pem_passphrase(cipher, b"secret")
            .unwrap();
        for pem in [
            pem("merchant-1024.pub.pem"),
            locked,
            b"soon".to_vec(),
            Vec::new(),
        ] {
            let error = signer(&pem).map(|_| ()).unwrap_err();
            assert!(matches!(error, SignerError::Unreadable(_)), "{error:?}");
        }
    }

    #[test]
    fn a_key_the_gateway_could_not_take_is_refused() {
        let rsa = openssl::rsa::Rsa::generate(768).unwrap();
        let error = signer(&rsa.private_key_to_pem().unwrap())
            .map(|_| ())
            .unwrap_err();
        let SignerError::Unfit(KeyError::Size { bits }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(bits, 768);
        let ec =
            openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
        let ec = PKey::from_ec_key(openssl::ec::EcKey::generate(&ec).unwrap()).unwrap();
        let error = signer(&ec.private_key_to_pem_pkcs8().unwrap())
            .map(|_| ())
            .unwrap_err();
        assert!(
            matches!(error, SignerError::Unfit(KeyError::NotRsa)),
            "{error:?}"
        );
    }

    #[test]
    fn debug_shows_no_part_of_the_private_key() {
        let text = format!("{:?}", signer(&pem("merchant-1024.pkcs8.pem")).unwrap());
        assert!(
            text.starts_with("OpenSslSigner { public: PublicKey { bits: 1024"),
            "{text}"
        );
        assert!(text.len() < 120, "{text}");
    }
}
