//! Names of things in the ledger: which provider, which payment, which refund. A copy of one shares its text.

use std::fmt;
use std::sync::Arc;

use rand_core::{OsRng, RngCore};
use sha2::{Digest as _, Sha256};

/// A name that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct IdError {
    what: &'static str,
    rule: &'static str,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $holds:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Takes a text that is ", $rule, ".")]
            ///
            /// # Errors
            /// [`IdError`], naming the rule, if it is anything else.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let holds: fn(&str) -> bool = $holds;
                if holds(&text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { what: $what, rule: $rule })
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// One merchant account at one gateway, as it stands in notify URLs and in the ledger.
    ///
    /// ```
    /// use ucanpay_storefront::ProviderId;
    ///
    /// let terrace = ProviderId::new("terrace-2")?;
    /// assert_eq!(terrace.as_str(), "terrace-2");
    /// let error = ProviderId::new("the terrace").unwrap_err();
    /// assert_eq!(error.to_string(), "a provider id must be 1 to 32 of A-Z a-z 0-9 _ -");
    /// # Ok::<(), ucanpay_storefront::IdError>(())
    /// ```
    ProviderId,
    "a provider id",
    "1 to 32 of A-Z a-z 0-9 _ -",
    |text| (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
);

name_type!(
    /// The merchant's own number of a payment (`outTradeNo`). Unique for each provider; chosen before the first
    /// call and never changed. A provider may narrow it further: UCanPay takes 1 to 32 letters and digits.
    ///
    /// ```
    /// use ucanpay_storefront::Reference;
    ///
    /// let order = Reference::new("2026-A17")?;
    /// assert_eq!(order.to_string(), "2026-A17");
    /// assert!(Reference::new("A 17").is_err());
    /// # Ok::<(), ucanpay_storefront::IdError>(())
    /// ```
    Reference,
    "a payment reference",
    "1 to 64 visible ASCII characters",
    visible
);

name_type!(
    /// The merchant's own number of a refund (`outRefundNo`). Unique for each provider. Sending the same number
    /// again is the same refund; a new number is new money.
    ///
    /// ```
    /// use ucanpay_storefront::{Reference, RefundNumber};
    ///
    /// let order = Reference::new("A17")?;
    /// let first = RefundNumber::new(format!("{order}R1"))?; // asked for twice, it is one refund
    /// assert_eq!(first.as_str(), "A17R1");
    /// # Ok::<(), ucanpay_storefront::IdError>(())
    /// ```
    RefundNumber,
    "a refund number",
    "1 to 64 visible ASCII characters",
    visible
);

fn visible(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

impl Reference {
    /// A fresh number: 24 letters and digits from the operating system's random source.
    ///
    /// ```
    /// use ucanpay_storefront::Reference;
    ///
    /// let order = Reference::random(); // for a payment page whose address nobody can guess
    /// assert_eq!(order.as_str().len(), 24);
    /// assert_ne!(order, Reference::random());
    /// ```
    pub fn random() -> Self {
        Self(random_number().into())
    }
}

impl Reference {
    /// The number as a message states it. What can be no number of ours stands as `?` and a digest of itself: it matches
    /// no payment, and can still be recorded.
    pub(crate) fn stated(text: &str) -> Self {
        if visible(text) {
            return Self(text.into());
        }
        let digest = Sha256::digest(text);
        let digits = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
        Self(format!("?{}", digits.collect::<String>()).into())
    }
}

impl RefundNumber {
    /// A fresh number: 24 letters and digits from the operating system's random source.
    ///
    /// ```
    /// use ucanpay_storefront::RefundNumber;
    ///
    /// let number = RefundNumber::random(); // keep it, and a repeated request is the same refund
    /// assert_eq!(RefundNumber::new(number.as_str())?, number);
    /// assert_ne!(number, RefundNumber::random());
    /// # Ok::<(), ucanpay_storefront::IdError>(())
    /// ```
    pub fn random() -> Self {
        Self(random_number().into())
    }
}

impl RefundNumber {
    /// The number of the refund that a payment gets by itself when it comes after its close. It follows from the
    /// payment's own, so that however often that refund is begun, it is one.
    ///
    /// ```
    /// use ucanpay_storefront::{PaymentKey, ProviderId, Reference, RefundNumber};
    ///
    /// let key = PaymentKey { provider: ProviderId::new("ucanpay")?, reference: Reference::new("A17")? };
    /// let number = RefundNumber::of_late_payment(&key);
    /// assert!(number.as_str().starts_with("LATE"));
    /// assert_eq!(RefundNumber::of_late_payment(&key), number);
    /// # Ok::<(), ucanpay_storefront::IdError>(())
    /// ```
    pub fn of_late_payment(key: &PaymentKey) -> Self {
        let digest = Sha256::digest(format!("{key} late"));
        let digits = digest.iter().take(12).map(|byte| format!("{byte:02x}"));
        Self(format!("LATE{}", digits.collect::<String>()).into())
    }
}

/// 24 characters of an alphabet of 32, without letters that are misread: 120 random bits.
fn random_number() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bytes = [0; 24];
    OsRng.fill_bytes(&mut bytes);
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

/// What identifies a payment everywhere in the ledger.
///
/// ```
/// use ucanpay_storefront::{PaymentKey, ProviderId, Reference};
///
/// let key = PaymentKey { provider: ProviderId::new("terrace")?, reference: Reference::new("A17")? };
/// assert_eq!(key.to_string(), "terrace/A17");
/// # Ok::<(), ucanpay_storefront::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaymentKey {
    /// The account it is paid to.
    pub provider: ProviderId,
    /// The merchant's number.
    pub reference: Reference,
}

impl fmt::Display for PaymentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_id_fits_into_a_url_path() {
        assert!(ProviderId::new("ucanpay-2").is_ok());
        for bad in ["", "a/b", "a b", "é", &"a".repeat(33)] {
            assert!(ProviderId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn fresh_numbers_fit_the_strictest_gateway_and_differ() {
        let (one, two) = (Reference::random(), Reference::random());
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 24);
        assert!(one.as_str().bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
