//! What must hold in every state, whatever came before.

use ucanpay_storefront::ledger::DiscrepancyKind;
use ucanpay_storefront::{PaymentState, PaymentView, RefundState, Reversal};

use crate::gateway::{REFUNDS, RefundSaid, Wire, Word};
use crate::ledger::{Ask, NOBODY, NONE, Row, Told};
use crate::moments;
use crate::system::{State, System};

/// A law of the ledger, by the rule or invariant of docs/ledger.md that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// Rule 1: the intent is committed before the first byte is sent.
    IntentBeforeCall,
    /// Rule 4: paid is monotone.
    PaidIsFinal,
    /// Paid exactly if `PaymentSucceeded` was told exactly once.
    OneEffect,
    /// Paid only if the money was taken.
    PaidHasMoney,
    /// Rules 3 and 8: closed only by the gateway's word.
    ClosedByItsWord,
    /// Likewise for the end of a refund.
    RefundEndsByItsWord,
    /// Rule 4: a payment after its close is raised.
    LateIsRaised,
    /// Rule 6: acknowledged only after the commit.
    CommitBeforeAcknowledgement,
    /// Rule 8: no more is refunded, or may be, than was paid, unless that is flagged.
    WithinTheSum,
    /// Rule 8: refunds of one payment go one at a time.
    OneAtATime,
    /// Rule 8: the gateway carries out no more refunds than were wished for.
    OneRefundAWish,
    /// Money goes back by a refund or by a reversal, not by both.
    OneWayBack,
    /// Rule 8: while a refund that failed may still go through, no other takes its place.
    NoOtherNumber,
    /// Of a refund that was asked for again, a notification of its end may be older: it is asked about, not believed.
    OlderIsAskedAbout,
    /// Rule 7: what a call brought is written only by whom the row is leased to.
    OnlyUnderItsLease,
    /// Rule 10: no call leaves in a block that is committed.
    NoCallInABlock,
}

impl System {
    /// The first law that does not hold, in a state that was reached from one with the row `before`.
    pub(crate) fn broken(&self, before: Row, state: &State) -> Option<Law> {
        if state.row == NONE {
            return None;
        }
        let view = self.book.view(state.row);
        let paid = view.payment.state == PaymentState::Paid;
        let was_paid = before != NONE && self.book.view(before).payment.state == PaymentState::Paid;
        let laws = [
            (Law::PaidIsFinal, paid || !was_paid),
            (Law::PaidHasMoney, !paid || state.gateway.taken),
            (Law::OneEffect, state.succeeded == u8::from(paid)),
            (
                Law::ClosedByItsWord,
                view.payment.state != PaymentState::Closed || state.gateway.ended,
            ),
            (Law::RefundEndsByItsWord, ends_by_its_word(&view, state)),
            (
                Law::LateIsRaised,
                !view.payment.late || has(&view, DiscrepancyKind::LatePayment),
            ),
            (Law::WithinTheSum, within_the_sum(&view)),
            (
                Law::OneRefundAWish,
                carried_out(state) <= state.wished.count_ones() as usize,
            ),
        ];
        laws.into_iter()
            .find(|(_, holds)| !holds)
            .map(|(law, _)| law)
    }

    /// A call leaves.
    pub(crate) fn law_of_calls(&self, state: &mut State, call: Wire) {
        let recorded = match call {
            Wire::Place => state.row != NONE,
            Wire::Refund(n) => {
                state.row != NONE && moments::refund(&self.book.view(state.row), n).is_some()
            }
            _ => true,
        };
        if !recorded {
            state.broken.get_or_insert(Law::IntentBeforeCall);
        }
        if state.blocked {
            state.broken.get_or_insert(Law::NoCallInABlock);
        }
    }

    /// A call came to the gateway, whose refunds stood like this before it.
    pub(crate) fn law_of_refunds(&self, state: &mut State, stood: [Option<RefundSaid>; REFUNDS]) {
        let failed = |n: &usize| stood[*n] == Some(RefundSaid::Failed);
        let taken = |n: &usize| state.gateway.refunds[*n] == Some(RefundSaid::Processing);
        let Some(n) = (0..REFUNDS).find(|n| failed(n) && taken(n)) else {
            return;
        };
        let view = self.book.view(state.row);
        // Refunds go one at a time: another that is under way was recorded after this one had failed.
        let mut others = (0..REFUNDS).filter(|other| *other != n);
        let other = others.any(|other| {
            moments::refund(&view, other).is_some_and(|refund| !refund.state.is_settled())
        });
        if other {
            state.broken.get_or_insert(Law::NoOtherNumber);
        }
    }

    /// What a call brought is to be written over the row as it stands.
    pub(crate) fn law_of_leases(&self, state: &mut State, ask: Ask, told: Told) {
        let (on, who) = match ask {
            Ask::Observe(_, _, on, who) | Ask::GiveUp(on, who, _) => (on, who),
            Ask::Hold(_, _, who) | Ask::RefuseReversal(who) => (0, who),
            _ => return,
        };
        let open = who == NOBODY || state.row == NONE;
        if !open && told != Told::Stale && !moments::owns(&self.book.view(state.row), on, who) {
            state.broken.get_or_insert(Law::OnlyUnderItsLease);
        }
    }

    /// A notification was committed over this row.
    pub(crate) fn law_of_older_words(&self, state: &mut State, before: Row, ask: Ask) {
        let Ask::Notice(Word::Refund(n, said)) = ask else {
            return;
        };
        if before == NONE || said == RefundSaid::Succeeded {
            return;
        }
        let (before, after) = (self.book.view(before), self.book.view(state.row));
        let stands = |view: &PaymentView| moments::refund(view, n).map(|refund| refund.state);
        let again = moments::refund(&before, n).is_some_and(|refund| refund.submissions > 1);
        if again && stands(&before) != stands(&after) {
            state.broken.get_or_insert(Law::OlderIsAskedAbout);
        }
    }

    /// An intent was recorded, or not.
    pub(crate) fn law_of_recording(&self, state: &mut State, ask: Ask, told: Told) {
        if told != Told::Leased || state.row == NONE {
            return;
        }
        let view = self.book.view(state.row);
        let reversal = view.payment.reversal;
        let under_way = view.refunds.iter().any(|refund| !refund.state.is_settled());
        if under_way && matches!(ask, Ask::RequestRefund(..)) {
            state.broken.get_or_insert(Law::OneAtATime);
        }
        let both = match ask {
            Ask::RequestRefund(..) => {
                matches!(reversal, Some(Reversal::Requested | Reversal::Done))
            }
            Ask::Reverse(_) => reversal != Some(Reversal::Requested) && view.money_went_back(),
            _ => false,
        };
        if both {
            state.broken.get_or_insert(Law::OneWayBack);
        }
    }
}

fn ends_by_its_word(view: &PaymentView, state: &State) -> bool {
    (0..REFUNDS).all(|n| {
        let said = |said| state.gateway.said(Word::Refund(n, said));
        match moments::refund(view, n).map(|refund| refund.state) {
            Some(RefundState::Succeeded) => said(RefundSaid::Succeeded),
            Some(RefundState::Failed) => said(RefundSaid::Failed),
            Some(RefundState::Closed) => said(RefundSaid::Closed),
            _ => true,
        }
    })
}

fn within_the_sum(view: &PaymentView) -> bool {
    let open = |state| !matches!(state, RefundState::Failed | RefundState::Closed);
    let refunds = view.refunds.iter().filter(|refund| open(refund.state));
    let sum: i64 = refunds.map(|refund| refund.amount.cents()).sum();
    sum <= view.payment.amount.cents() || has(view, DiscrepancyKind::RefundedTooMuch)
}

fn carried_out(state: &State) -> usize {
    let active = |refund: &&Option<RefundSaid>| {
        matches!(refund, Some(RefundSaid::Processing | RefundSaid::Succeeded))
    };
    state.gateway.refunds.iter().filter(active).count()
}

pub(crate) fn has(view: &PaymentView, kind: DiscrepancyKind) -> bool {
    view.discrepancies.iter().any(|row| row.kind == kind)
}
