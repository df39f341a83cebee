//! The transport's errors in the provider's words.

use ucanpay_core::{ErrorClass, ErrorCode, FieldError};
use ucanpay_transport::{Effect, Error};

use crate::provider::{ProviderError, ProviderErrorKind};

impl From<Error> for ProviderError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::NotSent { .. } => ProviderErrorKind::Unreachable,
            Error::RateLimited { .. } => ProviderErrorKind::Later,
            Error::Untrusted(_) => ProviderErrorKind::Untrusted,
            Error::InvalidRequest(_) => ProviderErrorKind::Refused,
            Error::Config(_) => ProviderErrorKind::Config,
            _ => error
                .gateway()
                .map_or(ProviderErrorKind::Unclear, |gateway| {
                    class(gateway.code().class())
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

/// Of the words that leave the outcome open, some say so (SYSTEMERROR, ERROR, a word nobody documented) and some seem to
/// say more (ORDERPAID, …NOTEXIST): unsigned, all of them mean the same here. Ask.
fn class(class: ErrorClass) -> ProviderErrorKind {
    match class {
        ErrorClass::NotDoneBusy | ErrorClass::Blocked => ProviderErrorKind::Later,
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
