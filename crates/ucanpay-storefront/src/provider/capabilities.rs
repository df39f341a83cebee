//! What a gateway can and cannot do, as data: the ledger refuses the rest before anything is recorded, and a shop can read
//! what to offer.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use ucanpay_core::{Amount, Currency};

use crate::id::{Reference, RefundNumber};

/// What a gateway can do, as data. [`new`](Self::new) bounds the refunds and nothing else; what is narrower is said by the
/// methods.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_core::{Amount, Currency};
/// use ucanpay_storefront::provider::{Capabilities, Flow, NumberRule, RefundLimits};
///
/// let day = Duration::from_secs(24 * 60 * 60);
/// let birch = Capabilities::new(RefundLimits { count: 3, window: 90 * day })
///     .with_flows([Flow::Link, Flow::QrCode])
///     .with_currencies([Currency::CAD, Currency::new("USD")?])
///     .with_amounts(Amount::new(100)?..=Amount::new(500_000)?)
///     .with_numbers(NumberRule::alphanumeric(20).with("-"))
///     .with_reversal_window(7 * day)
///     .with_expiry(Duration::from_secs(60 * 60));
/// assert!(birch.numbers.allows("2026-A17"));
/// assert!(birch.flows.contains(&Flow::QrCode), "a shop may show the code");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// How buyers come to a payment. None: there is no link, and they are asked some other way.
    pub flows: Vec<Flow>,
    /// In what a payment can be made.
    pub currencies: Currencies,
    /// How much one payment may be.
    pub amounts: RangeInclusive<Amount>,
    /// How the merchant's numbers of payments and refunds are written.
    pub numbers: NumberRule,
    /// How refunds are bounded.
    pub refunds: RefundLimits,
    /// How long after it was placed a payment can be reversed; `None` if never.
    pub reversal_window: Option<Duration>,
    /// How long after it was placed the gateway itself closes an unpaid payment; `None` if never: then only the merchant
    /// does.
    pub expires_by_itself: Option<Duration>,
}

/// How a buyer comes to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flow {
    /// The pay link is opened on the device that pays.
    Link,
    /// The pay link is shown as QR code, and another device scans it.
    QrCode,
}

/// The currencies that a gateway takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Currencies {
    /// Whatever ISO 4217 names. Whether this merchant may is the gateway's to say.
    Any,
    /// These.
    Only(Vec<Currency>),
}

/// How a merchant's numbers are written: letters and digits, and so many of them at most.
///
/// The ledger's own numbers are letters and digits, 28 at most: a rule that does not allow these cannot be kept.
///
/// ```
/// use ucanpay_storefront::provider::NumberRule;
///
/// let rule = NumberRule::alphanumeric(32).with("-_");
/// assert!(rule.allows("2026-A17"));
/// assert!(!rule.allows("2026/A17") && !rule.allows(""));
/// assert_eq!((rule.longest(), rule.besides()), (32, "-_"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberRule {
    longest: usize,
    besides: &'static str,
}

/// How refunds of one payment are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundLimits {
    /// The most refunds one payment may have; failed ones do not count. None at all if it is 0.
    pub count: u32,
    /// How long after it was paid a payment can be refunded.
    pub window: Duration,
}

/// What the account does not take. Nothing was recorded, and nothing was sent. Shown, it says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// The gateway knows payments and refunds by shorter numbers, or by fewer characters.
    #[error("the number {number:?} cannot be used at this gateway; it takes {rule}")]
    Number {
        /// The merchant's number.
        number: String,
        /// What is allowed.
        rule: NumberRule,
    },
    /// The gateway does not take this currency.
    #[error("this gateway does not take {asked}; it takes {}", list(allowed))]
    Currency {
        /// What was asked for.
        asked: Currency,
        /// What is allowed.
        allowed: Vec<Currency>,
    },
    /// The gateway takes no payment of this amount.
    #[error(
        "this gateway takes no payment of {asked} cents; it takes {} to {} cents",
        allowed.start(),
        allowed.end()
    )]
    Amount {
        /// What was asked for.
        asked: Amount,
        /// What is allowed.
        allowed: RangeInclusive<Amount>,
    },
    /// The gateway closes the payment earlier.
    #[error(
        "this gateway closes an unpaid payment after {} s, so it cannot be kept open for {} s",
        most.as_secs(),
        asked.as_secs()
    )]
    Expiry {
        /// How long the buyer was to have.
        asked: Duration,
        /// What is allowed.
        most: Duration,
    },
    /// The gateway takes no refunds.
    #[error("this gateway takes no refunds; give the money back by other means")]
    Refunds,
}

impl Capabilities {
    /// The capabilities of a gateway with these refund limits, where a link is opened, every currency, amount and number is
    /// taken, nothing is reversed, and nothing expires by itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_storefront::provider::{Capabilities, Currencies, RefundLimits};
    ///
    /// let none = RefundLimits { count: 0, window: Duration::ZERO };
    /// let cash_only = Capabilities::new(none); // takes whatever comes, and gives nothing back
    /// assert_eq!(cash_only.currencies, Currencies::Any);
    /// assert_eq!((cash_only.reversal_window, cash_only.expires_by_itself), (None, None));
    /// ```
    pub fn new(refunds: RefundLimits) -> Self {
        let amount = |cents| Amount::new(cents).expect("the literal is an amount");
        Self {
            flows: vec![Flow::Link],
            currencies: Currencies::Any,
            amounts: amount(1)..=amount(Amount::MAX_CENTS),
            numbers: NumberRule::LOOSEST,
            refunds,
            reversal_window: None,
            expires_by_itself: None,
        }
    }

    /// Buyers come to a payment in these ways.
    #[must_use]
    pub fn with_flows(mut self, flows: impl IntoIterator<Item = Flow>) -> Self {
        self.flows = flows.into_iter().collect();
        self
    }

    /// These currencies are taken, and no other.
    #[must_use]
    pub fn with_currencies(mut self, only: impl IntoIterator<Item = Currency>) -> Self {
        self.currencies = Currencies::Only(only.into_iter().collect());
        self
    }

    /// One payment may be so much.
    #[must_use]
    pub fn with_amounts(mut self, amounts: RangeInclusive<Amount>) -> Self {
        self.amounts = amounts;
        self
    }

    /// Numbers are written so.
    #[must_use]
    pub fn with_numbers(mut self, rule: NumberRule) -> Self {
        self.numbers = rule;
        self
    }

    /// A payment can be reversed for this long after it was placed.
    #[must_use]
    pub fn with_reversal_window(mut self, window: Duration) -> Self {
        self.reversal_window = Some(window);
        self
    }

    /// The gateway itself closes an unpaid payment so long after it was placed.
    #[must_use]
    pub fn with_expiry(mut self, after: Duration) -> Self {
        self.expires_by_itself = Some(after);
        self
    }

    /// Whether such a payment is taken. `expires_after` is how long the buyer is to have, if that was said.
    pub(crate) fn take_payment(
        &self,
        reference: &Reference,
        amount: Amount,
        currency: Currency,
        expires_after: Option<Duration>,
    ) -> Result<(), Unsupported> {
        self.numbers.check(reference.as_str())?;
        if let Currencies::Only(allowed) = &self.currencies
            && !allowed.contains(&currency)
        {
            return Err(Unsupported::Currency {
                asked: currency,
                allowed: allowed.clone(),
            });
        }
        if !self.amounts.contains(&amount) {
            return Err(Unsupported::Amount {
                asked: amount,
                allowed: self.amounts.clone(),
            });
        }
        match (expires_after, self.expires_by_itself) {
            (Some(asked), Some(most)) if asked > most => Err(Unsupported::Expiry { asked, most }),
            _ => Ok(()),
        }
    }

    /// Whether a refund is taken under this number.
    pub(crate) fn take_refund(&self, number: &RefundNumber) -> Result<(), Unsupported> {
        if self.refunds.count == 0 {
            return Err(Unsupported::Refunds);
        }
        self.numbers.check(number.as_str())
    }
}

impl NumberRule {
    /// What every number of the ledger keeps: 64 visible characters of ASCII at most.
    pub const LOOSEST: Self = Self {
        longest: 64,
        besides: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    };

    /// 1 to `longest` letters and digits.
    pub const fn alphanumeric(longest: usize) -> Self {
        Self {
            longest,
            besides: "",
        }
    }

    /// These characters are allowed besides.
    #[must_use]
    pub const fn with(mut self, besides: &'static str) -> Self {
        self.besides = besides;
        self
    }

    /// The most characters that a number may have.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The characters that it may have besides letters and digits.
    pub fn besides(&self) -> &'static str {
        self.besides
    }

    /// Whether this number is written so.
    pub fn allows(&self, number: &str) -> bool {
        let allowed = |c: char| c.is_ascii_alphanumeric() || self.besides.contains(c);
        (1..=self.longest).contains(&number.len()) && number.chars().all(allowed)
    }

    fn check(&self, number: &str) -> Result<(), Unsupported> {
        if self.allows(number) {
            return Ok(());
        }
        Err(Unsupported::Number {
            number: number.to_owned(),
            rule: *self,
        })
    }
}

impl fmt::Display for NumberRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 to {} letters and digits", self.longest)?;
        match self.besides {
            "" => Ok(()),
            besides => write!(f, ", and of {besides}"),
        }
    }
}

fn list(currencies: &[Currency]) -> String {
    match currencies {
        [] => "none".to_owned(),
        some => some
            .iter()
            .map(Currency::as_str)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(cents: i64) -> Amount {
        Amount::new(cents).unwrap()
    }

    fn narrow() -> Capabilities {
        let refunds = RefundLimits {
            count: 1,
            window: Duration::from_secs(60),
        };
        Capabilities::new(refunds)
            .with_currencies([Currency::CAD])
            .with_amounts(cents(50)..=cents(1_000))
            .with_numbers(NumberRule::alphanumeric(28).with("-"))
            .with_expiry(Duration::from_secs(900))
    }

    #[test]
    fn what_is_refused_is_told_with_what_is_allowed() {
        let usd = Currency::new("USD").unwrap();
        let (short, long) = (Duration::from_secs(900), Duration::from_secs(901));
        for (number, amount, currency, expiry, told) in [
            ("A-1", 50, Currency::CAD, None, None),
            ("A-1", 1_000, Currency::CAD, Some(short), None),
            (
                "A_1",
                50,
                Currency::CAD,
                None,
                Some(
                    "the number \"A_1\" cannot be used at this gateway; it takes 1 to 28 letters and digits, and of -",
                ),
            ),
            (
                "A1",
                49,
                Currency::CAD,
                None,
                Some("no payment of 49 cents; it takes 50 to 1000 cents"),
            ),
            (
                "A1",
                1_001,
                Currency::CAD,
                None,
                Some("it takes 50 to 1000 cents"),
            ),
            ("A1", 50, usd, None, Some("does not take USD; it takes CAD")),
            (
                "A1",
                50,
                Currency::CAD,
                Some(long),
                Some("closes an unpaid payment after 900 s"),
            ),
        ] {
            let reference = Reference::new(number).unwrap();
            let taken = narrow().take_payment(&reference, cents(amount), currency, expiry);
            match told {
                None => assert_eq!(taken, Ok(())),
                Some(told) => {
                    let error = taken.unwrap_err().to_string();
                    assert!(error.contains(told), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_gateway_without_refunds_takes_none() {
        let mut capabilities = narrow();
        let number = RefundNumber::random();
        assert_eq!(capabilities.take_refund(&number), Ok(()));
        capabilities.refunds.count = 0;
        assert_eq!(capabilities.take_refund(&number), Err(Unsupported::Refunds));
    }

    #[test]
    fn the_loosest_rule_is_that_of_every_number() {
        let all: String = (0..=u8::MAX).map(char::from).collect();
        for character in all.chars() {
            let text = format!("A{character}");
            assert_eq!(
                NumberRule::LOOSEST.allows(&text),
                Reference::new(&*text).is_ok(),
                "{character:?}"
            );
        }
        assert!(NumberRule::LOOSEST.allows(&"A".repeat(64)));
        assert!(!NumberRule::LOOSEST.allows(&"A".repeat(65)));
    }
}
