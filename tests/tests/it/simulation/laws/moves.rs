//! The log, the outbox and the rows: what moved, and whether it may.

use std::collections::BTreeMap;

use ucanpay_storefront::ledger::{
    Command, DiscrepancyKind, Event, EventKind, History, Target, Transition, Verdict,
};
use ucanpay_storefront::provider::{Claim, Fact, PaymentStatus, RefundStatus, Source};
use ucanpay_storefront::{PaymentState, PaymentView, RefundNumber, RefundState, Reversal};

use super::reading::{about, fits, in_doubt, is_open, reserved, says_paid, withdraws};
use super::{Broken, Done};

/// The log, the outbox and the evidence only grow; each move is in the table, proven and told.
pub(super) fn moved(law: &mut Broken, done: &Done<'_>, before: &History, after: &History) {
    let (was, is) = (&before.view, &after.view);
    law.must(
        after.transitions.starts_with(&before.transitions)
            && after.events.len() >= before.events.len()
            && after.evidence.len() >= before.evidence.len()
            && is.refunds.len() >= was.refunds.len()
            && is.discrepancies.len() >= was.discrepancies.len(),
        "1: nothing that was written is taken back",
    );
    let steps = after.transitions.get(before.transitions.len()..);
    let steps = steps.unwrap_or_default();
    let told: Vec<&Event> = after
        .events
        .iter()
        .skip(before.events.len())
        .map(|kept| &kept.event)
        .collect();
    let tells = |kind: EventKind, refund: Option<&RefundNumber>| {
        let about = |event: &&&Event| event.refund.as_deref() == refund.map(RefundNumber::as_str);
        told.iter()
            .filter(|event| event.kind == kind)
            .filter(about)
            .count()
    };
    let mut rows: BTreeMap<Option<&RefundNumber>, (&'static str, u64)> = BTreeMap::new();
    let payment = &was.payment;
    rows.insert(None, (payment.state.as_str(), payment.version));
    for refund in &was.refunds {
        rows.insert(
            Some(&refund.number),
            (refund.state.as_str(), refund.version),
        );
    }
    for step in steps {
        let stood = rows.insert(step.refund.as_ref(), (step.to, step.version));
        law.must(
            step.from == stood.map(|(state, _)| state)
                && step.version == stood.map_or(1, |(_, version)| version + 1),
            "6: versions rise by one, each move starts where the last one ended",
        );
        if step.from == Some(step.to) {
            continue;
        }
        law.must(
            allowed(step),
            "6: the move is in the table of docs/ledger.md",
        );
        law.must(
            justified(done.command, was, step),
            "7: no move without a word that says so",
        );
        let needs_proof = matches!(
            step.to,
            "paid" | "closed" | "failed" | "succeeded" | "awaiting_payment"
        );
        let proof = after.evidence.iter().find(|kept| {
            Some(&kept.record.digest) == step.evidence.as_ref()
                && kept.record.verdict == Verdict::Applied
        });
        law.must(!needs_proof || proof.is_some(), "3: no move without proof");
        let event = match (step.refund.as_ref(), step.to) {
            (None, "paid") => Some(EventKind::PaymentSucceeded),
            (None, "closed") => Some(EventKind::PaymentClosed),
            (None, "failed") => Some(EventKind::PaymentFailed),
            (None, "expired") => Some(EventKind::PaymentExpired),
            (Some(_), "requested") => Some(EventKind::RefundRequested),
            (Some(_), "succeeded") if step.from.is_none() => Some(EventKind::MoneyReturned),
            (Some(_), "succeeded") => Some(EventKind::RefundSucceeded),
            (Some(_), "failed") => Some(EventKind::RefundFailed),
            (Some(_), "closed") => Some(EventKind::RefundClosed),
            _ => None,
        };
        if let Some(event) = event {
            law.must(
                tells(event, step.refund.as_ref()) == 1,
                "12: each move is told, once",
            );
        }
    }
    law.must(same_rows(is, &rows), "6: replaying the log gives the row");
    // Each kind of a payment's own news follows from a move, and from nothing else.
    for (kind, word) in [
        (EventKind::PaymentSucceeded, "paid"),
        (EventKind::PaymentClosed, "closed"),
        (EventKind::PaymentExpired, "expired"),
    ] {
        let moves = steps
            .iter()
            .filter(|step| step.refund.is_none() && step.to == word && step.from != Some(word));
        law.must(
            tells(kind, None) == moves.count(),
            "12: nothing is told that did not happen",
        );
    }
    news(law, done, (was, is), steps, &told);
    members(law, done, was, is);
    moments(law, done, was, is);
    discrepancies(law, done, was, is);
}

/// What is told of refunds and of money follows from moves, once, with its sum and its moment.
fn news(
    law: &mut Broken,
    done: &Done<'_>,
    (was, is): (&PaymentView, &PaymentView),
    steps: &[Transition],
    told: &[&Event],
) {
    let count = |kind| told.iter().filter(|event| event.kind == kind).count();
    let moves = |word: &str| {
        let to = steps
            .iter()
            .filter(|step| step.refund.is_some() && step.to == word && step.from != Some(word));
        let (foreign, ours): (Vec<_>, Vec<_>) =
            to.partition(|step| step.from.is_none() && word == "succeeded");
        (foreign.len(), ours.len())
    };
    for (kind, word) in [
        (EventKind::RefundRequested, "requested"),
        (EventKind::RefundSucceeded, "succeeded"),
        (EventKind::RefundFailed, "failed"),
        (EventKind::RefundClosed, "closed"),
    ] {
        law.must(
            count(kind) == moves(word).1,
            "12: nothing is told of a refund that did not happen",
        );
    }
    let reversed = |view: &PaymentView| {
        view.payment.state == PaymentState::Paid && view.payment.reversal == Some(Reversal::Done)
    };
    let fresh = is.discrepancies.iter().skip(was.discrepancies.len());
    let unexplained = fresh
        .filter(|row| row.kind == DiscrepancyKind::UnexplainedReturn)
        .filter(|row| !row.note.starts_with("refund ") && !is.refunds.iter().any(in_doubt));
    let returned = moves("succeeded").0
        + usize::from(reversed(is) && was.payment.reversal != Some(Reversal::Done))
        + unexplained.count();
    law.must(
        count(EventKind::MoneyReturned) == returned,
        "12: money that went back is told once",
    );
    for event in told {
        let refund = event
            .refund
            .as_deref()
            .and_then(|number| is.refunds.iter().find(|row| row.number.as_str() == number));
        let sum = refund.map_or(is.payment.amount, |row| row.amount);
        let unknown = event.kind == EventKind::MoneyReturned && event.refund.is_none();
        law.must(
            event.amount == Some(sum.cents()) || (unknown && event.amount.is_none()),
            "12: an event tells the sum of the refund, or of the payment",
        );
    }
    let at = steps.iter().map(|step| step.at);
    let mut at = at.chain(told.iter().map(|event| event.at));
    law.must(
        at.all(|at| at == done.now),
        "6: a move and its news are of the moment of their command",
    );
    let bound = |view: &PaymentView| match view.payment.reversal {
        Some(Reversal::Done) => 0,
        _ => view.payment.amount.cents(),
    };
    let excess = |view: &PaymentView| (reserved(view) - bound(view)).max(0);
    law.must(
        excess(is) <= excess(was) || is_open(is, DiscrepancyKind::RefundedTooMuch),
        "9: more that went back than was paid is raised each time",
    );
}

/// When something was learnt is the moment of the command that brought it.
fn moments(law: &mut Broken, done: &Done<'_>, was: &PaymentView, is: &PaymentView) {
    let (old, new) = (&was.payment, &is.payment);
    let now = Some(done.now);
    let turned = |state| old.state != state && new.state == state;
    law.must(
        turned(PaymentState::Paid) == (old.paid_at != new.paid_at)
            && (old.paid_at == new.paid_at || new.paid_at == now),
        "2: paid when that was learnt",
    );
    law.must(
        turned(PaymentState::Closed) == (old.closed_at != new.closed_at)
            && (old.closed_at == new.closed_at || new.closed_at == now),
        "4: closed when that was learnt",
    );
    for row in &is.refunds {
        let failed_at = was.refund(&row.number).and_then(|row| row.failed_at);
        law.must(
            row.failed_at.is_none() || row.failed_at == failed_at || row.failed_at == now,
            "7: failed when that was learnt",
        );
    }
    let fresh = is.discrepancies.iter().skip(was.discrepancies.len());
    law.must(
        fresh.map(|row| Some(row.opened_at)).all(|at| at == now),
        "8: raised when that was learnt",
    );
}

fn same_rows(
    view: &PaymentView,
    rows: &BTreeMap<Option<&RefundNumber>, (&'static str, u64)>,
) -> bool {
    let payment = (view.payment.state.as_str(), view.payment.version);
    let refunds = view.refunds.iter().all(|refund| {
        rows.get(&Some(&refund.number)) == Some(&(refund.state.as_str(), refund.version))
    });
    rows.get(&None) == Some(&payment) && refunds && rows.len() == view.refunds.len() + 1
}

/// The members of the rows that never change, or only in one way.
fn members(law: &mut Broken, done: &Done<'_>, was: &PaymentView, is: &PaymentView) {
    let (old, new) = (&was.payment, &is.payment);
    law.must(
        (
            &old.key,
            old.amount,
            old.currency,
            &old.merchant,
            old.created_at,
        ) == (
            &new.key,
            new.amount,
            new.currency,
            &new.merchant,
            new.created_at,
        ),
        "1: an intent is never changed",
    );
    let kept =
        |old: &Option<String>, new: &Option<String>| old.is_none() || (old == new && new.is_some());
    law.must(
        kept(&old.gateway_number, &new.gateway_number)
            && (old.pay_link.is_none() || old.pay_link == new.pay_link),
        "5: the gateway's number and the link, once known, stay",
    );
    law.must(
        (old.paid_at.is_none() || old.paid_at == new.paid_at) && (!old.late || new.late),
        "4: paid is monotone",
    );
    let withdrawn = withdraws(done.command, old, new);
    law.must(
        new.expires_at == old.expires_at
            || (new.expires_at == done.now && withdrawn)
            || (new.expires_at <= old.expires_at && matches!(done.command, Command::Close(..)))
            || (new.expires_at == done.now
                && matches!(
                    done.command,
                    Command::Reverse { .. } | Command::RefuseReversal(..)
                )),
        "the buyer's time ends by a wish to end only, and anew where that is refused or withdrawn",
    );
    if old.reversal == Some(Reversal::Done) && new.reversal != Some(Reversal::Done) {
        let asked = matches!(done.command,
            Command::Observe(fact, _) | Command::ObserveAndHold(fact, ..)
                if fact.source == Source::Query && says_paid(&fact.claim));
        law.must(
            asked,
            "4: a reversal is undone by the answer to a query only",
        );
    }
    let renewed = match done.command {
        Command::Renew(lease, ..) => Some(&lease.target),
        _ => None,
    };
    law.must(
        old.request == new.request || renewed == Some(&Target::Payment),
        "10: the frozen bytes stay",
    );
    for old in &was.refunds {
        let Some(new) = is.refund(&old.number) else {
            law.must(false, "1: no refund is ever deleted");
            continue;
        };
        let renewed = renewed == Some(&Target::Refund(old.number.clone()));
        law.must(
            (old.amount, &old.reason, old.created_at) == (new.amount, &new.reason, new.created_at),
            "1: an intent is never changed",
        );
        law.must(
            old.request == new.request || renewed,
            "10: the frozen bytes stay",
        );
    }
}

/// A discrepancy is opened, then closed, by a person or by what explains it.
fn discrepancies(law: &mut Broken, done: &Done<'_>, was: &PaymentView, is: &PaymentView) {
    for (old, new) in was.discrepancies.iter().zip(&is.discrepancies) {
        let same = (old.number, old.kind, &old.note, &old.evidence)
            == (new.number, new.kind, &new.note, &new.evidence);
        let closes = old.is_open() && !new.is_open();
        let by_a_person = matches!(done.command,
            Command::SettleReview { discrepancy, .. } if *discrepancy == old.number);
        let settles = was.payment.state != is.payment.state && is.payment.state.is_settled();
        let reversing = |view: &PaymentView| view.payment.reversal == Some(Reversal::Requested);
        let told_since = old.kind == DiscrepancyKind::Refused
            && (old.note.starts_with("to be closed: ")
                && (settles || is.payment.reversal == Some(Reversal::Done))
                || old.note.starts_with("to be reversed: ") && reversing(was) && !reversing(is)
                || old.note.starts_with("not reversed: ")
                    && is.payment.reversal == Some(Reversal::Done));
        // By what says how much went back: a refund made elsewhere, of the payment's question or of its own.
        let mut fresh = is.refunds.iter().skip(was.refunds.len());
        let summed = old.kind == DiscrepancyKind::UnexplainedReturn
            && fresh.any(|row| {
                let name = about(row.number.as_str());
                !old.note.starts_with("refund ") || old.note.starts_with(&name)
            });
        // By the refund that a late payment gets by itself.
        let back = is.refunds.iter().any(|row| {
            let stood = was.refund(&row.number).map(|row| row.state);
            row.number.as_str().starts_with("LATE")
                && row.state == RefundState::Succeeded
                && stood != Some(RefundState::Succeeded)
        });
        let late = old.kind == DiscrepancyKind::LatePayment && back;
        let explained = (late || summed || told_since)
            && matches!(
                done.command,
                Command::Observe(..) | Command::ObserveAndHold(..) | Command::RefuseReversal(..)
            );
        law.must(
            same && (old.closed == new.closed || (closes && (by_a_person || explained))),
            "8: a discrepancy is closed by a person, or by what explains it",
        );
    }
}

/// Whether the move is in the tables of `docs/ledger.md`.
fn allowed(step: &Transition) -> bool {
    let Some(from) = step.from else {
        return match &step.refund {
            None => step.to == "created",
            Some(_) => matches!(step.to, "requested" | "succeeded"),
        };
    };
    match (&step.refund, from) {
        (None, "paid") => false,
        (None, "closed") => step.to == "paid",
        (None, "expired") => matches!(step.to, "closed" | "paid"),
        (None, _) => step.to != "created",
        (Some(_), "succeeded") => false,
        (Some(_), "closed") => step.to == "succeeded",
        (Some(_), "failed") => {
            matches!(step.to, "requested" | "processing" | "succeeded" | "closed")
        }
        (Some(_), _) => step.to != "requested",
    }
}

/// Whether the command is one that may cause the move.
fn justified(command: &Command, was: &PaymentView, step: &Transition) -> bool {
    match command {
        Command::Observe(fact, _) | Command::ObserveAndHold(fact, ..) => {
            fits(&was.payment, fact) && says(fact, step)
        }
        Command::Close(..) | Command::Reverse { .. } => {
            step.refund.is_none() && step.to == "expired"
        }
        Command::RequestRefund(new, _) => {
            step.refund.as_ref() == Some(&new.number) && step.to == "requested"
        }
        _ => false,
    }
}

/// Whether the message says what the move came to.
fn says(fact: &Fact, step: &Transition) -> bool {
    match (&fact.claim, &step.refund) {
        (Claim::Placed, None) => step.to == "awaiting_payment",
        (Claim::Payment(status), None) => match status {
            PaymentStatus::Paid | PaymentStatus::PaidAndReturned => {
                step.to == "paid" && fact.source != Source::Answer
            }
            PaymentStatus::NotPaid => step.to == "awaiting_payment",
            PaymentStatus::Paying => step.to == "paying",
            PaymentStatus::Failed => step.to == "failed",
            PaymentStatus::Closed | PaymentStatus::Reversed => step.to == "closed",
            _ => step.to == "unknown",
        },
        (Claim::RefundAccepted(claim), Some(number)) => {
            claim.number.as_deref() == Some(number.as_str()) && step.to == "processing"
        }
        (Claim::Refund(claim, status), Some(number)) => {
            claim.number.as_deref() == Some(number.as_str())
                && step.to
                    == match status {
                        RefundStatus::Succeeded => "succeeded",
                        RefundStatus::Processing => "processing",
                        RefundStatus::Failed => "failed",
                        RefundStatus::Closed => "closed",
                        _ => "unknown",
                    }
        }
        _ => false,
    }
}
