//! Events: what the rest of the shop is told, at least once, in order within a payment.

use super::words::words;
use crate::id::{ProviderId, Reference};
use crate::time::Timestamp;

words! {
    /// What happened. The word of each kind is what stands in the store.
    EventKind {
        /// A payment was recorded.
        PaymentCreated = "payment_created",
        /// The buyer can pay now: there is a link.
        ActionRequired = "action_required",
        /// The money was taken. Exactly one for each payment: fulfil on this.
        PaymentSucceeded = "payment_succeeded",
        /// An attempt to pay failed; another may follow.
        PaymentFailed = "payment_failed",
        /// It can no longer be paid.
        PaymentClosed = "payment_closed",
        /// Our time for it is up; the gateway is asked to close it.
        PaymentExpired = "payment_expired",
        /// It was paid after it had been closed.
        LatePayment = "late_payment",
        /// Money went back without a refund of ours; where the gateway does not say how much, without an amount.
        MoneyReturned = "money_returned",
        /// Somebody must look.
        ReviewRequired = "review_required",
        /// A verified notification speaks of no payment of ours.
        NotificationUnmatched = "notification_unmatched",
        /// A payment was found paid by asking; its notification had not come.
        RecoveredByQuery = "recovered_by_query",
        /// A refund was recorded.
        RefundRequested = "refund_requested",
        /// The money went back.
        RefundSucceeded = "refund_succeeded",
        /// The refund failed.
        RefundFailed = "refund_failed",
        /// The gateway closed the refund.
        RefundClosed = "refund_closed",
    }
}

/// One event, as delivered to an [`EventHandler`](crate::EventHandler).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same at every delivery: remember it to handle the event once.
    pub id: String,
    /// The account concerned.
    pub provider: ProviderId,
    /// The payment concerned; `None` for [`NotificationUnmatched`](EventKind::NotificationUnmatched).
    pub reference: Option<Reference>,
    /// The place within the payment's events, from 1.
    pub sequence: u64,
    /// What happened.
    pub kind: EventKind,
    /// The cents concerned: of the refund, where there is one, or of the payment. `None` where money went back and nobody
    /// says how much, and about no payment of ours where the message states none.
    pub amount: Option<i64>,
    /// The refund concerned, by its number.
    pub refund: Option<String>,
    /// Why, where somebody must look.
    pub note: Option<String>,
    /// When it was committed.
    pub at: Timestamp,
}
