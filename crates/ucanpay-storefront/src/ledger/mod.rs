//! The ledger's rules, as plain functions of values: no I/O, no clock, no database.
//!
//! A [`Command`] comes in from [`crate::Payments`] through a store, which loads what the command concerns; [`decide`]
//! says what becomes of it; the store writes that in the same transaction. Next stop of a payment: [`crate::store`].
//!
//! | file | story |
//! |---|---|
//! | `model.rs` | a payment, its refunds, what is derived from them |
//! | `command.rs` | what can be asked of the ledger, and what it answers |
//! | `transition.rs` | the table: state × what the gateway says |
//! | `matching.rs` | is this verified message about exactly this payment? |
//! | `decide/` | the decision for each command |
//! | `discrepancy.rs` | what a person must look at |
//! | `schedule.rs` | when an unsettled row is asked for next |
//! | `block.rs` | the gateway takes no calls of an account for a while |
//! | `event.rs` | what the rest of the shop is told |
//! | `history.rs` | all that is kept about one payment |
//! | `census.rs` | the ledger counted |
//! | `words.rs` | enums that are words in the store |

mod block;
mod census;
mod command;
mod decide;
mod discrepancy;
mod event;
mod history;
mod matching;
mod model;
mod schedule;
mod transition;
mod words;

pub use block::Block;
pub use census::{AGES, AccountCensus, Backlog, Census, LATELY, Unsettled};
pub use command::{
    Applied, Command, Conflict, Lease, NewPayment, NewRefund, Outcome, RefundRefusal,
    ReversalRefusal, Target, Tell,
};
pub(crate) use decide::refund_refusal;
pub use decide::{Decision, EvidenceRecord, Loaded, Transition, Verdict, decide};
pub use discrepancy::{ClosedReview, Discrepancy, DiscrepancyKind};
pub use event::{Event, EventKind};
pub use history::{EventFate, History, KeptEvent, KeptEvidence};
pub use model::{LatePolicy, Payment, PaymentState, PaymentView, Refund, RefundState, Reversal};
pub(crate) use schedule::LEASE;
pub use schedule::Schedule;
