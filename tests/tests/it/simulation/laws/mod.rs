//! The laws: what one command may do to a payment, and what must hold of it whenever a command is done.
//!
//! Written from the rules, the states and the invariants of `docs/ledger.md`, not from the code that decides: a guard that
//! is missing there is missed here. Each law names the rule or the invariant that it comes from.
//!
//! | file | story |
//! |---|---|
//! | `standing.rs` | what must hold at any moment |
//! | `moves.rs` | what moved, and whether it may |
//! | `rows.rs` | who has a row, and when it is asked for next |
//! | `messages.rs` | what a verified message does |
//! | `wishes.rs` | what is wanted of the gateway |
//! | `reading.rs` | what the laws read out of rows and messages |

mod messages;
mod moves;
mod reading;
mod rows;
mod standing;
mod wishes;

use std::time::Duration;

use ucanpay_storefront::ledger::{
    Applied, Command, DiscrepancyKind, History, Outcome, Target, Tell, Verdict,
};
use ucanpay_storefront::{PaymentState, Reversal, Timestamp};

use messages::observed;
use moves::moved;
pub(crate) use reading::{
    about, is_leased, lease_of, money_had_gone_back, reserved, schedule, was_raised,
    was_raised_about,
};
use reading::{fits, money_went_back, withdraws};
use rows::{leases, schedules};
use standing::stands;
use wishes::{ended, refund_recorded};

/// A command that is done.
pub(crate) struct Done<'a> {
    pub(crate) before: Option<&'a History>,
    pub(crate) command: &'a Command,
    pub(crate) applied: &'a Applied,
    pub(crate) after: Option<&'a History>,
    pub(crate) now: Timestamp,
    /// The latest moment at which a command was given: this one may have been held up since its own.
    pub(crate) latest: Timestamp,
}

/// The laws that were broken.
#[derive(Debug, Default)]
pub(crate) struct Broken(pub(crate) Vec<&'static str>);

impl Broken {
    pub(super) fn must(&mut self, holds: bool, law: &'static str) {
        if !holds && !self.0.contains(&law) {
            self.0.push(law);
        }
    }
}

pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn judge(done: &Done<'_>) -> Broken {
    let mut broken = Broken::default();
    let law = &mut broken;
    let Some(after) = done.after else {
        let unknown = matches!(
            done.applied.outcome,
            Outcome::NotFound | Outcome::Observed(Verdict::Unmatched)
        );
        law.must(done.before.is_none(), "1: no row is ever deleted");
        law.must(unknown, "1: what is not recorded is not found");
        return broken;
    };
    let told = done.applied.view.as_deref();
    law.must(
        told == Some(&after.view),
        "the caller is told what was committed",
    );
    stands(law, after, done.latest);
    let Some(before) = done.before else {
        let recorded = matches!(
            (done.command, &done.applied.outcome),
            (Command::Create(..), Outcome::Recorded(_))
        );
        law.must(recorded, "11: only an intent creates a row");
        return broken;
    };
    if let Some(lease) = lease_of(done.command)
        && schedule(&before.view, &lease.target).and_then(|row| row.lease_until)
            != Some(lease.until)
    {
        law.must(
            done.applied.outcome == Outcome::StaleLease && before == after,
            "7: a stale lease writes nothing",
        );
        return broken;
    }
    moved(law, done, before, after);
    leases(law, done, before, after);
    schedules(law, done, before, after);
    match done.command {
        Command::Observe(fact, _) => observed(law, done, fact, before, after),
        Command::ObserveAndHold(fact, ..) => {
            observed(law, done, fact, before, after);
            let held = matches!(done.applied.outcome, Outcome::Claimed(_));
            let payment = &after.view.payment;
            let to_end = match payment.state {
                PaymentState::Paid => payment.reversal == Some(Reversal::Requested),
                PaymentState::Closed => false,
                PaymentState::Expired => true,
                _ => done.now >= payment.expires_at,
            };
            law.must(
                !held || to_end,
                "7: a row is held only while it is to be ended",
            );
            law.must(
                !held || fits(&before.view.payment, fact),
                "5: nothing goes on from a message that does not match",
            );
        }
        Command::RequestRefund(new, _) => {
            refund_recorded(law, done, &new.number, new.amount.cents(), before, after);
        }
        Command::Close(..) => ended(law, done, before, after),
        Command::Reverse { window, .. } => {
            ended(law, done, before, after);
            let asked = before.view.payment.reversal != Some(Reversal::Requested)
                && after.view.payment.reversal == Some(Reversal::Requested);
            let young = done.now.since(before.view.payment.created_at) <= *window;
            law.must(
                !asked || (young && !money_went_back(&before.view)),
                "4: what went back in part is not reversed",
            );
        }
        Command::GiveUp { lease, tell, .. } => {
            let (payment, held) = (&after.view.payment, schedule(&before.view, &lease.target));
            let (trouble, about, over) = match &lease.target {
                Target::Payment => {
                    let about = match payment.state {
                        _ if payment.reversal == Some(Reversal::Requested) => "to be reversed: ",
                        PaymentState::Expired => "to be closed: ",
                        _ => "",
                    };
                    let over =
                        payment.state.is_settled() && payment.reversal != Some(Reversal::Requested);
                    (payment.trouble.clone(), about.to_owned(), over)
                }
                Target::Refund(number) => {
                    let row = after.view.refund(number);
                    let over = row.is_none_or(|row| row.state.is_settled());
                    let trouble = row.and_then(|row| row.trouble.clone());
                    (trouble, format!("refund {number}: "), over)
                }
            };
            law.must(trouble.is_some(), "3: why a call brought nothing is noted");
            let told = after.view.discrepancies.iter().any(|row| {
                let counts = row.is_open() || (*tell == Tell::Once && about == "to be closed: ");
                row.kind == DiscrepancyKind::Refused && row.note.starts_with(&about) && counts
            });
            let doubted = held
                .is_some_and(|row| row.next_check_at.is_some() && row.next_check_at != lease.due);
            law.must(
                *tell == Tell::Nobody || told || over || doubted,
                "3: a person is told",
            );
        }
        Command::SettleReview { .. } => {
            let (was, is) = (&before.view.payment, &after.view.payment);
            let withdrawn = withdraws(done.command, was, is);
            law.must(
                was.state == is.state && (was.reversal == is.reversal || withdrawn),
                "a person's look moves no state, but may withdraw a reversal",
            );
        }
        _ => {}
    }
    broken
}
