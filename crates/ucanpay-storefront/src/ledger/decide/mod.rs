//! The decision: what a command does to a payment. A pure function, the same for every store.

mod doubt;
mod draft;
mod end;
mod evidence;
mod intent;
mod observe;
mod payment_fact;
mod refund_fact;
mod review;

use std::sync::Arc;

pub(crate) use intent::refund_refusal;

use super::block::Block;
use super::command::{Command, Outcome, Target};
use super::discrepancy::Discrepancy;
use super::event::Event;
use super::model::{Payment, PaymentView, Refund};
use crate::id::{PaymentKey, Reference, RefundNumber};
use crate::provider::{Evidence, FrozenRequest, Source};
use crate::time::Timestamp;

/// What a store reads, under its lock, before a decision.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The payment with its refunds.
    pub view: Option<Arc<PaymentView>>,
    /// The payment that has the gateway's number named by the fact, if any has.
    pub gateway_number_owner: Option<Reference>,
    /// The payment that has a refund of the number named, if any has.
    pub refund_owner: Option<Reference>,
}

/// What a store writes, in the same transaction. Rows not named stay as they are.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What the caller is told after the commit.
    pub outcome: Outcome,
    /// The payment with its refunds as it will stand.
    pub view: Option<Arc<PaymentView>>,
    /// The payment's row, if it changed.
    pub payment: Option<Payment>,
    /// The refunds' rows that changed.
    pub refunds: Vec<Refund>,
    /// The discrepancies' rows that were opened or closed.
    pub discrepancies: Vec<Discrepancy>,
    /// The signed bytes that take the place of a row's earlier ones. A row's other changes stand above, and never hold
    /// these.
    pub renewed: Option<(Target, FrozenRequest)>,
    /// The proof to keep.
    pub evidence: Option<EvidenceRecord>,
    /// The moves to log.
    pub transitions: Vec<Transition>,
    /// The outbox.
    pub events: Vec<Event>,
    /// What the account's row then says, unless a later end stands there.
    pub block: Option<Block>,
}

/// A proof to keep. A message that comes again is counted, not kept twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// SHA-256 over source and signed text, in hexadecimal: what makes two copies one.
    pub digest: String,
    /// The payment number as the message states it.
    pub reference: Option<String>,
    /// How it reached us.
    pub source: Source,
    /// What became of it.
    pub verdict: Verdict,
    /// The proof itself.
    pub evidence: Evidence,
    /// When.
    pub at: Timestamp,
}

/// What became of a verified fact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It matched, and something changed.
    Applied,
    /// It matched, and said nothing new.
    NothingNew,
    /// It did not match, or contradicted what is settled: kept for review, nothing else changed.
    Review(String),
    /// It speaks of no payment of ours.
    Unmatched,
}

impl Verdict {
    /// The word kept in the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NothingNew => "nothing_new",
            Self::Review(_) => "review",
            Self::Unmatched => "unmatched",
        }
    }

    /// The verdict of this word; `note` is why it needs review.
    pub fn from_word(word: &str, note: Option<String>) -> Option<Self> {
        match word {
            "applied" => Some(Self::Applied),
            "nothing_new" => Some(Self::NothingNew),
            "review" => Some(Self::Review(note?)),
            "unmatched" => Some(Self::Unmatched),
            _ => None,
        }
    }

    /// Why it needs review.
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Review(reason) => Some(reason),
            Self::Applied | Self::NothingNew | Self::Unmatched => None,
        }
    }
}

/// One move of a payment or a refund; or a decision about it that leaves the state as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The refund that moved; `None` for the payment itself.
    pub refund: Option<RefundNumber>,
    /// The row's version after the move.
    pub version: u64,
    /// The state before; `None` for the first.
    pub from: Option<&'static str>,
    /// The state after.
    pub to: &'static str,
    /// What moved it: one of [`CAUSES`](Self::CAUSES).
    pub cause: &'static str,
    /// The proof, by its digest.
    pub evidence: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Transition {
    /// What can move a row: what the shop asked for, a person who looked, a call that was being made, a lease, the
    /// merchant's new key; or a message, by its source.
    pub const CAUSES: &'static [&'static str] = &[
        "intent",
        "person",
        "call",
        "claim",
        "new_key",
        Source::Notification.as_str(),
        Source::Query.as_str(),
        Source::Answer.as_str(),
    ];
}

/// Decides what `command` does to the payment `key`, given what was `loaded`.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_core::{Amount, Currency};
/// use ucanpay_storefront::ledger::{Command, EventKind, Loaded, NewPayment, Outcome, decide};
/// use ucanpay_storefront::provider::FrozenRequest;
/// use ucanpay_storefront::{LatePolicy, PaymentKey, ProviderId, Reference, Timestamp};
///
/// let key = PaymentKey { provider: ProviderId::new("ucanpay")?, reference: Reference::new("A17")? };
/// let now = Timestamp::from_millis(1_795_509_000_000);
/// let new = NewPayment {
///     merchant: "2000000010".into(),
///     amount: Amount::new(450)?,
///     currency: Currency::CAD,
///     subject: "coffee".into(),
///     description: "one latte".into(),
///     expires_at: now.after(Duration::from_secs(7200)),
///     late_policy: LatePolicy::Review,
///     request: FrozenRequest { path: "/order".into(), body: b"signed"[..].into(), key: "k1".into() },
/// };
/// let create = Command::Create(new, now.after(Duration::from_secs(60)));
/// let decision = decide(&key, Loaded::default(), create.clone(), now);
/// assert!(matches!(decision.outcome, Outcome::Recorded(_)));
/// assert_eq!(decision.events[0].kind, EventKind::PaymentCreated);
///
/// // Recorded again, it is the same payment, and nothing is to be written.
/// let loaded = Loaded { view: decision.view, ..Loaded::default() };
/// let again = decide(&key, loaded, create, now);
/// assert_eq!(again.outcome, Outcome::AlreadyRecorded);
/// assert!(again.payment.is_none() && again.events.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decide(key: &PaymentKey, loaded: Loaded, command: Command, now: Timestamp) -> Decision {
    match command {
        Command::Create(new, lease) => intent::create(key, loaded, new, lease, now),
        Command::RequestRefund(new, lease) => intent::request_refund(loaded, new, lease, now),
        Command::Claim(target, until) => intent::claim(loaded, target, until, now),
        Command::Observe(fact, lease) => observe::observe(key, loaded, *fact, lease.as_ref(), now),
        Command::ObserveAndHold(fact, lease, until) => {
            observe::observe_and_hold(key, loaded, *fact, &lease, until, now)
        }
        Command::Release(lease) => intent::release(loaded, &lease, now),
        Command::Renew(lease, request, until) => intent::renew(loaded, &lease, request, until, now),
        Command::Close(lease, until) => end::close(loaded, lease.as_ref(), until, now),
        Command::Reverse { window, until } => end::reverse(loaded, window, until, now),
        Command::RefuseReversal(lease, trouble) => {
            end::refuse_reversal(loaded, &lease, trouble, now)
        }
        Command::GiveUp {
            lease,
            trouble,
            tell,
            hold,
            block,
        } => Decision {
            block: block.map(|wait| Block::new(key.provider.clone(), wait, now)),
            ..intent::give_up(loaded, &lease, &trouble, tell, hold, now)
        },
        Command::Block(wait) => Decision {
            block: Some(Block::new(key.provider.clone(), wait, now)),
            ..Decision::unchanged(Outcome::Noted, loaded.view)
        },
        Command::SettleReview { discrepancy, note } => {
            review::settle(loaded, discrepancy, note, now)
        }
    }
}

impl Decision {
    /// Writes nothing.
    fn unchanged(outcome: Outcome, view: Option<Arc<PaymentView>>) -> Self {
        Self {
            outcome,
            view,
            payment: None,
            refunds: Vec::new(),
            discrepancies: Vec::new(),
            renewed: None,
            evidence: None,
            transitions: Vec::new(),
            events: Vec::new(),
            block: None,
        }
    }
}
