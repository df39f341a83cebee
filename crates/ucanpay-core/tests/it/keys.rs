//! Every key format, and what is said about bytes that are no such key.

use base64::{Engine, engine::general_purpose::STANDARD};
use ucanpay_core::{Digest, KeyError, Merchant, MerchantError, MerchantId, PrivateKey, PublicKey};

use crate::fixtures::{fixture, private_key, public_key};

const NAMES: [&str; 4] = [
    "merchant-1024",
    "merchant-2048",
    "platform-1024",
    "platform-2048",
];

/// The body of a PEM file as one line of base64.
fn body(pem: &[u8]) -> String {
    let text = std::str::from_utf8(pem).unwrap();
    text.lines()
        .filter(|line| !line.starts_with("---"))
        .collect()
}

/// One PEM file in every way it could be handed over.
fn wrappings(pem: &[u8]) -> Vec<Vec<u8>> {
    let base64 = body(pem);
    let lines: Vec<&str> = std::str::from_utf8(pem)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    let text = std::str::from_utf8(pem).unwrap();
    vec![
        pem.to_vec(),
        text.replace('\n', "\r\n").into_bytes(),
        format!("\n  {text}\n\n").into_bytes(),
        base64.clone().into_bytes(),
        format!("\u{feff}{base64}").into_bytes(),
        format!("{}\r\n", lines.join("\r\n")).into_bytes(),
        STANDARD.decode(base64).unwrap(),
    ]
}

#[test]
fn a_private_key_is_the_same_in_every_format() {
    for name in NAMES {
        let expected = private_key(name).public_key().clone();
        assert_eq!(expected, public_key(name));
        for file in ["pkcs8.pem", "pkcs1.pem"] {
            for bytes in wrappings(&fixture(&format!("keys/{name}.{file}"))) {
                let key = PrivateKey::from_bytes(&bytes).unwrap();
                assert_eq!(key.public_key(), &expected, "{name}.{file}");
                assert_eq!(key.bits().to_string(), name[name.len() - 4..]);
            }
        }
        for file in ["pkcs8.b64", "pkcs8.der"] {
            let key = PrivateKey::from_bytes(&fixture(&format!("keys/{name}.{file}"))).unwrap();
            assert_eq!(key.public_key(), &expected, "{name}.{file}");
        }
        let written = private_key(name).to_pkcs8_pem();
        let read = PrivateKey::from_bytes(written.as_bytes()).unwrap();
        assert_eq!(read.public_key(), &expected);
    }
}

#[test]
fn a_public_key_is_the_same_in_every_format() {
    for name in NAMES {
        let expected = public_key(name);
        for file in ["pub.pem", "pub.pkcs1.pem"] {
            for bytes in wrappings(&fixture(&format!("keys/{name}.{file}"))) {
                assert_eq!(
                    PublicKey::from_bytes(&bytes).unwrap(),
                    expected,
                    "{name}.{file}"
                );
            }
        }
        for file in ["pub.b64", "pub.der"] {
            let key = PublicKey::from_bytes(&fixture(&format!("keys/{name}.{file}"))).unwrap();
            assert_eq!(key, expected, "{name}.{file}");
        }
        assert_eq!(
            PublicKey::from_bytes(expected.to_spki_pem().as_bytes()).unwrap(),
            expected
        );
    }
}

#[test]
fn a_wrong_kind_of_key_is_named_for_what_it_is() {
    let private = |bytes: &[u8]| PrivateKey::from_bytes(bytes).unwrap_err();
    let public = |bytes: &[u8]| PublicKey::from_bytes(bytes).unwrap_err();
    for file in ["pub.pem", "pub.pkcs1.pem", "pub.der", "pub.b64"] {
        let bytes = fixture(&format!("keys/merchant-2048.{file}"));
        assert_eq!(private(&bytes), KeyError::IsPublic, "{file}");
    }
    for file in ["pkcs8.pem", "pkcs1.pem", "pkcs8.der", "pkcs8.b64"] {
        let bytes = fixture(&format!("keys/merchant-2048.{file}"));
        assert_eq!(public(&bytes), KeyError::IsPrivate, "{file}");
    }
    let pem = |label: &str, body: &str| {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into_bytes()
    };
    assert_eq!(
        private(&pem("ENCRYPTED PRIVATE KEY", "AAAA")),
        KeyError::Encrypted
    );
    for header in ["Proc-Type: 4,ENCRYPTED", "Proc-Type: 4, ENCRYPTED"] {
        let body = format!("{header}\n\nAAAA");
        assert_eq!(
            private(&pem("RSA PRIVATE KEY", &body)),
            KeyError::Encrypted,
            "{header}"
        );
    }
    // SEQUENCE { SEQUENCE {}, OCTET STRING {} }: the shape of an encrypted PKCS#8 key.
    assert_eq!(private(&[0x30, 4, 0x30, 0, 4, 0]), KeyError::Encrypted);
    assert_eq!(public(&pem("CERTIFICATE", "AAAA")), KeyError::Certificate);
    assert_eq!(private(&pem("EC PRIVATE KEY", "AAAA")), KeyError::NotRsa);
    assert_eq!(
        private(&pem("OPENSSH PRIVATE KEY", "AAAA")),
        KeyError::NotRsa
    );
    assert_eq!(private(b" \n"), KeyError::Empty);
    assert_eq!(private(b""), KeyError::Empty);
    assert_eq!(private(b"hunter2 is no key!"), KeyError::Unreadable);
    assert_eq!(private(b"AAAA"), KeyError::Unreadable);
    let twice = fixture("keys/merchant-2048.pkcs8.pem").repeat(2);
    assert_eq!(private(&twice), KeyError::SeveralKeys);
    let mut trailing = fixture("keys/merchant-2048.pkcs8.der");
    trailing.push(0);
    assert_eq!(private(&trailing), KeyError::Unreadable);
}

/// PKCS#1 DER of a public key with this modulus and exponent.
fn pkcs1_public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let element = |tag: u8, body: &[u8]| {
        let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
        let length = match (high, low) {
            (0, 0..0x80) => vec![low],
            (0, _) => vec![0x81, low],
            _ => vec![0x82, high, low],
        };
        [&[tag][..], &length, body].concat()
    };
    let modulus = element(2, &[&[0], modulus].concat());
    element(0x30, &[modulus, element(2, exponent)].concat())
}

#[test]
fn small_keys_low_exponents_and_even_moduli_are_refused_with_their_numbers() {
    let modulus = |bytes: usize| [&[0x80][..], &vec![1; bytes - 1]].concat();
    let read = |der: Vec<u8>| PublicKey::from_bytes(&der);
    assert_eq!(
        read(pkcs1_public(&modulus(256), &[1, 0, 1]))
            .unwrap()
            .bits(),
        2048
    );
    assert_eq!(
        read(pkcs1_public(&modulus(256), &[3]))
            .unwrap_err()
            .to_string(),
        "exponent 3 is below 65537"
    );
    assert_eq!(
        read(pkcs1_public(&modulus(256), &[0, 0xff, 0xff])),
        Err(KeyError::Exponent { exponent: 65535 })
    );
    for bytes in [127, 513] {
        assert_eq!(
            read(pkcs1_public(&modulus(bytes), &[1, 0, 1])),
            Err(KeyError::Size { bits: bytes * 8 })
        );
    }
    let even = [&[0x80][..], &[2; 255]].concat();
    assert_eq!(read(pkcs1_public(&even, &[1, 0, 1])), Err(KeyError::Broken));
    assert_eq!(
        PrivateKey::generate(512).unwrap_err().to_string(),
        "512 bits; at least 1024 and at most 4096 are needed"
    );
}

#[test]
fn a_damaged_private_key_is_refused_or_signs_what_verifies_and_never_panics() {
    let der = fixture("keys/merchant-1024.pkcs8.der");
    for at in (0..der.len()).step_by(7) {
        let mut damaged = der.clone();
        damaged[at] ^= 0x15;
        if let Ok(key) = PrivateKey::from_bytes(&damaged)
            && let Ok(signature) = key.signer().sign(Digest::Sha256, b"message")
        {
            let verifier = key.public_key().verifier();
            assert!(
                verifier.verify(Digest::Sha256, b"message", &signature),
                "{at}"
            );
        }
    }
}

#[test]
fn a_generated_key_signs_and_its_debug_shows_no_number_of_it() {
    let key = PrivateKey::generate(1024).unwrap();
    let signature = key.signer().sign(Digest::Sha256, b"message").unwrap();
    let verifier = key.public_key().verifier();
    assert!(verifier.verify(Digest::Sha256, b"message", &signature));
    assert!(!verifier.verify(Digest::Sha256, b"another", &signature));
    assert!(!verifier.verify(Digest::Sha1, b"message", &signature));
    let shown = format!("{key:?}");
    let fingerprint = key.public_key().fingerprint();
    assert_eq!(fingerprint.as_str().len(), 16);
    assert_eq!(
        shown,
        format!("PrivateKey {{ bits: 1024, fingerprint: \"{fingerprint}\", .. }}")
    );
    assert!(!format!("{:?}", key.signer()).contains("RsaPrivateKey"));
}

#[test]
fn a_merchant_without_a_platform_key_or_with_its_own_is_refused() {
    let id = || MerchantId::new("2000000010").unwrap();
    let key = private_key("merchant-2048");
    let own = key.public_key().clone();
    assert_eq!(
        Merchant::new(id(), key.clone(), []).unwrap_err(),
        MerchantError::NoPlatformKey
    );
    assert_eq!(
        Merchant::new(id(), key, [public_key("platform-2048"), own]).unwrap_err(),
        MerchantError::OwnKeyAsPlatformKey
    );
}
