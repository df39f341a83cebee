//! Whether something that a page shows is still the same, told without sending it.

use sha2::{Digest, Sha256};

/// 16 hexadecimal digits that stand for this text: the same for the same text, also after a restart.
pub(crate) fn fingerprint(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text).into();
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
