//! The table: what a payment's or refund's state becomes when a matched message says this.
//!
//! Payments. Rows: the state; columns: what the gateway says. `·` stays.
//!
//! | | not paid | paying | failed | closed, reversed | paid | anything else |
//! |---|---|---|---|---|---|---|
//! | created | awaiting | paying | failed | closed | **paid** | unknown |
//! | awaiting_payment | · | paying | failed | closed | **paid** | unknown |
//! | paying | awaiting | · | failed | closed | **paid** | unknown |
//! | failed | awaiting | paying | · | closed | **paid** | unknown |
//! | unknown | awaiting | paying | failed | closed | **paid** | · |
//! | expired | · | · | · | closed | **paid** | · |
//! | closed | · | · | · | · | **paid** (late) | · |
//! | paid | · | · | · | contradiction | · | · |
//!
//! Every unpaid state but closed turns expired by an intent of ours, not by a message.
//!
//! A payment that was closed by its reversal turns paid by the answer to a query only: a notification is older than the
//! reversal, and prompts that query.
//!
//! "Not paid" after "paid" is an older answer overtaken by a newer one, not a contradiction: the answer to a query and a
//! notification travel side by side.
//!
//! Refunds:
//!
//! | | processing | succeeded | failed | closed | anything else |
//! |---|---|---|---|---|---|
//! | requested, processing, unknown | processing | **succeeded** | failed | closed | unknown |
//! | failed | processing | **succeeded** | · | closed | · |
//! | closed | · | succeeded, contradiction | · | · | · |
//! | succeeded | · | · | contradiction | contradiction | · |
//!
//! A failed refund that is submitted again goes back to requested by an intent of ours, not by a message: "processing"
//! after "failed" is an older answer.

use super::model::{PaymentState, RefundState};
use crate::provider::{PaymentStatus, RefundStatus};

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<S> {
    /// Nothing changes.
    Stay,
    /// The state becomes this.
    To(S),
    /// The message contradicts a final state: nothing is undone, somebody must look.
    Contradiction,
    /// The state becomes this, and somebody must look.
    ToDespite(S),
}

pub(super) fn payment(state: PaymentState, says: &PaymentStatus) -> Step<PaymentState> {
    use PaymentState as S;
    let to = match says {
        PaymentStatus::Paid | PaymentStatus::PaidAndReturned => S::Paid,
        PaymentStatus::Closed | PaymentStatus::Reversed if state == S::Paid => {
            return Step::Contradiction;
        }
        PaymentStatus::Closed | PaymentStatus::Reversed => S::Closed,
        _ if matches!(state, S::Paid | S::Closed | S::Expired) => return Step::Stay,
        PaymentStatus::NotPaid => S::AwaitingPayment,
        PaymentStatus::Paying => S::Paying,
        PaymentStatus::Failed => S::Failed,
        PaymentStatus::Other(_) => S::Unknown,
    };
    if to == state {
        Step::Stay
    } else {
        Step::To(to)
    }
}

pub(super) fn refund(state: RefundState, says: &RefundStatus) -> Step<RefundState> {
    use RefundState as S;
    let to = match (state, says) {
        (S::Succeeded, RefundStatus::Failed | RefundStatus::Closed) => return Step::Contradiction,
        (S::Closed, RefundStatus::Succeeded) => return Step::ToDespite(S::Succeeded),
        (S::Succeeded | S::Closed, _) | (S::Failed, RefundStatus::Other(_)) => return Step::Stay,
        (_, RefundStatus::Succeeded) => S::Succeeded,
        (_, RefundStatus::Processing) => S::Processing,
        (_, RefundStatus::Failed) => S::Failed,
        (_, RefundStatus::Closed) => S::Closed,
        (_, RefundStatus::Other(_)) => S::Unknown,
    };
    if to == state {
        Step::Stay
    } else {
        Step::To(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_status() -> [PaymentStatus; 8] {
        [
            PaymentStatus::Paid,
            PaymentStatus::PaidAndReturned,
            PaymentStatus::NotPaid,
            PaymentStatus::Paying,
            PaymentStatus::Failed,
            PaymentStatus::Closed,
            PaymentStatus::Reversed,
            PaymentStatus::Other("NEW".into()),
        ]
    }

    #[test]
    fn nothing_leads_out_of_paid() {
        for says in every_status() {
            let step = payment(PaymentState::Paid, &says);
            assert!(
                matches!(step, Step::Stay | Step::Contradiction),
                "{says:?}: {step:?}"
            );
        }
    }

    #[test]
    fn every_unpaid_state_turns_paid_when_the_gateway_says_so() {
        for &state in PaymentState::ALL {
            if state != PaymentState::Paid {
                assert_eq!(
                    payment(state, &PaymentStatus::Paid),
                    Step::To(PaymentState::Paid)
                );
            }
        }
    }

    #[test]
    fn an_older_not_paid_does_not_reopen_what_ended() {
        for state in [
            PaymentState::Paid,
            PaymentState::Closed,
            PaymentState::Expired,
        ] {
            assert_eq!(payment(state, &PaymentStatus::NotPaid), Step::Stay);
        }
    }

    #[test]
    fn a_refund_that_succeeded_stays_so() {
        for says in [
            RefundStatus::Processing,
            RefundStatus::Other("NEW".into()),
            RefundStatus::Succeeded,
        ] {
            assert_eq!(refund(RefundState::Succeeded, &says), Step::Stay);
        }
        assert_eq!(
            refund(RefundState::Succeeded, &RefundStatus::Failed),
            Step::Contradiction
        );
    }
}
