//! A person has looked.

use super::draft::Draft;
use super::{Decision, Loaded};
use crate::ledger::command::Outcome;
use crate::time::Timestamp;
use crate::wording::Wording;

/// Closes a discrepancy. One that is closed already keeps the words of whoever was first.
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
        draft.log_decision();
    }
    draft.finish(Outcome::Settled)
}
