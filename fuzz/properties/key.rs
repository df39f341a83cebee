//! The property of the target `key`: no file makes the reader of keys panic, and what it takes for a key is one: of an
//! allowed size, with an allowed exponent, the same again when it is written and read back, and fit to sign with.
//!
//! The fuzz target comes in with bytes of its own making, the tests of `ucanpay-core` with the corpus. A panic goes out.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use ucanpay_core::{Digest, PrivateKey, PublicKey, Verifier, backend::rustcrypto};

/// The test keys, in the formats a merchant may be handed.
const GENUINE: [&[u8]; 8] = [
    include_bytes!("../../tests/fixtures/keys/merchant-1024.pkcs8.pem"),
    include_bytes!("../../tests/fixtures/keys/merchant-1024.pkcs1.pem"),
    include_bytes!("../../tests/fixtures/keys/merchant-1024.pkcs8.der"),
    include_bytes!("../../tests/fixtures/keys/merchant-1024.pkcs8.b64"),
    include_bytes!("../../tests/fixtures/keys/merchant-1024.pub.pem"),
    include_bytes!("../../tests/fixtures/keys/merchant-1024.pub.pkcs1.pem"),
    include_bytes!("../../tests/fixtures/keys/merchant-1024.pub.der"),
    include_bytes!("../../tests/fixtures/keys/merchant-1024.pub.b64"),
];

/// Panics if the reader of keys breaks its promise for a file made of these bytes.
///
/// The bytes are tried twice: as they are, and as the change of a genuine key: which one, where (two bytes), how many bytes
/// go, and what takes their place.
pub(crate) fn check(input: &[u8]) {
    check_file(input);
    if let [which, high, low, cut, insert @ ..] = input {
        let genuine = GENUINE[usize::from(*which) % GENUINE.len()];
        let start = usize::from(u16::from_be_bytes([*high, *low])) % (genuine.len() + 1);
        let end = genuine.len().min(start + usize::from(*cut));
        check_file(&[&genuine[..start], insert, &genuine[end..]].concat());
    }
}

fn check_file(file: &[u8]) {
    let (private, public) = (PrivateKey::from_bytes(file), PublicKey::from_bytes(file));
    assert!(
        private.is_err() || public.is_err(),
        "one file is taken for both halves"
    );
    if let Some(key) = taken(public) {
        assert_sound(&key);
    }
    if let Some(key) = taken(private) {
        let pem = key.to_pkcs8_pem();
        if is_known(&pem) {
            return;
        }
        assert_sound(key.public_key());
        assert_short(&key);
        let again = PrivateKey::from_bytes(pem.as_bytes());
        let again = again.expect("what was written can be read");
        assert_eq!(again.public_key(), key.public_key());
        // A key whose numbers do not quite fit may fail, and must not sign what nobody can verify.
        for signer in [key.signer(), rustcrypto::signer(&key)] {
            if let Ok(signature) = signer.sign(Digest::Sha256, b"order") {
                for verifier in verifiers(key.public_key()) {
                    assert!(verifier.verify(Digest::Sha256, b"order", &signature));
                }
            }
        }
    }
}

/// Of every backend: the fastest that is compiled in, and the one that is always there.
fn verifiers(key: &PublicKey) -> [Arc<dyn Verifier>; 2] {
    [key.verifier(), rustcrypto::verifier(key)]
}

/// Whether this key was tried before. Most changes of a file leave the key in it as it was, and to sign and verify takes far
/// longer than to read.
fn is_known(pem: &str) -> bool {
    static KNOWN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    !known.insert(pem.to_owned())
}

/// The key, or nothing after a refusal that says why in few words, and so without the file.
fn taken<K, E: fmt::Display>(key: Result<K, E>) -> Option<K> {
    key.map_err(|error| {
        let words = error.to_string();
        assert!((1..120).contains(&words.len()), "{words}");
    })
    .ok()
}

fn assert_sound(key: &PublicKey) {
    let pem = key.to_spki_pem();
    if is_known(&pem) {
        return;
    }
    assert!((1024..=4096).contains(&key.bits()), "{} bits", key.bits());
    assert!(key.exponent() >= 65537, "exponent {}", key.exponent());
    assert_short(key);
    let again = PublicKey::from_bytes(pem.as_bytes());
    assert_eq!(again.as_ref(), Ok(key));
    for verifier in verifiers(key) {
        assert!(!verifier.verify(Digest::Sha256, b"order", &[0; 128]));
    }
}

/// Too short to hold a number of the key.
fn assert_short(key: &impl fmt::Debug) {
    let shown = format!("{key:?}");
    assert!(shown.len() < 100, "{} characters", shown.len());
}
