//! The keyed MD5 signature: a secret that both sides know, instead of key pairs.
//!
//! The reference names it in every table and describes it nowhere; this is the idiom of the gateway's API family, an
//! assumption. Whoever can verify such a message can also forge it, and MD5 is broken as a hash: off unless
//! [`Merchant::with_keyed_md5`](crate::Merchant::with_keyed_md5) turns it on, and then nothing else is accepted.

use std::fmt;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{key::KeyError, scheme::hex};

/// This algorithm's name in `signType`.
pub(crate) const SIGN_TYPE: &str = "MD5";

/// The secret of the keyed MD5 signature, from the merchant portal. `Debug` does not show it; it is wiped when dropped.
#[derive(Clone)]
pub struct Md5Secret(Zeroizing<String>);

impl Md5Secret {
    /// Takes the secret character by character: cut off the line break that a file may have added.
    ///
    /// ```
    /// use ucanpay_core::{KeyError, Md5Secret};
    ///
    /// let file = "s3cret-of-the-merchant\n";
    /// let secret = Md5Secret::new(file.trim_end())?;
    /// assert_eq!(format!("{secret:?}"), "Md5Secret(..)");
    /// assert_eq!(Md5Secret::new("\n").err(), Some(KeyError::Empty));
    /// # Ok::<(), KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError::Empty`] when there is nothing but white space: everybody knows that secret.
    pub fn new(secret: impl Into<String>) -> Result<Self, KeyError> {
        let secret = Zeroizing::new(secret.into());
        if secret.trim().is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(Self(secret))
    }

    /// Whether `sign` is exactly the signature of `canonical`. The time it takes does not tell how much of it was right.
    pub(crate) fn fits(&self, canonical: &str, sign: &str) -> bool {
        let expected = keyed_md5(canonical, self);
        expected.as_bytes().ct_eq(sign.as_bytes()).into()
    }
}

impl fmt::Debug for Md5Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Md5Secret").finish_non_exhaustive()
    }
}

/// The keyed MD5 signature of a [canonical string](crate::canonical_string): the MD5 of `canonical`, `&key=` and the
/// secret, as 32 upper-case hexadecimal digits.
///
/// ```
/// use ucanpay_core::{Md5Secret, keyed_md5};
///
/// let secret = Md5Secret::new("s3cret-of-the-merchant")?;
/// assert_eq!(keyed_md5("body=coffee&signType=MD5", &secret), "92AFE49B0269E9A291FEDF39902F48ED");
/// # Ok::<(), ucanpay_core::KeyError>(())
/// ```
#[must_use]
pub fn keyed_md5(canonical: &str, secret: &Md5Secret) -> String {
    let hash = Md5::new()
        .chain_update(canonical)
        .chain_update("&key=")
        .chain_update(secret.0.as_str())
        .finalize();
    let mut digits = hex(&hash);
    digits.make_ascii_uppercase();
    digits
}

/// Whether `sign` has the form of such a signature: exactly 32 digits, letters in upper case.
pub(crate) fn is_well_formed(sign: &str) -> bool {
    sign.len() == 32
        && sign
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
}
