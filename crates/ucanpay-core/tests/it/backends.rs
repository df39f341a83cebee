//! A backend changes speed, never a verdict or a byte.

use proptest::prelude::*;
use rsa::{BigUint, RsaPublicKey, pkcs8::DecodePublicKey, traits::PublicKeyParts};
use ucanpay_core::{Digest, Merchant, MerchantId, PrivateKey, PublicKey, backend};

use crate::fixtures::{private_key, public_key, signers, verifiers};

const DIGESTS: [Digest; 3] = [Digest::Sha256, Digest::Sha1, Digest::Md5];

/// What every backend says, which must be one and the same.
fn verdict(key: &PublicKey, digest: Digest, message: &[u8], signature: &[u8]) -> bool {
    let verdicts: Vec<bool> = verifiers(key)
        .iter()
        .map(|verifier| verifier.verify(digest, message, signature))
        .collect();
    assert!(
        verdicts.iter().all(|verdict| *verdict == verdicts[0]),
        "{verdicts:?} for {digest:?} and {signature:?}"
    );
    verdicts[0]
}

#[test]
fn all_backends_give_the_same_bytes_for_every_digest() {
    for name in ["merchant-1024", "merchant-2048"] {
        let key = private_key(name);
        for digest in DIGESTS {
            let signatures: Vec<_> = signers(&key)
                .iter()
                .map(|signer| signer.sign(digest, b"message").unwrap())
                .collect();
            assert_eq!(signatures[0].len() * 8, key.bits());
            assert!(signatures.iter().all(|one| *one == signatures[0]), "{name}");
            assert!(verdict(
                key.public_key(),
                digest,
                b"message",
                &signatures[0]
            ));
        }
    }
}

#[test]
fn every_changed_bit_of_a_signature_is_refused_by_every_backend() {
    for name in ["platform-1024", "platform-2048"] {
        let (key, public) = (private_key(name), public_key(name));
        let backends = verifiers(&public);
        for digest in DIGESTS {
            let mut signature = key.signer().sign(digest, b"message").unwrap();
            for bit in 0..signature.len() * 8 {
                signature[bit / 8] ^= 1 << (bit % 8);
                for verifier in &backends {
                    let verdict = verifier.verify(digest, b"message", &signature);
                    assert!(!verdict, "{name}, bit {bit}, {}", verifier.backend());
                }
                signature[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn all_backends_judge_any_message_and_any_signature_alike(
        message: Vec<u8>,
        other: Vec<u8>,
        at in 0usize..128,
        flip: u8,
        cut in 0usize..4,
        junk in prop::collection::vec(any::<u8>(), 0..300),
        digest in prop::sample::select(DIGESTS.to_vec()),
    ) {
        let key = private_key("platform-1024");
        let public = key.public_key();
        let mut signature = key.signer().sign(digest, &message).unwrap();
        prop_assert!(verdict(public, digest, &message, &signature));
        prop_assert_eq!(verdict(public, digest, &other, &signature), other == message);
        prop_assert!(!verdict(public, digest, &message, &junk));
        signature[at] ^= flip;
        signature.truncate(128 - cut);
        prop_assert_eq!(verdict(public, digest, &message, &signature), flip == 0 && cut == 0);
    }
}

/// A number is no signature only because it is the right one modulo the modulus.
#[test]
fn a_signature_not_below_the_modulus_is_refused_by_every_backend() {
    for name in ["platform-1024", "platform-2048"] {
        let (key, public) = (private_key(name), public_key(name));
        let pem = RsaPublicKey::from_public_key_pem(&public.to_spki_pem()).unwrap();
        let modulus = pem.n();
        let length = key.bits() / 8;
        let mut formed = 0;
        for message in 0..=u8::MAX {
            let signature = key.signer().sign(Digest::Sha256, &[message]).unwrap();
            let raised = (BigUint::from_bytes_be(&signature) + modulus).to_bytes_be();
            if raised.len() > length {
                continue;
            }
            formed += 1;
            assert!(verdict(&public, Digest::Sha256, &[message], &signature));
            assert!(!verdict(&public, Digest::Sha256, &[message], &raised));
            if formed == 4 {
                break;
            }
        }
        assert_eq!(formed, 4, "{name}");
        assert!(!verdict(
            &public,
            Digest::Sha256,
            b"message",
            &modulus.to_bytes_be()
        ));
        assert!(!verdict(
            &public,
            Digest::Sha256,
            b"message",
            &vec![0xff; length]
        ));
    }
}

#[test]
fn rustcrypto_holds_every_key_and_says_its_name() {
    for name in ["merchant-1024", "merchant-2048"] {
        let signer = backend::rustcrypto::signer(&private_key(name));
        assert_eq!(signer.backend(), backend::rustcrypto::NAME);
        let verifier = backend::rustcrypto::verifier(&public_key(name));
        assert_eq!(verifier.backend(), backend::rustcrypto::NAME);
    }
}

/// The fastest backend that can hold the merchant's key and the platform's keys of 1024 and 2048 bits.
fn chosen(own: &str) -> (&'static str, Vec<&'static str>) {
    let merchant = Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        private_key(own),
        [public_key("platform-1024"), public_key("platform-2048")],
    )
    .unwrap();
    (
        merchant.signing_backend(),
        merchant.verifying_backends().collect(),
    )
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn without_aws_lc_rustcrypto_is_chosen_for_all() {
    for own in ["merchant-1024", "merchant-2048"] {
        assert_eq!(chosen(own), ("rustcrypto", vec!["rustcrypto"; 2]));
    }
    assert_eq!(
        PrivateKey::generate(1024).unwrap().signer().backend(),
        "rustcrypto"
    );
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn aws_lc_is_chosen_wherever_it_can_hold_the_key() {
    assert_eq!(chosen("merchant-1024"), ("rustcrypto", vec!["aws-lc"; 2]));
    assert_eq!(chosen("merchant-2048"), ("aws-lc", vec!["aws-lc"; 2]));
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn aws_lc_refuses_to_sign_below_2048_bits_and_says_so() {
    use backend::aws_lc::{KeyRefused, signer};

    let refusal = signer(&private_key("merchant-1024")).unwrap_err();
    assert_eq!(refusal, KeyRefused::TooSmall { bits: 1024 });
    assert_eq!(
        refusal.to_string(),
        "aws-lc signs with 2048 bits or more, and this key has 1024"
    );
    let odd = PrivateKey::generate(2049).unwrap();
    assert_eq!(signers(&odd).len(), 2);
    for signer in signers(&odd) {
        let signature = signer.sign(Digest::Sha256, b"message").unwrap();
        assert_eq!(signature.len(), 257, "{}", signer.backend());
        assert!(verdict(
            odd.public_key(),
            Digest::Sha256,
            b"message",
            &signature
        ));
    }
}
