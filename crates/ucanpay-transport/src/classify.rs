//! One attempt judged: what came back, and what it proves.
//!
//! | what came back | judged as | effect |
//! |---|---|---|
//! | a verified answer, under any status | the answer: what is signed does not hang on a status | |
//! | 2xx or 4xx with an error name | `Rejected` | none for `NotDone`, `NotDoneBusy` and `Blocked`, else unknown |
//! | 2xx or 4xx with another body | `Untrusted`, or `Malformed` when it is no envelope | unknown |
//! | 429 with an error name | `RateLimited` | by the name, as above: unknown for SYSTEMERROR, ERROR and undocumented names |
//! | 429 with a code 0 that nothing proves, an object that cannot be read, or bytes that are no UTF-8 text | `RateLimited` | unknown: it may be an answer to work that was done |
//! | 429 with anything else: a text, a page, nothing | `RateLimited` | none |
//! | 5xx with a name of the reference | `Rejected` | unknown for every name: the gateway may have failed after its work |
//! | 5xx with anything else | `OutcomeUnknown` | unknown |
//! | 1xx, 3xx | `OutcomeUnknown`: no redirect is followed, and one proves nothing | unknown |
//! | an error with a `ConnectError` in its chain | `NotSent` | none |
//! | any other error of the HTTP service | `OutcomeUnknown` | unknown |
//!
//! When to come again: after INVALID_REQ_TOO_MUCH and FREQUENCY_LIMITED at least a minute, under any status; after any
//! other 429 at least a second, and a minute when nothing says how long; else what `hint.rs` reads.

use crate::BoxError;
use crate::error::{Effect, Error, Lost};
use crate::hint::{self, ONE_MINUTE};
use crate::service_error::{self, AnswerTooLarge, ConnectError};
use bytes::Bytes;
use http::{Response, StatusCode};
use std::time::Duration;
use tower::timeout::error::Elapsed;
use ucanpay_core::{
    AnswerError, ErrorClass, ErrorCode, GatewayError, Merchant, Operation, Verified,
};

/// The least that HTTP 429 asks for, whatever its headers say.
const ONE_SECOND: Duration = Duration::from_secs(1);

/// Judges an answer.
pub(crate) fn answer<O: Operation>(
    merchant: &Merchant,
    response: &Response<Bytes>,
) -> Result<Verified<O::Answer>, Error> {
    let status = response.status();
    let wait = hint::wait(status, response.headers());
    merchant
        .verify_answer::<O>(response.body())
        .map_err(|verdict| {
            if status == StatusCode::TOO_MANY_REQUESTS {
                limited(response.body(), verdict, wait)
            } else if status.is_success() || status.is_client_error() {
                refused(status, verdict)
            } else {
                broken_down(status, verdict, wait)
            }
        })
}

/// 2xx and 4xx: the gateway was at work, and the envelope has the word.
fn refused(status: StatusCode, verdict: AnswerError) -> Error {
    match verdict {
        AnswerError::Rejected(gateway) => Error::Rejected {
            effect: effect(&gateway),
            retry_after: is_block(&gateway).then_some(ONE_MINUTE),
            gateway,
        },
        AnswerError::Untrusted(reason) => Error::Untrusted(reason),
        AnswerError::Malformed(source) => Error::Malformed { status, source },
        other => Error::OutcomeUnknown(Lost::Broken(other.into())),
    }
}

/// 429: whoever counts the requests has spoken, and perhaps the gateway behind it as well.
fn limited(body: &[u8], verdict: AnswerError, wait: Option<Duration>) -> Error {
    let (gateway, effect) = match verdict {
        AnswerError::Rejected(gateway) => {
            let effect = effect(&gateway);
            (Some(gateway), effect)
        }
        AnswerError::Malformed(_) if !may_be_object(body) => (None, Effect::None),
        _ => (None, Effect::Unknown),
    };
    let least = match &gateway {
        Some(gateway) if is_block(gateway) => ONE_MINUTE,
        _ => ONE_SECOND,
    };
    Error::RateLimited {
        gateway,
        retry_after: wait.unwrap_or(ONE_MINUTE).max(least),
        effect,
    }
}

/// 5xx, and what is no answer at all. A documented name says whether to come again; about the money it says nothing,
/// because a gateway that breaks down in the middle names what it found, not how far it got.
fn broken_down(status: StatusCode, verdict: AnswerError, wait: Option<Duration>) -> Error {
    // A time that is over is no reason to wait.
    let wait = wait.filter(|wait| !wait.is_zero());
    match verdict {
        AnswerError::Rejected(gateway) if status.is_server_error() && is_documented(&gateway) => {
            let least = is_block(&gateway).then_some(ONE_MINUTE);
            Error::Rejected {
                effect: Effect::Unknown,
                retry_after: wait.max(least),
                gateway,
            }
        }
        _ => Error::OutcomeUnknown(Lost::Status {
            status,
            retry_after: wait,
        }),
    }
}

/// What an error name alone says about the money.
fn effect(gateway: &GatewayError) -> Effect {
    match gateway.code().class() {
        ErrorClass::NotDone | ErrorClass::NotDoneBusy | ErrorClass::Blocked => Effect::None,
        // A name that this version does not know proves nothing.
        ErrorClass::OutcomeUnknown | ErrorClass::AskFirst => Effect::Unknown,
    }
}

/// Whether `body` may be meant for the gateway's envelope: an object, or bytes that are no text here, such as a compressed
/// answer or one in another encoding.
fn may_be_object(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return true;
    };
    let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
    text.contains('\0') || text.trim_start_matches(blank).starts_with('{')
}

fn is_block(gateway: &GatewayError) -> bool {
    gateway.code().class() == ErrorClass::Blocked
}

fn is_documented(gateway: &GatewayError) -> bool {
    !matches!(gateway.code(), ErrorCode::Other(_))
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
