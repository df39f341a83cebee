//! What a person must look at: evidence that contradicts the ledger, or that nothing here explains. One row each.
//!
//! Opened by a decision, told once, closed by a person (or by the evidence that explains it). A payment needs review
//! while one of them is open.

use super::words::words;
use crate::time::Timestamp;
use crate::wording::Wording;

words! {
    /// What does not fit. The word of each kind is what stands in the store.
    DiscrepancyKind {
        /// A verified message is not about exactly this payment, or names a refund that is not its.
        Mismatch = "mismatch",
        /// A message contradicts what is final, or says of a refund what is documented nowhere.
        Contradiction = "contradiction",
        /// The payment came after it had been closed.
        LatePayment = "late_payment",
        /// The gateway says that money went back, and no refund here says how much. Nothing more is refunded while this
        /// is open.
        UnexplainedReturn = "unexplained_return",
        /// A refund that was never asked for here, as made in the merchant portal.
        ForeignRefund = "foreign_refund",
        /// The gateway closed a refund: presumably nothing went back. While one of these is open, what was closed stays
        /// reserved.
        RefundClosed = "refund_closed",
        /// More went back than was paid.
        RefundedTooMuch = "refunded_too_much",
        /// The gateway refuses a refund, a close or a reversal as it stands, or has left it open for half an hour. The
        /// note says which: it begins with `refund NUMBER: `, `to be closed: ` or `to be reversed: `. Closing the last
        /// one withdraws the reversal, and the money can be refunded instead. A signed word about the end closes the
        /// last two by itself, as does a reversal's refusal. Of a paid payment that one opens another, which begins with
        /// `not reversed: `: the money, or what did not go back otherwise, is here, and the buyer may wait for it.
        Refused = "refused",
    }
}

/// One thing that does not fit: a row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// The place within the payment's discrepancies, from 1.
    pub number: u32,
    /// What does not fit.
    pub kind: DiscrepancyKind,
    /// How, in words for the merchant. What is about a refund begins with `refund NUMBER: `, so that each is raised by
    /// itself.
    pub note: String,
    /// The message that shows it, by its digest; `None` where no signed message does.
    pub evidence: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// How it ended; `None` while it is open.
    pub closed: Option<ClosedReview>,
}

/// How a discrepancy ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedReview {
    /// When.
    pub at: Timestamp,
    /// What was found, in the words of whoever closed it.
    pub note: Wording,
}

impl Discrepancy {
    /// Whether nobody has closed it yet.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}
