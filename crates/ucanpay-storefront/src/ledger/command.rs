//! What can be asked of the ledger, and what it answers. Each command is one transaction.

use std::sync::Arc;

use ucanpay_core::{Amount, Currency};

use super::decide::Verdict;
use super::model::{LatePolicy, PaymentView};
use super::schedule::{LEASE, Schedule};
use crate::id::RefundNumber;
use crate::provider::{Claim, Fact, FrozenRequest, RefundLimits};
use crate::time::Timestamp;
use crate::wording::Wording;

/// Something to be decided about one payment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Record the intent of a payment, before anything is sent. Leased until then for the call that follows.
    Create(NewPayment, Timestamp),
    /// Record the intent of a refund, before anything is sent. Leased until then for the call that follows.
    RequestRefund(NewRefund, Timestamp),
    /// Take a row for a call to the gateway, if nobody else has it.
    Claim(Target, Timestamp),
    /// Take in a verified fact. The one door for notifications, queries and answers. With the lease under which it was
    /// asked for; without one for a notification.
    Observe(Box<Fact>, Option<Lease>),
    /// Take in a verified fact that was asked for under a lease, and keep the row until then for the next call, if the
    /// payment is still to be ended.
    ObserveAndHold(Box<Fact>, Lease, Timestamp),
    /// Record that our time for the payment is up, before the gateway is asked to close it. Leased until then for the
    /// calls that follow: under the lease that the caller holds, or if nobody has the row. Whoever carries out a reversal
    /// keeps the row by it for the next call.
    Close(Option<Lease>, Timestamp),
    /// Record that the payment is to be reversed, before the gateway is asked to. Leased likewise, if nobody has the row.
    Reverse {
        /// How long after it was recorded the payment can be reversed.
        window: std::time::Duration,
        /// The end of the lease.
        until: Timestamp,
    },
    /// A signed answer shows that the gateway does not reverse the payment: withdraw that wish, release the row. Where the
    /// payment is paid a person is told. An answer that is older than a doubt withdraws nothing.
    RefuseReversal(Lease, String),
    /// Nothing is left to be done under this lease.
    Release(Lease),
    /// The gateway does not take the signature of the leased row's request, and the merchant's key has changed since: keep
    /// the same request as it was signed anew, before it is sent. Leased on, until then.
    Renew(Lease, FrozenRequest, Timestamp),
    /// A call under a lease brought no fact: note why, release the row, ask again later.
    GiveUp {
        /// The lease to release.
        lease: Lease,
        /// Why, in words for the merchant.
        trouble: String,
        /// Whether a person should look.
        tell: Tell,
        /// Not sooner than this.
        hold: Option<std::time::Duration>,
        /// For so long the gateway takes no calls of the account. Noted even if the lease has passed on.
        block: Option<std::time::Duration>,
    },
    /// The gateway takes no calls of the payment's account for so long: a call about no payment of ours was told so. The
    /// payment named need not stand in the ledger.
    Block(std::time::Duration),
    /// A person has looked at a discrepancy and closes it.
    SettleReview {
        /// Its number within the payment.
        discrepancy: u32,
        /// What was found.
        note: Wording,
    },
}

/// Whether a person is told of a call that brought nothing: by a discrepancy [`Refused`](super::DiscrepancyKind::Refused)
/// about its row. Of what has settled since, or was set to be asked about again meanwhile, nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// Nobody: it is tried again.
    Nobody,
    /// A person, unless such a discrepancy stands open. Somebody can mend it; if it is refused again after that, they are
    /// told again.
    Again,
    /// The same; but of a close they are told once, in the same first words, also if they have looked since: they cannot
    /// mend it.
    Once,
}

impl Command {
    /// The refund number that the command names, so that a store can say which payment has it.
    pub(crate) fn refund_number(&self) -> Option<&str> {
        match self {
            Self::RequestRefund(new, _) => Some(new.number.as_str()),
            Self::Observe(fact, _) | Self::ObserveAndHold(fact, ..) => match &fact.claim {
                Claim::RefundAccepted(claim) | Claim::Refund(claim, _) => claim.number.as_deref(),
                Claim::Placed | Claim::Payment(_) => None,
            },
            Self::Create(..)
            | Self::Claim(..)
            | Self::GiveUp { .. }
            | Self::Block(_)
            | Self::Close(..)
            | Self::Release(_)
            | Self::Renew(..)
            | Self::Reverse { .. }
            | Self::RefuseReversal(..)
            | Self::SettleReview { .. } => None,
        }
    }

    /// The gateway's payment number that the command names, likewise.
    pub(crate) fn gateway_number(&self) -> Option<&str> {
        match self {
            Self::Observe(fact, _) | Self::ObserveAndHold(fact, ..) => {
                fact.gateway_number.as_deref()
            }
            _ => None,
        }
    }
}

/// Which row of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The payment itself.
    Payment,
    /// One of its refunds.
    Refund(RefundNumber),
}

/// The right to ask about one row until a moment. A late result, after somebody else took the row, writes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The row.
    pub target: Target,
    /// The end, which also tells this lease from an earlier and a later one.
    pub until: Timestamp,
    /// When the row was to be asked about as the lease was taken. If it stands otherwise at the lease's end, a message cast
    /// doubt on the row meanwhile, and the question was put before.
    pub due: Option<Timestamp>,
}

impl Lease {
    /// Whether the row was set to be asked for since the lease was taken: its question is older than the doubt. No clock is
    /// asked: whoever took the message in may have another one.
    pub(crate) fn is_doubted(&self, row: &Schedule) -> bool {
        row.next_check_at.is_some() && row.next_check_at != self.due
    }

    /// When it was taken: what it brings was asked at that moment or later.
    pub(super) fn taken_at(&self) -> Timestamp {
        self.until.before(LEASE)
    }
}

/// A payment to be recorded.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// The merchant's identification at the gateway.
    pub merchant: String,
    /// The amount in cents.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The title the buyer sees.
    pub subject: Wording,
    /// What is bought.
    pub description: Wording,
    /// When our time for it is up.
    pub expires_at: Timestamp,
    /// What becomes of it if it is paid after it was closed.
    pub late_policy: LatePolicy,
    /// The signed call.
    pub request: FrozenRequest,
}

/// A refund to be recorded.
#[derive(Clone, Debug)]
pub struct NewRefund {
    /// The merchant's number.
    pub number: RefundNumber,
    /// The amount in cents.
    pub amount: Amount,
    /// Why, in words the buyer may read.
    pub reason: Wording,
    /// The signed call.
    pub request: FrozenRequest,
    /// The gateway's bounds.
    pub limits: RefundLimits,
    /// The lease of the payment's row under which the refund of a late payment is recorded: what has cast doubt on the payment
    /// since then refuses it. `None` for any other.
    pub under: Option<Lease>,
}

/// What became of a command, after its commit.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What was decided.
    pub outcome: Outcome,
    /// The payment as it stands now; `None` if there is none of this number.
    pub view: Option<Arc<PaymentView>>,
    /// Whether events wait for delivery because of it.
    pub events: bool,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The intent was recorded; the caller holds the lease and makes the call.
    Recorded(Lease),
    /// The same intent stood there already.
    AlreadyRecorded,
    /// An intent of this number stands there with other parameters.
    Conflict(Conflict),
    /// The refund was not recorded.
    RefundRefused(RefundRefusal),
    /// The reversal was not recorded.
    ReversalRefused(ReversalRefusal),
    /// The payment has ended already; there is nothing to be done.
    Ended,
    /// The caller holds the lease.
    Claimed(Lease),
    /// Somebody else is at this row.
    Busy,
    /// The fact was taken in.
    Observed(Verdict),
    /// The lease had passed to somebody else: nothing was written.
    StaleLease,
    /// The trouble was noted.
    Noted,
    /// The discrepancy is closed.
    Settled,
    /// There is no such payment, or no such discrepancy of it.
    NotFound,
}

/// A number that stands for something else already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{number} already stands for something else: {member} differs")]
pub struct Conflict {
    /// The number.
    pub number: String,
    /// What differs.
    pub member: &'static str,
}

/// Why a reversal was not recorded. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReversalRefusal {
    /// The gateway's time for it is over.
    #[error("the payment is too old to be reversed; if it is paid, refund it")]
    TooLate,
    /// Some of the money went back already, or may have: a reversal would return it a second time.
    #[error("some of the money went back already, or is on its way; refund the rest")]
    MoneyWentBack,
}

/// Why a refund was not recorded. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefundRefusal {
    /// Only a paid payment can be refunded.
    #[error("the payment is not paid, so there is nothing to refund")]
    NotPaid,
    /// More than is left.
    #[error("{asked} cents were asked for, and {left} can still be refunded")]
    BeyondPaid {
        /// The cents asked for.
        asked: i64,
        /// The cents left.
        left: i64,
    },
    /// The gateway takes no more refunds for this payment.
    #[error("this payment already has {0} refunds, the most the gateway takes")]
    TooMany(u32),
    /// The gateway takes no refund that late.
    #[error("the payment is too old: the gateway's time for refunds is over")]
    TooLate,
    /// Money went back without us, and nobody knows how much is left.
    #[error(
        "money of this payment went back outside this shop; look it up in the merchant portal first"
    )]
    UnexplainedReturn,
    /// All of the money went back by a reversal.
    #[error("the payment was reversed: all of its money went back")]
    Reversed,
    /// This is the refund that a late payment gets by itself, and it is not owed: a person has closed that review, or the
    /// money went back otherwise.
    #[error(
        "a person has decided about this late payment, and it is not refunded by itself; use another number"
    )]
    NotOwed,
    /// Another refund of this payment, or its reversal, is under way, and they go one at a time. Or the gateway is being
    /// asked at this moment about the refund of this number, which failed: ask again in a minute.
    #[error(
        "another refund or the reversal of this payment is under way; wait until it is settled"
    )]
    UnderWay,
    /// The refund of this number failed a short while ago. A repeat of its call may still be on its way, or have come, and
    /// under another number the money would go back twice. Once the gateway has said again that it failed, asked ten minutes
    /// or more after the failure, this is over.
    #[error(
        "refund {0} failed a short while ago and may still go through; ask for it again under that number, which is safe at any time, or wait a quarter of an hour"
    )]
    MayStillGoThrough(RefundNumber),
}
