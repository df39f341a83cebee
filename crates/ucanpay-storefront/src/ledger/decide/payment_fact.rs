//! What a matched message about a payment itself does to it.

use super::doubt::Doubt;
use super::draft::Draft;
use super::observe::Reading;
use crate::ledger::discrepancy::DiscrepancyKind;
use crate::ledger::event::EventKind;
use crate::ledger::model::{PaymentState, Refund, Reversal};
use crate::ledger::transition::{self, Step};
use crate::provider::{Fact, PaymentStatus, Source};

/// The payment says that money went back, and no refund says how much.
pub(super) const WENT_BACK: &str = "money of this payment went back without a refund of ours";

/// Keeps the link by which the buyer pays, the first time one is known, and tells the shop.
pub(super) fn offer_link(draft: &mut Draft, fact: &Fact) {
    if draft.view.payment.pay_link.is_none() && fact.pay_link.is_some() {
        let payment = &mut draft.view.payment;
        payment.pay_link.clone_from(&fact.pay_link);
        if !payment.state.is_settled() && payment.state != PaymentState::Expired {
            draft.event(EventKind::ActionRequired);
        }
    }
}

/// Moves the payment to what the gateway says. `Err` says why somebody must look; no state changes then.
pub(super) fn apply(
    draft: &mut Draft,
    fact: &Fact,
    status: &PaymentStatus,
) -> Result<Reading, Doubt> {
    let before = draft.view.payment.state;
    let step = transition::payment(before, status);
    let undone =
        before == PaymentState::Closed && draft.view.payment.reversal == Some(Reversal::Done);
    if undone && step == Step::To(PaymentState::Paid) {
        if fact.source != Source::Query {
            // It tells of money that the reversal has returned, unless the gateway says otherwise when it is asked.
            return Ok(Reading::Ask);
        }
        draft.view.payment.reversal = None;
    }
    match step {
        Step::Stay => {}
        Step::To(to) | Step::ToDespite(to) => {
            draft.move_payment(to);
            match to {
                PaymentState::Paid => {
                    draft.event(EventKind::PaymentSucceeded);
                    if draft.view.payment.reversal == Some(Reversal::Refused) {
                        draft.not_reversed(
                            "it was paid after its reversal was refused, or withdrawn",
                        );
                    }
                    if fact.source == Source::Query {
                        draft.event(EventKind::RecoveredByQuery);
                    }
                }
                PaymentState::Failed => draft.event(EventKind::PaymentFailed),
                PaymentState::Closed => draft.event(EventKind::PaymentClosed),
                _ => {}
            }
        }
        Step::Contradiction => {
            if *status == PaymentStatus::Reversed {
                let done = draft.view.payment.reversal == Some(Reversal::Done);
                if fact.source == Source::Notification && !done {
                    // It may tell of a reversal that was before this payment: the gateway is asked.
                    return Ok(Reading::Ask);
                }
                reversed(draft);
                return Ok(Reading::Believed);
            }
            return Err(Doubt::new(
                DiscrepancyKind::Contradiction,
                "the gateway says that a paid payment is closed",
            ));
        }
    }
    offer_link(draft, fact);
    let after = draft.view.payment.state;
    if after == PaymentState::Closed && *status == PaymentStatus::Reversed && !undone {
        draft.view.payment.reversal = Some(Reversal::Done);
        if before == after {
            draft.log_decision();
        }
    }
    let late = before == PaymentState::Closed && after == PaymentState::Paid;
    if late {
        draft.view.payment.late = true;
        draft.event(EventKind::LatePayment);
        draft.review(
            DiscrepancyKind::LatePayment,
            "the payment came after it had been closed",
        );
    }
    let unexplained = *status == PaymentStatus::PaidAndReturned && draft.view.reserved() == 0;
    if unexplained && draft.review(DiscrepancyKind::UnexplainedReturn, WENT_BACK) {
        // A refund of ours that failed may be meant: it may have gone through since, or the message be older than its failure.
        // Then a person looks, and nothing is told as certain.
        let refunds = &draft.view.refunds;
        if !refunds.iter().any(Refund::may_still_go_through) {
            draft.money_returned();
        }
    }
    // What turns late may have been said before the close, and tell of money that a reversal has returned since.
    Ok(if late {
        Reading::Ask
    } else {
        Reading::Believed
    })
}

/// A paid payment was reversed: all of its money went back. It stays paid, and nothing of it can be refunded any more,
/// whatever anybody finds. Told once.
fn reversed(draft: &mut Draft) {
    let before = draft.view.payment.reversal.replace(Reversal::Done);
    if before == Some(Reversal::Done) {
        return;
    }
    draft.log_decision();
    draft.end_is_told();
    draft.event(EventKind::MoneyReturned);
    if before != Some(Reversal::Requested) {
        let note = "this paid payment was reversed, and no reversal of it was under way here";
        draft.review(DiscrepancyKind::Contradiction, note);
    }
    if draft.view.went_back_too_much() {
        let note = "more went back than was paid: the payment was reversed, and refunded besides";
        draft.review(DiscrepancyKind::RefundedTooMuch, note);
    }
}
