//! What is wanted of the gateway: that money goes back, that a payment ends.

use ucanpay_storefront::ledger::{Command, DiscrepancyKind, History, Outcome};
use ucanpay_storefront::{LatePolicy, PaymentState, RefundNumber, RefundState, Reversal};

use super::reading::{in_doubt, is_open, reserved, states};
use super::{Broken, Done, MINUTE};

/// The budget of refunds, as it was before this one.
pub(super) fn refund_recorded(
    law: &mut Broken,
    done: &Done<'_>,
    number: &RefundNumber,
    cents: i64,
    before: &History,
    after: &History,
) {
    let (was, is) = (&before.view, &after.view);
    if !matches!(done.applied.outcome, Outcome::Recorded(_)) {
        law.must(before == after, "8: what was refused leaves nothing behind");
        return;
    }
    let payment = &was.payment;
    law.must(
        payment.state == PaymentState::Paid
            && !matches!(payment.reversal, Some(Reversal::Requested | Reversal::Done)),
        "8: only what is paid, and not to be reversed, is refunded",
    );
    let mut under_way = was.refunds.iter().filter(|row| !row.state.is_settled());
    law.must(under_way.next().is_none(), "8: refunds go one at a time");
    let mut others = was.refunds.iter().filter(|row| row.number != *number);
    law.must(
        !others.any(in_doubt),
        "8: what may still go through is not refunded under another number",
    );
    law.must(
        cents + reserved(was) <= payment.amount.cents(),
        "9: the sum of the refunds is reserved",
    );
    let counted = was
        .refunds
        .iter()
        .filter(|row| row.state != RefundState::Failed);
    law.must(counted.count() < 10, "9: at most ten refunds");
    law.must(
        !is_open(was, DiscrepancyKind::UnexplainedReturn),
        "9: nothing is refunded while nobody knows what went back",
    );
    if number.as_str().starts_with("LATE") {
        law.must(
            payment.late
                && payment.late_policy == LatePolicy::AutoRefund
                && is_open(was, DiscrepancyKind::LatePayment),
            "a late payment is refunded by itself only where that was agreed and nobody decided otherwise",
        );
    }
    let stood = was.refund(number);
    let Some(row) = is.refund(number) else {
        law.must(false, "11: the intent is committed");
        return;
    };
    let asked = stood.map_or(0, |row| row.submissions) + 1;
    let again = stood.is_none_or(|row| row.state == RefundState::Failed);
    law.must(
        row.state == RefundState::Requested && row.submissions == asked && again,
        "10: asked for once, and again only after it had failed",
    );
    law.must(
        row.gateway_number.is_none(),
        "10: under its number it is asked for anew, not by the gateway's old one",
    );
    law.must(
        row.schedule
            .next_check_at
            .is_some_and(|at| at <= done.now.after(MINUTE)),
        "13: what was recorded is asked for within the minute",
    );
}

/// The wish that a payment ends is committed, and due.
pub(super) fn ended(law: &mut Broken, done: &Done<'_>, before: &History, after: &History) {
    let (was, is) = (&before.view.payment, &after.view.payment);
    if !matches!(done.applied.outcome, Outcome::Claimed(_) | Outcome::Busy) {
        let states = states(&before.view) == states(&after.view);
        law.must(states, "7: what was refused moves nothing");
        return;
    }
    law.must(
        matches!(is.state, PaymentState::Expired)
            || (is.state == PaymentState::Paid && is.reversal == Some(Reversal::Requested)),
        "7: the wish to end is committed",
    );
    law.must(
        is.expires_at <= done.now || is.expires_at == was.expires_at && was.state == is.state,
        "7: our time for it is up",
    );
    let stood = match done.command {
        Command::Reverse { .. } => was.reversal == Some(Reversal::Requested),
        _ => was.state == PaymentState::Expired,
    };
    let they_are_at_it = stood && matches!(done.applied.outcome, Outcome::Busy);
    law.must(
        is.schedule
            .next_check_at
            .is_some_and(|at| at <= done.now || they_are_at_it),
        "13: the wish to end is due at once, whoever has the row",
    );
}
