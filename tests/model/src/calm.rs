//! After the faults: from any state, without a further fault and without a single notification, the reconciler alone brings
//! the ledger to what the gateway says.
//!
//! One fair order of steps is followed: what is under way ends, leases run out, the block passes, refunds come to their
//! end, rows that are due are asked about, until nothing changes any more. Calls that went astray never arrive here: where
//! they do, that is another state of the search, from which this is asked again.

use std::sync::PoisonError;

use ucanpay_storefront::ledger::DiscrepancyKind;
use ucanpay_storefront::{PaymentState, PaymentView, RefundState, Reversal};

use crate::bug::Bug;
use crate::gateway::{REFUNDS, RefundSaid, Said};
use crate::laws::has;
use crate::ledger::NONE;
use crate::moments;
use crate::system::{Action, State, System};
use crate::worker::Stage;

/// More rounds than any row needs to settle.
const ROUNDS: usize = 12;

impl System {
    /// Whether the system settles from here, and agrees with the gateway then.
    pub(crate) fn settles(&self, state: &State) -> bool {
        if state.row == NONE || state.broken.is_some() {
            return true;
        }
        let mut seen = Vec::new();
        let mut state = State {
            astray: 0,
            ..*state
        };
        for _ in 0..ROUNDS {
            self.quiet(&mut state);
            let known = self.calm.lock().unwrap_or_else(PoisonError::into_inner);
            if known.contains(&state) {
                drop(known);
                break;
            }
            drop(known);
            if seen.contains(&state) {
                if !self.agrees(&state) {
                    return false;
                }
                break;
            }
            seen.push(state);
            if seen.len() == ROUNDS {
                return false;
            }
            for on in 0..=REFUNDS {
                self.step(&mut state, Action::Take(0, on));
                self.quiet(&mut state);
            }
        }
        let mut known = self.calm.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(seen);
        true
    }

    /// Ends what is under way.
    fn quiet(&self, state: &mut State) {
        state.blocked = false;
        for who in 0..state.tasks.len() {
            while let Some(task) = state.tasks[who] {
                let next = match task.at {
                    Stage::Leased => Action::Read(who),
                    Stage::Ready(_) => Action::Leave(who),
                    Stage::Out(_) => Action::Arrive(who),
                    Stage::Back(..) | Stage::OwesRefund | Stage::Checked(_) => Action::Commit(who),
                };
                self.step(state, next);
            }
        }
        for n in 0..REFUNDS {
            if state.gateway.refunds[n] == Some(RefundSaid::Processing) {
                self.step(state, Action::Refunded(n, RefundSaid::Succeeded));
            }
        }
        if self.bug != Some(Bug::LeaseWithoutEnd) {
            for on in 0..=REFUNDS {
                self.step(state, Action::LeaseEnds(on));
            }
        }
    }

    fn agrees(&self, state: &State) -> bool {
        let view = self.book.view(state.row);
        let payment = &view.payment;
        let stands = (payment.state, payment.reversal);
        let ended = view.is_to_end(moments::NOW);
        let of_payment = match state.gateway.order {
            None => false,
            Some(Said::NotPaid) => payment.state == PaymentState::AwaitingPayment && !ended,
            Some(Said::Paying) => payment.state == PaymentState::Paying && !ended,
            Some(Said::Failed) => payment.state == PaymentState::Failed && !ended,
            Some(Said::Paid | Said::Returned) => {
                payment.state == PaymentState::Paid
                    && !matches!(payment.reversal, Some(Reversal::Requested | Reversal::Done))
            }
            Some(Said::Closed) => payment.state == PaymentState::Closed,
            Some(Said::Reversed) => {
                let (paid, closed) = (PaymentState::Paid, PaymentState::Closed);
                let done = Some(Reversal::Done);
                stands == (closed, done) || state.gateway.taken && stands == (paid, done)
            }
        };
        of_payment
            && !view.owes_late_refund()
            && (0..REFUNDS).all(|n| refund_agrees(&view, n, state.gateway.refunds[n]))
    }
}

/// Whether a refund stands here as it stands there. One that the gateway refuses stays asked for, and a person is told.
fn refund_agrees(view: &PaymentView, n: usize, there: Option<RefundSaid>) -> bool {
    let refused = has(view, DiscrepancyKind::Refused);
    match (moments::refund(view, n).map(|refund| refund.state), there) {
        (None, None)
        | (Some(RefundState::Succeeded), Some(RefundSaid::Succeeded))
        | (Some(RefundState::Failed), Some(RefundSaid::Failed))
        | (Some(RefundState::Closed), Some(RefundSaid::Closed)) => true,
        (Some(RefundState::Requested), None | Some(RefundSaid::Failed)) => refused,
        _ => false,
    }
}
