//! What is secret is not shown, whatever is printed.

use base64::{Engine, engine::general_purpose::STANDARD};
use ucanpay_core::{Md5Secret, OrderQuery, PrivateKey};

use crate::fixtures::{envelope, fixture, merchant, private_key, signers, verifiers};

const CANARY: &str = "canary-7f1c2e";

/// No run of digits, decimal or hexadecimal, that is longer than a fingerprint; the key's own numbers have hundreds.
fn assert_no_long_number(shown: &str) {
    let longest = shown
        .split(|character: char| !character.is_ascii_hexdigit())
        .map(str::len)
        .max();
    assert!(longest <= Some(16), "{shown}");
}

#[test]
fn the_debug_of_a_secret_a_key_a_signer_and_a_merchant_shows_nothing_of_them() {
    let secret = Md5Secret::new(CANARY).unwrap();
    assert_eq!(format!("{secret:?}"), "Md5Secret(..)");
    let merchant = merchant().with_keyed_md5(secret);
    for shown in [format!("{merchant:?}"), format!("{merchant:#?}")] {
        assert!(!shown.contains(CANARY), "{shown}");
        assert_no_long_number(&shown);
    }
    for name in ["merchant-1024", "merchant-2048"] {
        let key = private_key(name);
        assert_no_long_number(&format!("{key:?}"));
        for signer in signers(&key) {
            assert_no_long_number(&format!("{signer:?}"));
        }
        for verifier in verifiers(key.public_key()) {
            assert_no_long_number(&format!("{verifier:?}"));
        }
    }
}

#[test]
fn the_refusal_of_a_broken_key_repeats_nothing_of_it() {
    let der = fixture("keys/merchant-1024.pkcs8.der");
    let base64 = STANDARD.encode(&der);
    for broken in [&base64[..base64.len() - 3], &base64[4..], CANARY] {
        let error = PrivateKey::from_bytes(broken.as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(&broken[..8]), "{shown}");
        assert!(!shown.contains(CANARY), "{shown}");
        assert_no_long_number(&shown);
    }
}

#[test]
fn the_debug_of_a_proof_tells_the_key_and_neither_text_nor_signature() {
    let body = envelope(r#"{"outTradeNo":"A1","attach":"canary-7f1c2e","signType":"RSA"}"#);
    let answer = merchant().verify_answer::<OrderQuery>(&body).unwrap();
    let (_, proof) = answer.into_parts();
    assert!(proof.signed_text.contains(CANARY), "{}", proof.signed_text);
    let key = &proof.key;
    let shown = format!("{proof:?}");
    assert_eq!(shown, format!("Proof {{ key: {key:?}, .. }}"));
}
