//! What a matched message about a refund does: to one of ours, or as money that went back without us.

use super::doubt::{Doubt, named, quoted};
use super::draft::{Draft, Even};
use super::observe::Reading;
use super::payment_fact::WENT_BACK;
use crate::id::{Reference, RefundNumber};
use crate::ledger::command::Target;
use crate::ledger::discrepancy::DiscrepancyKind;
use crate::ledger::event::EventKind;
use crate::ledger::matching;
use crate::ledger::model::{PaymentState, Refund, RefundState};
use crate::ledger::schedule::Schedule;
use crate::ledger::transition::{self, Step};
use crate::provider::{Fact, RefundClaim, RefundStatus, Source};
use crate::time::Timestamp;

/// Moves the refund to what the gateway says; without a status, that it was accepted. `asked` is when the question went out,
/// if it answers one. `Err` says why somebody must look; no state changes then.
pub(super) fn apply(
    draft: &mut Draft,
    fact: &Fact,
    claim: &RefundClaim,
    status: Option<&RefundStatus>,
    owner: Option<&Reference>,
    asked: Option<Timestamp>,
) -> Result<Reading, Doubt> {
    if draft.view.payment.state != PaymentState::Paid {
        // A refund of a payment that we have not seen paid, or took for closed: ask for the payment, and believe that
        // answer.
        draft.ask_now(&Target::Payment, Even::Settled);
    }
    let number = claim.number.as_deref().unwrap_or_default();
    let which = named(claim);
    let Some(index) = draft.view.position(number) else {
        return match owner {
            Some(owner) => Err(Doubt::mismatch(
                &fact.claim,
                &format_args!("this number belongs to payment {owner}"),
            )),
            None => foreign_refund(draft, claim, status),
        };
    };
    matching::refund(&draft.view.refunds[index], claim)
        .map_err(|mismatch| Doubt::mismatch(&fact.claim, &mismatch))?;

    let now = draft.now();
    let refund = &mut draft.view.refunds[index];
    let step = match status {
        Some(status) => transition::refund(refund.state, status),
        // "Accepted" carries no status; it only lifts a refund out of not having been heard of.
        None if matches!(refund.state, RefundState::Requested | RefundState::Unknown) => {
            Step::To(RefundState::Processing)
        }
        None => Step::Stay,
    };
    if refund.was_asked_for_again()
        && fact.source == Source::Notification
        && status != Some(&RefundStatus::Succeeded)
        && step != Step::Stay
    {
        // It may tell of an earlier time, and to believe it would free what is on its way.
        return Ok(Reading::Ask);
    }
    let failed = refund.state == RefundState::Failed;
    if failed && step == Step::To(RefundState::Processing) {
        if fact.source != Source::Query {
            // It may tell of the time before the failure.
            return Ok(Reading::Ask);
        }
        // Asked after the failure: a repeat that came late was taken for a new submission.
        refund.submissions = refund.submissions.saturating_add(1);
    }
    refund.trouble = None;
    if refund.gateway_number.is_none() || (failed && claim.gateway_number.is_some()) {
        refund.gateway_number.clone_from(&claim.gateway_number);
    }
    if status == Some(&RefundStatus::Failed)
        && let Some(asked) = asked.filter(|_| fact.source == Source::Query)
    {
        refund.confirm(asked, now);
    }
    match step {
        Step::Stay => Ok(Reading::Believed),
        Step::To(to) | Step::ToDespite(to) => {
            draft.move_refund(index, to);
            tell_refund(draft, index, to);
            if to == RefundState::Failed {
                // Whoever is at it asked before, and brings the older word.
                draft.free(&Target::Refund(draft.view.refunds[index].number.clone()));
            }
            let late = RefundNumber::of_late_payment(&draft.view.payment.key);
            if to == RefundState::Succeeded && draft.view.refunds[index].number == late {
                draft.explain(
                    |row| row.kind == DiscrepancyKind::LatePayment,
                    "refunded by itself, as agreed for late payments",
                );
            }
            if to == RefundState::Closed {
                let note =
                    format!("{which}: the gateway closed it; check whether the money went back");
                draft.review(DiscrepancyKind::RefundClosed, &note);
            }
            if let (RefundState::Unknown, Some(RefundStatus::Other(word))) = (to, status) {
                // It is asked about again, and holds up the other refunds of the payment.
                let word = quoted(word);
                let note = format!("{which}: the gateway says {word}, which is documented nowhere");
                draft.review(DiscrepancyKind::Contradiction, &note);
            }
            if let Step::ToDespite(_) = step {
                let note = format!("{which}: it succeeded after the gateway had closed it");
                draft.review(DiscrepancyKind::Contradiction, &note);
            }
            if to != RefundState::Failed {
                review_of_the_sum(draft, &which);
            }
            Ok(Reading::Believed)
        }
        Step::Contradiction => Err(Doubt::new(
            DiscrepancyKind::Contradiction,
            format!("{which}: the gateway now says that it did not succeed, after it had"),
        )),
    }
}

/// A refund went through, or may: is it too much together with the others? It may have failed before, come besides a
/// reversal, or been made outside this shop.
fn review_of_the_sum(draft: &mut Draft, which: &str) {
    if draft.view.went_back_too_much() {
        let note = format!("{which}: with it more went back than was paid, or may yet");
        draft.review(DiscrepancyKind::RefundedTooMuch, &note);
    }
}

fn tell_refund(draft: &mut Draft, index: usize, state: RefundState) {
    match state {
        RefundState::Succeeded => draft.refund_event(index, EventKind::RefundSucceeded),
        RefundState::Failed => draft.refund_event(index, EventKind::RefundFailed),
        RefundState::Closed => draft.refund_event(index, EventKind::RefundClosed),
        RefundState::Requested | RefundState::Processing | RefundState::Unknown => {}
    }
}

/// Money that went back without us, through the merchant portal: a fact too (rule 9). It is recorded as a refund
/// without a request, so that it lowers what can still be refunded, and flagged.
fn foreign_refund(
    draft: &mut Draft,
    claim: &RefundClaim,
    status: Option<&RefundStatus>,
) -> Result<Reading, Doubt> {
    let which = named(claim);
    let other_end = match status {
        Some(RefundStatus::Succeeded) => None,
        Some(RefundStatus::Failed) => Some("failed"),
        Some(RefundStatus::Closed) => Some("was closed"),
        _ => Some("is under way"),
    };
    if let Some(end) = other_end {
        let note = format!("{which}: it {end}, and we never asked for it");
        return Err(Doubt::new(DiscrepancyKind::ForeignRefund, note));
    }
    let number = claim.number.as_deref().unwrap_or_default();
    let total = draft.view.payment.amount;
    let amount = claim.amount.filter(|amount| *amount <= total);
    let (Some(amount), Ok(number)) = (amount, RefundNumber::new(number)) else {
        // It cannot be recorded as a refund of this payment, and yet money went back.
        let note = format!(
            "{which}: money went back by it, how much is not clear, and we never asked for it"
        );
        return Err(Doubt::new(DiscrepancyKind::UnexplainedReturn, note));
    };
    draft.add_refund(Refund {
        number,
        reference: draft.view.payment.key.reference.clone(),
        amount,
        reason: "returned outside this shop".into(),
        state: RefundState::Succeeded,
        gateway_number: claim.gateway_number.clone(),
        trouble: None,
        created_at: draft.now(),
        failed_at: None,
        confirmed_at: None,
        schedule: Schedule::default(),
        request: None,
        submissions: 0,
        version: 1,
    });
    draft.refund_event(draft.view.refunds.len() - 1, EventKind::MoneyReturned);
    // If "money went back" came first, of the payment or of this refund, this says how much.
    let about_it = format!("{which}: ");
    draft.explain(
        |row| {
            row.kind == DiscrepancyKind::UnexplainedReturn
                && (row.note == WENT_BACK || row.note.starts_with(&about_it))
        },
        "a refund made outside this shop says how much went back",
    );
    let note = format!("{which}: it was made outside this shop");
    draft.review(DiscrepancyKind::ForeignRefund, &note);
    review_of_the_sum(draft, &which);
    Ok(Reading::Believed)
}
