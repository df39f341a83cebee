//! What may happen: one part of the whole at a time, each without a bound on how often.

use ucanpay_storefront::LatePolicy;

use crate::bug::Bug;

/// A payment, and what may happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// How far the payment has come at the beginning.
    pub start: Start,
    /// How many instances there are, each with one task at a time: 1 or 2.
    pub instances: usize,
    /// How many refunds the shop may ask for.
    pub refunds: usize,
    /// What each gives back, in cents of the 200 that were paid.
    pub cents: i64,
    /// What becomes of a late payment.
    pub late: LatePolicy,
    /// What else may happen.
    pub may: &'static [May],
}

/// How far the payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// Not recorded yet.
    Nothing,
    /// Placed: the buyer can pay.
    Placed,
    /// Paid, and known to be.
    Paid,
    /// Closed, and known to be.
    Closed,
}

/// What may happen besides calls, answers, notifications and the passing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum May {
    /// A process ends between any two steps. A call that was out may still arrive.
    Crash,
    /// An answer is lost, or the call arrives later.
    Silence,
    /// An error name comes instead of the answer: SYSTEMERROR although it was done, or a forged word.
    Unsigned,
    /// The gateway blocks the account.
    Block,
    /// The buyer pays.
    Pay,
    /// The buyer's attempts are seen, and may fail.
    Attempts,
    /// A payment that was under way arrives after the close.
    PayLate,
    /// The shop closes the payment.
    Close,
    /// Our time for it is up.
    Expire,
    /// The shop reverses the payment.
    Reverse,
    /// The gateway says that a refund failed; the shop may ask for it again.
    RefundFails,
    /// The gateway closes a refund.
    RefundCloses,
    /// A person closes discrepancies.
    Person,
}

use May::{
    Attempts, Block, Close, Crash, Expire, Pay, PayLate, Person, RefundCloses, RefundFails,
    Reverse, Silence, Unsigned,
};
use Start::{Closed, Nothing, Paid, Placed};

/// A part with two instances.
const fn part(
    name: &'static str,
    start: Start,
    refunds: (usize, i64),
    may: &'static [May],
) -> Scene {
    Scene {
        name,
        start,
        instances: 2,
        refunds: refunds.0,
        cents: refunds.1,
        late: LatePolicy::Review,
        may,
    }
}

/// Where late payments are refunded by themselves.
const fn by_itself(scene: Scene) -> Scene {
    Scene {
        late: LatePolicy::AutoRefund,
        ..scene
    }
}

/// With one instance.
const fn alone(scene: Scene) -> Scene {
    Scene {
        instances: 1,
        ..scene
    }
}

/// The parts that are searched in every run of the tests.
pub const SMALL: &[Scene] = &[
    part("placed and paid", Nothing, (0, 100), &[Crash, Pay]),
    alone(part(
        "placed and paid, alone",
        Nothing,
        (0, 100),
        &[Crash, Silence, Unsigned, Pay, Attempts],
    )),
    part("closed", Placed, (0, 100), &[Crash, Pay, PayLate, Expire]),
    alone(part(
        "closed, alone",
        Nothing,
        (0, 100),
        &[Crash, Silence, Unsigned, Pay, PayLate, Close, Expire],
    )),
    part("one refund", Paid, (1, 200), &[RefundFails]),
    alone(part(
        "one refund, alone",
        Paid,
        (1, 200),
        &[Crash, Silence, Unsigned, RefundFails],
    )),
    alone(part(
        "two refunds that fit, alone",
        Paid,
        (2, 100),
        &[Crash, Silence, Unsigned],
    )),
    alone(part(
        "two refunds of which one fits, alone",
        Paid,
        (2, 150),
        &[RefundFails],
    )),
    alone(part(
        "closed refunds, alone",
        Paid,
        (2, 150),
        &[RefundCloses, Person],
    )),
    part("reversed", Placed, (0, 200), &[Pay, Reverse]),
    alone(part(
        "reversed or refunded, alone",
        Placed,
        (1, 200),
        &[Crash, Silence, Unsigned, Pay, Reverse],
    )),
    by_itself(part(
        "late and refunded by itself",
        Closed,
        (0, 200),
        &[PayLate],
    )),
    by_itself(alone(part(
        "late and refunded by itself, alone",
        Closed,
        (0, 200),
        &[Crash, Silence, Unsigned, PayLate, Person],
    ))),
    part("blocked", Placed, (0, 200), &[Block, Pay]),
];

/// The parts that are searched by `UCANPAY_PROVE_MODEL`: two instances, and every fault.
pub const WHOLE: &[Scene] = &[
    part(
        "placed and paid",
        Nothing,
        (0, 100),
        &[Crash, Silence, Unsigned, Pay, Attempts],
    ),
    part(
        "closed",
        Placed,
        (0, 100),
        &[Crash, Silence, Unsigned, Pay, PayLate, Close, Expire],
    ),
    part(
        "two refunds that fit",
        Paid,
        (2, 100),
        &[Crash, Silence, Unsigned],
    ),
    part(
        "two refunds of which one fits",
        Paid,
        (2, 150),
        &[Crash, Silence, RefundFails],
    ),
    part(
        "closed refunds",
        Paid,
        (2, 150),
        &[Silence, RefundCloses, Person],
    ),
    part(
        "reversed or refunded",
        Placed,
        (1, 200),
        &[Crash, Silence, Unsigned, Pay, Reverse],
    ),
    by_itself(part(
        "late and refunded by itself",
        Closed,
        (0, 200),
        &[Crash, Silence, Unsigned, PayLate, Person],
    )),
    part("blocked", Placed, (1, 200), &[Crash, Silence, Block, Pay]),
];

/// The smallest part in which a mistake shows.
pub const fn shows(bug: Bug) -> Scene {
    match bug {
        Bug::SendBeforeIntent => part("an order", Nothing, (0, 100), &[]),
        Bug::GivesUp | Bug::NotFoundMeansUnpaid => {
            part("an order and silence", Nothing, (0, 100), &[Silence])
        }
        Bug::LeaseWithoutEnd => part("an order and a crash", Nothing, (0, 100), &[Crash]),
        Bug::AcknowledgeBeforeCommit | Bug::PaidErased | Bug::ToldForEachCopy => {
            part("a payment", Placed, (0, 100), &[Pay])
        }
        Bug::CloseWithoutWord | Bug::UnsignedPaid => {
            part("a close", Placed, (0, 100), &[Unsigned, Pay, Close])
        }
        Bug::LatePaymentIgnored => part("a late payment", Closed, (0, 100), &[PayLate]),
        Bug::NewNumberOnRetry | Bug::TimeoutMeansFailed => {
            part("a refund and silence", Paid, (1, 100), &[Silence])
        }
        Bug::OlderRefundWordBelieved | Bug::StaleResultWritten => {
            part("a refund that fails", Paid, (1, 100), &[RefundFails])
        }
        Bug::RefundsSideBySide => part("two refunds that fit", Paid, (2, 100), &[]),
        Bug::CheckThenAct => part("two refunds of which one fits", Paid, (2, 150), &[]),
        Bug::UnknownReleasesReservation => {
            part("two refunds and silence", Paid, (2, 150), &[Silence])
        }
        Bug::RefundDespiteReversal | Bug::ReversalDespiteRefund => {
            part("a refund and a reversal", Paid, (1, 200), &[Reverse])
        }
        Bug::FailedRefundRests => alone(part(
            "a refund that fails and silence",
            Paid,
            (1, 100),
            &[Silence, RefundFails],
        )),
        Bug::AnotherNumberAtOnce | Bug::FirstAnswerConfirms => alone(part(
            "two refunds that fail and silence",
            Paid,
            (2, 150),
            &[Silence, RefundFails],
        )),
        Bug::RefusedReversalRests => alone(part(
            "a reversal and silence",
            Placed,
            (0, 200),
            &[Silence, Unsigned, Pay, Reverse],
        )),
        Bug::BlockOfOneInstance => part("a block", Placed, (0, 100), &[Block]),
    }
}

impl Scene {
    /// Whether this may happen.
    pub fn may(&self, what: May) -> bool {
        self.may.contains(&what)
    }
}
