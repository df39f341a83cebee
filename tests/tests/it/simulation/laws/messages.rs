//! What a verified message does to a payment and its refunds.

use ucanpay_storefront::ledger::{DiscrepancyKind, History, Target};
use ucanpay_storefront::provider::{Claim, Fact, PaymentStatus, RefundClaim, RefundStatus, Source};
use ucanpay_storefront::{PaymentState, PaymentView, Refund, RefundNumber, RefundState, Reversal};

use super::reading::{
    about, fits, lease_of, refund_claim, reserved, schedule, states, was_raised_about,
};
use super::{Broken, Done};

/// What a verified message does.
pub(super) fn observed(
    law: &mut Broken,
    done: &Done<'_>,
    fact: &Fact,
    before: &History,
    after: &History,
) {
    let (was, is) = (&before.view, &after.view);
    let kept = |history: &History| -> u64 {
        let kept = history.evidence.iter().filter(|kept| {
            kept.record.source == fact.source
                && kept.record.evidence.signature == fact.evidence.signature
        });
        kept.map(|kept| kept.seen).sum()
    };
    law.must(
        fact.source != Source::Notification || kept(after) == kept(before) + 1,
        "5: every notification is kept",
    );
    let next = |target: &Target| schedule(is, target).and_then(|row| row.next_check_at);
    let due = |target: &Target| next(target).is_some_and(|at| at <= done.now);
    let refund = refund_claim(&fact.claim);
    let matched = fits(&was.payment, fact);
    // Raised about that refund, or about the payment; whatever stands about others.
    let about_it = refund.map(|claim| about(claim.number.as_deref().unwrap_or_default()));
    let is_about = |note: &str| match &about_it {
        Some(about_it) => note.starts_with(about_it),
        None => !note.starts_with("refund "),
    };
    let opened = |kind| {
        let evidence = after.evidence.iter();
        let digest = evidence
            .filter(|kept| kept.record.evidence.signature == fact.evidence.signature)
            .map(|kept| &kept.record.digest)
            .next();
        is.discrepancies
            .iter()
            .filter(|row| row.kind == kind && is_about(&row.note))
            .any(|row| row.is_open() || row.evidence.as_ref() == digest)
    };
    let row = refund.and_then(|claim| {
        let number = RefundNumber::new(claim.number.as_deref()?).ok()?;
        was.refund(&number)
    });
    let refund_fits = match (refund, row) {
        (Some(claim), Some(row)) => claim.amount.is_none_or(|amount| amount == row.amount),
        _ => true,
    };
    if !matched || !refund_fits {
        law.must(
            states(was) == states(is),
            "5: a message that does not match moves nothing",
        );
        law.must(
            opened(DiscrepancyKind::Mismatch),
            "5: a message that does not match is raised",
        );
        let target = row.map_or(Target::Payment, |row| Target::Refund(row.number.clone()));
        let open = match row {
            Some(row) => !row.state.is_settled(),
            None if refund.is_some() => false,
            None => !was.payment.state.is_settled(),
        };
        law.must(
            fact.source != Source::Notification || !open || due(&target),
            "5: a notification that does not match prompts a query",
        );
        return;
    }
    match &fact.claim {
        Claim::Payment(status) => payment_said(law, fact, status, was, is, &opened, &due),
        Claim::Refund(claim, status) => {
            if was.payment.state != PaymentState::Paid {
                let own =
                    lease_of(done.command).is_some_and(|lease| lease.target == Target::Payment);
                law.must(
                    own || due(&Target::Payment),
                    "9: a refund of what was not seen paid prompts a query",
                );
            }
            refund_said(law, fact, claim, status, was, is, row, &opened, &due);
        }
        Claim::RefundAccepted(_) => {
            if let Some(row) = row
                && row.state == RefundState::Requested
            {
                let now = is.refund(&row.number).map(|row| row.state);
                law.must(
                    now == Some(RefundState::Processing),
                    "3: what was taken is under way",
                );
            }
        }
        _ => {}
    }
}

fn payment_said(
    law: &mut Broken,
    fact: &Fact,
    status: &PaymentStatus,
    was: &PaymentView,
    is: &PaymentView,
    opened: &dyn Fn(DiscrepancyKind) -> bool,
    due: &dyn Fn(&Target) -> bool,
) {
    let (old, new) = (&was.payment, &is.payment);
    match status {
        PaymentStatus::Paid | PaymentStatus::PaidAndReturned if fact.source != Source::Answer => {
            let undone = old.state == PaymentState::Closed && old.reversal == Some(Reversal::Done);
            if undone && fact.source != Source::Query {
                law.must(
                    due(&Target::Payment),
                    "4: money after a reversal is asked about",
                );
                return;
            }
            law.must(
                new.state == PaymentState::Paid,
                "4: paid is recorded, whatever stood there",
            );
            if old.state == PaymentState::Closed {
                law.must(
                    new.late && opened(DiscrepancyKind::LatePayment),
                    "4: a payment after its close is raised",
                );
                law.must(due(&Target::Payment), "4: a late payment is asked about");
            }
            if *status == PaymentStatus::PaidAndReturned && reserved(was) == 0 {
                law.must(
                    opened(DiscrepancyKind::UnexplainedReturn),
                    "9: money that went back without us is raised",
                );
            }
        }
        PaymentStatus::Closed | PaymentStatus::Reversed => {
            if old.state != PaymentState::Paid {
                law.must(
                    new.state == PaymentState::Closed,
                    "7: closed by the gateway's word",
                );
                let reversed = *status == PaymentStatus::Reversed;
                law.must(
                    !reversed || new.reversal == Some(Reversal::Done),
                    "4: reversed by the gateway's word",
                );
                law.must(
                    new.reversal != Some(Reversal::Requested),
                    "7: what has ended is not to be ended",
                );
            } else if *status == PaymentStatus::Reversed {
                if fact.source == Source::Notification && old.reversal != Some(Reversal::Done) {
                    law.must(
                        new.reversal == old.reversal && due(&Target::Payment),
                        "4: a reversal of what is paid is asked about",
                    );
                    return;
                }
                law.must(
                    new.reversal == Some(Reversal::Done),
                    "4: reversed by the gateway's word",
                );
                let asked = matches!(old.reversal, Some(Reversal::Requested | Reversal::Done));
                law.must(
                    asked || opened(DiscrepancyKind::Contradiction),
                    "8: a reversal that nobody here asked for is raised",
                );
            } else {
                law.must(
                    opened(DiscrepancyKind::Contradiction),
                    "8: a word against what is final is raised",
                );
            }
        }
        _ => {}
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one word of the gateway, and all that it concerns"
)]
fn refund_said(
    law: &mut Broken,
    fact: &Fact,
    claim: &RefundClaim,
    status: &RefundStatus,
    was: &PaymentView,
    is: &PaymentView,
    row: Option<&Refund>,
    opened: &dyn Fn(DiscrepancyKind) -> bool,
    due: &dyn Fn(&Target) -> bool,
) {
    let about_it = about(claim.number.as_deref().unwrap_or_default());
    let raised = |kind| was_raised_about(is, kind, &about_it);
    let Some(row) = row else {
        if *status == RefundStatus::Succeeded {
            let known = claim
                .amount
                .is_some_and(|amount| amount <= was.payment.amount);
            let told = match known {
                true => {
                    let fresh = is.discrepancies.iter().skip(was.discrepancies.len());
                    let mut fresh = fresh.filter(|row| row.note.starts_with(&about_it));
                    is.refunds.len() == was.refunds.len() + 1
                        && fresh.any(|row| row.kind == DiscrepancyKind::ForeignRefund)
                }
                false => opened(DiscrepancyKind::UnexplainedReturn),
            };
            law.must(told, "9: a refund that is not of our making is a fact too");
        } else {
            law.must(
                opened(DiscrepancyKind::ForeignRefund),
                "9: a refund that is not of our making is raised",
            );
        }
        return;
    };
    let now = is.refund(&row.number).map(|row| row.state);
    match status {
        RefundStatus::Succeeded => {
            law.must(
                now == Some(RefundState::Succeeded),
                "9: money that went back is recorded, whatever stood there",
            );
            law.must(
                row.state != RefundState::Closed || raised(DiscrepancyKind::Contradiction),
                "8: a refund that succeeded after it was closed is raised",
            );
        }
        RefundStatus::Failed | RefundStatus::Closed if row.state == RefundState::Succeeded => {
            let believed = row.submissions <= 1 || fact.source != Source::Notification;
            law.must(
                !believed || opened(DiscrepancyKind::Contradiction),
                "8: a word against what is final is raised",
            );
        }
        RefundStatus::Failed | RefundStatus::Closed
            if row.submissions > 1 && fact.source == Source::Notification =>
        {
            law.must(
                now == Some(row.state),
                "10: an older word frees nothing that is on its way",
            );
            let told = match status {
                RefundStatus::Failed => RefundState::Failed,
                _ => RefundState::Closed,
            };
            let news = row.state != told && row.state != RefundState::Closed;
            law.must(
                !news || due(&Target::Refund(row.number.clone())),
                "10: an older word prompts a query",
            );
        }
        RefundStatus::Processing if row.state == RefundState::Failed => {
            let taken = is.refund(&row.number).is_some_and(|new| {
                new.state == RefundState::Processing && new.submissions == row.submissions + 1
            });
            let asked =
                now == Some(RefundState::Failed) && due(&Target::Refund(row.number.clone()));
            law.must(
                if fact.source == Source::Query {
                    taken
                } else {
                    asked
                },
                "4: what goes through after it failed is believed when it was asked about",
            );
        }
        RefundStatus::Failed if !row.state.is_settled() => {
            law.must(
                now == Some(RefundState::Failed),
                "7: failed by the gateway's word",
            );
        }
        RefundStatus::Closed if row.state != RefundState::Closed => {
            law.must(
                now == Some(RefundState::Closed),
                "7: closed by the gateway's word",
            );
            law.must(
                raised(DiscrepancyKind::RefundClosed),
                "9: a refund that was closed is raised",
            );
        }
        _ => {}
    }
}
