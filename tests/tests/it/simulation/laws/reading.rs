//! What the laws read out of rows and messages, by words of their own.

use ucanpay_storefront::ledger::{
    Command, DiscrepancyKind, EventKind, History, Lease, Schedule, Target,
};
use ucanpay_storefront::provider::{Claim, Fact, PaymentStatus, RefundClaim};
use ucanpay_storefront::{
    Payment, PaymentState, PaymentView, Refund, RefundState, Reversal, Timestamp,
};

use super::MINUTE;

/// Whether a message is about exactly this payment: no member that it states differs, and none is missing.
pub(super) fn fits(payment: &Payment, fact: &Fact) -> bool {
    let same = |ours: &str, stated: Option<&str>| stated.is_none_or(|stated| stated == ours);
    fact.missing.is_empty()
        && same(&payment.merchant, fact.merchant.as_deref())
        && same(payment.key.reference.as_str(), fact.reference.as_deref())
        && same(payment.currency.as_str(), fact.currency.as_deref())
        && fact.amount.is_none_or(|amount| amount == payment.amount)
        && payment
            .gateway_number
            .as_deref()
            .is_none_or(|known| same(known, fact.gateway_number.as_deref()))
}

pub(super) fn says_paid(claim: &Claim) -> bool {
    matches!(
        claim,
        Claim::Payment(PaymentStatus::Paid | PaymentStatus::PaidAndReturned)
    )
}

pub(super) fn refund_claim(claim: &Claim) -> Option<&RefundClaim> {
    match claim {
        Claim::RefundAccepted(claim) | Claim::Refund(claim, _) => Some(claim),
        _ => None,
    }
}

pub(super) fn states(view: &PaymentView) -> (PaymentState, Option<Reversal>, Vec<RefundState>) {
    let refunds = view.refunds.iter().map(|refund| refund.state).collect();
    (view.payment.state, view.payment.reversal, refunds)
}

/// The lease that a command works under.
pub(crate) fn lease_of(command: &Command) -> Option<&Lease> {
    match command {
        Command::Observe(_, lease) | Command::Close(lease, _) => lease.as_ref(),
        Command::ObserveAndHold(_, lease, _)
        | Command::RefuseReversal(lease, _)
        | Command::Release(lease)
        | Command::Renew(lease, ..)
        | Command::GiveUp { lease, .. } => Some(lease),
        _ => None,
    }
}

pub(crate) fn schedule<'a>(view: &'a PaymentView, target: &Target) -> Option<&'a Schedule> {
    match target {
        Target::Payment => Some(&view.payment.schedule),
        Target::Refund(number) => view.refund(number).map(|refund| &refund.schedule),
    }
}

/// A minute, as every lease; and a minute for the clocks.
pub(crate) fn is_leased(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_some_and(|until| until > now && until.since(now) <= 2 * MINUTE)
}

/// Whether this is a refund that failed just now.
pub(super) fn fails(was: &PaymentView, is: &PaymentView, target: &Target) -> bool {
    let failed = |view: &PaymentView| match target {
        Target::Payment => false,
        Target::Refund(number) => view
            .refund(number)
            .is_some_and(|row| row.state == RefundState::Failed),
    };
    failed(is) && !failed(was)
}

pub(super) fn targets(view: &PaymentView) -> Vec<Target> {
    let refunds = view.refunds.iter();
    let refunds = refunds.map(|refund| Target::Refund(refund.number.clone()));
    std::iter::once(Target::Payment).chain(refunds).collect()
}

pub(super) fn events_of(history: &History, kind: EventKind) -> usize {
    let events = history.events.iter();
    events.filter(|kept| kept.event.kind == kind).count()
}

pub(super) fn is_open(view: &PaymentView, kind: DiscrepancyKind) -> bool {
    view.open_discrepancies().any(|row| row.kind == kind)
}

pub(crate) fn was_raised(view: &PaymentView, kind: DiscrepancyKind) -> bool {
    view.discrepancies.iter().any(|row| row.kind == kind)
}

/// Likewise, and its note begins so.
pub(crate) fn was_raised_about(view: &PaymentView, kind: DiscrepancyKind, about: &str) -> bool {
    let mut rows = view.discrepancies.iter();
    rows.any(|row| row.kind == kind && row.note.starts_with(about))
}

/// How a note about a refund begins.
pub(crate) fn about(number: &str) -> String {
    format!("refund {number}: ")
}

/// All that went back or may have: what did not definitely fail, and what was closed while nobody has looked.
pub(crate) fn reserved(view: &PaymentView) -> i64 {
    let unseen = is_open(view, DiscrepancyKind::RefundClosed);
    let counts = view.refunds.iter().filter(|refund| match refund.state {
        RefundState::Failed => false,
        RefundState::Closed => unseen,
        _ => true,
    });
    counts.map(|refund| refund.amount.cents()).sum()
}

/// Whether it failed, and nobody has confirmed ten minutes later that it did: a repeat of its call may still go through.
pub(super) fn in_doubt(row: &Refund) -> bool {
    match (row.failed_at, row.confirmed_at) {
        (Some(failed), Some(confirmed)) => confirmed.since(failed) < 10 * MINUTE,
        (failed, _) => failed.is_some(),
    }
}

/// Or still may, by a refund of which nobody has confirmed that it failed.
pub(crate) fn money_went_back(view: &PaymentView) -> bool {
    let in_doubt = |row: &Refund| row.state == RefundState::Failed && row.confirmed_at.is_none();
    reserved(view) > 0
        || is_open(view, DiscrepancyKind::UnexplainedReturn)
        || view.refunds.iter().any(in_doubt)
}

/// Whether that was so at a moment, as far as the rows tell.
pub(crate) fn money_had_gone_back(view: &PaymentView, at: Timestamp) -> bool {
    let mut then = view.clone();
    then.refunds.retain(|row| row.created_at <= at);
    then.discrepancies.retain(|row| row.opened_at <= at);
    money_went_back(&then)
}

/// Whether a person has withdrawn a reversal.
pub(super) fn withdraws(command: &Command, was: &Payment, is: &Payment) -> bool {
    matches!(command, Command::SettleReview { .. })
        && was.reversal == Some(Reversal::Requested)
        && is.reversal == Some(Reversal::Refused)
}
