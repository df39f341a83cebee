//! The one door (ledger, rule 2): every verified fact, from wherever, is matched and applied here.

use sha2::{Digest as _, Sha256};

use super::draft::{Draft, Even};
use super::{Decision, EvidenceRecord, Loaded, Verdict};
use crate::id::{PaymentKey, Reference, RefundNumber};
use crate::ledger::command::{Lease, Outcome, Target};
use crate::ledger::discrepancy::DiscrepancyKind;
use crate::ledger::event::{Event, EventKind};
use crate::ledger::matching;
use crate::ledger::model::{PaymentState, Refund, RefundState, Reversal};
use crate::ledger::schedule::Schedule;
use crate::ledger::transition::{self, Step};
use crate::provider::{Claim, Fact, PaymentStatus, RefundClaim, RefundStatus, Source};
use crate::time::Timestamp;

/// Takes in a fact as [`observe`] does. While the payment is still to be ended, the row is kept for the next call.
pub(super) fn observe_and_hold(
    key: &PaymentKey,
    loaded: Loaded,
    fact: Fact,
    lease: &Lease,
    until: Timestamp,
    now: Timestamp,
) -> Decision {
    let mut decision = observe(key, loaded, fact, Some(lease), now);
    let fits = matches!(
        decision.outcome,
        Outcome::Observed(Verdict::Applied | Verdict::NothingNew)
    );
    if let Some(view) = decision
        .view
        .as_mut()
        .filter(|view| fits && view.is_to_end(now))
    {
        view.payment.schedule.lease_until = Some(until);
        decision.payment = Some(view.payment.clone());
        let target = lease.target.clone();
        decision.outcome = Outcome::Claimed(Lease { target, until });
    }
    decision
}

pub(super) fn observe(
    key: &PaymentKey,
    loaded: Loaded,
    fact: Fact,
    lease: Option<&Lease>,
    now: Timestamp,
) -> Decision {
    let digest = digest(&fact);
    let Some(view) = loaded.view else {
        return unmatched(key, fact, digest, now);
    };
    let mut draft = Draft::of(view, fact.source.as_str(), now);
    if lease.is_some_and(|lease| !draft.holds(lease)) {
        return draft.finish(Outcome::StaleLease);
    }
    draft.proven_by(&digest);
    let was_closed = draft.view.payment.state == PaymentState::Closed;

    let owner = loaded.gateway_number_owner.as_ref();
    let verdict = match matching::payment(&draft.view.payment, &fact, owner) {
        Ok(()) => apply(&mut draft, &fact, loaded.refund_owner.as_ref()),
        Err(mismatch) => Err(Doubt::mismatch(&mismatch)),
    };
    let verdict = match verdict {
        Err(doubt) => {
            draft.review(doubt.kind, &doubt.note);
            Verdict::Review(doubt.note)
        }
        Ok(()) if draft.moved() => Verdict::Applied,
        Ok(()) => Verdict::NothingNew,
    };
    reschedule(&mut draft, &fact, lease, &verdict);
    if was_closed && lease.is_none() && draft.view.payment.state == PaymentState::Paid {
        // It may have been sent before the close, and tell of money that a reversal has returned since: ask.
        draft.ask_now(&Target::Payment, Even::Settled);
    }

    // A query that says nothing new is not worth a row: thousands of them would bury the ones that prove something.
    let keep = fact.source == Source::Notification || verdict != Verdict::NothingNew;
    let mut decision = draft.finish(Outcome::Observed(verdict.clone()));
    decision.evidence = keep.then(|| record(fact, digest, verdict, now));
    decision
}

/// Why a fact is not applied, and somebody must look.
struct Doubt {
    kind: DiscrepancyKind,
    note: String,
}

impl Doubt {
    fn new(kind: DiscrepancyKind, note: &str) -> Self {
        let note = note.to_owned();
        Self { kind, note }
    }

    fn mismatch(mismatch: &impl ToString) -> Self {
        let (kind, note) = (DiscrepancyKind::Mismatch, mismatch.to_string());
        Self { kind, note }
    }
}

/// Applies a fact that matches the payment. `Err` says why somebody must look; no state changes then.
fn apply(draft: &mut Draft, fact: &Fact, refund_owner: Option<&Reference>) -> Result<(), Doubt> {
    let payment = &mut draft.view.payment;
    if payment.gateway_number.is_none() {
        payment.gateway_number.clone_from(&fact.gateway_number);
    }
    match &fact.claim {
        Claim::Placed => {
            payment.trouble = None;
            if matches!(payment.state, PaymentState::Created | PaymentState::Unknown) {
                draft.move_payment(PaymentState::AwaitingPayment);
            }
            offer_link(draft, fact);
            Ok(())
        }
        // What answers a close or a reverse states no amount: it ends a payment, and says nothing else.
        Claim::Payment(status)
            if fact.source == Source::Answer
                && !matches!(status, PaymentStatus::Closed | PaymentStatus::Reversed) =>
        {
            Ok(())
        }
        Claim::Payment(status) => {
            payment.trouble = None;
            apply_payment(draft, fact, status)
        }
        Claim::RefundAccepted(claim) => apply_refund(draft, fact, claim, None, refund_owner),
        Claim::Refund(claim, status) => {
            apply_refund(draft, fact, claim, Some(status), refund_owner)
        }
    }
}

/// Keeps the link by which the buyer pays, the first time one is known, and tells the shop.
fn offer_link(draft: &mut Draft, fact: &Fact) {
    let payment = &mut draft.view.payment;
    if payment.pay_link.is_none() && fact.pay_link.is_some() {
        payment.pay_link.clone_from(&fact.pay_link);
        if !payment.state.is_settled() && payment.state != PaymentState::Expired {
            draft.event(EventKind::ActionRequired);
        }
    }
}

fn apply_payment(draft: &mut Draft, fact: &Fact, status: &PaymentStatus) -> Result<(), Doubt> {
    let before = draft.view.payment.state;
    match transition::payment(before, status) {
        Step::Stay => {}
        Step::To(to) | Step::ToDespite(to) => {
            draft.move_payment(to);
            match to {
                PaymentState::Paid => {
                    draft.event(EventKind::PaymentSucceeded);
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
                reversed(draft);
                return Ok(());
            }
            return Err(Doubt::new(
                DiscrepancyKind::Contradiction,
                "the gateway says that a paid payment is closed",
            ));
        }
    }
    offer_link(draft, fact);
    if before == PaymentState::Closed && draft.view.payment.state == PaymentState::Paid {
        draft.view.payment.late = true;
        draft.event(EventKind::LatePayment);
        draft.review(
            DiscrepancyKind::LatePayment,
            "the payment came after it had been closed",
        );
    }
    if *status == PaymentStatus::PaidAndReturned && draft.view.reserved() == 0 {
        let note = "money of this payment went back without a refund of ours";
        if draft.review(DiscrepancyKind::UnexplainedReturn, note) {
            draft.event(EventKind::MoneyReturned);
        }
    }
    Ok(())
}

/// A paid payment was reversed: all of its money went back. It stays paid, and nothing of it can be refunded any more,
/// whatever anybody finds. Told once.
fn reversed(draft: &mut Draft) {
    let before = draft.view.payment.reversal.replace(Reversal::Done);
    if before == Some(Reversal::Done) {
        return;
    }
    draft.log_decision();
    draft.event(EventKind::MoneyReturned);
    if before != Some(Reversal::Requested) {
        let note =
            "the gateway says that this paid payment was reversed; nobody here asked for that";
        draft.review(DiscrepancyKind::Contradiction, note);
    }
    if draft.view.reserved() > 0 {
        let note = "more went back than was paid: the payment was reversed, and refunded besides";
        draft.review(DiscrepancyKind::RefundedTooMuch, note);
    }
}

fn apply_refund(
    draft: &mut Draft,
    fact: &Fact,
    claim: &RefundClaim,
    status: Option<&RefundStatus>,
    owner: Option<&Reference>,
) -> Result<(), Doubt> {
    if draft.view.payment.state != PaymentState::Paid {
        // A refund of a payment that we have not seen paid, or took for closed: ask for the payment, and believe that
        // answer.
        draft.ask_now(&Target::Payment, Even::Settled);
    }
    let number = claim.number.as_deref().unwrap_or_default();
    let Some(index) = draft.view.position(number) else {
        return match owner {
            Some(owner) => Err(Doubt::mismatch(&format_args!(
                "the refund number belongs to payment {owner}"
            ))),
            None => foreign_refund(draft, claim, status),
        };
    };
    matching::refund(&draft.view.refunds[index], claim)
        .map_err(|mismatch| Doubt::mismatch(&mismatch))?;

    let refund = &mut draft.view.refunds[index];
    refund.trouble = None;
    if refund.gateway_number.is_none() {
        refund.gateway_number.clone_from(&claim.gateway_number);
    }
    let step = match status {
        Some(status) => transition::refund(refund.state, status),
        // "Accepted" carries no status; it only lifts a refund out of not having been heard of.
        None if matches!(refund.state, RefundState::Requested | RefundState::Unknown) => {
            Step::To(RefundState::Processing)
        }
        None => Step::Stay,
    };
    if step == Step::To(RefundState::Failed)
        && fact.source == Source::Notification
        && refund.may_be_submitted_again()
    {
        // It may tell of the first time once more, and to believe it would free what is on its way: ask.
        let target = Target::Refund(refund.number.clone());
        draft.ask_now(&target, Even::Unsettled);
        return Ok(());
    }
    match step {
        Step::Stay => Ok(()),
        Step::To(to) | Step::ToDespite(to) => {
            draft.move_refund(index, to);
            tell_refund(draft, index, to);
            let late = RefundNumber::of_late_payment(&draft.view.payment.key);
            if to == RefundState::Succeeded && draft.view.refunds[index].number == late {
                draft.explain(
                    DiscrepancyKind::LatePayment,
                    "refunded by itself, as agreed for late payments",
                );
            }
            if to == RefundState::Closed {
                let note = "the gateway closed a refund; check whether the money went back";
                draft.review(DiscrepancyKind::RefundClosed, note);
            }
            if let Step::ToDespite(_) = step {
                let note = "a refund succeeded after the gateway had closed it";
                draft.review(DiscrepancyKind::Contradiction, note);
            }
            if draft.view.reserved() > draft.view.payment.amount.cents() {
                let note = "more went back than was paid: a refund succeeded after it had failed";
                draft.review(DiscrepancyKind::RefundedTooMuch, note);
            }
            Ok(())
        }
        Step::Contradiction => Err(Doubt::new(
            DiscrepancyKind::Contradiction,
            "the gateway now says that a refund which succeeded did not",
        )),
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
) -> Result<(), Doubt> {
    let doubt = |note| Doubt::new(DiscrepancyKind::ForeignRefund, note);
    let number = claim.number.as_deref().unwrap_or_default();
    let (Some(RefundStatus::Succeeded), Some(amount), Ok(number)) =
        (status, claim.amount, RefundNumber::new(number))
    else {
        return Err(doubt("a refund that we never asked for is under way"));
    };
    if amount.cents() > draft.view.payment.amount.cents() {
        return Err(doubt(
            "a refund that we never asked for is larger than the payment",
        ));
    }
    draft.add_refund(Refund {
        number,
        reference: draft.view.payment.key.reference.clone(),
        amount,
        reason: "returned outside this shop".into(),
        state: RefundState::Succeeded,
        gateway_number: claim.gateway_number.clone(),
        trouble: None,
        created_at: draft.now(),
        schedule: Schedule::default(),
        request: None,
        version: 1,
    });
    draft.refund_event(draft.view.refunds.len() - 1, EventKind::MoneyReturned);
    // If "money went back" came first, this says how much.
    let note = "a refund made outside this shop says how much went back";
    draft.explain(DiscrepancyKind::UnexplainedReturn, note);
    let note = "a refund of this payment was made outside this shop";
    draft.review(DiscrepancyKind::ForeignRefund, note);
    if draft.view.reserved() > draft.view.payment.amount.cents() {
        let note = "more went back than was paid, or is on its way: a refund was made outside this shop besides";
        draft.review(DiscrepancyKind::RefundedTooMuch, note);
    }
    Ok(())
}

/// Gives back what was leased, and sets when the row is asked for next.
fn reschedule(draft: &mut Draft, fact: &Fact, lease: Option<&Lease>, verdict: &Verdict) {
    match lease {
        Some(lease) => draft.release(&lease.target, None),
        None => {
            let target = matching::refund_claim(&fact.claim)
                .and_then(|claim| claim.number.as_deref())
                .and_then(|number| RefundNumber::new(number).ok())
                .map_or(Target::Payment, Target::Refund);
            if matches!(verdict, Verdict::Review(_)) {
                // A notification that does not match prompts a query. (A query that does not match does not: it would
                // ask in circles.)
                draft.ask_now(&target, Even::Unsettled);
            } else {
                draft.rest_if_settled(&target);
            }
        }
    }
}

/// A verified message about no payment of ours: kept, told, acknowledged. Sending it again would not change it.
fn unmatched(key: &PaymentKey, fact: Fact, digest: String, now: Timestamp) -> Decision {
    let mut decision = Decision::unchanged(Outcome::Observed(Verdict::Unmatched), None);
    decision.events.push(Event {
        id: format!("{}/unmatched/{digest}", key.provider),
        provider: key.provider.clone(),
        reference: None,
        sequence: 0,
        kind: EventKind::NotificationUnmatched,
        amount: fact.amount.map(ucanpay_core::Amount::cents),
        refund: None,
        note: fact.reference.clone(),
        at: now,
    });
    decision.evidence = Some(record(fact, digest, Verdict::Unmatched, now));
    decision
}

fn record(fact: Fact, digest: String, verdict: Verdict, now: Timestamp) -> EvidenceRecord {
    EvidenceRecord {
        digest,
        reference: fact.reference,
        source: fact.source,
        verdict,
        evidence: fact.evidence,
        at: now,
    }
}

fn digest(fact: &Fact) -> String {
    let mut hash = Sha256::new();
    hash.update(fact.source.as_str());
    hash.update([0]);
    hash.update(&fact.evidence.signed_text);
    format!("{:x}", hash.finalize())
}
