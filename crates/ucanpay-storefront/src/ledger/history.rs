//! All that the ledger keeps about one payment: where it stands, how it came there, and what proves it.

use super::decide::{EvidenceRecord, Transition};
use super::event::Event;
use super::model::PaymentView;
use crate::time::Timestamp;
use crate::wording::Wording;

/// A payment with everything that was ever written down about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Where it stands, with its refunds and discrepancies.
    pub view: PaymentView,
    /// Every move of the payment and of its refunds, in the order in which they were made.
    pub transitions: Vec<Transition>,
    /// Every verified message that stated its number, whether it matched or not, in the order in which they first came.
    pub evidence: Vec<KeptEvidence>,
    /// What the shop was told or is to be told, in order.
    pub events: Vec<KeptEvent>,
}

/// A proof as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvidence {
    /// The proof.
    pub record: EvidenceRecord,
    /// How often the message came.
    pub seen: u64,
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvent {
    /// The event.
    pub event: Event,
    /// How often its delivery was tried since it was recorded, or since a person released it.
    pub attempts: u32,
    /// What became of it.
    pub fate: EventFate,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventFate {
    /// It waits for its delivery, or for the end of one.
    Waiting,
    /// The shop's handler took it, at this moment.
    Delivered(Timestamp),
    /// It waits for a person since this moment; the handler failed with this.
    Parked(Timestamp, String),
    /// A person skipped it at this moment, for this reason.
    Skipped(Timestamp, Wording),
}
