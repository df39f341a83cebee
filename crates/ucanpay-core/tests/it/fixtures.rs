//! The shared test keys and vectors, and a gateway that signs.

use std::{fs, path::PathBuf, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use ucanpay_core::{
    Fields, Merchant, MerchantId, PrivateKey, PublicKey, SignatureScheme, Signer, Verifier,
    backend, canonical_string,
};

pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");
    let path = PathBuf::from(root).join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn vectors(name: &str) -> Value {
    serde_json::from_slice(&fixture(&format!("vectors/{name}.json"))).unwrap()
}

pub(crate) fn private_key(name: &str) -> PrivateKey {
    PrivateKey::from_bytes(&fixture(&format!("keys/{name}.pkcs8.pem"))).unwrap()
}

pub(crate) fn public_key(name: &str) -> PublicKey {
    PublicKey::from_bytes(&fixture(&format!("keys/{name}.pub.pem"))).unwrap()
}

/// One signer of every backend that is compiled in and can hold the key.
pub(crate) fn signers(key: &PrivateKey) -> Vec<Arc<dyn Signer>> {
    let rustcrypto = Some(backend::rustcrypto::signer(key));
    #[cfg(feature = "aws-lc-rs")]
    let aws_lc = (key.bits() >= 2048).then(|| backend::aws_lc::signer(key).unwrap());
    #[cfg(not(feature = "aws-lc-rs"))]
    let aws_lc = None;
    [rustcrypto, aws_lc].into_iter().flatten().collect()
}

/// One verifier of every backend that is compiled in; each can hold every key.
pub(crate) fn verifiers(key: &PublicKey) -> Vec<Arc<dyn Verifier>> {
    vec![
        backend::rustcrypto::verifier(key),
        #[cfg(feature = "aws-lc-rs")]
        backend::aws_lc::verifier(key).unwrap(),
    ]
}

/// The receiver of `notifications.json`.
pub(crate) fn merchant() -> Merchant {
    Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        private_key("merchant-2048"),
        [public_key("platform-2048")],
    )
    .unwrap()
}

/// Signs `data`, a flat object without `sign`, as the gateway would, and returns it with `sign`.
pub(crate) fn signed_data(key: &PrivateKey, data: &str) -> String {
    let canonical = canonical_string(&Fields::parse(data.as_bytes()).unwrap()).unwrap();
    let scheme = SignatureScheme::DOCUMENTED;
    let signature = key
        .signer()
        .sign(scheme.digest, &scheme.message(&canonical, None))
        .unwrap();
    let open = data.trim_end().strip_suffix('}').unwrap();
    format!("{open},\"sign\":\"{}\"}}", STANDARD.encode(signature))
}

/// A signed answer or notification of the gateway of [`merchant`].
pub(crate) fn envelope(data: &str) -> Vec<u8> {
    let data = signed_data(&private_key("platform-2048"), data);
    format!(r#"{{"code":0,"msg":"SUCCESS","data":{data},"timestamp":"2026-03-01T12:00:05Z"}}"#)
        .into_bytes()
}
