//! One attempt judged: what came back, and what it proves.
//!
//! | what came back | judged as |
//! |---|---|
//! | 2xx, or 4xx but 429 | what the envelope says: verified answer, `Rejected`, `Untrusted`, or `Malformed` if it is none |
//! | 429 | `RateLimited` |
//! | 5xx | `OutcomeUnknown`: the gateway may have failed before or after its work, whatever the body says |
//! | 1xx, 3xx | `OutcomeUnknown`: no redirect is followed, and one proves nothing |
//! | an error with a `ConnectError` in its chain | `NotSent` |
//! | any other error of the HTTP service | `OutcomeUnknown` |

use crate::BoxError;
use crate::error::{Effect, Error, Lost};
use crate::hint::{self, ONE_MINUTE};
use crate::service_error::{self, AnswerTooLarge, ConnectError};
use bytes::Bytes;
use http::{Response, StatusCode};
use tower::timeout::error::Elapsed;
use ucanpay_core::{AnswerError, ErrorClass, GatewayError, Merchant, Operation, Verified};

/// Judges an answer.
pub(crate) fn answer<O: Operation>(
    merchant: &Merchant,
    response: &Response<Bytes>,
) -> Result<Verified<O::Answer>, Error> {
    let status = response.status();
    let wait = hint::wait(response.headers());
    if status == StatusCode::TOO_MANY_REQUESTS {
        let gateway = match merchant.verify_answer::<O>(response.body()) {
            Err(AnswerError::Rejected(gateway)) => Some(gateway),
            _ => None,
        };
        return Err(Error::RateLimited {
            gateway,
            retry_after: wait.unwrap_or(ONE_MINUTE),
            effect: Effect::None,
        });
    }
    if !(status.is_success() || status.is_client_error()) {
        let retry_after = wait;
        return Err(Error::OutcomeUnknown(Lost::Status {
            status,
            retry_after,
        }));
    }
    match merchant.verify_answer::<O>(response.body()) {
        Ok(verified) => Ok(verified),
        Err(AnswerError::Rejected(gateway)) => {
            let class = gateway.code().class();
            let retry_after = match class {
                ErrorClass::Blocked => Some(wait.unwrap_or(ONE_MINUTE).max(ONE_MINUTE)),
                _ => wait,
            };
            Err(Error::Rejected {
                effect: effect(&gateway),
                gateway,
                retry_after,
            })
        }
        Err(AnswerError::Untrusted(reason)) => Err(Error::Untrusted(reason)),
        Err(AnswerError::Malformed(source)) => Err(Error::Malformed { status, source }),
        Err(other) => Err(Error::OutcomeUnknown(Lost::Broken(other.into()))),
    }
}

/// What an error name alone says about the money.
fn effect(gateway: &GatewayError) -> Effect {
    match gateway.code().class() {
        ErrorClass::NotDone | ErrorClass::NotDoneBusy | ErrorClass::Blocked => Effect::None,
        // A name that this version does not know proves nothing.
        _ => Effect::Unknown,
    }
}

/// Judges an error of the HTTP service.
pub(crate) fn failure(error: BoxError) -> Error {
    if service_error::find::<ConnectError>(&*error).is_some() {
        return Error::NotSent {
            attempts: 1,
            source: error,
        };
    }
    if service_error::find::<Elapsed>(&*error).is_some() {
        return Error::OutcomeUnknown(Lost::AttemptTimeout);
    }
    if let Some(large) = service_error::find::<AnswerTooLarge>(&*error) {
        return Error::OutcomeUnknown(Lost::TooLarge {
            limit: large.limit(),
        });
    }
    Error::OutcomeUnknown(Lost::Broken(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn only_a_marked_connection_failure_proves_that_nothing_was_sent() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let marked = failure(ConnectError::new(refused()).into());
        assert_eq!(marked.effect(), Effect::None);
        let unmarked = failure(refused().into());
        assert_eq!(unmarked.effect(), Effect::Unknown);
        let timeout = failure(Elapsed::new().into());
        assert!(matches!(
            timeout,
            Error::OutcomeUnknown(Lost::AttemptTimeout)
        ));
    }
}
