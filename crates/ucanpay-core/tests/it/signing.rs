//! `signing.json`, stage by stage: members → canonical string → signed text → signature → verdict.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use ucanpay_core::{Digest, Fields, PreHash, SignatureScheme, canonical_string};

use crate::fixtures::{private_key, public_key, signers, vectors, verifiers};

struct Vector {
    name: String,
    key: String,
    scheme: SignatureScheme,
    path: Option<String>,
    members: String,
    canonical: String,
    signed_text: String,
    sign: String,
}

fn all() -> Vec<Vector> {
    let text = |vector: &Value, member: &str| vector[member].as_str().unwrap().to_owned();
    let vectors = vectors("signing");
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 40);
    vectors
        .iter()
        .map(|vector| Vector {
            name: text(vector, "name"),
            key: text(vector, "key"),
            scheme: SignatureScheme::by_name(vector["scheme"].as_str().unwrap()).unwrap(),
            path: vector["path"].as_str().map(str::to_owned),
            members: text(vector, "members"),
            canonical: text(vector, "canonical"),
            signed_text: text(vector, "signed_text"),
            sign: text(vector, "sign"),
        })
        .collect()
}

#[test]
fn every_canonical_string_is_the_expected_one() {
    for vector in all() {
        let fields = Fields::parse(vector.members.as_bytes()).unwrap();
        let canonical = canonical_string(&fields).unwrap();
        assert_eq!(canonical, vector.canonical, "{}", vector.name);
    }
}

#[test]
fn every_signed_text_is_the_canonical_string_and_its_suffix() {
    for vector in all() {
        let unhashed = SignatureScheme {
            pre_hash: PreHash::None,
            ..vector.scheme
        };
        let text = unhashed.message(&vector.canonical, vector.path.as_deref());
        assert_eq!(&*text, vector.signed_text.as_bytes(), "{}", vector.name);
    }
}

#[test]
fn every_signature_is_the_expected_one_byte_for_byte() {
    for vector in all() {
        let message = vector
            .scheme
            .message(&vector.canonical, vector.path.as_deref());
        for signer in signers(&private_key(&vector.key)) {
            let signature = signer.sign(vector.scheme.digest, &message).unwrap();
            let who = signer.backend();
            assert_eq!(
                STANDARD.encode(signature),
                vector.sign,
                "{} by {who}",
                vector.name
            );
        }
    }
}

#[test]
fn every_signature_verifies_with_its_own_key_and_with_no_other() {
    let keys = [
        "merchant-1024",
        "merchant-2048",
        "platform-1024",
        "platform-2048",
    ];
    for vector in all() {
        let message = vector
            .scheme
            .message(&vector.canonical, vector.path.as_deref());
        let signature = STANDARD.decode(&vector.sign).unwrap();
        for key in keys {
            for verifier in verifiers(&public_key(key)) {
                let verdict = verifier.verify(vector.scheme.digest, &message, &signature);
                let who = verifier.backend();
                assert_eq!(
                    verdict,
                    key == vector.key,
                    "{} with {key} by {who}",
                    vector.name
                );
            }
        }
    }
}

#[test]
fn a_signature_of_another_length_is_refused_whatever_its_number_is() {
    let vector = all().into_iter().next().unwrap();
    let message = vector.scheme.message(&vector.canonical, None);
    let signature = STANDARD.decode(&vector.sign).unwrap();
    let padded = [&[0], signature.as_slice()].concat();
    for verifier in verifiers(&public_key(&vector.key)) {
        for digest in [Digest::Sha256, Digest::Sha1, Digest::Md5] {
            assert!(!verifier.verify(digest, &message, &padded));
            assert!(!verifier.verify(digest, &message, &signature[1..]));
            assert!(!verifier.verify(digest, &message, &[]));
        }
    }
}

#[test]
fn names_and_schemes_belong_together() {
    let schemes = vectors("signing");
    for name in schemes["schemes"].as_object().unwrap().keys() {
        let scheme = SignatureScheme::by_name(name).unwrap();
        assert_eq!(scheme.name(), Some(name.as_str()));
    }
    assert_eq!(SignatureScheme::by_name("none"), None);
}
