//! How much, in what. Amounts are whole cents everywhere.

use std::{fmt, str::FromStr};

use super::{FieldError, Problem};

/// An amount of money in whole cents of its currency, at least 1.
///
/// The gateway's members `totalAmt` and `refundAmt`. [`new`](Self::new) accepts what may be sent; an amount read from the
/// gateway can be larger. `Display` and `FromStr` use plain cents: `450` is 4.50.
///
/// ```
/// use ucanpay_core::Amount;
///
/// let price: Amount = "450".parse()?; // 4.50
/// assert_eq!((price.cents(), price.to_string()), (450, "450".to_owned()));
/// assert!("4.50".parse::<Amount>().is_err());
/// assert!(Amount::new(100)? < price);
/// # Ok::<(), ucanpay_core::FieldError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// The largest amount that may be sent, in cents: the gateway's tables say `Int`.
    pub const MAX_CENTS: i64 = 2_147_483_647;

    const RULE: &str = "whole cents, 1 to 2147483647";

    /// An amount of `cents`.
    ///
    /// ```
    /// use ucanpay_core::Amount;
    ///
    /// let (price, count) = (225, 2);
    /// assert_eq!(Amount::new(price * count)?.cents(), 450);
    /// assert!(Amount::new(0).is_err() && Amount::new(Amount::MAX_CENTS + 1).is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FieldError`] unless `cents` is 1 to 2147483647.
    pub fn new(cents: i64) -> Result<Self, FieldError> {
        if (1..=Self::MAX_CENTS).contains(&cents) {
            Ok(Self(cents))
        } else {
            let problem = Problem::Other("is out of range");
            Err(FieldError::new("totalAmt", Self::RULE, problem))
        }
    }

    /// Cents, at least 1.
    #[must_use]
    pub fn cents(self) -> i64 {
        self.0
    }

    /// Decimal digits only: no sign, fraction or exponent; leading zeros can only come from a string.
    pub(crate) fn from_wire(text: &str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let cents = text.parse().ok()?;
        (cents > 0).then_some(Self(cents))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Amount {
    type Err = FieldError;

    /// Reads plain cents.
    fn from_str(text: &str) -> Result<Self, FieldError> {
        let problem = Problem::Other("is not a number of cents");
        let amount = Self::from_wire(text)
            .ok_or_else(|| FieldError::new("totalAmt", Self::RULE, problem))?;
        Self::new(amount.0)
    }
}

/// A currency's three letters of ISO 4217.
///
/// The gateway's member `currency`; Canadian dollars unless said otherwise.
///
/// ```
/// use ucanpay_core::Currency;
///
/// assert_eq!(Currency::default(), Currency::CAD);
/// assert_eq!(Currency::CAD.to_string(), "CAD");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Canadian dollars, the gateway's default.
    pub const CAD: Self = Self(*b"CAD");

    /// The currency of three letters `A` to `Z`.
    ///
    /// ```
    /// use ucanpay_core::Currency;
    ///
    /// assert_eq!(Currency::new("USD")?.as_str(), "USD");
    /// assert!(Currency::new("usd").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FieldError`] for anything else.
    pub fn new(letters: impl AsRef<str>) -> Result<Self, FieldError> {
        match <[u8; 3]>::try_from(letters.as_ref().as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(FieldError::new(
                "currency",
                "three letters A-Z, as in ISO 4217",
                Problem::Other("is not a currency code"),
            )),
        }
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency holds ASCII letters only")
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self::CAD
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Currency").field(&self.as_str()).finish()
    }
}

impl FromStr for Currency {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        Self::new(text)
    }
}
