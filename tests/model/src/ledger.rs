//! The ledger: not a model of it, but its own rows and its own [`decide`].
//!
//! A row is a [`PaymentView`] with its moments reduced to what a decision can tell apart (`moments.rs`), so that there are
//! finitely many. Each is kept once, under a number; each decision is made once, and remembered.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::ledger::{
    Command, EventKind, Lease, Loaded, NewPayment, NewRefund, Outcome, Target, Tell, decide,
};
use ucanpay_storefront::provider::{
    Claim, Evidence, Fact, FrozenRequest, PaymentStatus, RefundClaim, RefundLimits, RefundStatus,
    Source,
};
use ucanpay_storefront::{
    LatePolicy, PaymentKey, PaymentView, ProviderId, Reference, RefundNumber,
};

use crate::bug::Bug;
use crate::gateway::{REFUNDS, RefundSaid, Said, Word};
use crate::mistake::{self, Mistake};
use crate::moments::{DUE, LEASED_NOW, NOW, forget, lease_of, passes};

/// The payment's amount in cents.
const TOTAL: i64 = 200;

/// What the ledger holds, by its number.
pub type Row = u32;
/// Nothing: the intent is not committed.
pub const NONE: Row = 0;
/// Whoever holds no lease.
pub const NOBODY: usize = 2;

/// What is asked of the ledger, by one of the workers: a [`Command`], what a store does by itself, or the passing of time.
/// Rows are named by their place: 0 is the payment, 1 its first refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// `Create`, by this worker.
    Create(usize),
    /// `RequestRefund` of this refund, by this worker, or [`NOBODY`] where the reconciler is to send it.
    RequestRefund(usize, usize),
    /// The store finds this row due, for this worker.
    TakeDue(usize, usize),
    /// `Claim` of the payment.
    Claim(usize),
    /// `Observe` of a notification.
    Notice(Word),
    /// `Observe` under the lease that this worker has of this row.
    Observe(Source, Word, usize, usize),
    /// `ObserveAndHold`, likewise, of the payment.
    Hold(Source, Word, usize),
    /// `GiveUp` of this row by this worker, and whether a person should look.
    GiveUp(usize, usize, bool),
    /// `Close` by this worker; under its lease, or without one.
    Close(usize, bool),
    /// `Reverse` by this worker.
    Reverse(usize),
    /// `RefuseReversal` by this worker.
    RefuseReversal(usize),
    /// `Release` of the payment by this worker.
    Release(usize),
    /// `SettleReview` of the discrepancy at this place.
    Settle(usize),
    /// The lease of this row runs out.
    LeaseEnds(usize),
    /// Ten minutes have passed since this refund failed.
    TenMinutes(usize),
    /// The time for the payment is up.
    TimeIsUp,
    /// The worker that held the lease of this row is no more.
    Orphan(usize, usize),
    /// Something is written that no rule allows.
    Mistake(Mistake),
}

/// What the ledger made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// What it holds now.
    pub row: Row,
    /// What the caller is told.
    pub told: Told,
    /// How often `PaymentSucceeded` is told to the shop.
    pub succeeded: u8,
}

/// The outcomes that lead to different steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The caller holds the lease.
    Leased,
    /// The lease had passed on: nothing was written.
    Stale,
    /// Committed, and nothing more is to be done under a lease.
    Committed,
    /// Not recorded.
    Refused,
}

/// All that the ledger has ever held, and every decision that was made.
#[derive(Clone, Debug)]
pub struct Book {
    bug: Option<Bug>,
    late: LatePolicy,
    refund: i64,
    pages: Arc<Mutex<Pages>>,
}

#[derive(Debug, Default)]
struct Pages {
    rows: Vec<Arc<PaymentView>>,
    numbers: HashMap<String, Row>,
    made: HashMap<(Row, Ask), Done>,
    moves: BTreeSet<Move>,
    cells: BTreeSet<Cell>,
}

/// A move that was logged: of the payment or a refund, from where, to where, and what caused it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// `payment` or `refund`.
    pub what: &'static str,
    /// The state before; `None` for the first.
    pub from: Option<&'static str>,
    /// The state after.
    pub to: &'static str,
    /// The word in [`Transition::CAUSES`](ucanpay_storefront::ledger::Transition::CAUSES).
    pub cause: &'static str,
}

/// A cell of the table that was looked up: the state in which a word met a row, and the word.
pub type Cell = (&'static str, Word);

impl Book {
    /// An empty ledger, with this mistake in it.
    pub fn new(bug: Option<Bug>, late: LatePolicy, refund: i64) -> Self {
        Self {
            bug,
            late,
            refund,
            pages: Arc::default(),
        }
    }

    /// What stands there.
    ///
    /// # Panics
    /// If it is [`NONE`].
    pub fn view(&self, row: Row) -> Arc<PaymentView> {
        Arc::clone(&self.pages().rows[row as usize - 1])
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.pages().rows.len()
    }

    /// Every move that was made.
    pub fn moves(&self) -> BTreeSet<Move> {
        self.pages().moves.clone()
    }

    /// Every cell of the tables that was looked up.
    pub fn cells(&self) -> BTreeSet<Cell> {
        self.pages().cells.clone()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the ledger: one transaction.
    pub fn ask(&self, row: Row, ask: Ask) -> Done {
        if let Some(done) = self.pages().made.get(&(row, ask)) {
            return *done;
        }
        let before = (row != NONE).then(|| PaymentView::clone(&self.view(row)));
        let done = self.decide(row, before, ask);
        self.pages().made.insert((row, ask), done);
        done
    }

    fn decide(&self, row: Row, before: Option<PaymentView>, ask: Ask) -> Done {
        let nothing = |told| Done {
            row,
            told,
            succeeded: 0,
        };
        let view = match (before.clone(), ask) {
            (Some(view), _) => Some(mistake::seen(self.bug, view, ask)),
            (None, Ask::Create(_)) => None,
            (None, _) => return nothing(Told::Refused),
        };
        let Some(command) = self.command(view.as_ref(), ask) else {
            let mut view = view.expect("what is not a command is asked of a row that stands there");
            let leased = passes(&mut view, ask);
            return Done {
                row: self.keep(view),
                ..nothing(if leased {
                    Told::Leased
                } else {
                    Told::Committed
                })
            };
        };
        let loaded = Loaded {
            gateway_number_owner: owner(view.as_ref(), &command),
            refund_owner: None,
            view: view.map(Arc::new),
        };
        let decision = decide(&key(), loaded, command, NOW);
        self.record(before.as_ref(), ask, &decision.transitions);
        let told = match decision.outcome {
            Outcome::Recorded(_) | Outcome::Claimed(_) => Told::Leased,
            Outcome::StaleLease => return nothing(Told::Stale),
            Outcome::Observed(_) | Outcome::Noted | Outcome::Settled => Told::Committed,
            _ => Told::Refused,
        };
        // Since when the row was due for whoever has taken it: another moment stands in a row that is in doubt.
        let due = match &decision.outcome {
            Outcome::Claimed(lease) => Some(lease.due),
            _ => None,
        };
        let succeeded = decision.events.iter();
        let succeeded = succeeded.filter(|event| event.kind == EventKind::PaymentSucceeded);
        let succeeded = if succeeded.count() > 0 { 1 } else { 0 };
        let Some(mut view) = decision.view.map(Arc::unwrap_or_clone) else {
            return nothing(told);
        };
        if let Some(before) = before {
            mistake::written(self.bug, &before, &mut view, ask);
        }
        let (on, who) = ask.taker();
        forget(&mut view, on, who, due);
        Done {
            row: self.keep(view),
            told,
            succeeded,
        }
    }

    fn keep(&self, view: PaymentView) -> Row {
        let text = format!("{view:?}");
        let mut pages = self.pages();
        if let Some(row) = pages.numbers.get(&text) {
            return *row;
        }
        pages.rows.push(Arc::new(view));
        let row = Row::try_from(pages.rows.len()).expect("there are fewer rows than that");
        pages.numbers.insert(text, row);
        row
    }

    /// Notes what the tables were asked and what moved.
    fn record(
        &self,
        before: Option<&PaymentView>,
        ask: Ask,
        moves: &[ucanpay_storefront::ledger::Transition],
    ) {
        let mut pages = self.pages();
        for row in moves {
            let what = if row.refund.is_some() {
                "refund"
            } else {
                "payment"
            };
            pages.moves.insert(Move {
                what,
                from: row.from,
                to: row.to,
                cause: row.cause,
            });
        }
        let (Some(view), Some(word)) = (before, ask.word()) else {
            return;
        };
        let state = match word {
            Word::Placed | Word::Payment(_) => Some(view.payment.state.as_str()),
            Word::Accepted(n) | Word::Refund(n, _) => view
                .refund(&self.number(n))
                .map(|refund| refund.state.as_str()),
        };
        if let Some(state) = state {
            pages.cells.insert((state, word));
        }
    }

    fn command(&self, view: Option<&PaymentView>, ask: Ask) -> Option<Command> {
        let lease = |on: usize, who: usize| Lease {
            target: self.target(on),
            until: lease_of(view, on, who),
            due: Some(DUE),
        };
        Some(match ask {
            Ask::Create(_) => Command::Create(
                NewPayment {
                    merchant: "M".into(),
                    amount: cents(TOTAL),
                    currency: Currency::CAD,
                    subject: "coffee".into(),
                    description: "coffee".into(),
                    expires_at: NOW.after(Duration::from_secs(7200)),
                    late_policy: self.late,
                    request: frozen(),
                },
                LEASED_NOW,
            ),
            Ask::RequestRefund(n, who) => Command::RequestRefund(
                NewRefund {
                    number: self.number(n),
                    amount: cents(self.refund),
                    reason: "returned".into(),
                    request: frozen(),
                    limits: RefundLimits {
                        count: 10,
                        window: Duration::from_secs(3600),
                    },
                    under: None,
                },
                if who == NOBODY { NOW } else { LEASED_NOW },
            ),
            Ask::Claim(_) => Command::Claim(Target::Payment, LEASED_NOW),
            Ask::Notice(word) => {
                Command::Observe(Box::new(self.fact(Source::Notification, word)), None)
            }
            Ask::Observe(source, word, on, who) => {
                Command::Observe(Box::new(self.fact(source, word)), Some(lease(on, who)))
            }
            Ask::Hold(source, word, who) => Command::ObserveAndHold(
                Box::new(self.fact(source, word)),
                lease(0, who),
                LEASED_NOW,
            ),
            Ask::GiveUp(on, who, review) => Command::GiveUp {
                lease: lease(on, who),
                trouble: "trouble".into(),
                tell: match review {
                    true => Tell::Again,
                    false => Tell::Nobody,
                },
                hold: None,
                block: None,
            },
            Ask::Close(who, held) => Command::Close(held.then(|| lease(0, who)), LEASED_NOW),
            Ask::Reverse(_) => Command::Reverse {
                window: Duration::from_secs(3600),
                until: LEASED_NOW,
            },
            Ask::RefuseReversal(who) => Command::RefuseReversal(lease(0, who), "trouble".into()),
            Ask::Release(who) => Command::Release(lease(0, who)),
            Ask::Settle(place) => Command::SettleReview {
                discrepancy: u32::try_from(place + 1).expect("a place among a few"),
                note: "looked at".into(),
            },
            Ask::TakeDue(..)
            | Ask::LeaseEnds(_)
            | Ask::TenMinutes(_)
            | Ask::TimeIsUp
            | Ask::Orphan(..)
            | Ask::Mistake(_) => return None,
        })
    }

    fn target(&self, on: usize) -> Target {
        match on {
            0 => Target::Payment,
            n => Target::Refund(self.number(n - 1)),
        }
    }

    /// The number of a refund. Where late payments are refunded by themselves, the last is the one that follows from the
    /// payment's.
    pub fn number(&self, n: usize) -> RefundNumber {
        if self.late == LatePolicy::AutoRefund && n == REFUNDS - 1 {
            return RefundNumber::of_late_payment(&key());
        }
        RefundNumber::new(format!("R{n}")).expect("visible")
    }

    /// A message about our payment as its provider would read it.
    fn fact(&self, source: Source, word: Word) -> Fact {
        let refund = |n| RefundClaim {
            number: Some(self.number(n).to_string()),
            gateway_number: Some(format!("G{n}")),
            amount: Some(cents(self.refund)),
        };
        let ending = source == Source::Answer && matches!(word, Word::Payment(_));
        Fact {
            source,
            merchant: Some("M".into()),
            reference: Some(key().reference.to_string()),
            gateway_number: Some("U".into()),
            amount: (!ending).then(|| cents(TOTAL)),
            currency: None,
            pay_link: (word == Word::Placed).then(|| "link".into()),
            claim: match word {
                Word::Placed => Claim::Placed,
                Word::Payment(said) => Claim::Payment(payment_status(said)),
                Word::Accepted(n) => Claim::RefundAccepted(refund(n)),
                Word::Refund(n, said) => Claim::Refund(refund(n), refund_status(said)),
            },
            missing: Vec::new(),
            evidence: Evidence {
                signed_text: format!("{word:?}"),
                signature: String::new(),
                key: "K".into(),
            },
        }
    }
}

impl Ask {
    /// Which row it leases anew, and to whom.
    fn taker(self) -> (usize, usize) {
        match self {
            Self::RequestRefund(n, who) => (n + 1, who),
            Self::TakeDue(on, who) | Self::GiveUp(on, who, _) | Self::Observe(_, _, on, who) => {
                (on, who)
            }
            Self::Create(who)
            | Self::Claim(who)
            | Self::Hold(_, _, who)
            | Self::Close(who, _)
            | Self::Reverse(who)
            | Self::RefuseReversal(who)
            | Self::Release(who) => (0, who),
            _ => (0, NOBODY),
        }
    }

    fn word(self) -> Option<Word> {
        match self {
            Self::Notice(word) | Self::Observe(_, word, ..) | Self::Hold(_, word, _) => Some(word),
            _ => None,
        }
    }
}

fn owner(view: Option<&PaymentView>, command: &Command) -> Option<Reference> {
    let stated = matches!(command, Command::Observe(..) | Command::ObserveAndHold(..));
    view.filter(|view| stated && view.payment.gateway_number.is_some())
        .map(|_| key().reference)
}

fn key() -> PaymentKey {
    PaymentKey {
        provider: ProviderId::new("shop").expect("four letters"),
        reference: Reference::new("P").expect("visible"),
    }
}

fn cents(cents: i64) -> Amount {
    Amount::new(cents).expect("more than nothing")
}

fn frozen() -> FrozenRequest {
    FrozenRequest {
        path: "/".into(),
        body: [].into(),
        key: "K".into(),
    }
}

fn payment_status(said: Said) -> PaymentStatus {
    match said {
        Said::Paid => PaymentStatus::Paid,
        Said::Returned => PaymentStatus::PaidAndReturned,
        Said::NotPaid => PaymentStatus::NotPaid,
        Said::Paying => PaymentStatus::Paying,
        Said::Failed => PaymentStatus::Failed,
        Said::Closed => PaymentStatus::Closed,
        Said::Reversed => PaymentStatus::Reversed,
    }
}

fn refund_status(said: RefundSaid) -> RefundStatus {
    match said {
        RefundSaid::Processing => RefundStatus::Processing,
        RefundSaid::Succeeded => RefundStatus::Succeeded,
        RefundSaid::Failed => RefundStatus::Failed,
        RefundSaid::Closed => RefundStatus::Closed,
    }
}
