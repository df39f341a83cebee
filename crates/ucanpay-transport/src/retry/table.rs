//! The table: what may come of an attempt, and whether the same bytes go out again.
//!
//! [`Outcome::of`] finds the row of a judged error, [`RetryPolicy`](super::RetryPolicy) acts on it, `docs/transport.md`
//! shows the table and says why it is the same for all six operations; a test holds the page to the table, and walks it
//! through a client with each operation.

use crate::{Effect, Error, Lost};
use ucanpay_core::{ErrorClass, ErrorCode};

/// Whether the same bytes go out again, without the caller.
///
/// ```
/// use ucanpay_transport::{Again, RETRY_TABLE};
///
/// let repeated: Vec<&str> = RETRY_TABLE
///     .iter()
///     .filter(|row| row.again == Again::Yes)
///     .flat_map(|row| row.names)
///     .copied()
///     .collect();
/// assert_eq!(repeated, ["SYSTEMERROR"]); // the only name that is answered with the same bytes
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Yes, as long as attempts, time and budget last.
    Yes,
    /// No: the caller learns the outcome.
    No,
}

/// One row of [`RETRY_TABLE`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RetryRule {
    /// The outcome that the row is for.
    pub outcome: Outcome,
    /// What came back, in words.
    pub what: &'static str,
    /// The error names of the reference that lead here, under a 2xx or 4xx other than 429.
    pub names: &'static [&'static str],
    /// What that attempt alone leaves known about the money.
    pub effect: Effect,
    /// Whether the same bytes go out again.
    pub again: Again,
    /// Why.
    pub why: &'static str,
}

/// Declares the outcomes with their rows, so that there is none without the other.
macro_rules! retry_table {
    ($($outcome:ident: $what:literal [$($name:literal),*], $effect:ident, $again:ident, $why:literal;)*) => {
        /// What came of one attempt, as far as sending the same bytes again is concerned: a row of [`RETRY_TABLE`].
        ///
        /// ```
        /// use ucanpay_transport::{Again, Outcome};
        ///
        /// assert_eq!(Outcome::AttemptTimeout.rule().again, Again::Yes);
        /// assert_eq!(Outcome::Limited.rule().again, Again::No);
        /// assert_eq!(Outcome::Limited.rule().why, "asking again makes it worse");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Outcome {
            $(#[doc = concat!($what, $("; ", $name,)* ".")] $outcome,)*
        }

        /// Which outcomes of an attempt are followed by another with the same bytes; the same for every operation.
        ///
        /// | outcome of an attempt | effect of that attempt | again? | why |
        /// |---|---|---|---|
        $(#[doc = concat!("| ", $what, $("; `", $name, "`",)* " | ", stringify!($effect), " | ",
            stringify!($again), " | ", $why, " |")])*
        ///
        /// ```
        /// use ucanpay_transport::{Again, RETRY_TABLE};
        ///
        /// let row = RETRY_TABLE.iter().find(|row| row.names.contains(&"SYSTEMERROR")).unwrap();
        /// assert_eq!((row.again, row.why), (Again::Yes, "the reference's cure is the same request again"));
        /// ```
        pub const RETRY_TABLE: &[RetryRule] = &[$(RetryRule {
            outcome: Outcome::$outcome,
            what: $what,
            names: &[$($name),*],
            effect: Effect::$effect,
            again: Again::$again,
            why: $why,
        }),*];
    };
}

retry_table! {
    NotConnected: "no connection, or the HTTP service took no request" [], None, Yes,
        "the next attempt may find one";
    HeldBack: "held back by the gate" [], None, No,
        "it has waited as long as its settings allow";
    AttemptTimeout: "attempt time-out" [], Unknown, Yes,
        "the same bytes bring the answer that was lost";
    Broken: "reset, half an answer, or another failure of the HTTP service" [], Unknown, Yes,
        "the same bytes bring the answer that was lost";
    TooLarge: "an answer beyond the size limit" [], Unknown, No,
        "it would come out the same";
    ServerError: "5xx without a documented error name" [], Unknown, Yes,
        "the same bytes bring the answer that was lost";
    ServerErrorLater: "5xx without a documented error name, whose `Retry-After` asks to come later" [], Unknown, No,
        "the caller learns the wait";
    Unfollowed: "1xx or 3xx" [], Unknown, No,
        "no redirect is followed, and it would come out the same";
    SystemError: "an error name that asks for it, under any status but 429" ["SYSTEMERROR"], Unknown, Yes,
        "the reference's cure is the same request again";
    SystemErrorLater: "such a name under a 5xx whose `Retry-After` asks to come later" [], Unknown, No,
        "the caller learns the wait";
    Blocked: "an error name that shuts the merchant out" ["INVALID_REQ_TOO_MUCH", "FREQUENCY_LIMITED"], None, No,
        "asking again prolongs the block";
    Busy: "an error name: not done yet" ["BIZERR_NEED_RETRY", "ORDER_NOT_READY"], None, No,
        "what is in its way takes longer than a call";
    NotDone: "an error name: not done" ["NOTENOUGH", "USER_ACCOUNT_ABNORMAL", "SIGNERROR", "NOAUTH", "LACK_PARAMS",
        "POST_DATA_EMPTY", "NOT_UTF8", "PARAM_ERROR", "REQUIRE_POST_METHOD"], None, No,
        "it would come out the same: somebody has to act on the cause";
    AskFirst: "an error name that a signed query has to settle" ["ORDERPAID", "ORDERCLOSED", "OUT_TRADE_NO_USED",
        "INVALID_REQUEST", "TRADE_OVERDUE", "ORDERNOTEXIST", "REFUNDNOTEXIST", "REFUND_FEE_MISMATCH"], Unknown, No,
        "a query says more than a repeat";
    Unclear: "an error name that leaves it open, or an undocumented one" ["ERROR"], Unknown, No,
        "a query says more than a repeat";
    NamedInBreakdown: "an error name of the three rows that say not done, under a 5xx" [], Unknown, No,
        "the name says what to do, and a gateway that breaks down does not say how far it got";
    Limited: "429 with a name that says not done, with a text, or with nothing" [], None, No,
        "asking again makes it worse";
    LimitedUnclear: "429 with any other name, with a code 0 that nothing proves, with an object that cannot be read, or with bytes that are no text" [], Unknown, No,
        "asking again makes it worse";
    Untrusted: "an answer that cannot be trusted" [], Unknown, No,
        "a key or the scheme needs a person";
    Malformed: "an answer that is not the gateway's envelope" [], Unknown, No,
        "the address, or what stands in between, needs a person";
}

impl Outcome {
    /// The row of an attempt that ended with `error`. `None` for what ends a whole call and is no outcome of an attempt:
    /// the total time is over, it could not be signed, a setting is wrong.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{Error, Lost, Outcome};
    ///
    /// assert_eq!(Outcome::of(&Error::OutcomeUnknown(Lost::AttemptTimeout)), Some(Outcome::AttemptTimeout));
    /// let over = Error::OutcomeUnknown(Lost::TotalTimeout(Duration::from_secs(25)));
    /// assert_eq!(Outcome::of(&over), None);
    /// ```
    pub fn of(error: &Error) -> Option<Self> {
        Some(match error {
            Error::NotSent { .. } if error.held_back().is_some() => Self::HeldBack,
            Error::NotSent { .. } => Self::NotConnected,
            Error::OutcomeUnknown(lost) => match lost {
                Lost::AttemptTimeout => Self::AttemptTimeout,
                Lost::Broken(_) => Self::Broken,
                Lost::TooLarge { .. } => Self::TooLarge,
                Lost::Status { status, .. } if !status.is_server_error() => Self::Unfollowed,
                Lost::Status {
                    retry_after: None, ..
                } => Self::ServerError,
                Lost::Status { .. } => Self::ServerErrorLater,
                Lost::TotalTimeout(_) | Lost::EarlierAttempt(_) => return None,
            },
            Error::Rejected {
                gateway,
                retry_after,
                effect,
            } => match gateway.code().class() {
                _ if matches!(gateway.code(), ErrorCode::SystemError) => match retry_after {
                    None => Self::SystemError,
                    Some(_) => Self::SystemErrorLater,
                },
                ErrorClass::AskFirst => Self::AskFirst,
                ErrorClass::OutcomeUnknown => Self::Unclear,
                _ if *effect != Effect::None => Self::NamedInBreakdown,
                ErrorClass::Blocked => Self::Blocked,
                ErrorClass::NotDoneBusy => Self::Busy,
                ErrorClass::NotDone => Self::NotDone,
            },
            Error::RateLimited { effect, .. } if *effect == Effect::None => Self::Limited,
            Error::RateLimited { .. } => Self::LimitedUnclear,
            Error::Untrusted(_) => Self::Untrusted,
            Error::Malformed { .. } => Self::Malformed,
            Error::InvalidRequest(_) | Error::Config(_) => return None,
        })
    }

    /// This outcome's row.
    ///
    /// ```
    /// use ucanpay_transport::{Again, Effect, Outcome};
    ///
    /// let rule = Outcome::Busy.rule();
    /// assert_eq!((rule.effect, rule.again), (Effect::None, Again::No));
    /// assert!(rule.names.contains(&"ORDER_NOT_READY"));
    /// ```
    pub fn rule(self) -> &'static RetryRule {
        // The macro declares rows and variants in the same order.
        &RETRY_TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_finds_its_own_row() {
        for row in RETRY_TABLE {
            assert_eq!(row.outcome.rule().outcome, row.outcome);
        }
    }

    #[test]
    fn what_ends_a_call_is_no_outcome_of_an_attempt() {
        let total = std::time::Duration::from_secs(25);
        for error in [
            Error::OutcomeUnknown(Lost::TotalTimeout(total)),
            Error::OutcomeUnknown(Lost::EarlierAttempt("refused".into())),
            Error::Config(crate::ConfigError::ZeroTimeout("total_timeout")),
        ] {
            assert_eq!(Outcome::of(&error), None, "{error:?}");
        }
    }
}
