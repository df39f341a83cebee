//! What a [`Bug`] does to a decision: what is seen before it, what is written after it.

use ucanpay_storefront::{PaymentState, PaymentView, Refund, RefundState, Reversal};

use crate::bug::Bug;
use crate::gateway::{Said, Word};
use crate::ledger::Ask;
use crate::moments;

/// Something written that no rule allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// The payment is paid.
    Paid,
    /// The payment is closed.
    Closed,
    /// This refund has failed.
    RefundFailed(usize),
    /// The row of this refund is deleted.
    RefundForgotten(usize),
    /// This row is not asked about again.
    Rests(usize),
}

/// What a decision is made on.
pub(crate) fn seen(bug: Option<Bug>, mut view: PaymentView, ask: Ask) -> PaymentView {
    let Some(bug) = bug else { return view };
    match (bug, ask) {
        (Bug::RefundsSideBySide, Ask::RequestRefund(..)) => {
            for refund in &mut view.refunds {
                if !refund.state.is_settled() {
                    refund.state = RefundState::Succeeded;
                }
            }
        }
        (Bug::UnknownReleasesReservation, Ask::RequestRefund(..)) => {
            for refund in &mut view.refunds {
                if refund.state == RefundState::Requested && refund.trouble.is_some() {
                    refund.state = RefundState::Failed;
                    refund.confirmed_at = Some(moments::NOW);
                }
            }
        }
        (Bug::RefundDespiteReversal, Ask::RequestRefund(..)) => view.payment.reversal = None,
        (Bug::ReversalDespiteRefund, Ask::Reverse(_)) => {
            for refund in &mut view.refunds {
                refund.state = RefundState::Failed;
                refund.confirmed_at = Some(moments::NOW);
            }
        }
        (Bug::StaleResultWritten, Ask::Observe(_, _, on, who) | Ask::GiveUp(on, who, _)) => {
            moments::seize(&mut view, on, who);
        }
        (Bug::StaleResultWritten, Ask::Hold(_, _, who) | Ask::RefuseReversal(who)) => {
            moments::seize(&mut view, 0, who);
        }
        (Bug::AnotherNumberAtOnce, Ask::RequestRefund(..)) => {
            for refund in &mut view.refunds {
                refund.confirmed_at = refund.failed_at;
            }
        }
        (Bug::FirstAnswerConfirms, Ask::Observe(_, Word::Refund(..), ..)) => {
            view.refunds.iter_mut().for_each(moments::age);
        }
        (Bug::OlderRefundWordBelieved, Ask::Notice(Word::Refund(..))) => {
            for refund in &mut view.refunds {
                refund.submissions = 1;
            }
        }
        _ => {}
    }
    view
}

/// What is written: rows that were seen otherwise than they stood are put back, but for what was decided about them.
pub(crate) fn written(bug: Option<Bug>, before: &PaymentView, after: &mut PaymentView, ask: Ask) {
    let Some(bug) = bug else { return };
    let was = |state| before.payment.state == state;
    match (bug, ask) {
        (
            Bug::RefundsSideBySide | Bug::UnknownReleasesReservation | Bug::ReversalDespiteRefund,
            Ask::RequestRefund(..) | Ask::Reverse(_),
        ) => {
            for old in &before.refunds {
                let new = after
                    .refunds
                    .iter_mut()
                    .find(|new| new.number == old.number);
                if let Some(new) = new.filter(|new| new.submissions == old.submissions) {
                    new.state = old.state;
                    new.confirmed_at = old.confirmed_at;
                }
            }
        }
        (Bug::RefundDespiteReversal, Ask::RequestRefund(..)) => {
            after.payment.reversal = before.payment.reversal;
        }
        (Bug::FailedRefundRests, _) => {
            let failed = |refund: &&mut Refund| refund.state == RefundState::Failed;
            for refund in after.refunds.iter_mut().filter(failed) {
                refund.schedule.next_check_at = None;
            }
        }
        (Bug::RefusedReversalRests, _)
            if after.payment.reversal == Some(Reversal::Refused)
                && after.payment.state == PaymentState::Paid =>
        {
            after.payment.schedule.next_check_at = None;
        }
        (Bug::PaidErased, _) if was(PaymentState::Paid) && says(ask, Said::NotPaid) => {
            after.payment.state = PaymentState::AwaitingPayment;
        }
        (Bug::LatePaymentIgnored, _) if was(PaymentState::Closed) && says(ask, Said::Paid) => {
            *after = before.clone();
        }
        _ => {}
    }
}

fn says(ask: Ask, said: Said) -> bool {
    let (Ask::Notice(word) | Ask::Observe(_, word, ..) | Ask::Hold(_, word, _)) = ask else {
        return false;
    };
    word == Word::Payment(said)
}

/// Writes it.
pub(crate) fn write(view: &mut PaymentView, mistake: Mistake) {
    match mistake {
        Mistake::Paid => view.payment.state = PaymentState::Paid,
        Mistake::Closed => view.payment.state = PaymentState::Closed,
        Mistake::RefundFailed(n) => {
            let number = moments::refund(view, n).map(|refund| refund.number.clone());
            let mut refunds = view.refunds.iter_mut();
            if let Some(refund) = refunds.find(|refund| Some(&refund.number) == number.as_ref()) {
                refund.state = RefundState::Failed;
            }
        }
        Mistake::RefundForgotten(n) => {
            let number = moments::refund(view, n).map(|refund| refund.number.clone());
            view.refunds
                .retain(|refund| Some(&refund.number) != number.as_ref());
        }
        Mistake::Rests(on) => moments::rest(view, on),
    }
}
