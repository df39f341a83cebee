//! What must hold of a payment at any moment.

use ucanpay_storefront::ledger::{Discrepancy, DiscrepancyKind, EventKind, History};
use ucanpay_storefront::{PaymentState, Refund, RefundState, Reversal, Timestamp};

use super::reading::{events_of, is_open, reserved, was_raised};
use super::{Broken, HOUR, MINUTE};

/// What must hold of a payment at any moment.
pub(super) fn stands(law: &mut Broken, history: &History, now: Timestamp) {
    let (view, payment) = (&history.view, &history.view.payment);
    let told = |kind| events_of(history, kind);
    let paid = payment.state == PaymentState::Paid;
    law.must(
        told(EventKind::PaymentSucceeded) == usize::from(paid),
        "2: paid, and exactly one PaymentSucceeded",
    );
    let late = paid && payment.closed_at.is_some();
    law.must(
        payment.late == late && told(EventKind::LatePayment) == usize::from(late),
        "4: paid after a close is late, and told so once",
    );
    law.must(
        paid == payment.paid_at.is_some(),
        "2: paid, and when that was learnt",
    );
    law.must(
        payment.state != PaymentState::Closed || payment.closed_at.is_some(),
        "4: closed, and when that was learnt",
    );
    law.must(
        told(EventKind::ReviewRequired) == view.discrepancies.len(),
        "8: each discrepancy is told once",
    );
    let numbered = (1..).zip(&history.events);
    let gapless = numbered
        .into_iter()
        .all(|(nth, kept)| kept.event.sequence == nth);
    law.must(
        gapless && payment.events == history.events.len() as u64,
        "12: the events are numbered without a gap",
    );
    // 13
    let expected = !payment.state.is_settled() || payment.reversal == Some(Reversal::Requested);
    law.must(
        !expected || payment.schedule.next_check_at.is_some(),
        "13: an unsettled payment is asked for again",
    );
    let under_way: Vec<&Refund> = view
        .refunds
        .iter()
        .filter(|refund| !refund.state.is_settled())
        .collect();
    law.must(
        under_way
            .iter()
            .all(|refund| refund.schedule.next_check_at.is_some()),
        "13: an unsettled refund is asked for again",
    );
    law.must(under_way.len() <= 1, "8: refunds go one at a time");
    law.must(
        payment.state != PaymentState::Expired || payment.expires_at <= now.after(MINUTE),
        "7: expired when its time was up, or brought forward",
    );
    law.must(
        payment.reversal != Some(Reversal::Requested) || payment.expires_at <= now.after(MINUTE),
        "7: to be reversed is to end now",
    );
    let closed = payment
        .closed_at
        .filter(|_| payment.state == PaymentState::Closed);
    law.must(
        closed.is_none_or(|at| now.since(at) >= 6 * HOUR)
            || payment.schedule.next_check_at.is_some(),
        "4: a closed payment is watched for six hours",
    );
    for row in &view.refunds {
        law.must(
            row.failed_at.is_some() == (row.state == RefundState::Failed),
            "7: failed, and when that was learnt",
        );
        law.must(
            row.failed_at.is_none_or(|at| now.since(at) >= 6 * HOUR)
                || row.schedule.next_check_at.is_some(),
            "4: a failed refund is watched for six hours",
        );
    }
    law.must(
        !paid
            || payment.reversal != Some(Reversal::Refused)
            || now.since(payment.expires_at) >= 6 * HOUR
            || payment.schedule.next_check_at.is_some(),
        "4: a payment whose reversal was refused is watched for six hours",
    );
    // 9
    let reserved = reserved(view);
    law.must(
        reserved <= payment.amount.cents() || was_raised(view, DiscrepancyKind::RefundedTooMuch),
        "9: the refunds fit into the payment, or somebody is told",
    );
    let stopped = matches!(payment.reversal, Some(Reversal::Requested | Reversal::Done));
    let nothing = stopped || !paid || is_open(view, DiscrepancyKind::UnexplainedReturn);
    let left = match nothing {
        true => 0,
        false => (payment.amount.cents() - reserved).max(0),
    };
    law.must(
        view.refundable() == left,
        "9: what can be refunded is derived",
    );
    for (nth, row) in view.discrepancies.iter().enumerate() {
        let same = |other: &Discrepancy| {
            row.evidence.is_some()
                && (&other.kind, &other.note, &other.evidence)
                    == (&row.kind, &row.note, &row.evidence)
        };
        law.must(
            !view.discrepancies[..nth].iter().any(same),
            "8: no message opens the same discrepancy twice",
        );
    }
}
