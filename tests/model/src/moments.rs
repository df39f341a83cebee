//! Time, reduced to what a decision can tell apart. The clock stands still; time passes by moving the moments of a row into
//! the past, one at a time, in any order. So no bound on how long anything takes is relied upon.
//!
//! A lease is running or has run out, and whose it is tells it from others. A question about a row is due from the moment it
//! is set: how long it waits is left out, and with it the end of the watch over what ended, and the bounds of a year. Of the
//! ten minutes after a refund's failure it is kept whether they have passed, and they pass only when no repeat of its call
//! is on its way any more: the one bound on the wire that the ledger relies upon.
//! For a settled row, whether the question was set before or after the present lease was taken matters, and is kept.

use std::time::Duration;

use ucanpay_storefront::ledger::Schedule;
use ucanpay_storefront::{PaymentView, Refund, RefundNumber, Timestamp};

use crate::gateway::REFUNDS;
use crate::ledger::{Ask, NOBODY};
use crate::mistake;

/// The present moment, always.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);
/// The end of a lease that is taken now: none that has stood for a while ends then.
pub(crate) const LEASED_NOW: Timestamp = at(60_000);

const RUNNING: i64 = 30_000;
const RUN_OUT: i64 = -10_000;
/// Set before any lease that stands.
pub(crate) const DUE: Timestamp = at(-100_000);
/// Set after any lease that stands was taken.
const DOUBTED: Timestamp = at(-1_000);
const PAST: Timestamp = at(-1_000);
/// More than ten minutes ago.
const LONG_AGO: Timestamp = at(-700_000);
const FUTURE: Timestamp = at(7_200_000);

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

fn ends(base: i64, who: usize) -> Timestamp {
    at(base).after(Duration::from_millis(who as u64))
}

/// The end of the lease that this worker has of a row: what stands there if it is still its own, else nothing that does.
pub(crate) fn lease_of(view: Option<&PaymentView>, on: usize, who: usize) -> Timestamp {
    let until = view.and_then(|view| schedule(view, on)?.lease_until);
    until
        .filter(|until| {
            [RUNNING, RUN_OUT]
                .map(|base| ends(base, who))
                .contains(until)
        })
        .unwrap_or(at(-1_000_000))
}

/// Whether this worker has a running lease of this row.
pub(crate) fn holds(view: &PaymentView, on: usize, who: usize) -> bool {
    schedule(view, on).is_some_and(|schedule| schedule.lease_until == Some(ends(RUNNING, who)))
}

/// Whether the lease that stands at this row, running or not, is this worker's.
pub(crate) fn owns(view: &PaymentView, on: usize, who: usize) -> bool {
    holds(view, on, who) || ran_out(view, on, who)
}

/// Whether the lease that this worker had of this row has run out.
pub(crate) fn ran_out(view: &PaymentView, on: usize, who: usize) -> bool {
    schedule(view, on).is_some_and(|schedule| schedule.lease_until == Some(ends(RUN_OUT, who)))
}

/// Whether this refund failed, and ten minutes have not passed since.
pub(crate) fn failed_lately(refund: &Refund) -> bool {
    refund.failed_at.is_some_and(|at| at > LONG_AGO)
}

/// Whether a lease of this row is running.
pub(crate) fn is_leased(view: &PaymentView, on: usize) -> bool {
    schedule(view, on).is_some_and(|schedule| schedule.leased(NOW))
}

/// Whether this row waits to be asked about, and nobody is at it.
pub(crate) fn is_due(view: &PaymentView, on: usize) -> bool {
    schedule(view, on).is_some_and(|schedule| schedule.due(NOW))
}

fn schedule(view: &PaymentView, on: usize) -> Option<&Schedule> {
    match on {
        0 => Some(&view.payment.schedule),
        n => refund(view, n - 1).map(|refund| &refund.schedule),
    }
}

fn schedule_mut(view: &mut PaymentView, on: usize) -> Option<&mut Schedule> {
    match on {
        0 => Some(&mut view.payment.schedule),
        n => {
            let mut refunds = view.refunds.iter_mut();
            let found = refunds.find(|refund| place(&refund.number) == n - 1);
            found.map(|refund| &mut refund.schedule)
        }
    }
}

/// The refund of this place, which does not depend on the order in which they were recorded.
pub(crate) fn refund(view: &PaymentView, n: usize) -> Option<&Refund> {
    view.refunds
        .iter()
        .find(|refund| place(&refund.number) == n)
}

/// Of two numbers, the first is the shop's own.
fn place(number: &RefundNumber) -> usize {
    usize::from(number.as_str() != "R0")
}

/// Reduces the moments of a row after a decision. A lease that was taken in it is of `on`, by `who`, who took it as `due`
/// at that moment.
pub(crate) fn forget(
    view: &mut PaymentView,
    on: usize,
    who: usize,
    due: Option<Option<Timestamp>>,
) {
    for row in 0..=REFUNDS {
        let Some(schedule) = schedule_mut(view, row) else {
            continue;
        };
        let taken = schedule.lease_until == Some(LEASED_NOW);
        if taken {
            schedule.lease_until = Some(ends(RUNNING, if row == on { who } else { NOBODY }));
        }
        schedule.lease_until = schedule.lease_until.filter(|until| *until != NOW);
        let since = |at: Timestamp| match due.filter(|_| taken && row == on) {
            Some(due) => due != Some(at),
            None => at != DUE && at <= NOW && !taken,
        };
        schedule.next_check_at = schedule.next_check_at.map(|at| {
            if since(at) && schedule.lease_until.is_some() {
                DOUBTED
            } else {
                DUE
            }
        });
    }
    let payment = &mut view.payment;
    payment.version = 0;
    payment.events = 0;
    payment.created_at = PAST;
    payment.paid_at = payment.paid_at.map(|_| PAST);
    payment.closed_at = payment.closed_at.map(|_| PAST);
    payment.expires_at = if payment.expires_at <= NOW {
        PAST
    } else {
        FUTURE
    };
    payment.trouble = payment.trouble.take().map(|_| "trouble".into());
    for refund in &mut view.refunds {
        refund.version = 0;
        refund.created_at = PAST;
        let lately = failed_lately(refund);
        refund.failed_at = refund
            .failed_at
            .map(|_| if lately { PAST } else { LONG_AGO });
        refund.confirmed_at = refund.confirmed_at.map(|_| PAST);
        refund.submissions = refund.submissions.min(2);
        refund.trouble = refund.trouble.take().map(|_| "trouble".into());
    }
    for row in &mut view.discrepancies {
        row.opened_at = PAST;
        if let Some(closed) = &mut row.closed {
            closed.at = PAST;
        }
    }
}

/// What is no command: the store takes a row that is due, or time passes. Says whether a lease was taken.
pub(crate) fn passes(view: &mut PaymentView, ask: Ask) -> bool {
    match ask {
        Ask::TakeDue(on, who) => {
            let due = is_due(view, on);
            if let Some(schedule) = schedule_mut(view, on).filter(|_| due) {
                schedule.lease_until = Some(LEASED_NOW);
                forget(view, on, who, None);
            }
            due
        }
        Ask::LeaseEnds(on) => {
            if let Some(schedule) = schedule_mut(view, on) {
                let who =
                    (0..=NOBODY).find(|who| schedule.lease_until == Some(ends(RUNNING, *who)));
                schedule.lease_until = who.map(|who| ends(RUN_OUT, who));
            }
            tidy(view, on);
            false
        }
        Ask::Orphan(on, who) => {
            if let Some(schedule) = schedule_mut(view, on) {
                let base = |base| schedule.lease_until == Some(ends(base, who));
                if let Some(base) = [RUNNING, RUN_OUT].into_iter().find(|at| base(*at)) {
                    schedule.lease_until = Some(ends(base, NOBODY));
                }
            }
            tidy(view, on);
            false
        }
        Ask::TenMinutes(n) => {
            let refunds = view.refunds.iter_mut();
            for refund in refunds.filter(|refund| place(&refund.number) == n) {
                age(refund);
            }
            false
        }
        Ask::TimeIsUp => {
            view.payment.expires_at = PAST;
            false
        }
        Ask::Mistake(what) => {
            mistake::write(view, what);
            false
        }
        _ => false,
    }
}

/// A lease that has run out, and whose holder is no more, is none. Without a lease there is nothing that a question could
/// be younger than.
fn tidy(view: &mut PaymentView, on: usize) {
    if let Some(schedule) = schedule_mut(view, on) {
        schedule.lease_until = schedule
            .lease_until
            .filter(|until| *until != ends(RUN_OUT, NOBODY));
        if schedule.lease_until.is_none() {
            schedule.next_check_at = schedule.next_check_at.map(|_| DUE);
        }
    }
}

/// Its failure is more than ten minutes ago.
pub(crate) fn age(refund: &mut Refund) {
    refund.failed_at = refund.failed_at.map(|_| LONG_AGO);
}

/// Makes this worker the holder of a row's lease: a mistake.
pub(crate) fn seize(view: &mut PaymentView, on: usize, who: usize) {
    if let Some(schedule) = schedule_mut(view, on) {
        schedule.lease_until = Some(ends(RUNNING, who));
    }
}

/// Takes a row from the list of questions: a mistake.
pub(crate) fn rest(view: &mut PaymentView, on: usize) {
    if let Some(schedule) = schedule_mut(view, on) {
        schedule.next_check_at = None;
    }
}
