//! The table: what a payment's or refund's state becomes when a matched message says this.
//!
//! The tests read both tables here, cell by cell.
//!
//! Payments. Rows: the state; columns: what the gateway says. `·` stays.
//!
//! | payment | not paid | paying | failed | closed, reversed | paid | anything else |
//! |---|---|---|---|---|---|---|
//! | created | awaiting_payment | paying | failed | closed | **paid** | unknown |
//! | awaiting_payment | · | paying | failed | closed | **paid** | unknown |
//! | paying | awaiting_payment | · | failed | closed | **paid** | unknown |
//! | failed | awaiting_payment | paying | · | closed | **paid** | unknown |
//! | unknown | awaiting_payment | paying | failed | closed | **paid** | · |
//! | expired | · | · | · | closed | **paid** | · |
//! | closed | · | · | · | · | **paid** | · |
//! | paid | · | · | · | contradiction | · | · |
//!
//! A closed payment that turns paid is a late one. Every unpaid state but closed turns expired by an intent of ours, not by
//! a message.
//!
//! A payment that was closed by its reversal turns paid by the answer to a query only: a notification is older than the
//! reversal, and prompts that query.
//!
//! "Not paid" after "paid" is an older answer overtaken by a newer one, not a contradiction: the answer to a query and a
//! notification travel side by side.
//!
//! Refunds:
//!
//! | refund | processing | succeeded | failed | closed | anything else |
//! |---|---|---|---|---|---|
//! | requested, processing, unknown | processing | **succeeded** | failed | closed | unknown |
//! | failed | processing | **succeeded** | · | closed | · |
//! | closed | · | succeeded, contradiction | · | · | · |
//! | succeeded | · | · | contradiction | contradiction | · |
//!
//! A failed refund turns processing by the answer to a query only: another message may be older than the failure, and
//! prompts that query. One that is submitted again goes back to requested by an intent of ours, not by a message; from then
//! on a notification moves it to succeeded only, and prompts a query where it would move it otherwise.

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
    use std::fmt::Debug;

    use super::*;

    /// What a cell says, for a row that stands in this state.
    fn step<S: PartialEq>(cell: &str, state: &S, named: fn(&str) -> Option<S>) -> Step<S> {
        let named = |word: &str| named(word.trim_matches('*')).expect("the name of a state");
        match cell.split_once(", ") {
            _ if cell == "·" => Step::Stay,
            _ if cell == "contradiction" => Step::Contradiction,
            Some((to, "contradiction")) => Step::ToDespite(named(to)),
            _ if named(cell) == *state => Step::Stay,
            _ => Step::To(named(cell)),
        }
    }

    /// Compares each cell of the table above that has this title and these columns, and fails unless it has a row for every
    /// state.
    fn assert_table<S: Copy + PartialEq + Debug, W: Debug>(
        title: &str,
        columns: &[(&str, Vec<W>)],
        every: &[S],
        named: fn(&str) -> Option<S>,
        moves: fn(S, &W) -> Step<S>,
    ) {
        let titles: Vec<_> = columns.iter().map(|(title, _)| *title).collect();
        let header = format!("//! | {title} | {} |", titles.join(" | "));
        let lines = include_str!("transition.rs").lines();
        let rows = lines.skip_while(|line| *line != header).skip(2);
        let rows = rows.map_while(|line| line.strip_prefix("//! | ")?.strip_suffix(" |"));
        let mut seen = Vec::new();
        for row in rows {
            let (states, cells) = row.split_once(" | ").expect("a row has cells");
            let cells: Vec<_> = cells.split(" | ").collect();
            assert_eq!(cells.len(), columns.len(), "{row}");
            for word in states.split(", ") {
                let state = named(word).expect("the name of a state");
                seen.push(state);
                for (cell, (_, statuses)) in cells.iter().zip(columns) {
                    for says in statuses {
                        let expected = step(cell, &state, named);
                        assert_eq!(moves(state, says), expected, "{word}: {says:?}");
                    }
                }
            }
        }
        for state in every {
            assert!(seen.contains(state), "no row for {state:?}");
        }
    }

    #[test]
    fn a_payment_moves_as_the_table_says() {
        use PaymentStatus as Says;
        let columns = [
            ("not paid", vec![Says::NotPaid]),
            ("paying", vec![Says::Paying]),
            ("failed", vec![Says::Failed]),
            ("closed, reversed", vec![Says::Closed, Says::Reversed]),
            ("paid", vec![Says::Paid, Says::PaidAndReturned]),
            ("anything else", vec![Says::Other("NEW".into())]),
        ];
        let every = PaymentState::ALL;
        assert_table("payment", &columns, every, PaymentState::from_word, payment);
    }

    #[test]
    fn a_refund_moves_as_the_table_says() {
        use RefundStatus as Says;
        let columns = [
            ("processing", vec![Says::Processing]),
            ("succeeded", vec![Says::Succeeded]),
            ("failed", vec![Says::Failed]),
            ("closed", vec![Says::Closed]),
            ("anything else", vec![Says::Other("NEW".into())]),
        ];
        let every = RefundState::ALL;
        assert_table("refund", &columns, every, RefundState::from_word, refund);
    }
}
