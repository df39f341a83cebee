//! The one door (ledger, rule 2): every verified fact, from wherever, is matched and applied here.
//!
//! What it does then: `payment_fact.rs`, `refund_fact.rs`. What is kept of it: `evidence.rs`.

use std::sync::Arc;
use std::time::Duration;

use super::doubt::Doubt;
use super::draft::{Draft, Even};
use super::evidence::{digest, record, unmatched};
use super::{Decision, Loaded, Verdict, payment_fact, refund_fact};
use crate::id::{PaymentKey, Reference, RefundNumber};
use crate::ledger::command::{Lease, Outcome, Target};
use crate::ledger::matching;
use crate::ledger::model::PaymentState;
use crate::provider::{Claim, Fact, PaymentStatus, Source};
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
    let schedule = loaded.view.as_ref().map(|view| view.payment.schedule);
    let asked = schedule.filter(|schedule| lease.is_doubted(schedule));
    // What cast doubt on it since the lease was taken, perhaps by a clock that is ahead, is to be asked about now.
    let doubt = asked.and_then(|row| row.next_check_at).map(|at| {
        let at = at.min(now);
        match lease.due == Some(at) {
            true => at.before(Duration::from_millis(1)),
            false => at,
        }
    });
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
        let view = Arc::make_mut(view);
        view.payment.schedule.lease_until = Some(until);
        if doubt.is_some() {
            // When the row is given back.
            view.payment.schedule.next_check_at = doubt;
        }
        decision.payment = Some(view.payment.clone());
        decision.outcome = Outcome::Claimed(Lease {
            target: lease.target.clone(),
            until,
            due: match doubt {
                Some(_) => lease.due,
                None => view.payment.schedule.next_check_at,
            },
        });
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

    let owner = loaded.gateway_number_owner.as_ref();
    let reading = match matching::payment(&draft.view.payment, &fact, owner) {
        Ok(()) => apply(
            &mut draft,
            &fact,
            loaded.refund_owner.as_ref(),
            lease.map(Lease::taken_at),
        ),
        Err(mismatch) => Err(Doubt::mismatch(&fact.claim, &mismatch)),
    };
    let mut even = Even::Unsettled;
    let verdict = match &reading {
        Err(doubt) => {
            if draft.review(doubt.kind, &doubt.note) {
                even = Even::Settled;
            }
            Verdict::Review(doubt.note.clone())
        }
        Ok(_) if draft.moved() => Verdict::Applied,
        Ok(_) => Verdict::NothingNew,
    };
    reschedule(&mut draft, &fact, lease, &reading, even);

    // A query that says nothing new is not worth a row: thousands of them would bury the ones that prove something.
    let keep = fact.source == Source::Notification || verdict != Verdict::NothingNew;
    let mut decision = draft.finish(Outcome::Observed(verdict.clone()));
    decision.evidence = keep.then(|| record(fact, digest, verdict, now));
    decision
}

/// What a matched fact comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is believed.
    Believed,
    /// It may be older than what stands here: the gateway is asked at once.
    Ask,
}

/// Applies a fact that matches the payment. `Err` says why somebody must look; no state changes then.
fn apply(
    draft: &mut Draft,
    fact: &Fact,
    refund_owner: Option<&Reference>,
    asked: Option<Timestamp>,
) -> Result<Reading, Doubt> {
    if draft.view.payment.gateway_number.is_none() && fact.gateway_number.is_some() {
        let payment = &mut draft.view.payment;
        payment.gateway_number.clone_from(&fact.gateway_number);
    }
    match &fact.claim {
        Claim::Placed => {
            draft.trouble_is_over();
            let payment = &draft.view.payment;
            if matches!(payment.state, PaymentState::Created | PaymentState::Unknown) {
                draft.move_payment(PaymentState::AwaitingPayment);
            }
            payment_fact::offer_link(draft, fact);
            Ok(Reading::Believed)
        }
        // What answers a close or a reverse states no amount: it ends a payment, and says nothing else.
        Claim::Payment(status)
            if fact.source == Source::Answer
                && !matches!(status, PaymentStatus::Closed | PaymentStatus::Reversed) =>
        {
            Ok(Reading::Believed)
        }
        Claim::Payment(status) => {
            draft.trouble_is_over();
            payment_fact::apply(draft, fact, status)
        }
        Claim::RefundAccepted(claim) => {
            refund_fact::apply(draft, fact, claim, None, refund_owner, asked)
        }
        Claim::Refund(claim, status) => {
            refund_fact::apply(draft, fact, claim, Some(status), refund_owner, asked)
        }
    }
}

/// Gives back what was leased, and sets when the row is asked for next.
fn reschedule(
    draft: &mut Draft,
    fact: &Fact,
    lease: Option<&Lease>,
    reading: &Result<Reading, Doubt>,
    even: Even,
) {
    // A refund that does not stand here is the payment's to answer for.
    let row = matching::refund_claim(&fact.claim)
        .and_then(|claim| claim.number.as_deref())
        .and_then(|number| RefundNumber::new(number).ok())
        .filter(|number| draft.view.refund(number).is_some())
        .map_or(Target::Payment, Target::Refund);
    match lease {
        Some(lease) => draft.give_back(lease),
        // A notification that does not match prompts a query: it is acknowledged, and what it should have said does not come
        // again. Of what is settled once for each doubt, for money may have come since. (A query that does not match does
        // not: it would ask in circles.)
        None if reading.is_err() => draft.ask_now(&row, even),
        None => draft.rest_if_settled(&row),
    }
    if matches!(reading, Ok(Reading::Ask)) {
        draft.ask_now(&row, Even::Settled);
    }
}
