//! The merchant's token: made at the first start unless it is set, compared in constant time.

use std::io;
use std::path::Path;

use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};

use crate::private_file;

/// What is kept of the token in memory: enough to recognise it, not enough to tell it.
#[derive(Clone, Copy)]
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// Recognises this token.
    pub fn new(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether this is the token. The time it takes tells nothing about how much of it is right.
    pub fn is(&self, candidate: &str) -> bool {
        same(&self.0, &Sha256::digest(candidate).into())
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken")
    }
}

/// Looks at every byte, whatever it finds.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0
}

/// The token kept in `folder`, made if there is none.
pub(crate) fn kept_in(folder: &Path) -> io::Result<String> {
    let path = folder.join("admin-token");
    let kept = private_file::read(&path)?.unwrap_or_default();
    let kept = kept.trim();
    if !kept.is_empty() {
        return Ok(kept.to_owned());
    }
    let token = random();
    private_file::write(&path, &format!("{token}\n"))?;
    Ok(token)
}

/// 32 hexadecimal digits from the operating system's random source.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Whether this may have come from [`random`].
pub(crate) fn is_random(text: &str) -> bool {
    let hexadecimal = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 32 && text.bytes().all(hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_recognised() {
        let token = AdminToken::new("correct horse");
        assert!(token.is("correct horse"));
        for wrong in ["", "correct", "correct horse ", "Correct horse"] {
            assert!(!token.is(wrong), "{wrong:?}");
        }
        assert!(!format!("{token:?}").contains("correct"));
    }

    #[test]
    fn a_token_that_was_made_stays() {
        let folder = tempfile::tempdir().unwrap();
        let token = kept_in(folder.path()).unwrap();
        assert!(is_random(&token) && !is_random(&token[1..]) && !is_random(&"X".repeat(32)));
        assert_eq!(kept_in(folder.path()).unwrap(), token);
        std::fs::write(folder.path().join("admin-token"), "\n").unwrap();
        assert_ne!(kept_in(folder.path()).unwrap(), "");
    }
}
