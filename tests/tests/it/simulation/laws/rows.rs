//! Who has a row, and when it is asked for next.

use ucanpay_storefront::PaymentState;
use ucanpay_storefront::ledger::{Command, History, Outcome, Target};

use super::reading::{fails, is_leased, lease_of, schedule, targets, withdraws};
use super::{Broken, Done, HOUR, MINUTE};

/// Who has a row, and since when.
pub(super) fn leases(law: &mut Broken, done: &Done<'_>, before: &History, after: &History) {
    let given = lease_of(done.command);
    let taken = match &done.applied.outcome {
        Outcome::Claimed(lease) | Outcome::Recorded(lease) => Some(lease),
        _ => None,
    };
    for target in targets(&after.view) {
        let is = schedule(&after.view, &target).and_then(|row| row.lease_until);
        let was = schedule(&before.view, &target).and_then(|row| row.lease_until);
        let ours = given.is_some_and(|lease| lease.target == target);
        match taken.filter(|lease| lease.target == target) {
            Some(lease) => {
                law.must(is == Some(lease.until), "7: what was claimed is leased");
                law.must(
                    ours || !is_leased(was, done.now),
                    "13: at most one live lease a row",
                );
            }
            None if ours => law.must(is.is_none(), "7: a row that is done with is given back"),
            None if fails(&before.view, &after.view, &target) => law.must(
                is.is_none(),
                "7: a failure takes the row from whoever asked before",
            ),
            None if withdraws(done.command, &before.view.payment, &after.view.payment) => law.must(
                is.is_none() || target != Target::Payment,
                "7: a wish that is withdrawn takes the row from whoever carries it out",
            ),
            None => law.must(is == was, "7: a row is given back only by who has it"),
        }
    }
    let recorded = matches!(done.command, Command::RequestRefund(new, until)
        if taken.is_some_and(|lease| lease.until != *until || lease.target != Target::Refund(new.number.clone())));
    law.must(!recorded, "7: the lease is the one that was asked for");
}

/// When the rows are asked for next.
pub(super) fn schedules(law: &mut Broken, done: &Done<'_>, before: &History, after: &History) {
    let Some(lease) = lease_of(done.command) else {
        return;
    };
    let next = |history: &History| {
        schedule(&history.view, &lease.target).and_then(|row| row.next_check_at)
    };
    let (was, is) = (next(before), next(after));
    let hold = match done.command {
        Command::GiveUp { hold, .. } => {
            law.must(
                was.is_none() || is.is_some(),
                "13: a call that brought nothing ends no question",
            );
            *hold
        }
        _ => None,
    };
    let answered = matches!(
        done.command,
        Command::Observe(..) | Command::ObserveAndHold(..)
    );
    // It was set after the lease was taken, so that the answer is older than the doubt.
    let held = schedule(&before.view, &lease.target)
        .is_some_and(|row| row.lease_until == Some(lease.until));
    let doubted = held && was.is_some() && was != lease.due;
    law.must(
        !answered || !doubted || is.is_some_and(|at| at <= done.now),
        "4: a doubt that came meanwhile is not answered",
    );
    if let Some(at) = is {
        law.must(
            at <= done.now.after(6 * HOUR),
            "13: no question is put off for more than six hours",
        );
        let held = hold.unwrap_or_default().min(6 * HOUR);
        law.must(
            hold.is_none() || at >= done.now.after(held),
            "10: who asks for quiet gets it",
        );
        let payment = &after.view.payment;
        let since = match &lease.target {
            Target::Payment if payment.state.is_settled() => None,
            Target::Payment if payment.state == PaymentState::Expired => Some(payment.expires_at),
            Target::Payment => Some(payment.created_at),
            Target::Refund(number) => after
                .view
                .refund(number)
                .filter(|row| !row.state.is_settled())
                .map(|row| row.created_at),
        };
        let young = since.is_some_and(|since| done.now.since(since) < 30 * MINUTE);
        law.must(
            !answered || !young || at <= done.now.after(MINUTE),
            "13: while somebody waits for it, a row is asked for within the minute",
        );
    }
}
