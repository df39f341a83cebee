//! Which outcomes are sent again, and when.
//!
//! The same bytes go out again, never a new request: every call of the gateway is made idempotent by the merchant's
//! own numbers, and "the same request again" is the reference's cure for SYSTEMERROR.
//!
//! | outcome of an attempt | effect of that attempt | again? |
//! |---|---|---|
//! | no connection (`NotSent`) | none | yes |
//! | attempt time-out, reset, half an answer (`OutcomeUnknown`) | unknown | yes |
//! | SYSTEMERROR, under any status but 429 | unknown | yes |
//! | 5xx without a documented name | unknown | yes |
//! | either of the two with a 5xx whose `Retry-After` asks to come later | unknown | no: the caller learns it from `Error::retry_after` |
//! | any other documented name under a 5xx | unknown | no: the name says what to do |
//! | redirect, oversized answer | unknown | no: it would come out the same |
//! | 429 | by its name's class; without one none, but unknown with an unproven code 0 or an unreadable object | no: asking again makes it worse |
//! | INVALID_REQ_TOO_MUCH, FREQUENCY_LIMITED | none, under a 5xx unknown | no: asking again prolongs the block |
//! | any other error name | by its class | no: the name says what to do |
//! | `Untrusted`, `Malformed` | unknown | no: keys or addresses need a person |
//!
//! The waits before the second, third … attempt are random between zero and a bound that doubles each time ("full
//! jitter"), so that merchants cut off together do not come back together.

use crate::{Error, Lost};
use http::Request;
use std::time::Duration;
use tower::retry::Policy;
use tower::util::rng::{HasherRng, Rng};
use ucanpay_core::ErrorCode;

/// How often and how soon the same bytes are sent again. By default 3 attempts, with waits below 250 and 500 ms.
///
/// It is a [`tower::retry::Policy`] over the outcomes of [`Verify`](crate::Verify).
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    max_attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
    /// Of the call at hand: `tower` clones the policy for each.
    repeats: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(5),
            repeats: 0,
        }
    }
}

impl RetryPolicy {
    /// One attempt, whatever comes of it.
    pub fn never() -> Self {
        Self::default().with_max_attempts(1)
    }

    /// At most this many attempts in all; 0 counts as 1.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The bound of the first wait, which doubles with each further one up to `longest`.
    #[must_use]
    pub fn with_waits(mut self, first: Duration, longest: Duration) -> Self {
        self.first_wait = first;
        self.longest_wait = longest;
        self
    }

    /// The wait before the next attempt, where `random` is drawn from 0 … 1.
    fn wait(&self, random: f64) -> Duration {
        let bound = self
            .first_wait
            .saturating_mul(2_u32.saturating_pow(self.repeats))
            .min(self.longest_wait);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }
}

/// The table above.
fn again(error: &Error) -> bool {
    match error {
        Error::NotSent { .. } => true,
        Error::OutcomeUnknown(lost) => match lost {
            Lost::AttemptTimeout | Lost::Broken(_) => true,
            Lost::Status {
                status,
                retry_after,
            } => status.is_server_error() && retry_after.is_none(),
            Lost::TotalTimeout(_) | Lost::TooLarge { .. } | Lost::EarlierAttempt(_) => false,
        },
        Error::Rejected {
            gateway,
            retry_after,
            ..
        } => matches!(gateway.code(), ErrorCode::SystemError) && retry_after.is_none(),
        Error::InvalidRequest(_)
        | Error::RateLimited { .. }
        | Error::Untrusted(_)
        | Error::Malformed { .. }
        | Error::Config(_) => false,
    }
}

impl<B: Clone, T> Policy<Request<B>, T, Error> for RetryPolicy {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        _request: &mut Request<B>,
        result: &mut Result<T, Error>,
    ) -> Option<Self::Future> {
        let error = result.as_ref().err().filter(|error| again(error))?;
        if self.repeats + 1 >= self.max_attempts {
            return None;
        }
        // A generator seeded anew each time: clones of one would all draw the same.
        let wait = self.wait(HasherRng::new().next_f64());
        self.repeats += 1;
        tracing::debug!(%error, ?wait, "sending the same bytes again");
        Some(tokio::time::sleep(wait))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effect;
    use http::StatusCode;

    fn status(status: StatusCode, retry_after: Option<Duration>) -> Error {
        Error::OutcomeUnknown(Lost::Status {
            status,
            retry_after,
        })
    }

    #[test]
    fn what_may_come_out_differently_is_sent_again() {
        let source = || "refused".into();
        assert!(again(&Error::NotSent {
            attempts: 1,
            source: source()
        }));
        assert!(again(&Error::OutcomeUnknown(Lost::AttemptTimeout)));
        assert!(again(&Error::OutcomeUnknown(Lost::Broken(source()))));
        assert!(again(&status(StatusCode::BAD_GATEWAY, None)));
    }

    #[test]
    fn what_would_come_out_the_same_or_worse_is_not() {
        let minute = Duration::from_secs(60);
        assert!(!again(&status(
            StatusCode::SERVICE_UNAVAILABLE,
            Some(minute)
        )));
        assert!(!again(&status(StatusCode::FOUND, None)));
        assert!(!again(&Error::OutcomeUnknown(Lost::TooLarge { limit: 1 })));
        assert!(!again(&Error::RateLimited {
            gateway: None,
            retry_after: minute,
            effect: Effect::None
        }));
    }

    #[test]
    fn waits_double_up_to_the_longest_and_never_overflow() {
        let mut policy = RetryPolicy::default()
            .with_waits(Duration::from_millis(100), Duration::from_millis(350));
        let bounds = [100, 200, 350, 350];
        for (repeats, bound) in (0..).zip(bounds) {
            policy.repeats = repeats;
            assert_eq!(policy.wait(1.0), Duration::from_millis(bound));
            assert_eq!(policy.wait(0.0), Duration::ZERO);
        }
        policy.repeats = u32::MAX;
        assert_eq!(policy.wait(0.5), Duration::from_millis(175));
    }
}
