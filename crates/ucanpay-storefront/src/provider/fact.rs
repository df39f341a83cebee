//! A fact: what one verified message of a gateway says, in the ledger's words.
//!
//! Comes from a provider, which has verified the signature; goes to the ledger, which decides whether it *matches* a
//! payment and what follows. A fact by itself changes nothing.

use ucanpay_core::Amount;

use crate::wording::Wording;

/// How a fact reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The gateway called our notify URL.
    Notification,
    /// We asked for the state of a payment or a refund.
    Query,
    /// The answer to the call that placed the payment or the refund.
    Answer,
}

impl Source {
    /// The word kept in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Query => "query",
            Self::Answer => "answer",
        }
    }

    /// The source of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Notification, Self::Query, Self::Answer]
            .into_iter()
            .find(|source| source.as_str() == word)
    }
}

/// What a verified message says.
///
/// Members that the message left out are `None`. Those that the gateway documents for this kind of message and that
/// were nevertheless absent are also named in [`missing`](Self::missing): such a fact never matches.
///
/// ```
/// # #[cfg(feature = "mock")]
/// # {
/// # use std::sync::Arc;
/// # use ucanpay_storefront::provider::ScriptedProvider;
/// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let gateway = ScriptedProvider::new();
/// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
/// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
/// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
/// # gateway.pay(&key.reference)?;
/// # let came = gateway.notifications().remove(0);
/// use ucanpay_storefront::PaymentProvider;
/// use ucanpay_storefront::provider::{Claim, PaymentStatus, Source};
///
/// let fact = gateway.parse_notification(&came)?; // verified; matched with the ledger later
/// assert_eq!(fact.source, Source::Notification);
/// assert_eq!(fact.reference.as_deref(), Some("A17"));
/// assert_eq!(fact.amount.map(|amount| amount.cents()), Some(450));
/// assert_eq!(fact.claim, Claim::Payment(PaymentStatus::Paid));
/// assert!(fact.missing.is_empty());
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fact {
    /// How it reached us.
    pub source: Source,
    /// The merchant it speaks of (`merchantId`).
    pub merchant: Option<String>,
    /// The merchant's payment number as stated (`outTradeNo`).
    pub reference: Option<String>,
    /// The gateway's payment number (`ucpOrderNo`).
    pub gateway_number: Option<String>,
    /// The amount of the whole payment (`totalAmt`).
    pub amount: Option<Amount>,
    /// Its currency (`currency`).
    pub currency: Option<String>,
    /// The link by which the buyer pays, if this message brings it.
    pub pay_link: Option<Wording>,
    /// What is claimed about the payment or a refund of it.
    pub claim: Claim,
    /// Documented members that were absent, by the gateway's names.
    pub missing: Vec<&'static str>,
    /// What proves it.
    pub evidence: Evidence,
}

/// The statement in a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// The gateway took the order.
    Placed,
    /// The state of the payment.
    Payment(PaymentStatus),
    /// The gateway took the refund's application; nothing is known about its result yet.
    RefundAccepted(RefundClaim),
    /// The state of a refund.
    Refund(RefundClaim, RefundStatus),
}

/// Which refund a fact speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundClaim {
    /// The merchant's refund number as stated (`outRefundNo`).
    pub number: Option<String>,
    /// The gateway's refund number (`ucpRefundNo`).
    pub gateway_number: Option<String>,
    /// The amount of this refund (`refundAmt`).
    pub amount: Option<Amount>,
}

/// The state of a payment in a gateway's own words, reduced to what a ledger must tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PaymentStatus {
    /// The money was taken.
    Paid,
    /// The money was taken, and some of it has gone or is going back.
    PaidAndReturned,
    /// Not paid yet.
    NotPaid,
    /// The buyer is paying at this moment.
    Paying,
    /// An attempt to pay failed; another may follow.
    Failed,
    /// Closed unpaid.
    Closed,
    /// Reversed: closed if it was unpaid, returned if it was paid.
    Reversed,
    /// A word nobody documented. Never guessed at.
    Other(String),
}

/// The state of a refund, likewise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefundStatus {
    /// The money went back.
    Succeeded,
    /// Under way.
    Processing,
    /// Failed; may be submitted again under the same number.
    Failed,
    /// Closed; presumably nothing was refunded, but that is not certain.
    Closed,
    /// A word nobody documented.
    Other(String),
}

/// The signed text, its signature and the key that verified it: enough to prove the fact to a third party.
///
/// ```
/// use ucanpay_storefront::provider::Evidence;
///
/// let proof = Evidence {
///     signed_text: "outTradeNo=A17&body=one latte&tradeStatus=SUCCESS".into(),
///     signature: "T9x…".into(),
///     key: "4f1d22a0".into(),
/// };
/// assert_eq!(format!("{proof:?}"), r#"Evidence { key: "4f1d22a0", .. }"#);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The exact text under the signature.
    pub signed_text: String,
    /// The signature as it came.
    pub signature: String,
    /// The fingerprint of the key that verified it.
    pub key: String,
}

/// The signed text holds what a buyer bought: it stays out of logs.
impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
