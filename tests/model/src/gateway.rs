//! The gateway, as its reference has it: orders and refunds by number, repeats idempotent, no refund beyond the payment.
//! It is honest. What happens to its answers on the way is the system's business.

/// How many refunds a payment may have here.
pub const REFUNDS: usize = 2;

/// A signed statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Word {
    /// The order was taken.
    Placed,
    /// The state of the order.
    Payment(Said),
    /// The application for this refund was taken.
    Accepted(usize),
    /// The state of this refund.
    Refund(usize, RefundSaid),
}

/// `tradeStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Said {
    /// SUCCESS
    Paid,
    /// REFUND
    Returned,
    /// NOTPAY
    NotPaid,
    /// USERPAYING
    Paying,
    /// PAYERROR
    Failed,
    /// CLOSED
    Closed,
    /// REVOKED
    Reversed,
}

/// `refundStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefundSaid {
    /// PROCESSING
    Processing,
    /// SUCCESS
    Succeeded,
    /// FAIL
    Failed,
    /// REFUNDCLOSE
    Closed,
}

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// unifiedorder
    Place,
    /// orderquery
    Query,
    /// closeorder
    Close,
    /// reverse
    Reverse,
    /// refund
    Refund(usize),
    /// refundquery
    QueryRefund(usize),
}

/// What a call brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A signed fact.
    Says(Word),
    /// Anything else, by what the adapter makes of it. An error name is unsigned.
    Error(Trouble),
}

/// The kinds of [`ProviderErrorKind`](ucanpay_storefront::provider::ProviderErrorKind) that lead to different steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// No answer.
    Unclear,
    /// SYSTEMERROR, ORDERPAID to an order, …NOTEXIST, ERROR.
    AskFirst,
    /// ORDERPAID to a close or a reverse.
    NotThisWay,
    /// INVALID_REQUEST: surely not done.
    Refused,
    /// Busy, or held back by the gate: surely not done.
    Later,
    /// INVALID_REQ_TOO_MUCH.
    Blocked,
}

/// Its books about our order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gateway {
    /// The order; `None` before it was placed.
    pub order: Option<Said>,
    /// Its refunds, by our numbers.
    pub refunds: [Option<RefundSaid>; REFUNDS],
    /// The buyer's money was taken at some time.
    pub taken: bool,
    /// The order was closed or reversed at some time.
    pub ended: bool,
    /// The notifications that were ever sent. Each may arrive at any time, in any order, any number of times, or never.
    pub sent: u8,
}

impl Gateway {
    /// It has not heard of us.
    pub const NEW: Self = Self {
        order: None,
        refunds: [None; REFUNDS],
        taken: false,
        ended: false,
        sent: 0,
    };

    /// Carries out a call and answers it. `fits` says how many refunds the payment has room for.
    pub fn hear(&mut self, call: Wire, fits: usize) -> Answer {
        use Said as S;
        const ASK: Answer = Answer::Error(Trouble::AskFirst);
        let unpaid = matches!(self.order, Some(S::NotPaid | S::Paying | S::Failed));
        match call {
            Wire::Place => match self.order {
                None => {
                    self.order = Some(S::NotPaid);
                    Answer::Says(Word::Placed)
                }
                Some(_) if unpaid => Answer::Says(Word::Placed),
                Some(_) => ASK,
            },
            Wire::Query => match self.order {
                None => ASK,
                Some(S::Paid) if self.returning() > 0 => Answer::Says(Word::Payment(S::Returned)),
                Some(said) => Answer::Says(Word::Payment(said)),
            },
            Wire::Close if unpaid || self.order == Some(S::Closed) => self.end(S::Closed),
            Wire::Reverse if unpaid => self.end(S::Reversed),
            Wire::Reverse if self.order == Some(S::Paid) && self.returning() == 0 => {
                self.end(S::Reversed)
            }
            Wire::Close | Wire::Reverse if self.order == Some(S::Paid) => {
                Answer::Error(Trouble::NotThisWay)
            }
            Wire::Close | Wire::Reverse => ASK,
            Wire::Refund(n) => self.refund(n, fits),
            Wire::QueryRefund(n) => match self.refunds[n] {
                None => ASK,
                Some(said) => Answer::Says(Word::Refund(n, said)),
            },
        }
    }

    fn end(&mut self, said: Said) -> Answer {
        self.order = Some(said);
        self.ended = true;
        Answer::Says(Word::Payment(said))
    }

    fn refund(&mut self, n: usize, fits: usize) -> Answer {
        use RefundSaid as R;
        match self.refunds[n] {
            Some(R::Processing | R::Succeeded) => Answer::Says(Word::Accepted(n)),
            Some(R::Closed) => Answer::Error(Trouble::Refused),
            None | Some(R::Failed) if self.order != Some(Said::Paid) => {
                Answer::Error(Trouble::Refused)
            }
            None | Some(R::Failed) if self.refunds.contains(&Some(R::Processing)) => {
                Answer::Error(Trouble::Later)
            }
            None | Some(R::Failed) if self.returning() >= fits => Answer::Error(Trouble::Refused),
            None | Some(R::Failed) => {
                self.refunds[n] = Some(R::Processing);
                Answer::Says(Word::Accepted(n))
            }
        }
    }

    /// How many refunds have gone back or are on their way.
    fn returning(&self) -> usize {
        use RefundSaid as R;
        let on_its_way = |refund: &&Option<R>| matches!(refund, Some(R::Processing | R::Succeeded));
        self.refunds.iter().filter(on_its_way).count()
    }

    /// The buyer pays. Also after the close, if that payment was under way.
    pub fn pay(&mut self) {
        self.order = Some(Said::Paid);
        self.taken = true;
        self.send(Word::Payment(Said::Paid));
    }

    /// The result of a refund.
    pub fn finish(&mut self, n: usize, said: RefundSaid) {
        self.refunds[n] = Some(said);
        self.send(Word::Refund(n, said));
    }

    fn send(&mut self, word: Word) {
        let known = Self::NOTICES.iter().position(|notice| *notice == word);
        let place = known.expect("every word that is sent is among the notices");
        self.sent |= 1 << place;
    }

    /// The notifications there are.
    pub const NOTICES: [Word; 7] = [
        Word::Payment(Said::Paid),
        Word::Refund(0, RefundSaid::Succeeded),
        Word::Refund(0, RefundSaid::Failed),
        Word::Refund(0, RefundSaid::Closed),
        Word::Refund(1, RefundSaid::Succeeded),
        Word::Refund(1, RefundSaid::Failed),
        Word::Refund(1, RefundSaid::Closed),
    ];

    /// Whether it ever said this by a notification.
    pub fn said(&self, word: Word) -> bool {
        let at = Self::NOTICES.iter().position(|notice| *notice == word);
        at.is_some_and(|at| self.sent & (1 << at) != 0)
    }
}
