//! A decision in the making: the view as it changes, and the record of each change.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use super::{Decision, Outcome, Transition};
use crate::ledger::command::{Lease, Target};
use crate::ledger::discrepancy::{ClosedReview, Discrepancy, DiscrepancyKind};
use crate::ledger::event::{Event, EventKind};
use crate::ledger::model::{Payment, PaymentState, PaymentView, Refund, RefundState, Reversal};
use crate::ledger::schedule::Schedule;
use crate::provider::FrozenRequest;
use crate::time::Timestamp;
use crate::wording::Wording;

/// A doubt about a paid payment is asked about as one that is this old: every five minutes.
const DOUBTED_LATELY: Duration = Duration::from_secs(3_600);

/// So begins the note of a discrepancy about an end that the gateway leaves open.
pub(super) const TO_BE_CLOSED: &str = "to be closed: ";
pub(super) const TO_BE_REVERSED: &str = "to be reversed: ";
/// Likewise about a paid payment that the gateway does not reverse.
const NOT_REVERSED: &str = "not reversed: ";

pub(super) struct Draft {
    before: Option<Arc<PaymentView>>,
    pub(super) view: Changing,
    cause: &'static str,
    evidence: Option<String>,
    now: Timestamp,
    renewed: Option<(Target, FrozenRequest)>,
    transitions: Vec<Transition>,
    events: Vec<Event>,
}

/// A view that is shared with whoever loaded it until something in it changes; then it is copied. A copy of a message
/// that says nothing new costs no copy of the payment.
pub(super) struct Changing(Arc<PaymentView>);

impl Changing {
    fn write_what_differs(&self, before: Option<&PaymentView>, decision: &mut Decision) {
        let payment = Some(&self.payment);
        decision.payment = payment
            .filter(|payment| before.is_none_or(|view| view.payment != **payment))
            .cloned();
        let refunds = self.refunds.iter();
        decision.refunds = refunds
            .filter(|refund| before.is_none_or(|view| view.refund(&refund.number) != Some(*refund)))
            .cloned()
            .collect();
        let discrepancies = self.discrepancies.iter().enumerate();
        decision.discrepancies = discrepancies
            .filter(|&(index, row)| {
                before.is_none_or(|view| view.discrepancies.get(index) != Some(row))
            })
            .map(|(_, row)| row.clone())
            .collect();
    }
}

impl Deref for Changing {
    type Target = PaymentView;

    fn deref(&self) -> &PaymentView {
        &self.0
    }
}

impl DerefMut for Changing {
    fn deref_mut(&mut self) -> &mut PaymentView {
        Arc::make_mut(&mut self.0)
    }
}

/// Whether a row is asked for even if nothing more is expected of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Even {
    /// Ask: there is reason to doubt what was settled.
    Settled,
    /// Leave a settled row alone.
    Unsettled,
}

impl Draft {
    /// Changes to a payment that stands in the ledger.
    pub(super) fn of(view: Arc<PaymentView>, cause: &'static str, now: Timestamp) -> Self {
        debug_assert!(Transition::CAUSES.contains(&cause), "{cause}");
        Self {
            before: Some(Arc::clone(&view)),
            view: Changing(view),
            cause,
            evidence: None,
            now,
            renewed: None,
            transitions: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A payment that does not stand in the ledger yet.
    pub(super) fn new(payment: Payment, now: Timestamp) -> Self {
        let mut draft = Self {
            before: None,
            view: Changing(Arc::new(PaymentView {
                payment,
                refunds: Vec::new(),
                discrepancies: Vec::new(),
            })),
            cause: "intent",
            evidence: None,
            now,
            renewed: None,
            transitions: Vec::new(),
            events: Vec::new(),
        };
        draft.log(None, draft.view.payment.version, None, "created");
        draft.event(EventKind::PaymentCreated);
        draft
    }

    /// What follows is proven by the evidence of this digest.
    pub(super) fn proven_by(&mut self, digest: &str) {
        self.evidence = Some(digest.to_owned());
    }

    /// The moment of this decision.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether anything moved or is to be told.
    pub(super) fn moved(&self) -> bool {
        !self.transitions.is_empty() || !self.events.is_empty()
    }

    /// The gateway has answered about the payment: what it failed with before no longer stands.
    pub(super) fn trouble_is_over(&mut self) {
        if self.view.payment.trouble.is_some() {
            self.view.payment.trouble = None;
        }
    }

    pub(super) fn move_payment(&mut self, to: PaymentState) {
        let payment = &mut self.view.payment;
        let from = payment.state;
        payment.state = to;
        payment.version += 1;
        if to == PaymentState::Paid && from != to {
            payment.paid_at = Some(self.now);
        }
        if to == PaymentState::Closed && from != to {
            payment.closed_at = Some(self.now);
            // The wish has ended, by whichever way.
            payment.reversal = None;
        }
        let version = payment.version;
        self.log(None, version, Some(from.as_str()), to.as_str());
        if from != to && matches!(to, PaymentState::Paid | PaymentState::Closed) {
            self.end_is_told();
        }
    }

    /// A signed word has ended what a person was told is left open: there is nothing to look at any more.
    pub(super) fn end_is_told(&mut self) {
        const TOLD: &str = "the gateway has told the end since";
        self.is_over(TO_BE_CLOSED, TOLD);
        if self.view.payment.reversal != Some(Reversal::Requested) {
            self.is_over(TO_BE_REVERSED, TOLD);
        }
        if self.view.payment.reversal == Some(Reversal::Done) {
            self.is_over(NOT_REVERSED, TOLD);
        }
    }

    /// A paid payment is not reversed: the shop may have shipped nothing of it, and the buyer's money is here. Told once
    /// while it is open, in whatever words of the gateway.
    pub(super) fn not_reversed(&mut self, why: &str) {
        let told = |row: &Discrepancy| row.note.starts_with(NOT_REVERSED);
        if !self.view.open_discrepancies().any(told) {
            self.review(DiscrepancyKind::Refused, &format!("{NOT_REVERSED}{why}"));
        }
    }

    /// Closes what was opened about an end that was left open.
    pub(super) fn is_over(&mut self, about: &str, note: &str) {
        self.explain(
            |row| row.kind == DiscrepancyKind::Refused && row.note.starts_with(about),
            note,
        );
    }

    /// Adds a refund as it was recorded.
    pub(super) fn add_refund(&mut self, refund: Refund) {
        let (number, version, state) = (refund.number.clone(), refund.version, refund.state);
        self.view.refunds.push(refund);
        self.log(Some(number), version, None, state.as_str());
    }

    pub(super) fn move_refund(&mut self, index: usize, to: RefundState) {
        let refund = &mut self.view.refunds[index];
        let from = refund.state;
        refund.state = to;
        refund.version += 1;
        if to != from {
            refund.failed_at = (to == RefundState::Failed).then_some(self.now);
            refund.confirmed_at = None;
        }
        let (number, version) = (refund.number.clone(), refund.version);
        self.log(Some(number), version, Some(from.as_str()), to.as_str());
    }

    pub(super) fn event(&mut self, kind: EventKind) {
        let amount = self.view.payment.amount.cents();
        self.push(kind, Some(amount), None, None);
    }

    /// Money went back, and how much is not known.
    pub(super) fn money_returned(&mut self) {
        self.push(EventKind::MoneyReturned, None, None, None);
    }

    pub(super) fn refund_event(&mut self, index: usize, kind: EventKind) {
        let refund = &self.view.refunds[index];
        let (amount, number) = (refund.amount.cents(), refund.number.to_string());
        self.push(kind, Some(amount), Some(number), None);
    }

    /// Somebody must look: opens a discrepancy and tells it. A copy of the message opens no second one, not even after
    /// the first was closed; nor does another message that says the same while it is open. Says whether one was opened.
    pub(super) fn review(&mut self, kind: DiscrepancyKind, note: &str) -> bool {
        let rows = &self.view.discrepancies;
        let known = rows.iter().any(|row| {
            row.kind == kind
                && row.note == note
                && (row.is_open() || (row.evidence.is_some() && row.evidence == self.evidence))
        });
        if known {
            return false;
        }
        let number = u32::try_from(rows.len() + 1).unwrap_or(u32::MAX);
        self.view.discrepancies.push(Discrepancy {
            number,
            kind,
            note: note.to_owned(),
            evidence: self.evidence.clone(),
            opened_at: self.now,
            closed: None,
        });
        let amount = self.view.payment.amount.cents();
        self.push(
            EventKind::ReviewRequired,
            Some(amount),
            None,
            Some(note.to_owned()),
        );
        true
    }

    /// Closes the discrepancy at this place, if it is open. Says whether it was.
    pub(super) fn close_discrepancy(&mut self, index: usize, note: Wording) -> bool {
        let at = self.now;
        match self.view.discrepancies.get_mut(index) {
            Some(row) if row.is_open() => {
                row.closed = Some(ClosedReview { at, note });
                true
            }
            _ => false,
        }
    }

    /// Closes every such discrepancy that is open: this evidence explains it.
    pub(super) fn explain(&mut self, such: impl Fn(&Discrepancy) -> bool, note: &str) {
        for index in 0..self.view.discrepancies.len() {
            if such(&self.view.discrepancies[index]) {
                self.close_discrepancy(index, note.into());
            }
        }
    }

    /// Logs a decision about the payment that leaves its state as it is.
    pub(super) fn log_decision(&mut self) {
        self.move_payment(self.view.payment.state);
    }

    /// Puts other signed bytes in the place of a row's, and logs it. Says whether the row has a request of ours at all.
    pub(super) fn renew(&mut self, target: &Target, request: FrozenRequest) -> bool {
        match target {
            Target::Payment => {
                self.view.payment.request = request.clone();
                self.log_decision();
            }
            Target::Refund(number) => {
                let Some(index) = self.view.position(number.as_str()) else {
                    return false;
                };
                let refund = &mut self.view.refunds[index];
                if refund.request.is_none() {
                    return false;
                }
                refund.request = Some(request.clone());
                self.move_refund(index, self.view.refunds[index].state);
            }
        }
        self.renewed = Some((target.clone(), request));
        true
    }

    /// The schedule of a row, and whether nothing more is expected of it.
    fn row(&mut self, target: &Target) -> Option<(&mut Schedule, bool)> {
        match target {
            Target::Payment => {
                let settled = self.view.is_settled();
                Some((&mut self.view.payment.schedule, settled))
            }
            Target::Refund(number) => {
                let refund = self
                    .view
                    .refunds
                    .iter_mut()
                    .find(|refund| refund.number == *number)?;
                let settled = refund.state.is_settled();
                Some((&mut refund.schedule, settled))
            }
        }
    }

    /// Whether this lease is the row's present one.
    pub(super) fn holds(&mut self, lease: &Lease) -> bool {
        self.row(&lease.target)
            .is_some_and(|(schedule, _)| schedule.lease_until == Some(lease.until))
    }

    /// Takes the row if nobody has it.
    pub(super) fn lease(&mut self, target: Target, until: Timestamp) -> Option<Lease> {
        let now = self.now;
        let (schedule, _) = self.row(&target)?;
        if schedule.leased(now) {
            return None;
        }
        schedule.lease_until = Some(until);
        Some(self.leased(target, until))
    }

    /// Whether somebody has the row.
    pub(super) fn is_leased(&mut self, target: &Target) -> bool {
        let now = self.now;
        self.row(target)
            .is_some_and(|(schedule, _)| schedule.leased(now))
    }

    /// The lease of a row that is taken.
    pub(super) fn leased(&self, target: Target, until: Timestamp) -> Lease {
        let due = match &target {
            Target::Payment => self.view.payment.schedule.next_check_at,
            Target::Refund(number) => {
                let refund = self.view.refund(number);
                refund.and_then(|refund| refund.schedule.next_check_at)
            }
        };
        Lease { target, until, due }
    }

    /// Takes the row from whoever has it.
    pub(super) fn free(&mut self, target: &Target) {
        if let Some((schedule, _)) = self.row(target) {
            schedule.lease_until = None;
        }
    }

    /// Gives the row back and sets when it is asked for next, not sooner than `hold` from now.
    pub(super) fn release(&mut self, target: &Target, hold: Option<Duration>) {
        let next = self.next_check(target, hold);
        if let Some((schedule, _)) = self.row(target) {
            schedule.lease_until = None;
            schedule.next_check_at = next;
        }
    }

    /// Gives the row back as [`release`](Self::release) does; what was doubted since the lease was taken stays to be asked about.
    pub(super) fn give_back(&mut self, lease: &Lease) {
        let doubted = self.doubted_since(lease);
        self.release(&lease.target, None);
        if doubted {
            self.ask_now(&lease.target, Even::Settled);
        }
    }

    /// Sets the row to be asked for at once. While somebody is at it, each time to a moment of its own: by that they see that
    /// their question is older ([`doubted_since`](Self::doubted_since)), however coarse the clock.
    pub(super) fn ask_now(&mut self, target: &Target, even: Even) {
        let now = self.now;
        if let Some((schedule, settled)) = self.row(target)
            && (!settled || even == Even::Settled)
        {
            let leased = schedule.lease_until.is_some();
            let due = schedule.next_check_at.filter(|at| leased && *at <= now);
            let earlier = due.map(|at| at.before(Duration::from_millis(1)));
            schedule.next_check_at = Some(earlier.unwrap_or(now));
        }
    }

    /// Gives the row back after a call that brought no answer. Where a settled row was asked about, it still is: whatever
    /// cast doubt on it was acknowledged, and does not come again.
    pub(super) fn put_off(&mut self, target: &Target, hold: Option<Duration>) {
        let now = self.now;
        let since = match target {
            Target::Payment => {
                let payment = &self.view.payment;
                // What casts doubt on a paid payment tells of money that went back: asked about every five minutes at least.
                let paid = payment.paid_at.map(|at| at.max(now.before(DOUBTED_LATELY)));
                let ended = paid.or(payment.closed_at);
                Some(ended.unwrap_or(payment.created_at))
            }
            Target::Refund(number) => {
                let refund = self.view.refund(number);
                refund.map(|refund| refund.failed_at.unwrap_or(refund.created_at))
            }
        };
        let asked = self
            .row(target)
            .is_some_and(|(schedule, _)| schedule.next_check_at.is_some());
        let again = since
            .filter(|_| asked)
            .and_then(|since| Schedule::ask_again(since, now, hold));
        self.release(target, hold);
        if let Some((schedule, true)) = self.row(target) {
            schedule.next_check_at = schedule.next_check_at.or(again);
        }
    }

    /// Whether the row is in doubt [since the lease was taken](Lease::is_doubted).
    pub(super) fn doubted_since(&mut self, lease: &Lease) -> bool {
        self.row(&lease.target)
            .is_some_and(|(schedule, _)| lease.is_doubted(schedule))
    }

    /// Stops asking for what this decision has settled; what ended without the money having moved is watched for a while.
    /// What was settled before is asked for only if something cast doubt on it, and a copy of an old message does not take
    /// that away.
    pub(super) fn rest_if_settled(&mut self, target: &Target) {
        if self.was_settled(target) {
            return;
        }
        let next = self.next_check(target, None);
        if let Some((schedule, true)) = self.row(target) {
            schedule.next_check_at = next;
        }
    }

    /// Whether nothing more was expected of the row before this decision.
    fn was_settled(&self, target: &Target) -> bool {
        self.before.as_ref().is_some_and(|view| match target {
            Target::Payment => view.is_settled(),
            Target::Refund(number) => view
                .refund(number)
                .is_some_and(|refund| refund.state.is_settled()),
        })
    }

    fn next_check(&self, target: &Target, hold: Option<Duration>) -> Option<Timestamp> {
        match target {
            Target::Payment => self.view.next_check(self.now, hold),
            Target::Refund(number) => self.view.refund(number)?.next_check(self.now, hold),
        }
    }

    /// The finished decision: only rows that differ from what was loaded are written.
    pub(super) fn finish(mut self, outcome: Outcome) -> Decision {
        // What rested may be owed something again: money that went back was explained, and a late refund had to wait.
        if !self.view.is_settled() && self.view.payment.schedule.next_check_at.is_none() {
            self.view.payment.schedule.next_check_at = Some(self.now);
        }
        let mut decision = Decision::unchanged(outcome, None);
        let before = self.before.as_deref();
        if before.is_none_or(|before| !std::ptr::eq(before, &*self.view)) {
            self.view.write_what_differs(before, &mut decision);
        }
        decision.renewed = self.renewed;
        decision.transitions = self.transitions;
        decision.events = self.events;
        decision.view = Some(self.view.0);
        decision
    }

    fn log(
        &mut self,
        refund: Option<crate::id::RefundNumber>,
        version: u64,
        from: Option<&'static str>,
        to: &'static str,
    ) {
        self.transitions.push(Transition {
            refund,
            version,
            from,
            to,
            cause: self.cause,
            evidence: self.evidence.clone(),
            at: self.now,
        });
    }

    fn push(
        &mut self,
        kind: EventKind,
        amount: Option<i64>,
        refund: Option<String>,
        note: Option<String>,
    ) {
        let payment = &mut self.view.payment;
        payment.events += 1;
        self.events.push(Event {
            id: format!("{}/{}", payment.key, payment.events),
            provider: payment.key.provider.clone(),
            reference: Some(payment.key.reference.clone()),
            sequence: payment.events,
            kind,
            amount,
            refund,
            note,
            at: self.now,
        });
    }
}
