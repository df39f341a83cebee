//! Defences taken out, one at a time: what the model must be able to find, or it proves nothing.

/// A mistake that a ledger like ours could be written with. Each has been made by somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// The order is placed before its intent is committed.
    SendBeforeIntent,
    /// A notification is acknowledged before it is committed.
    AcknowledgeBeforeCommit,
    /// A refund is checked against what was read before, and recorded later.
    CheckThenAct,
    /// A refund whose answer was lost is asked for again under a new number.
    NewNumberOnRetry,
    /// A refund whose answer was lost has failed.
    TimeoutMeansFailed,
    /// What a refund of unknown outcome had reserved can be given back again.
    UnknownReleasesReservation,
    /// A refund does not wait for the one before it.
    RefundsSideBySide,
    /// A refund does not wait for the end of a reversal.
    RefundDespiteReversal,
    /// A reversal does not look whether money went back already.
    ReversalDespiteRefund,
    /// A notification older than the second submission of a refund is believed.
    OlderRefundWordBelieved,
    /// The result of a lease that has passed to somebody else is written.
    StaleResultWritten,
    /// A lease has no end.
    LeaseWithoutEnd,
    /// A row whose call brought nothing is not asked about again.
    GivesUp,
    /// When the time for a payment is up it is closed here, whatever the gateway says.
    CloseWithoutWord,
    /// The unsigned ORDERPAID makes a payment paid.
    UnsignedPaid,
    /// The unsigned ORDERNOTEXIST makes a payment closed.
    NotFoundMeansUnpaid,
    /// "Not paid" after "paid" is believed.
    PaidErased,
    /// Each copy of a message is told to the shop.
    ToldForEachCopy,
    /// A payment that comes after its close is ignored.
    LatePaymentIgnored,
    /// A refund that failed is not watched.
    FailedRefundRests,
    /// A payment whose reversal was refused is not watched.
    RefusedReversalRests,
    /// Right after a refund has failed, the money goes back under another number.
    AnotherNumberAtOnce,
    /// The first answer after a refund's failure confirms it, though a repeat may still be on its way.
    FirstAnswerConfirms,
    /// The second instance makes its calls without a look at the block that the first one committed.
    BlockOfOneInstance,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::SendBeforeIntent,
        Self::AcknowledgeBeforeCommit,
        Self::CheckThenAct,
        Self::NewNumberOnRetry,
        Self::TimeoutMeansFailed,
        Self::UnknownReleasesReservation,
        Self::RefundsSideBySide,
        Self::RefundDespiteReversal,
        Self::ReversalDespiteRefund,
        Self::OlderRefundWordBelieved,
        Self::StaleResultWritten,
        Self::LeaseWithoutEnd,
        Self::GivesUp,
        Self::CloseWithoutWord,
        Self::UnsignedPaid,
        Self::NotFoundMeansUnpaid,
        Self::PaidErased,
        Self::ToldForEachCopy,
        Self::LatePaymentIgnored,
        Self::FailedRefundRests,
        Self::RefusedReversalRests,
        Self::AnotherNumberAtOnce,
        Self::FirstAnswerConfirms,
        Self::BlockOfOneInstance,
    ];
}
