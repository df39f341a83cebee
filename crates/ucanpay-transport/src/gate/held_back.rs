//! Why the gate let a call not pass.

use crate::BoxError;
use std::time::{Duration, SystemTime};

/// The gate held a call back: the source of an [`Error::NotSent`](crate::Error::NotSent), found by
/// [`Error::held_back`](crate::Error::held_back). What it held back was not sent.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_transport::HeldBack;
///
/// fn page(held_back: &HeldBack) -> String {
///     match held_back.retry_after() {
///         Some(wait) => format!("Try again in {} s.", wait.as_secs()),
///         None => "Try again later.".to_owned(),
///     }
/// }
/// assert_eq!(page(&HeldBack::Crowded { rest: Duration::from_secs(3) }), "Try again in 3 s.");
/// assert_eq!(page(&HeldBack::State("no connection to the database".into())), "Try again later.");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeldBack {
    /// The gateway wants to be left alone. Call again after `rest`.
    #[error("the gate is closed for {} s: the gateway wants to be left alone", whole_seconds(*rest))]
    Closed {
        /// When the gate opens, by the gate's clock.
        until: SystemTime,
        /// How long that was when the call was held back.
        rest: Duration,
    },

    /// So many calls wait for their turn under the rate limit that this one's would come too late. Call again later,
    /// make fewer calls, or raise the limit.
    #[error("the rate limit is used up for {} s, longer than the call may wait", whole_seconds(*rest))]
    Crowded {
        /// How long those in front would take.
        rest: Duration,
    },

    /// The shared state of the gate could not be read, so nobody knows whether the gateway may be called. See to the
    /// place where it is kept.
    #[error("whether the gateway may be called could not be read")]
    State(#[source] BoxError),
}

impl HeldBack {
    /// How long to wait before calling again, if that is known.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use ucanpay_transport::HeldBack;
    ///
    /// let rest = Duration::from_secs(60);
    /// let closed = HeldBack::Closed { until: SystemTime::now() + rest, rest };
    /// assert_eq!(closed.retry_after(), Some(rest));
    /// assert_eq!(HeldBack::State("unreadable".into()).retry_after(), None);
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Closed { rest, .. } | Self::Crowded { rest } => Some(*rest),
            Self::State(_) => None,
        }
    }
}

/// Rounded up: who comes back after so many seconds is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
