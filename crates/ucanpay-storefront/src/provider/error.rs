//! How a provider says that something went wrong, and what is known about the money.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::Effect;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A payment or refund that the gateway would refuse as it stands. Nothing was sent.
///
/// ```
/// use std::error::Error;
/// use ucanpay_storefront::provider::PrepareError;
///
/// let error = PrepareError::new("subject: at most 30 characters");
/// assert_eq!(error.to_string(), "this cannot be sent to the gateway");
/// assert_eq!(error.source().unwrap().to_string(), "subject: at most 30 characters");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("this cannot be sent to the gateway")]
pub struct PrepareError {
    #[source]
    source: BoxError,
}

impl PrepareError {
    /// Wraps the reason, which names the field and its rule.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

/// A notification that cannot be read or trusted. It is refused and changes nothing.
///
/// ```
/// use std::error::Error;
/// use ucanpay_storefront::provider::NotificationRefused;
///
/// let refused = NotificationRefused::new("the signature does not fit the body"); // for the log
/// assert_eq!(refused.to_string(), "the notification was refused");
/// assert_eq!(refused.source().unwrap().to_string(), "the signature does not fit the body");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the notification was refused")]
pub struct NotificationRefused {
    #[source]
    source: BoxError,
}

impl NotificationRefused {
    /// Wraps the reason. It is logged; the sender is told only that the message was refused.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

/// What kind of trouble a call met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderErrorKind {
    /// The gateway was not reached. The same bytes can go out again at any time.
    Unreachable,
    /// The gateway refused this call for now (busy), or a block from before still lasts and nothing was sent: later, the
    /// same bytes again.
    Later,
    /// The gateway takes no calls of this account for a while (too many requests, a rate limit): none is made by any
    /// instance until [`retry_after`](ProviderError::retry_after), or for a minute where that is not said.
    Blocked,
    /// The gateway refused the request as it stands, and will again; somebody must look. What is known about the money is
    /// said by the effect alone.
    Refused,
    /// The gateway spoke and left the outcome open (it knows the number already, the order has ended, a system error): a
    /// query settles it.
    AskFirst,
    /// The gateway says that the payment cannot be ended so (it is paid, or its time for that is over). A query settles
    /// whether that is so; then another road is taken.
    NotThisWay,
    /// Nobody knows whether it happened, and the gateway was not heard: time-out, unreadable answer.
    Unclear,
    /// The answer is not provably the gateway's.
    Untrusted,
    /// The gateway does not take our signature. If the key has changed since the request was signed, it is signed anew;
    /// otherwise keys and scheme are to be corrected, and somebody must look.
    BadSignature,
    /// Our own configuration is wrong.
    Config,
}

/// A call that did not bring a verified answer.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_storefront::provider::{Effect, ProviderError, ProviderErrorKind};
///
/// /// What the status of an answer says about the call.
/// fn told(status: u16) -> ProviderError {
///     match status {
///         429 => ProviderError::new(ProviderErrorKind::Blocked, "too many requests")
///             .with_effect(Effect::None)
///             .with_retry_after(Some(Duration::from_secs(60))),
///         404 => ProviderError::new(ProviderErrorKind::AskFirst, "there is no such order"),
///         _ => ProviderError::new(ProviderErrorKind::Unclear, format!("status {status}")),
///     }
/// }
///
/// assert_eq!(told(429).effect(), Effect::None);
/// assert_eq!(told(429).retry_after(), Some(Duration::from_secs(60)));
/// assert_eq!(told(500).effect(), Effect::Unknown, "unless said otherwise");
/// ```
#[derive(Debug)]
pub struct ProviderError {
    kind: ProviderErrorKind,
    effect: Effect,
    retry_after: Option<Duration>,
    source: BoxError,
}

impl ProviderError {
    /// An error of this kind. The effect is unknown until [`with_effect`](Self::with_effect) says better.
    pub fn new(kind: ProviderErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            effect: Effect::Unknown,
            retry_after: None,
            source: source.into(),
        }
    }

    /// States what is known about the money.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// The same error, of another kind: where a word means something else for one call than for the others.
    ///
    /// ```
    /// use ucanpay_storefront::provider::{Effect, ProviderError, ProviderErrorKind};
    ///
    /// let paid = ProviderError::new(ProviderErrorKind::Refused, "ORDERPAID").with_effect(Effect::None);
    /// let of_a_close = paid.with_kind(ProviderErrorKind::NotThisWay); // so it cannot be closed
    /// assert_eq!(of_a_close.kind(), ProviderErrorKind::NotThisWay);
    /// assert_eq!(of_a_close.effect(), Effect::None, "all else stays");
    /// ```
    #[must_use]
    pub fn with_kind(mut self, kind: ProviderErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// States how long nothing may be sent.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// What kind of trouble it was.
    pub fn kind(&self) -> ProviderErrorKind {
        self.kind
    }

    /// What is known about the money.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// How long nothing may be sent, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ProviderErrorKind::Unreachable => "no connection",
            ProviderErrorKind::Later => "the gateway asks to try again later",
            ProviderErrorKind::Blocked => "the gateway takes no calls of this account for a while",
            ProviderErrorKind::Refused => "the gateway refused the request",
            ProviderErrorKind::AskFirst => "the gateway left the outcome open",
            ProviderErrorKind::NotThisWay => "the gateway says that the payment cannot be ended so",
            ProviderErrorKind::Unclear => "the outcome of the call is unknown",
            ProviderErrorKind::Untrusted => "the answer cannot be trusted",
            ProviderErrorKind::BadSignature => "the gateway does not take the request's signature",
            ProviderErrorKind::Config => "the payment provider is misconfigured",
        })
    }
}

impl StdError for ProviderError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
