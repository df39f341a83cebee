//! Named implementations of [`Signer`](crate::Signer) and [`Verifier`](crate::Verifier). A backend is a value: it changes
//! speed, never a verdict or a byte.

pub(crate) mod rustcrypto;
