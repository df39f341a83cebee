//! The laws: what one command may do to a payment, and what must hold of it whenever a command is done.
//!
//! Written from the rules, the states and the invariants of `docs/ledger.md`, not from the code that decides: a guard that
//! is missing there is missed here. Each law names the rule or the invariant that it comes from.

use std::collections::BTreeMap;
use std::time::Duration;

use ucanpay_storefront::ledger::{
    Applied, Command, Discrepancy, DiscrepancyKind, Event, EventKind, History, Lease, Outcome,
    Schedule, Target, Transition, Verdict,
};
use ucanpay_storefront::provider::{Claim, Fact, PaymentStatus, RefundClaim, RefundStatus, Source};
use ucanpay_storefront::{
    LatePolicy, Payment, PaymentState, PaymentView, Refund, RefundNumber, RefundState, Reversal,
    Timestamp,
};

/// A command that is done.
pub(crate) struct Done<'a> {
    pub(crate) before: Option<&'a History>,
    pub(crate) command: &'a Command,
    pub(crate) applied: &'a Applied,
    pub(crate) after: Option<&'a History>,
    pub(crate) now: Timestamp,
}

/// The laws that were broken.
#[derive(Debug, Default)]
pub(crate) struct Broken(pub(crate) Vec<&'static str>);

impl Broken {
    fn must(&mut self, holds: bool, law: &'static str) {
        if !holds && !self.0.contains(&law) {
            self.0.push(law);
        }
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

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
    stands(law, after, done.now);
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
        Command::GiveUp { lease, review, .. } => {
            let trouble = match &lease.target {
                Target::Payment => after.view.payment.trouble.is_some(),
                Target::Refund(number) => {
                    let row = after.view.refund(number);
                    row.is_some_and(|row| row.trouble.is_some())
                }
            };
            law.must(trouble, "3: why a call brought nothing is noted");
            let (recorded, about) = match &lease.target {
                Target::Payment => (None, String::new()),
                Target::Refund(number) => {
                    let recorded = after.view.refund(number).map(|row| row.created_at);
                    (recorded, format!("refund {number}: "))
                }
            };
            // What stood open before a refund was recorded is about an earlier one, unless it names this one: by a clock
            // that is behind it may bear an earlier moment.
            let mut raised = after.view.open_discrepancies();
            let told = raised.any(|row| {
                let about_it = Some(row.opened_at) >= recorded || row.note.starts_with(&about);
                row.kind == DiscrepancyKind::Refused && about_it
            });
            law.must(!review || told, "3: a person is told");
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

/// What must hold of a payment at any moment.
fn stands(law: &mut Broken, history: &History, now: Timestamp) {
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

/// The log, the outbox and the evidence only grow; each move is in the table, proven and told.
fn moved(law: &mut Broken, done: &Done<'_>, before: &History, after: &History) {
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
    members(law, done, was, is);
    discrepancies(law, done, was, is);
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
        let explained = matches!(
            old.kind,
            DiscrepancyKind::LatePayment | DiscrepancyKind::UnexplainedReturn
        ) && matches!(
            done.command,
            Command::Observe(..) | Command::ObserveAndHold(..)
        );
        law.must(
            same && (old.closed == new.closed || (closes && (by_a_person || explained))),
            "8: a discrepancy is closed by a person, or by what explains it",
        );
    }
}

/// Whether a person has withdrawn a reversal.
fn withdraws(command: &Command, was: &Payment, is: &Payment) -> bool {
    matches!(command, Command::SettleReview { .. })
        && was.reversal == Some(Reversal::Requested)
        && is.reversal == Some(Reversal::Refused)
}

/// Who has a row, and since when.
fn leases(law: &mut Broken, done: &Done<'_>, before: &History, after: &History) {
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
fn schedules(law: &mut Broken, done: &Done<'_>, before: &History, after: &History) {
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

/// What a verified message does.
fn observed(law: &mut Broken, done: &Done<'_>, fact: &Fact, before: &History, after: &History) {
    let (was, is) = (&before.view, &after.view);
    let kept = |history: &History| -> u64 {
        let kept = history.evidence.iter().filter(|kept| {
            kept.record.source == fact.source
                && kept.record.evidence.signature == fact.evidence.signature
        });
        kept.map(|kept| kept.seen).sum()
    };
    law.must(
        fact.source != Source::Notification || kept(after) == kept(before) + 1,
        "5: every notification is kept",
    );
    let next = |target: &Target| schedule(is, target).and_then(|row| row.next_check_at);
    let due = |target: &Target| next(target).is_some_and(|at| at <= done.now);
    let opened = |kind| {
        let evidence = after.evidence.iter();
        let digest = evidence
            .filter(|kept| kept.record.evidence.signature == fact.evidence.signature)
            .map(|kept| &kept.record.digest)
            .next();
        is.discrepancies
            .iter()
            .any(|row| row.kind == kind && (row.is_open() || row.evidence.as_ref() == digest))
    };
    let refund = refund_claim(&fact.claim);
    let row = refund.and_then(|claim| {
        let number = RefundNumber::new(claim.number.as_deref()?).ok()?;
        was.refund(&number)
    });
    let refund_fits = match (refund, row) {
        (Some(claim), Some(row)) => claim.amount.is_none_or(|amount| amount == row.amount),
        _ => true,
    };
    if !fits(&was.payment, fact) || !refund_fits {
        law.must(
            states(was) == states(is),
            "5: a message that does not match moves nothing",
        );
        law.must(
            opened(DiscrepancyKind::Mismatch),
            "5: a message that does not match is raised",
        );
        let target = row.map_or(Target::Payment, |row| Target::Refund(row.number.clone()));
        let open = match row {
            Some(row) => !row.state.is_settled(),
            None if refund.is_some() => false,
            None => !was.payment.state.is_settled(),
        };
        law.must(
            fact.source != Source::Notification || !open || due(&target),
            "5: a notification that does not match prompts a query",
        );
        return;
    }
    match &fact.claim {
        Claim::Payment(status) => payment_said(law, fact, status, was, is, &opened, &due),
        Claim::Refund(claim, status) => {
            if was.payment.state != PaymentState::Paid {
                let own =
                    lease_of(done.command).is_some_and(|lease| lease.target == Target::Payment);
                law.must(
                    own || due(&Target::Payment),
                    "9: a refund of what was not seen paid prompts a query",
                );
            }
            refund_said(law, fact, claim, status, was, is, row, &opened, &due);
        }
        Claim::RefundAccepted(_) => {
            if let Some(row) = row
                && row.state == RefundState::Requested
            {
                let now = is.refund(&row.number).map(|row| row.state);
                law.must(
                    now == Some(RefundState::Processing),
                    "3: what was taken is under way",
                );
            }
        }
        _ => {}
    }
}

fn payment_said(
    law: &mut Broken,
    fact: &Fact,
    status: &PaymentStatus,
    was: &PaymentView,
    is: &PaymentView,
    opened: &dyn Fn(DiscrepancyKind) -> bool,
    due: &dyn Fn(&Target) -> bool,
) {
    let (old, new) = (&was.payment, &is.payment);
    match status {
        PaymentStatus::Paid | PaymentStatus::PaidAndReturned if fact.source != Source::Answer => {
            let undone = old.state == PaymentState::Closed && old.reversal == Some(Reversal::Done);
            if undone && fact.source != Source::Query {
                law.must(
                    due(&Target::Payment),
                    "4: money after a reversal is asked about",
                );
                return;
            }
            law.must(
                new.state == PaymentState::Paid,
                "4: paid is recorded, whatever stood there",
            );
            if old.state == PaymentState::Closed {
                law.must(
                    new.late && opened(DiscrepancyKind::LatePayment),
                    "4: a payment after its close is raised",
                );
                law.must(due(&Target::Payment), "4: a late payment is asked about");
            }
            if *status == PaymentStatus::PaidAndReturned && reserved(was) == 0 {
                law.must(
                    opened(DiscrepancyKind::UnexplainedReturn),
                    "9: money that went back without us is raised",
                );
            }
        }
        PaymentStatus::Closed | PaymentStatus::Reversed => {
            if old.state != PaymentState::Paid {
                law.must(
                    new.state == PaymentState::Closed,
                    "7: closed by the gateway's word",
                );
                let reversed = *status == PaymentStatus::Reversed;
                law.must(
                    !reversed || new.reversal == Some(Reversal::Done),
                    "4: reversed by the gateway's word",
                );
                law.must(
                    new.reversal != Some(Reversal::Requested),
                    "7: what has ended is not to be ended",
                );
            } else if *status == PaymentStatus::Reversed {
                if fact.source == Source::Notification && old.reversal != Some(Reversal::Done) {
                    law.must(
                        new.reversal == old.reversal && due(&Target::Payment),
                        "4: a reversal of what is paid is asked about",
                    );
                    return;
                }
                law.must(
                    new.reversal == Some(Reversal::Done),
                    "4: reversed by the gateway's word",
                );
                let asked = matches!(old.reversal, Some(Reversal::Requested | Reversal::Done));
                law.must(
                    asked || opened(DiscrepancyKind::Contradiction),
                    "8: a reversal that nobody here asked for is raised",
                );
            } else {
                law.must(
                    opened(DiscrepancyKind::Contradiction),
                    "8: a word against what is final is raised",
                );
            }
        }
        _ => {}
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one word of the gateway, and all that it concerns"
)]
fn refund_said(
    law: &mut Broken,
    fact: &Fact,
    claim: &RefundClaim,
    status: &RefundStatus,
    was: &PaymentView,
    is: &PaymentView,
    row: Option<&Refund>,
    opened: &dyn Fn(DiscrepancyKind) -> bool,
    due: &dyn Fn(&Target) -> bool,
) {
    let Some(row) = row else {
        if *status == RefundStatus::Succeeded {
            let known = claim
                .amount
                .is_some_and(|amount| amount <= was.payment.amount);
            let raised = match known {
                true => {
                    is.refunds.len() == was.refunds.len() + 1
                        && was_raised(is, DiscrepancyKind::ForeignRefund)
                }
                false => opened(DiscrepancyKind::UnexplainedReturn),
            };
            law.must(
                raised,
                "9: a refund that is not of our making is a fact too",
            );
        } else {
            law.must(
                opened(DiscrepancyKind::ForeignRefund),
                "9: a refund that is not of our making is raised",
            );
        }
        return;
    };
    let now = is.refund(&row.number).map(|row| row.state);
    match status {
        RefundStatus::Succeeded => {
            law.must(
                now == Some(RefundState::Succeeded),
                "9: money that went back is recorded, whatever stood there",
            );
            law.must(
                row.state != RefundState::Closed || was_raised(is, DiscrepancyKind::Contradiction),
                "8: a refund that succeeded after it was closed is raised",
            );
        }
        RefundStatus::Failed | RefundStatus::Closed if row.state == RefundState::Succeeded => {
            let believed = row.submissions <= 1 || fact.source != Source::Notification;
            law.must(
                !believed || opened(DiscrepancyKind::Contradiction),
                "8: a word against what is final is raised",
            );
        }
        RefundStatus::Failed | RefundStatus::Closed
            if row.submissions > 1 && fact.source == Source::Notification =>
        {
            law.must(
                now == Some(row.state),
                "10: an older word frees nothing that is on its way",
            );
            let told = match status {
                RefundStatus::Failed => RefundState::Failed,
                _ => RefundState::Closed,
            };
            let news = row.state != told && row.state != RefundState::Closed;
            law.must(
                !news || due(&Target::Refund(row.number.clone())),
                "10: an older word prompts a query",
            );
        }
        RefundStatus::Processing if row.state == RefundState::Failed => {
            let taken = is.refund(&row.number).is_some_and(|new| {
                new.state == RefundState::Processing && new.submissions == row.submissions + 1
            });
            let asked =
                now == Some(RefundState::Failed) && due(&Target::Refund(row.number.clone()));
            law.must(
                if fact.source == Source::Query {
                    taken
                } else {
                    asked
                },
                "4: what goes through after it failed is believed when it was asked about",
            );
        }
        RefundStatus::Failed if !row.state.is_settled() => {
            law.must(
                now == Some(RefundState::Failed),
                "7: failed by the gateway's word",
            );
        }
        RefundStatus::Closed if row.state != RefundState::Closed => {
            law.must(
                now == Some(RefundState::Closed),
                "7: closed by the gateway's word",
            );
            law.must(
                was_raised(is, DiscrepancyKind::RefundClosed),
                "9: a refund that was closed is raised",
            );
        }
        _ => {}
    }
}

/// The budget of refunds, as it was before this one.
fn refund_recorded(
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
    let doubt = |row: &Refund| match (row.failed_at, row.confirmed_at) {
        (Some(failed), Some(confirmed)) => confirmed.since(failed) < 10 * MINUTE,
        (failed, _) => failed.is_some(),
    };
    law.must(
        !others.any(doubt),
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
fn ended(law: &mut Broken, done: &Done<'_>, before: &History, after: &History) {
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
    law.must(
        is.schedule.next_check_at.is_some_and(|at| at <= done.now),
        "13: the wish to end is due at once, whoever has the row",
    );
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

/// Whether a message is about exactly this payment: no member that it states differs, and none is missing.
fn fits(payment: &Payment, fact: &Fact) -> bool {
    let same = |ours: &str, stated: Option<&str>| stated.is_none_or(|stated| stated == ours);
    fact.missing.is_empty()
        && same(&payment.merchant, fact.merchant.as_deref())
        && same(payment.key.reference.as_str(), fact.reference.as_deref())
        && same(payment.currency.as_str(), fact.currency.as_deref())
        && fact.amount.is_none_or(|amount| amount == payment.amount)
        && payment
            .gateway_number
            .as_deref()
            .is_none_or(|known| same(known, fact.gateway_number.as_deref()))
}

fn says_paid(claim: &Claim) -> bool {
    matches!(
        claim,
        Claim::Payment(PaymentStatus::Paid | PaymentStatus::PaidAndReturned)
    )
}

fn refund_claim(claim: &Claim) -> Option<&RefundClaim> {
    match claim {
        Claim::RefundAccepted(claim) | Claim::Refund(claim, _) => Some(claim),
        _ => None,
    }
}

fn states(view: &PaymentView) -> (PaymentState, Option<Reversal>, Vec<RefundState>) {
    let refunds = view.refunds.iter().map(|refund| refund.state).collect();
    (view.payment.state, view.payment.reversal, refunds)
}

/// The lease that a command works under.
pub(crate) fn lease_of(command: &Command) -> Option<&Lease> {
    match command {
        Command::Observe(_, lease) | Command::Close(lease, _) => lease.as_ref(),
        Command::ObserveAndHold(_, lease, _)
        | Command::RefuseReversal(lease, _)
        | Command::Release(lease)
        | Command::Renew(lease, ..)
        | Command::GiveUp { lease, .. } => Some(lease),
        _ => None,
    }
}

pub(crate) fn schedule<'a>(view: &'a PaymentView, target: &Target) -> Option<&'a Schedule> {
    match target {
        Target::Payment => Some(&view.payment.schedule),
        Target::Refund(number) => view.refund(number).map(|refund| &refund.schedule),
    }
}

/// A minute, as every lease; and a minute for the clocks.
pub(crate) fn is_leased(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_some_and(|until| until > now && until.since(now) <= 2 * MINUTE)
}

/// Whether this is a refund that failed just now.
fn fails(was: &PaymentView, is: &PaymentView, target: &Target) -> bool {
    let failed = |view: &PaymentView| match target {
        Target::Payment => false,
        Target::Refund(number) => view
            .refund(number)
            .is_some_and(|row| row.state == RefundState::Failed),
    };
    failed(is) && !failed(was)
}

fn targets(view: &PaymentView) -> Vec<Target> {
    let refunds = view.refunds.iter();
    let refunds = refunds.map(|refund| Target::Refund(refund.number.clone()));
    std::iter::once(Target::Payment).chain(refunds).collect()
}

fn events_of(history: &History, kind: EventKind) -> usize {
    let events = history.events.iter();
    events.filter(|kept| kept.event.kind == kind).count()
}

fn is_open(view: &PaymentView, kind: DiscrepancyKind) -> bool {
    view.open_discrepancies().any(|row| row.kind == kind)
}

pub(crate) fn was_raised(view: &PaymentView, kind: DiscrepancyKind) -> bool {
    view.discrepancies.iter().any(|row| row.kind == kind)
}

/// All that went back or may have: what did not definitely fail, and what was closed while nobody has looked.
pub(crate) fn reserved(view: &PaymentView) -> i64 {
    let unseen = is_open(view, DiscrepancyKind::RefundClosed);
    let counts = view.refunds.iter().filter(|refund| match refund.state {
        RefundState::Failed => false,
        RefundState::Closed => unseen,
        _ => true,
    });
    counts.map(|refund| refund.amount.cents()).sum()
}

/// Or still may, by a refund of which nobody has confirmed that it failed.
pub(crate) fn money_went_back(view: &PaymentView) -> bool {
    let in_doubt = |row: &Refund| row.state == RefundState::Failed && row.confirmed_at.is_none();
    reserved(view) > 0
        || is_open(view, DiscrepancyKind::UnexplainedReturn)
        || view.refunds.iter().any(in_doubt)
}

/// Whether that was so at a moment, as far as the rows tell.
pub(crate) fn money_had_gone_back(view: &PaymentView, at: Timestamp) -> bool {
    let mut then = view.clone();
    then.refunds.retain(|row| row.created_at <= at);
    then.discrepancies.retain(|row| row.opened_at <= at);
    money_went_back(&then)
}
