//! The implementations of [`Signer`] and [`Verifier`] that come with the crate, as values.
//!
//! A backend changes speed, never a verdict or a byte: PKCS#1 v1.5 signatures are deterministic, and both backends compare
//! the whole encoded message. [`PrivateKey::signer`] and [`PublicKey::verifier`] pick the fastest one that is compiled in and
//! can hold the key; `Merchant::with_signer` takes any. The tests of one run on both.
//!
//! | | signs | verifies | feature |
//! |---|---|---|---|
//! | [`rustcrypto`] | 1024 to 4096 bits | 1024 to 4096 bits | always there |
//! | `aws_lc` | 2048 to 4096 bits, SHA-256 | 1024 to 4096 bits, SHA-256 and SHA-1 | `aws-lc-rs` |
//!
//! What `aws_lc` has no algorithm for, it hands to `rustcrypto`.

#[cfg(feature = "aws-lc-rs")]
pub mod aws_lc;
pub mod rustcrypto;

use std::sync::Arc;

use crate::{
    key::{PrivateKey, PublicKey},
    signer::Signer,
    verifier::Verifier,
};

/// The fastest signer that can hold the key.
pub(crate) fn signer(key: &PrivateKey) -> Arc<dyn Signer> {
    #[cfg(feature = "aws-lc-rs")]
    if let Ok(signer) = aws_lc::signer(key) {
        return signer;
    }
    rustcrypto::signer(key)
}

/// The fastest verifier that can hold the key.
pub(crate) fn verifier(key: &PublicKey) -> Arc<dyn Verifier> {
    #[cfg(feature = "aws-lc-rs")]
    if let Ok(verifier) = aws_lc::verifier(key) {
        return verifier;
    }
    rustcrypto::verifier(key)
}
