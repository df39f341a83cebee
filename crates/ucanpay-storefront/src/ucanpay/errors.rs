//! The transport's errors in the provider's words.

use ucanpay_core::{ErrorClass, ErrorCode, FieldError};
use ucanpay_transport::{Effect, Error};

use crate::provider::{ProviderError, ProviderErrorKind};

impl From<Error> for ProviderError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            // The gate holds the call back, and says for how long.
            Error::NotSent { .. } if error.retry_after().is_some() => ProviderErrorKind::Later,
            Error::NotSent { .. } => ProviderErrorKind::Unreachable,
            Error::RateLimited { .. } => ProviderErrorKind::Blocked,
            Error::Untrusted(_) => ProviderErrorKind::Untrusted,
            Error::InvalidRequest(_) => ProviderErrorKind::Refused,
            Error::Config(_) => ProviderErrorKind::Config,
            _ => error
                .gateway()
                .map_or(ProviderErrorKind::Unclear, |gateway| match gateway.code() {
                    ErrorCode::SignError => ProviderErrorKind::BadSignature,
                    code => class(code.class()),
                }),
        };
        let (effect, wait) = (error.effect(), error.retry_after());
        Self::new(kind, error)
            .with_effect(effect)
            .with_retry_after(wait)
    }
}

/// The answer to a close or a reverse that brought no fact. ORDERPAID and TRADE_OVERDUE say that this call is not the way;
/// unsigned, so a query comes before that is believed.
pub(super) fn cancelling(error: Error) -> ProviderError {
    let not_this_way = error.gateway().is_some_and(|gateway| {
        matches!(
            gateway.code(),
            ErrorCode::OrderPaid | ErrorCode::TradeOverdue
        )
    });
    let error = ProviderError::from(error);
    if not_this_way {
        error.with_kind(ProviderErrorKind::NotThisWay)
    } else {
        error
    }
}

/// The answer to a refund that brought no fact. Some words ask for a person: the request will be refused for ever as it
/// stands, or has been taken for another one. Unsigned, so nothing is known of the money, and a query comes first here, too.
pub(super) fn refunding(error: Error) -> ProviderError {
    let for_a_person = error.gateway().is_some_and(|gateway| {
        matches!(
            gateway.code(),
            ErrorCode::InvalidRequest
                | ErrorCode::RefundFeeMismatch
                | ErrorCode::TradeOverdue
                | ErrorCode::Error
        )
    });
    let error = ProviderError::from(error);
    if for_a_person {
        error.with_kind(ProviderErrorKind::Refused)
    } else {
        error
    }
}

/// Of the words that leave the outcome open, some say so (SYSTEMERROR, ERROR, a word nobody documented) and some seem to
/// say more (ORDERPAID, …NOTEXIST): unsigned, all of them mean the same here. Ask.
fn class(class: ErrorClass) -> ProviderErrorKind {
    match class {
        ErrorClass::NotDoneBusy => ProviderErrorKind::Later,
        ErrorClass::Blocked => ProviderErrorKind::Blocked,
        ErrorClass::NotDone => ProviderErrorKind::Refused,
        ErrorClass::AskFirst | ErrorClass::OutcomeUnknown => ProviderErrorKind::AskFirst,
    }
}

/// A number that the gateway does not take was never sent.
impl From<FieldError> for ProviderError {
    fn from(error: FieldError) -> Self {
        Self::new(ProviderErrorKind::Refused, error).with_effect(Effect::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};
    use ucanpay_transport::{HeldBack, Lost};

    const REST: Duration = Duration::from_secs(42);

    fn closed() -> HeldBack {
        HeldBack::Closed {
            until: SystemTime::now() + REST,
            rest: REST,
        }
    }

    #[test]
    fn a_call_that_the_gate_held_back_comes_later_and_says_when() {
        let error = ProviderError::from(Error::NotSent {
            attempts: 0,
            source: closed().into(),
        });
        assert_eq!(error.kind(), ProviderErrorKind::Later);
        assert_eq!(error.effect(), Effect::None);
        assert_eq!(error.retry_after(), Some(REST));
    }

    #[test]
    fn held_back_after_an_earlier_attempt_it_stays_unclear_and_says_when() {
        let error = Error::OutcomeUnknown(Lost::EarlierAttempt(closed().into()));
        let error = ProviderError::from(error);
        assert_eq!(error.kind(), ProviderErrorKind::Unclear);
        assert_eq!(error.effect(), Effect::Unknown);
        assert_eq!(error.retry_after(), Some(REST));
    }

    #[test]
    fn no_connection_and_an_unreadable_gate_are_out_of_reach() {
        for source in ["refused".into(), HeldBack::State("down".into()).into()] {
            let error = ProviderError::from(Error::NotSent {
                attempts: 1,
                source,
            });
            assert_eq!(error.kind(), ProviderErrorKind::Unreachable);
            assert_eq!(error.effect(), Effect::None);
            assert_eq!(error.retry_after(), None);
        }
    }
}
