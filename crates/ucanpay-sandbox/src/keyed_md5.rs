//! Keyed MD5: `signType` MD5 stands in every table of the reference and is described nowhere. This is the custom of its API
//! family: the MD5 of the canonical string, `&key=` and a secret that both sides know, in upper-case hexadecimal.

use std::fmt;

use md5::{Digest, Md5};

/// `signType`.
pub(crate) const MD5: &str = "MD5";

/// The secret. `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct Md5Key(String);

impl Md5Key {
    pub(crate) fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(crate) fn sign(&self, canonical: &str) -> String {
        let digest = Md5::digest(format!("{canonical}&key={}", self.0));
        digest.iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

impl fmt::Debug for Md5Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Md5Key").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_vector_is_signed_as_it_stands() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/fixtures/vectors/md5.json"
        );
        let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let vectors = vectors["vectors"].as_array().unwrap();
        assert!(vectors.len() >= 5, "{}", vectors.len());
        for vector in vectors {
            let key = Md5Key::new(vector["secret"].as_str().unwrap().to_owned());
            let canonical = vector["canonical"].as_str().unwrap();
            assert_eq!(key.sign(canonical), vector["sign"], "{vector}");
            assert!(!format!("{key:?}").contains(&key.0));
        }
    }
}
