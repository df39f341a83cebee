//! One task of one instance: what it holds in memory, and its way through the calls for one row under one lease.
//!
//! The steps are those of `payments/advance.rs`, `payments/end.rs` and `payments/late.rs` of the storefront, cut wherever
//! something else can come between: before a call leaves, while it is out, before its answer is committed.

use ucanpay_storefront::PaymentState;
use ucanpay_storefront::provider::Source;
use ucanpay_storefront::{PaymentView, RefundState, Reversal};

use crate::bug::Bug;
use crate::gateway::{Answer, REFUNDS, Said, Trouble, Wire, Word};
use crate::ledger::{Ask, Done, NOBODY, Row, Told};
use crate::mistake::Mistake;
use crate::moments;
use crate::system::{State, System};

/// A task at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    /// The row it holds a lease of: 0 is the payment.
    pub on: usize,
    /// What it read last.
    pub read: Row,
    /// How far it has come.
    pub at: Stage,
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It has the lease, and has read nothing yet.
    Leased,
    /// It is about to make this call.
    Ready(Call),
    /// The call is out.
    Out(Call),
    /// The call brought this; it is not committed yet.
    Back(Call, Answer),
    /// It has the lease of a late payment, and is about to record its refund.
    OwesRefund,
    /// A mistake: a refund was found to be allowed, and is not recorded yet.
    Checked(usize),
}

/// A call, by its place in the procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Place the order.
    Place,
    /// Ask about it, after its placing brought nothing.
    AskPlaced,
    /// Ask about the payment.
    Query,
    /// Submit the refund.
    Submit(usize),
    /// Ask about it, after its submission brought this.
    AskSubmitted(usize, Trouble),
    /// Ask about the refund.
    QueryRefund(usize),
    /// To end a payment whose number is unknown: place it again.
    EndPlace,
    /// To end it: ask first. To reverse it, or to close it.
    EndQuery(bool),
    /// To end it: the call that does.
    EndCancel(bool),
    /// To end it: ask again. What the call before brought, if not a fact.
    EndLast(bool, Option<Trouble>),
    /// A late payment is to be refunded: ask first.
    LateQuery,
}

impl Call {
    /// What goes over the wire.
    pub(crate) fn wire(self) -> Wire {
        match self {
            Self::Place | Self::EndPlace => Wire::Place,
            Self::Submit(n) => Wire::Refund(n),
            Self::AskSubmitted(n, _) | Self::QueryRefund(n) => Wire::QueryRefund(n),
            Self::EndCancel(true) => Wire::Reverse,
            Self::EndCancel(false) => Wire::Close,
            Self::AskPlaced
            | Self::Query
            | Self::EndQuery(_)
            | Self::EndLast(..)
            | Self::LateQuery => Wire::Query,
        }
    }

    fn source(self) -> Source {
        match self.wire() {
            Wire::Query | Wire::QueryRefund(_) => Source::Query,
            _ => Source::Answer,
        }
    }
}

/// `worth_a_query` in advance.rs.
fn worth_a_query(trouble: Trouble, repeat: bool) -> bool {
    match trouble {
        Trouble::AskFirst | Trouble::Refused | Trouble::NotThisWay => true,
        Trouble::Unclear | Trouble::Later => repeat,
        Trouble::Blocked => false,
    }
}

impl System {
    /// The task reads its row and sees which call comes next.
    pub(crate) fn load(&self, state: &mut State, who: usize, task: Task) {
        let view = self.book.view(state.row);
        let mut task = Task {
            read: state.row,
            ..task
        };
        let call = if let Some(n) = task.on.checked_sub(1) {
            match moments::refund(&view, n) {
                Some(refund)
                    if refund.state == RefundState::Requested
                        && view.payment.reversal != Some(Reversal::Done) =>
                {
                    Call::Submit(n)
                }
                _ => Call::QueryRefund(n),
            }
        } else if view.owes_late_refund() {
            Call::LateQuery
        } else if view.is_to_end(moments::NOW) {
            if !matches!(
                view.payment.state,
                PaymentState::Expired | PaymentState::Paid
            ) {
                let done = self.commit(state, Ask::Close(who, true));
                if done.told != Told::Leased {
                    return state.rest(who);
                }
                task.read = state.row;
            }
            if view.payment.gateway_number.is_none() {
                Call::EndPlace
            } else {
                Call::EndQuery(to_reverse(&self.book.view(task.read)))
            }
        } else if view.payment.gateway_number.is_none() && !view.payment.state.is_settled() {
            Call::Place
        } else {
            Call::Query
        };
        task.at = Stage::Ready(call);
        state.tasks[who] = Some(task);
    }

    /// The task commits what its call brought, and sees what comes next.
    pub(crate) fn take_in(
        &self,
        state: &mut State,
        who: usize,
        task: Task,
        call: Call,
        answer: Answer,
    ) {
        let read = self.book.view(task.read);
        let go_on = |state: &mut State, call, read| {
            let at = Stage::Ready(call);
            state.tasks[who] = Some(Task { read, at, ..task });
        };
        match (call, answer) {
            (Call::EndPlace, answer) => match answer {
                Answer::Says(word) => {
                    if self.hold(state, who, call, word) {
                        let reverse = to_reverse(&self.book.view(state.row));
                        go_on(state, Call::EndQuery(reverse), state.row);
                    }
                }
                Answer::Error(Trouble::Blocked) => self.give_up(state, who, task, Trouble::Blocked),
                Answer::Error(_) => {
                    go_on(state, Call::EndQuery(to_reverse(&read)), task.read);
                }
            },
            (Call::EndQuery(reverse), Answer::Says(word)) => {
                if self.hold(state, who, call, word) {
                    let view = self.book.view(state.row);
                    self.cancel(state, who, task, reverse, &view);
                }
            }
            (Call::EndQuery(_), Answer::Error(Trouble::AskFirst)) => {
                if self.commit(state, Ask::Close(who, true)).told == Told::Leased {
                    let view = self.book.view(state.row);
                    self.cancel(state, who, task, to_reverse(&view), &view);
                } else {
                    state.rest(who);
                }
            }
            (Call::EndCancel(reverse), Answer::Says(word)) => {
                if self.hold(state, who, call, word) {
                    go_on(state, Call::EndLast(reverse, None), state.row);
                }
            }
            (Call::EndCancel(reverse), Answer::Error(trouble))
                if !matches!(trouble, Trouble::Later | Trouble::Blocked) =>
            {
                match self.bug {
                    Some(Bug::UnsignedPaid) if trouble == Trouble::NotThisWay => {
                        self.blunder(state, Mistake::Paid);
                        state.rest(who);
                    }
                    Some(Bug::CloseWithoutWord) => {
                        self.blunder(state, Mistake::Closed);
                        state.rest(who);
                    }
                    _ => go_on(state, Call::EndLast(reverse, Some(trouble)), task.read),
                }
            }
            (Call::EndLast(reverse, doubt), Answer::Says(word)) => {
                if self.hold(state, who, call, word) {
                    if reverse && doubt == Some(Trouble::NotThisWay) {
                        self.commit(state, Ask::RefuseReversal(who));
                        state.rest(who);
                    } else {
                        self.give_up(state, who, task, doubt.unwrap_or(Trouble::AskFirst));
                    }
                }
            }
            (Call::LateQuery, Answer::Says(word)) => {
                let done = self.commit(state, Ask::Observe(call.source(), word, 0, who));
                let paid = matches!(word, Word::Payment(Said::Paid | Said::Returned));
                let owed = paid
                    && done.told == Told::Committed
                    && self.book.view(state.row).owes_late_refund();
                if owed && self.commit(state, Ask::Claim(who)).told == Told::Leased {
                    let at = Stage::OwesRefund;
                    state.tasks[who] = Some(Task { at, ..task });
                } else {
                    state.rest(who);
                }
            }
            (Call::Place, Answer::Error(trouble))
                if worth_a_query(trouble, read.payment.trouble.is_some()) =>
            {
                go_on(state, Call::AskPlaced, task.read);
            }
            (Call::Submit(n), Answer::Error(trouble)) => {
                let repeat = moments::refund(&read, n).is_some_and(|row| row.trouble.is_some());
                if worth_a_query(trouble, repeat) {
                    go_on(state, Call::AskSubmitted(n, trouble), task.read);
                } else {
                    self.give_up(state, who, task, trouble);
                }
            }
            (_, Answer::Says(word)) => {
                self.commit(state, Ask::Observe(call.source(), word, task.on, who));
                state.rest(who);
            }
            (Call::AskPlaced | Call::Query, Answer::Error(Trouble::AskFirst))
                if self.bug == Some(Bug::NotFoundMeansUnpaid) =>
            {
                self.blunder(state, Mistake::Closed);
                state.rest(who);
            }
            (Call::AskSubmitted(_, first), Answer::Error(then)) => {
                let telling = if then == Trouble::Blocked {
                    then
                } else {
                    first
                };
                self.give_up(state, who, task, telling);
            }
            (Call::EndLast(_, doubt), Answer::Error(then)) => {
                let telling = doubt.filter(|_| then != Trouble::Blocked).unwrap_or(then);
                self.give_up(state, who, task, telling);
            }
            (_, Answer::Error(trouble)) => self.give_up(state, who, task, trouble),
        }
    }

    /// The call that ends a payment comes next, unless money of it went back.
    fn cancel(&self, state: &mut State, who: usize, task: Task, reverse: bool, view: &PaymentView) {
        let spared = self.bug == Some(Bug::ReversalDespiteRefund);
        if reverse && view.money_went_back() && !spared {
            self.commit(state, Ask::RefuseReversal(who));
            return state.rest(who);
        }
        let at = Stage::Ready(Call::EndCancel(reverse));
        let read = state.row;
        state.tasks[who] = Some(Task { read, at, ..task });
    }

    /// `ObserveAndHold`. Says whether the row is still ours and the payment still to be ended.
    fn hold(&self, state: &mut State, who: usize, call: Call, word: Word) -> bool {
        let done = self.commit(state, Ask::Hold(call.source(), word, who));
        if done.told != Told::Leased {
            state.rest(who);
        }
        done.told == Told::Leased
    }

    /// `GiveUp`, with the block of the account if that is what the call met. The block is noted even if the lease is stale.
    fn give_up(&self, state: &mut State, who: usize, task: Task, trouble: Trouble) {
        state.blocked |= trouble == Trouble::Blocked;
        // Of a payment that was reversed no refund is sent any more, and no query finds it: raised after half an hour.
        let reversed = self.book.view(task.read).payment.reversal == Some(Reversal::Done);
        let left_open = reversed && trouble == Trouble::AskFirst;
        let review = (trouble == Trouble::Refused || left_open) && task.on > 0;
        let done = self.commit(state, Ask::GiveUp(task.on, who, review));
        state.rest(who);
        if done.told == Told::Stale {
            return;
        }
        match (self.bug, task.on.checked_sub(1)) {
            (Some(Bug::GivesUp), _) => self.blunder(state, Mistake::Rests(task.on)),
            (Some(Bug::TimeoutMeansFailed), Some(n)) if trouble == Trouble::Unclear => {
                self.blunder(state, Mistake::RefundFailed(n));
            }
            (Some(Bug::NewNumberOnRetry), Some(0)) if trouble == Trouble::Unclear => {
                self.blunder(state, Mistake::RefundForgotten(0));
                self.commit(state, Ask::RequestRefund(REFUNDS - 1, NOBODY));
            }
            _ => {}
        }
    }

    /// The refund of a late payment is recorded, and left to the reconciler.
    pub(crate) fn refund_late(&self, state: &mut State, who: usize, task: Task) {
        let n = REFUNDS - 1;
        let done = self.commit(state, Ask::RequestRefund(n, NOBODY));
        if done.told == Told::Leased {
            state.wished |= 1 << n;
            self.commit(state, Ask::Release(who));
            state.rest(who);
        } else {
            self.give_up(state, who, task, Trouble::Later);
        }
    }

    fn blunder(&self, state: &mut State, mistake: Mistake) {
        self.commit(state, Ask::Mistake(mistake));
    }

    /// One transaction of the ledger.
    pub(crate) fn commit(&self, state: &mut State, ask: Ask) -> Done {
        let (before, done) = (state.row, self.book.ask(state.row, ask));
        self.law_of_recording(state, ask, done.told);
        self.law_of_leases(state, ask, done.told);
        let copy =
            self.bug == Some(Bug::ToldForEachCopy) && matches!(ask, Ask::Notice(Word::Payment(_)));
        let told = if copy { 1 } else { done.succeeded };
        state.succeeded = state.succeeded.saturating_add(told).min(2);
        state.row = done.row;
        self.law_of_older_words(state, before, ask);
        done
    }
}

fn to_reverse(view: &PaymentView) -> bool {
    view.payment.reversal == Some(Reversal::Requested)
}
