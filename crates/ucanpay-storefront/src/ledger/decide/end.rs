//! A payment is to end: the wish is committed before the gateway is asked, and stands until a signed word settles it.

use std::time::Duration;

use super::draft::{Draft, Even, TO_BE_REVERSED};
use super::{Decision, Loaded};
use crate::ledger::command::{Lease, Outcome, ReversalRefusal, Target};
use crate::ledger::event::EventKind;
use crate::ledger::model::{PaymentState, Reversal};
use crate::time::Timestamp;

pub(super) fn close(
    loaded: Loaded,
    lease: Option<&Lease>,
    until: Timestamp,
    now: Timestamp,
) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    let mut draft = Draft::of(view, "intent", now);
    if lease.is_some_and(|lease| !draft.holds(lease)) {
        return draft.finish(Outcome::StaleLease);
    }
    // Whoever carries out a reversal keeps the row for its next call.
    if lease.is_some() && draft.view.payment.reversal == Some(Reversal::Requested) {
        return take(draft, lease, false, until);
    }
    if draft.view.payment.state.is_settled() {
        if let Some(lease) = lease {
            draft.give_back(lease);
        }
        return draft.finish(Outcome::Ended);
    }
    let fresh = draft.view.payment.state != PaymentState::Expired;
    expire(&mut draft, now);
    take(draft, lease, fresh, until)
}

pub(super) fn reverse(
    loaded: Loaded,
    window: Duration,
    until: Timestamp,
    now: Timestamp,
) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    let payment = &view.payment;
    if payment.state == PaymentState::Closed || payment.reversal == Some(Reversal::Done) {
        return Decision::unchanged(Outcome::Ended, Some(view));
    }
    if payment.reversal != Some(Reversal::Requested) {
        let refusal = if now.since(payment.created_at) > window {
            Some(ReversalRefusal::TooLate)
        } else if view.money_went_back() {
            Some(ReversalRefusal::MoneyWentBack)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return Decision::unchanged(Outcome::ReversalRefused(refusal), Some(view));
        }
    }
    let mut draft = Draft::of(view, "intent", now);
    let fresh = draft.view.payment.reversal != Some(Reversal::Requested);
    if fresh {
        draft.view.payment.reversal = Some(Reversal::Requested);
        draft.view.payment.expires_at = now;
        draft.log_decision();
    }
    if draft.view.payment.state != PaymentState::Paid {
        expire(&mut draft, now);
    }
    take(draft, None, fresh, until)
}

/// A signed answer shows that the payment is not reversed, and the gateway will not do it.
pub(super) fn refuse_reversal(
    loaded: Loaded,
    lease: &Lease,
    trouble: String,
    now: Timestamp,
) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    let mut draft = Draft::of(view, "call", now);
    if !draft.holds(lease) {
        return draft.finish(Outcome::StaleLease);
    }
    if draft.doubted_since(lease) {
        // The answer that shows it is older than what came meanwhile: the wish stands, and the gateway is asked anew.
        draft.give_back(lease);
        return draft.finish(Outcome::Noted);
    }
    if draft.view.payment.reversal == Some(Reversal::Requested) {
        // An earlier attempt may still be on its way: watched from now on.
        draft.view.payment.reversal = Some(Reversal::Refused);
        draft.view.payment.expires_at = now;
        draft.log_decision();
        draft.is_over(TO_BE_REVERSED, "the gateway has refused the reversal since");
        if draft.view.payment.state == PaymentState::Paid {
            draft.not_reversed(&trouble);
        }
    }
    draft.view.payment.trouble = Some(trouble);
    draft.release(&lease.target, None);
    draft.finish(Outcome::Noted)
}

/// Our time is up. Told once.
fn expire(draft: &mut Draft, now: Timestamp) {
    if draft.view.payment.state != PaymentState::Expired {
        draft.view.payment.expires_at = draft.view.payment.expires_at.min(now);
        draft.move_payment(PaymentState::Expired);
        draft.event(EventKind::PaymentExpired);
    }
}

/// Takes the row for the calls that follow. Whoever has it instead leaves it due soon: the wish is committed. One that stood
/// before is no news to them: they are at it, and what they find is not older than it.
fn take(mut draft: Draft, lease: Option<&Lease>, fresh: bool, until: Timestamp) -> Decision {
    if fresh || lease.is_some() || !draft.is_leased(&Target::Payment) {
        draft.ask_now(&Target::Payment, Even::Unsettled);
    }
    if let Some(lease) = lease {
        draft.free(&lease.target);
    }
    let target = Target::Payment;
    match draft.lease(target, until) {
        Some(lease) => draft.finish(Outcome::Claimed(lease)),
        None => draft.finish(Outcome::Busy),
    }
}
