//! A person has looked.

use super::draft::{Draft, TO_BE_REVERSED};
use super::{Decision, Loaded};
use crate::ledger::command::{Outcome, Target};
use crate::ledger::discrepancy::DiscrepancyKind;
use crate::ledger::model::Reversal;
use crate::time::Timestamp;
use crate::wording::Wording;

/// Closes a discrepancy. One that is closed already keeps the words of whoever was first. Where it says that the gateway does
/// not carry out a reversal, that wish is withdrawn: an attempt may still be on its way, so it is watched like one refused.
pub(super) fn settle(loaded: Loaded, number: u32, note: Wording, now: Timestamp) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    let Some(index) = view
        .discrepancies
        .iter()
        .position(|row| row.number == number)
    else {
        return Decision::unchanged(Outcome::NotFound, Some(view));
    };
    let mut draft = Draft::of(view, "person", now);
    if draft.close_discrepancy(index, note) {
        let row = &draft.view.discrepancies[index];
        let about_it = row.kind == DiscrepancyKind::Refused && row.note.starts_with(TO_BE_REVERSED);
        let payment = &mut draft.view.payment;
        let withdrawn = about_it && payment.reversal == Some(Reversal::Requested);
        if withdrawn {
            payment.reversal = Some(Reversal::Refused);
            payment.expires_at = now;
        }
        draft.log_decision();
        if withdrawn {
            draft.release(&Target::Payment, None);
        }
    }
    draft.finish(Outcome::Settled)
}
