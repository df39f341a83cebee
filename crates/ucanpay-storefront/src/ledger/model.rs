//! A payment and its refunds as they stand in the ledger, and what is derived from them.

use std::time::Duration;

use ucanpay_core::{Amount, Currency};

use super::discrepancy::{Discrepancy, DiscrepancyKind};
use super::schedule::Schedule;
use super::words::words;
use crate::id::{PaymentKey, Reference, RefundNumber};
use crate::provider::{FrozenRequest, PaymentIntent, RefundInquiry};
use crate::time::Timestamp;
use crate::wording::Wording;

words! {
    /// Where a payment stands.
    PaymentState {
        /// Recorded here; the gateway has not been heard of yet.
        Created = "created",
        /// The gateway took the order; the buyer can pay.
        AwaitingPayment = "awaiting_payment",
        /// The buyer is paying at this moment.
        Paying = "paying",
        /// The money was taken. Final: refunds and reversals are facts of their own.
        Paid = "paid",
        /// An attempt to pay failed. Not final: the buyer may try again.
        Failed = "failed",
        /// The gateway says that it can no longer be paid.
        Closed = "closed",
        /// Our time for it is up; the gateway has not confirmed the close yet.
        Expired = "expired",
        /// The gateway said something nobody documented.
        Unknown = "unknown",
    }
}

words! {
    /// Where a refund stands.
    RefundState {
        /// Recorded here; the gateway has not been heard of yet.
        Requested = "requested",
        /// The gateway took the application.
        Processing = "processing",
        /// The money went back. Final.
        Succeeded = "succeeded",
        /// The gateway says it failed; it may be submitted again under the same number. Watched for six hours: a repeat of
        /// its call that arrives late goes through after all.
        Failed = "failed",
        /// The gateway closed it. Presumably nothing was refunded; its amount stays reserved until a person has closed the
        /// [discrepancy](DiscrepancyKind::RefundClosed) about it.
        Closed = "closed",
        /// The gateway said something nobody documented.
        Unknown = "unknown",
    }
}

words! {
    /// How far a reversal has come.
    Reversal {
        /// Asked for here; the gateway has not confirmed it. Nothing is refunded meanwhile.
        Requested = "requested",
        /// The gateway has reversed it: whatever was paid went back. Nothing of it can be refunded any more.
        Done = "done",
        /// The gateway does not reverse it. If it is paid, refund it.
        Refused = "refused",
    }
}

words! {
    /// What becomes of a payment that comes after it was closed. It is always recorded, told and opened for review.
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
    /// use ucanpay_storefront::{LatePolicy, Policies};
    ///
    /// // It is fixed when a payment is started, whatever is decided for others later.
    /// let one = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// let payments = payments.with_policies(Policies::default().with_late_payment(LatePolicy::AutoRefund));
    /// let other = payments.start(StartPayment::new("A18", 450, "one latte")?).await?.payment.key;
    /// # for key in [&one, &other] {
    /// #     let _closed = payments.close(key).await?;
    /// #     gateway.pay(&key.reference)?;
    /// # }
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    ///
    /// // Both were closed, and then paid all the same.
    /// let one = payments.refresh(&one).await?;
    /// assert!(one.refunds.is_empty() && one.needs_review(), "a person decides");
    /// let other = payments.refresh(&other).await?;
    /// assert_eq!(other.refunds[0].amount.cents(), 450);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    LatePolicy {
        /// A person decides: ship after all, or refund. The default.
        Review = "review",
        /// All of it is refunded, once, under a number that follows from the payment's.
        AutoRefund = "auto_refund",
    }
}

/// How long after a refund's failure a repeat of its call may still arrive.
const AFTERMATH: Duration = Duration::from_secs(600);

impl PaymentState {
    /// Whether nothing more is expected from the gateway.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Paid | Self::Closed)
    }
}

impl RefundState {
    /// Whether nothing more is expected from the gateway.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Closed)
    }
}

/// One payment: a row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Account and number.
    pub key: PaymentKey,
    /// The merchant's identification at the gateway when the payment was placed.
    pub merchant: String,
    /// The amount in cents.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The title the buyer sees.
    pub subject: Wording,
    /// What is bought.
    pub description: Wording,
    /// Where it stands.
    pub state: PaymentState,
    /// It was paid after it had been closed.
    pub late: bool,
    /// How far a reversal has come, if one was asked for or seen.
    pub reversal: Option<Reversal>,
    /// What becomes of it if it is paid after it was closed.
    pub late_policy: LatePolicy,
    /// The gateway's number (`ucpOrderNo`), once it is known.
    pub gateway_number: Option<String>,
    /// The link by which the buyer pays, once the gateway has taken the order.
    pub pay_link: Option<Wording>,
    /// Why the last call for it brought no answer, in words for the merchant.
    pub trouble: Option<String>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When the ledger learnt that it is paid.
    pub paid_at: Option<Timestamp>,
    /// When our time for it is up: as set when it was started, or when its end was asked for, or a reversal refused.
    pub expires_at: Timestamp,
    /// When the ledger learnt that it is closed.
    pub closed_at: Option<Timestamp>,
    /// When it is asked for next, and who is at it.
    pub schedule: Schedule,
    /// The call that places it, as signed.
    pub request: FrozenRequest,
    /// Rises by one with each transition.
    pub version: u64,
    /// How many events it has caused.
    pub events: u64,
}

/// One refund of a payment: a row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The merchant's number (`outRefundNo`).
    pub number: RefundNumber,
    /// The payment it gives back from.
    pub reference: Reference,
    /// The amount in cents.
    pub amount: Amount,
    /// Why, in words the buyer may read.
    pub reason: Wording,
    /// Where it stands.
    pub state: RefundState,
    /// The gateway's number (`ucpRefundNo`), once it is known.
    pub gateway_number: Option<String>,
    /// Why the last call for it brought no answer, in words for the merchant.
    pub trouble: Option<String>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When the ledger learnt that it failed; `None` while it has not.
    pub failed_at: Option<Timestamp>,
    /// When the gateway, asked ten minutes or more after that, said again that it failed.
    pub confirmed_at: Option<Timestamp>,
    /// When it is asked for next, and who is at it.
    pub schedule: Schedule,
    /// The call that asks for it, as signed; `None` for money returned without us, through the merchant portal.
    pub request: Option<FrozenRequest>,
    /// How often it was asked for: 1, and once more each time after it had failed, also where a repeat that came late did
    /// that. 0 for money returned without us.
    pub submissions: u32,
    /// Rises by one with each transition.
    pub version: u64,
}

/// A payment with its refunds: what the shop sees, and what a decision is made on.
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
/// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
/// # use ucanpay_core::Amount;
/// # use ucanpay_storefront::{RefundNumber, RefundRequest};
/// # let number = RefundNumber::new("A17R1")?;
/// # let amount = Amount::new(150)?;
/// # let refund = RefundRequest { number: Some(number.clone()), amount, reason: "cold milk".into() };
/// # payments.refund(&key, refund).await?;
/// use ucanpay_storefront::PaymentState;
///
/// // A17 was paid with 450 cents, and 150 of them are on their way back.
/// let view = payments.payment(&key).await?.ok_or("there is no such order")?;
/// assert_eq!(view.payment.state, PaymentState::Paid);
/// assert_eq!(view.pay_link(), None, "there is nothing left to pay");
/// assert_eq!((view.refundable(), view.refunded()), (300, 0));
/// assert!(view.money_went_back(), "it may have");
/// assert!(!view.needs_review() && !view.was_reversed());
///
/// gateway.succeed_refund(&number)?;
/// let view = payments.refresh(&key).await?;
/// assert_eq!((view.refundable(), view.refunded()), (300, 150));
/// assert_eq!(view.refund(&number).map(|refund| refund.amount.cents()), Some(150));
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentView {
    /// The payment.
    pub payment: Payment,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// What does not fit, in the order in which it was found; closed ones too.
    pub discrepancies: Vec<Discrepancy>,
}

impl PaymentView {
    /// The link by which the buyer pays, once it is known and while there is anything to pay.
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
    /// let view = payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
    /// assert_eq!(view.pay_link(), Some("https://pay.example/A17"));
    ///
    /// gateway.pay(&view.payment.key.reference)?;
    /// let view = payments.refresh(&view.payment.key).await?;
    /// assert_eq!(view.pay_link(), None, "nobody is to pay twice");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn pay_link(&self) -> Option<&str> {
        let payment = &self.payment;
        let ended = payment.state.is_settled() || payment.state == PaymentState::Expired;
        payment.pay_link.as_deref().filter(|_| !ended)
    }

    /// What a person has yet to look at, oldest first.
    pub fn open_discrepancies(&self) -> impl Iterator<Item = &Discrepancy> {
        self.discrepancies.iter().filter(|row| row.is_open())
    }

    /// Whether somebody must look: a discrepancy is open.
    pub fn needs_review(&self) -> bool {
        self.open_discrepancies().next().is_some()
    }

    /// Whether some of the money went back, or may have or still may: a reversal would return it twice.
    pub fn money_went_back(&self) -> bool {
        self.reserved() > 0
            || self.unexplained_return()
            || self.refunds.iter().any(Refund::may_still_go_through)
    }

    /// Whether more went back than was paid, or is on its way: by refunds alone, or by a refund besides a reversal.
    pub(super) fn went_back_too_much(&self) -> bool {
        let reversed = self.payment.reversal == Some(Reversal::Done);
        let paid = if reversed {
            0
        } else {
            self.payment.amount.cents()
        };
        self.reserved() > paid
    }

    /// Whether money went back, and nothing here says how much.
    pub(super) fn unexplained_return(&self) -> bool {
        self.open_discrepancies()
            .any(|row| row.kind == DiscrepancyKind::UnexplainedReturn)
    }

    /// Whether nothing more is to be done about the payment itself; its refunds are rows of their own.
    pub(crate) fn is_settled(&self) -> bool {
        self.payment.state.is_settled()
            && self.payment.reversal != Some(Reversal::Requested)
            && !self.owes_late_refund()
    }

    /// Whether this payment is to be ended at the gateway now: that was asked for, or its time is up.
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
    /// let view = payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
    /// assert!(!view.is_to_end(view.payment.created_at));
    /// assert!(view.is_to_end(view.payment.expires_at));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn is_to_end(&self, now: Timestamp) -> bool {
        match self.payment.state {
            PaymentState::Closed => false,
            PaymentState::Paid => self.payment.reversal == Some(Reversal::Requested),
            PaymentState::Expired => true,
            _ => now >= self.payment.expires_at,
        }
    }

    /// Whether a late payment is to be refunded by itself, and that refund is not recorded yet. Read from what stands in
    /// the ledger alone, so that a crash at any moment neither loses nor doubles it. Where money went back and no refund
    /// says how much, a person decides about the rest, also after they have looked.
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
    /// # use ucanpay_storefront::{LatePolicy, Policies};
    /// # let payments = payments.with_policies(Policies::default().with_late_payment(LatePolicy::AutoRefund));
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// # let _closed = payments.close(&key).await?;
    /// # gateway.pay(&key.reference)?; // it was under way
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// // It was paid after its close, and such a payment is to be refunded by itself.
    /// let view = payments.payment(&key).await?.expect("it was recorded");
    /// assert!(view.payment.late && view.owes_late_refund());
    /// let view = payments.refresh(&key).await?; // or the reconciler comes by
    /// assert!(view.payment.late && !view.owes_late_refund(), "the refund is recorded");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn owes_late_refund(&self) -> bool {
        let waits = |row: &Discrepancy| row.kind == DiscrepancyKind::LatePayment;
        let returned = |row: &Discrepancy| row.kind == DiscrepancyKind::UnexplainedReturn;
        self.payment.late
            && self.payment.late_policy == LatePolicy::AutoRefund
            && self.open_discrepancies().any(waits)
            && (self.reserved() > 0 || !self.discrepancies.iter().any(returned))
            && self
                .refund(&RefundNumber::of_late_payment(&self.payment.key))
                .is_none()
            && self.refundable() > 0
    }

    /// When the payment is asked for next, not sooner than `hold` from now.
    pub(super) fn next_check(&self, now: Timestamp, hold: Option<Duration>) -> Option<Timestamp> {
        let payment = &self.payment;
        match payment.state {
            PaymentState::Closed => Schedule::watch(payment.closed_at?, now, hold),
            PaymentState::Paid
                if payment.reversal == Some(Reversal::Refused) && self.is_settled() =>
            {
                Schedule::watch(payment.expires_at, now, hold)
            }
            _ if self.is_settled() => None,
            PaymentState::Expired | PaymentState::Paid => {
                Schedule::ask_again(payment.expires_at, now, hold)
            }
            _ => {
                let next = Schedule::ask_again(payment.created_at, now, hold)?;
                let expiry = Some(payment.expires_at).filter(|at| *at > now && hold.is_none());
                Some(expiry.map_or(next, |at| at.min(next)))
            }
        }
    }

    /// The cents that surely went back by refunds. A reversal returns all of them: see [`was_reversed`](Self::was_reversed).
    pub fn refunded(&self) -> i64 {
        self.sum(|state| state == RefundState::Succeeded)
    }

    /// Whether it was paid and then reversed: all of the money went back, and the payment stays paid.
    pub fn was_reversed(&self) -> bool {
        self.payment.paid_at.is_some() && self.payment.reversal == Some(Reversal::Done)
    }

    /// The cents that may still be refunded: paid, less all that was refunded or might be.
    pub fn refundable(&self) -> i64 {
        if self.payment.state != PaymentState::Paid
            || matches!(
                self.payment.reversal,
                Some(Reversal::Requested | Reversal::Done)
            )
            || self.unexplained_return()
        {
            return 0;
        }
        self.payment
            .amount
            .cents()
            .saturating_sub(self.reserved())
            .max(0)
    }

    /// The cents that were refunded or might be: everything that did not definitely fail, and, while a person has yet to
    /// look at it, what the gateway closed.
    pub(super) fn reserved(&self) -> i64 {
        let unseen = self
            .open_discrepancies()
            .any(|row| row.kind == DiscrepancyKind::RefundClosed);
        self.sum(|state| match state {
            RefundState::Failed => false,
            RefundState::Closed => unseen,
            _ => true,
        })
    }

    /// Where the refund of this number stands among the refunds.
    pub(super) fn position(&self, number: &str) -> Option<usize> {
        self.refunds
            .iter()
            .position(|refund| refund.number.as_str() == number)
    }

    /// The refund of this number.
    pub fn refund(&self, number: &RefundNumber) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.number == *number)
    }

    fn sum(&self, counts: impl Fn(RefundState) -> bool) -> i64 {
        self.refunds
            .iter()
            .filter(|refund| counts(refund.state))
            .fold(0, |sum: i64, refund| {
                sum.saturating_add(refund.amount.cents())
            })
    }
}

impl Payment {
    /// The payment as its provider needs it.
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
    /// use ucanpay_storefront::PaymentProvider;
    /// use ucanpay_storefront::provider::{Claim, PaymentStatus};
    ///
    /// let view = payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
    /// let asked = gateway.query_payment(&view.payment.intent(), None).await?; // below the ledger
    /// assert_eq!(asked.claim, Claim::Payment(PaymentStatus::NotPaid));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn intent(&self) -> PaymentIntent {
        PaymentIntent {
            reference: self.key.reference.clone(),
            amount: self.amount,
            currency: self.currency,
            subject: self.subject.clone(),
            description: self.description.clone(),
        }
    }
}

impl Refund {
    /// Whether it failed before and was asked for again: a message may then speak of an earlier time.
    pub(super) fn was_asked_for_again(&self) -> bool {
        self.submissions > 1
    }

    /// When it is asked for next, not sooner than `hold` from now.
    pub(super) fn next_check(&self, now: Timestamp, hold: Option<Duration>) -> Option<Timestamp> {
        match self.state {
            RefundState::Failed => Schedule::watch(self.failed_at?, now, hold),
            state if state.is_settled() => None,
            // Asked for again and not taken yet: somebody waits for it as on the first day.
            RefundState::Requested if self.was_asked_for_again() => {
                Schedule::ask_again(now, now, hold)
            }
            _ => Schedule::ask_again(self.created_at, now, hold),
        }
    }

    /// Whether it has failed, and a repeat of its call may still go through, or has: the gateway has not said again that it
    /// failed since the last one can have come.
    pub(crate) fn may_still_go_through(&self) -> bool {
        self.state == RefundState::Failed && self.confirmed_at.is_none()
    }

    /// The gateway says that it failed, to a question asked at this moment.
    pub(super) fn confirm(&mut self, asked: Timestamp, now: Timestamp) {
        let failed = self.failed_at.filter(|_| self.may_still_go_through());
        if failed.is_some_and(|failed| asked >= failed.after(AFTERMATH)) {
            self.confirmed_at = Some(now);
        }
    }

    /// The question its provider is asked about it.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::Amount;
    /// # use ucanpay_storefront::RefundRequest;
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// # gateway.pay(&key.reference)?;
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// use ucanpay_storefront::PaymentProvider;
    /// use ucanpay_storefront::provider::{Claim, RefundStatus};
    ///
    /// # let request = RefundRequest { number: None, amount: Amount::new(150)?, reason: "cold milk".into() };
    /// let refund = payments.refund(&key, request).await?;
    /// let view = payments.payment(&key).await?.expect("it was recorded");
    /// let asked = gateway.query_refund(&refund.inquiry(&view.payment)).await?; // below the ledger
    /// assert!(matches!(asked.claim, Claim::Refund(_, RefundStatus::Processing)));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn inquiry(&self, payment: &Payment) -> RefundInquiry {
        // One that failed may have been taken for a new one since, and the old number would tell of the old one.
        let number = self.gateway_number.clone();
        let number = number.filter(|_| self.state != RefundState::Failed);
        RefundInquiry {
            reference: payment.key.reference.clone(),
            gateway_number: payment.gateway_number.clone(),
            number: self.number.clone(),
            refund_gateway_number: number,
        }
    }
}
