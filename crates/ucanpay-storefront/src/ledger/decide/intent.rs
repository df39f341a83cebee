//! Intents and leases: what is committed before a call goes out, and what is noted when it brings nothing.

use std::sync::Arc;
use std::time::Duration;

use ucanpay_core::Amount;

use super::draft::{Draft, TO_BE_CLOSED, TO_BE_REVERSED};
use super::{Decision, Loaded};
use crate::id::{PaymentKey, RefundNumber};
use crate::ledger::command::{
    Conflict, Lease, NewPayment, NewRefund, Outcome, RefundRefusal, Target, Tell,
};
use crate::ledger::discrepancy::DiscrepancyKind;
use crate::ledger::event::EventKind;
use crate::ledger::model::{Payment, PaymentState, PaymentView, Refund, RefundState, Reversal};
use crate::ledger::schedule::Schedule;
use crate::provider::{FrozenRequest, RefundLimits};
use crate::time::Timestamp;

pub(super) fn create(
    key: &PaymentKey,
    loaded: Loaded,
    new: NewPayment,
    lease: Timestamp,
    now: Timestamp,
) -> Decision {
    if let Some(view) = loaded.view {
        let outcome = match difference(&view.payment, &new) {
            None => Outcome::AlreadyRecorded,
            Some(member) => Outcome::Conflict(Conflict {
                number: key.reference.to_string(),
                member,
            }),
        };
        return Decision::unchanged(outcome, Some(view));
    }
    let payment = Payment {
        key: key.clone(),
        merchant: new.merchant,
        amount: new.amount,
        currency: new.currency,
        subject: new.subject,
        description: new.description,
        state: PaymentState::Created,
        late: false,
        reversal: None,
        late_policy: new.late_policy,
        gateway_number: None,
        pay_link: None,
        trouble: None,
        created_at: now,
        paid_at: None,
        expires_at: new.expires_at,
        closed_at: None,
        schedule: leased(now, lease),
        request: new.request,
        version: 1,
        events: 0,
    };
    let draft = Draft::new(payment, now);
    let lease = draft.leased(Target::Payment, lease);
    draft.finish(Outcome::Recorded(lease))
}

/// The first parameter in which a repeated intent differs. The signed bytes always differ, by their nonce.
fn difference(payment: &Payment, new: &NewPayment) -> Option<&'static str> {
    if payment.amount != new.amount {
        Some("the amount")
    } else if payment.currency != new.currency {
        Some("the currency")
    } else if payment.subject != new.subject {
        Some("the subject")
    } else if payment.description != new.description {
        Some("the description")
    } else if payment.merchant != new.merchant {
        Some("the merchant")
    } else {
        None
    }
}

pub(super) fn request_refund(
    loaded: Loaded,
    new: NewRefund,
    lease: Timestamp,
    now: Timestamp,
) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    if let Some(refund) = view.refund(&new.number) {
        let member = if refund.amount != new.amount {
            Some("the amount")
        } else if refund.reason != new.reason {
            Some("the reason")
        } else {
            None
        };
        let outcome = match member {
            Some(member) => Outcome::Conflict(Conflict {
                number: new.number.to_string(),
                member,
            }),
            None if refund.state == RefundState::Failed => {
                return resubmit(view, &new, lease, now);
            }
            None => Outcome::AlreadyRecorded,
        };
        return Decision::unchanged(outcome, Some(view));
    }
    if loaded.refund_owner.is_some() {
        let conflict = Conflict {
            number: new.number.to_string(),
            member: "the payment",
        };
        return Decision::unchanged(Outcome::Conflict(conflict), Some(view));
    }
    // The refund that a late payment gets by itself: whoever is about to record it may have read the ledger before a
    // person decided otherwise, or a message cast doubt on what the gateway answered.
    let by_itself = new.number == RefundNumber::of_late_payment(&view.payment.key);
    let doubted = new.under.as_ref().is_some_and(|lease| {
        let schedule = &view.payment.schedule;
        schedule.lease_until != Some(lease.until) || lease.is_doubted(schedule)
    });
    let owed = view.owes_late_refund() && !doubted;
    let refusal = (by_itself && !owed).then_some(RefundRefusal::NotOwed);
    let refusal =
        refusal.or_else(|| refund_refusal(&view, &new.number, new.amount, new.limits, now));
    if let Some(refusal) = refusal {
        return Decision::unchanged(Outcome::RefundRefused(refusal), Some(view));
    }
    let refund = Refund {
        number: new.number.clone(),
        reference: view.payment.key.reference.clone(),
        amount: new.amount,
        reason: new.reason,
        state: RefundState::Requested,
        gateway_number: None,
        trouble: None,
        created_at: now,
        failed_at: None,
        confirmed_at: None,
        schedule: leased(now, lease),
        request: Some(new.request),
        submissions: 1,
        version: 1,
    };
    let mut draft = Draft::of(view, "intent", now);
    draft.add_refund(refund);
    draft.refund_event(draft.view.refunds.len() - 1, EventKind::RefundRequested);
    let lease = draft.leased(Target::Refund(new.number), lease);
    draft.finish(Outcome::Recorded(lease))
}

/// A refund that failed, asked for again under its number: the bytes signed the first time go out once more.
fn resubmit(view: Arc<PaymentView>, new: &NewRefund, lease: Timestamp, now: Timestamp) -> Decision {
    if let Some(refusal) = refund_refusal(&view, &new.number, new.amount, new.limits, now) {
        return Decision::unchanged(Outcome::RefundRefused(refusal), Some(view));
    }
    let mut draft = Draft::of(view, "intent", now);
    let target = Target::Refund(new.number.clone());
    if draft.lease(target.clone(), lease).is_none() {
        // Somebody asks what became of the attempt before, and that answer must not pass for this one's.
        return draft.finish(Outcome::RefundRefused(RefundRefusal::UnderWay));
    }
    if let Some(index) = draft.view.position(new.number.as_str()) {
        draft.move_refund(index, RefundState::Requested);
        let refund = &mut draft.view.refunds[index];
        refund.submissions = refund.submissions.saturating_add(1);
        // The gateway may take it for a new one, and asked under the old number it would tell of the old one.
        refund.gateway_number = None;
        refund.schedule.next_check_at = Schedule::ask_again(now, now, None);
        draft.refund_event(index, EventKind::RefundRequested);
    }
    let lease = draft.leased(target, lease);
    draft.finish(Outcome::Recorded(lease))
}

/// Rule 8: sum, count, age, one at a time, and under no other number what may still go through. Decided in the transaction
/// that records the intent; asked before it, too, so that nothing is signed in vain.
pub(crate) fn refund_refusal(
    view: &PaymentView,
    number: &RefundNumber,
    amount: Amount,
    limits: RefundLimits,
    now: Timestamp,
) -> Option<RefundRefusal> {
    let paid_at = match view.payment.paid_at {
        Some(at) if view.payment.state == PaymentState::Paid => at,
        _ => return Some(RefundRefusal::NotPaid),
    };
    match view.payment.reversal {
        Some(Reversal::Done) => return Some(RefundRefusal::Reversed),
        Some(Reversal::Requested) => return Some(RefundRefusal::UnderWay),
        Some(Reversal::Refused) | None => {}
    }
    if view.unexplained_return() {
        return Some(RefundRefusal::UnexplainedReturn);
    }
    if view.refunds.iter().any(|refund| !refund.state.is_settled()) {
        return Some(RefundRefusal::UnderWay);
    }
    let in_doubt = |refund: &&Refund| refund.number != *number && refund.may_still_go_through();
    if let Some(other) = view.refunds.iter().find(in_doubt) {
        return Some(RefundRefusal::MayStillGoThrough(other.number.clone()));
    }
    if now.since(paid_at) > limits.window {
        return Some(RefundRefusal::TooLate);
    }
    let counted = view
        .refunds
        .iter()
        .filter(|refund| refund.state != RefundState::Failed)
        .count();
    if counted >= usize::try_from(limits.count).unwrap_or(usize::MAX) {
        return Some(RefundRefusal::TooMany(limits.count));
    }
    let (asked, left) = (amount.cents(), view.refundable());
    (asked > left).then_some(RefundRefusal::BeyondPaid { asked, left })
}

/// A row just recorded: its recorder makes the call now, and the reconciler looks after it from then on.
fn leased(now: Timestamp, until: Timestamp) -> Schedule {
    Schedule {
        next_check_at: Schedule::ask_again(now, now, None),
        lease_until: Some(until),
    }
}

pub(super) fn claim(loaded: Loaded, target: Target, until: Timestamp, now: Timestamp) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    let mut draft = Draft::of(view, "claim", now);
    match draft.lease(target, until) {
        Some(lease) => draft.finish(Outcome::Claimed(lease)),
        None => draft.finish(Outcome::Busy),
    }
}

pub(super) fn release(loaded: Loaded, lease: &Lease, now: Timestamp) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    let mut draft = Draft::of(view, "call", now);
    if !draft.holds(lease) {
        return draft.finish(Outcome::StaleLease);
    }
    draft.give_back(lease);
    draft.finish(Outcome::Noted)
}

/// The same request, signed anew after the merchant's key has changed. The row stays leased for the call that follows.
pub(super) fn renew(
    loaded: Loaded,
    lease: &Lease,
    request: FrozenRequest,
    until: Timestamp,
    now: Timestamp,
) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    let mut draft = Draft::of(view, "new_key", now);
    if !draft.holds(lease) || !draft.renew(&lease.target, request) {
        return draft.finish(Outcome::StaleLease);
    }
    draft.free(&lease.target);
    match draft.lease(lease.target.clone(), until) {
        Some(lease) => draft.finish(Outcome::Claimed(lease)),
        None => draft.finish(Outcome::StaleLease),
    }
}

pub(super) fn give_up(
    loaded: Loaded,
    lease: &Lease,
    trouble: &str,
    tell: Tell,
    hold: Option<Duration>,
    now: Timestamp,
) -> Decision {
    let Some(view) = loaded.view else {
        return Decision::unchanged(Outcome::NotFound, None);
    };
    let mut draft = Draft::of(view, "call", now);
    if !draft.holds(lease) {
        return draft.finish(Outcome::StaleLease);
    }
    let view = &mut draft.view;
    let (about, over) = match &lease.target {
        Target::Payment => {
            view.payment.trouble = Some(trouble.to_owned());
            let about = match view.payment.reversal {
                Some(Reversal::Requested) => TO_BE_REVERSED,
                _ if view.payment.state == PaymentState::Expired => TO_BE_CLOSED,
                _ => "",
            };
            (about.to_owned(), view.is_settled())
        }
        Target::Refund(number) => {
            let Some(refund) = view.refunds.iter_mut().find(|row| row.number == *number) else {
                return draft.finish(Outcome::StaleLease);
            };
            refund.trouble = Some(trouble.to_owned());
            (format!("refund {number}: "), refund.state.is_settled())
        }
    };
    // The gateway's own words, behind ours, may differ from one time to the next; the row has the newest of them.
    let first_words = trouble.split(": ").next().unwrap_or_default();
    let same = format!("{about}{first_words}");
    let told = draft.view.discrepancies.iter().any(|row| {
        // Closing one about a reversal ends that wish, and one about a refund has somebody act; of a close each kind of
        // answer is news, and the same one is not.
        let known = match about == TO_BE_CLOSED {
            true => row.note.starts_with(&same) && (row.is_open() || tell == Tell::Once),
            false => row.note.starts_with(&about) && row.is_open(),
        };
        row.kind == DiscrepancyKind::Refused && known
    });
    // What came meanwhile may have settled it, or wished for something else: the next call tells.
    if tell != Tell::Nobody && !told && !over && !draft.doubted_since(lease) {
        draft.review(DiscrepancyKind::Refused, &format!("{about}{trouble}"));
    }
    draft.put_off(&lease.target, hold);
    draft.finish(Outcome::Noted)
}
