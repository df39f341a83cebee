//! Why a call has no answer, and what is known about the money.

use crate::{Attempts, BoxError, HeldBack, service_error};
use http::StatusCode;
use std::time::Duration;
use ucanpay_core::{GatewayError, ReadError, SignError, Untrusted};

/// What is known about a call's effect at the gateway.
///
/// ```
/// use ucanpay_transport::{Effect, Error, Lost};
///
/// fn next(error: &Error) -> &'static str {
///     match error.effect() {
///         Effect::None => "tell the buyer to try again",
///         Effect::Unknown | Effect::Done => "query before anything else",
///     }
/// }
/// assert_eq!(next(&Error::NotSent { attempts: 3, source: "refused".into() }), "tell the buyer to try again");
/// assert_eq!(next(&Error::OutcomeUnknown(Lost::AttemptTimeout)), "query before anything else");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Surely nothing happened: the call may be dropped or made anew.
    None,
    /// It may or may not have happened: query, or send the same bytes again, and conclude nothing before.
    Unknown,
    /// It surely happened. No [`Error`] of this crate knows that; adapters built on it may.
    Done,
}

/// Why a call has no verified answer. [`Error::effect`] says what that means for the money.
///
/// ```
/// use ucanpay_transport::{Client, Effect};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
/// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"NOAUTH"}"#);
/// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
/// # });
/// # let client = Client::with_service(merchant, http);
/// let error = client.call(&query).await.unwrap_err();
/// let next = match (error.effect(), error.gateway(), error.retry_after()) {
///     (Effect::Unknown, ..) => "query before anything else".to_owned(),
///     (_, _, Some(wait)) => format!("again in {} s", wait.as_secs()),
///     (_, Some(gateway), _) => gateway.code().advice().to_owned(),
///     (_, None, None) => "again soon".to_owned(),
/// };
/// assert_eq!(next, "the merchant may not use this call: ask UCanPay for permission");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operation could not be signed. Nothing was sent; correct the operation or the signer.
    #[error("the request could not be signed, and nothing was sent")]
    InvalidRequest(#[source] SignError),

    /// No attempt got as far as a connection, or the gate let none pass. Nothing was sent; call again later, after
    /// [`retry_after`](Error::retry_after) if that is known.
    #[error("{}, and nothing was sent", unsent(*attempts))]
    NotSent {
        /// How often it was tried. 0: the gate was closed, the total time ran out, or the HTTP service failed, before
        /// the first try.
        attempts: u32,
        /// The last failure: a [`HeldBack`] if the gate held the call back.
        source: BoxError,
    },

    /// The gateway answered with an error name.
    #[error("the gateway answered {}: {}", gateway.code().name(), gateway.code().advice())]
    Rejected {
        /// What it said.
        #[source]
        gateway: GatewayError,
        /// When to come again, if that is known.
        retry_after: Option<Duration>,
        /// What is known about the money, earlier attempts included.
        effect: Effect,
    },

    /// The gateway answered HTTP 429: too many requests. Call again after `retry_after`. It may have done its work
    /// nevertheless: look at `effect`.
    #[error("the gateway is limiting requests: wait {} s before calling again", retry_after.as_secs())]
    RateLimited {
        /// The error name, if the answer held one.
        #[source]
        gateway: Option<GatewayError>,
        /// When to come again.
        retry_after: Duration,
        /// What is known about the money, earlier attempts included.
        effect: Effect,
    },

    /// The request may have arrived, and its answer was lost. Query, or send the same bytes again.
    #[error("the outcome is unknown: the request may have arrived, and its answer was lost")]
    OutcomeUnknown(#[source] Lost),

    /// An answer came that cannot be trusted. The outcome is unknown; check the platform key and the scheme.
    #[error("the gateway's answer cannot be trusted, so the outcome is unknown")]
    Untrusted(#[source] Untrusted),

    /// An answer came that is not the gateway's envelope. The outcome is unknown; check the base URL and what stands
    /// in between (a proxy's error page, for one).
    #[error("the answer (HTTP {}) is not the gateway's, so the outcome is unknown", status.as_u16())]
    Malformed {
        /// The answer's status.
        status: StatusCode,
        /// Where reading stopped.
        source: ReadError,
    },

    /// A setting is wrong. Nothing was sent.
    #[error("the client is set up wrongly, and nothing was sent")]
    Config(#[from] ConfigError),
}

/// How an answer was lost after the request may have arrived.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// One attempt's time ran out.
    #[error("an attempt ran out of time")]
    AttemptTimeout,
    /// The whole call's time ran out.
    #[error("the call's total time of {} ms ran out", .0.as_millis())]
    TotalTimeout(Duration),
    /// The HTTP service failed in a way that does not prove that nothing was sent.
    #[error("the exchange broke off")]
    Broken(#[source] BoxError),
    /// A status that says nothing about the effect: 5xx without a documented error name, or a redirect (none is
    /// followed).
    #[error("the answer was HTTP {}", status.as_u16())]
    Status {
        /// The answer's status.
        status: StatusCode,
        /// When to come again, if the answer said so.
        retry_after: Option<Duration>,
    },
    /// The answer was longer than this many bytes.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit that was passed, in bytes.
        limit: usize,
    },
    /// The last attempt was not sent, but an earlier one may have arrived.
    #[error("an earlier attempt may have arrived, and the last was not sent")]
    EarlierAttempt(#[source] BoxError),
}

/// A setting that cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The base URL is not an absolute http or https address. It is not repeated here: it may hold credentials.
    #[error("the base URL cannot be used: {reason}")]
    BaseUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An operation's path does not fit behind the base URL.
    #[error("the operation's path {0:?} cannot be used")]
    Path(&'static str),
    /// A time-out of zero would fail every call.
    #[error("{0} must be longer than zero")]
    ZeroTimeout(&'static str),
    /// The proxy's address cannot be used. It is not repeated here: it may hold credentials.
    #[error("the proxy's address cannot be used: {reason}")]
    Proxy {
        /// What is wrong with it, and what to do.
        reason: &'static str,
    },
    /// The extra root certificates cannot be used.
    #[error("the root certificates cannot be used: {reason}")]
    Roots {
        /// What is wrong with them, and what to do.
        reason: &'static str,
    },
    /// The HTTP client could not be built; without root certificates on the machine, for one.
    #[error("the HTTP client could not be built")]
    HttpClient(#[source] BoxError),
}

impl Error {
    /// What is known about the money.
    ///
    /// ```
    /// use ucanpay_transport::{Effect, Error, Lost};
    ///
    /// let refused = Error::NotSent { attempts: 3, source: "connection refused".into() };
    /// assert_eq!(refused.effect(), Effect::None);
    /// assert_eq!(Error::OutcomeUnknown(Lost::AttemptTimeout).effect(), Effect::Unknown);
    /// ```
    pub fn effect(&self) -> Effect {
        match self {
            Self::InvalidRequest(_) | Self::NotSent { .. } | Self::Config(_) => Effect::None,
            Self::Rejected { effect, .. } | Self::RateLimited { effect, .. } => *effect,
            Self::OutcomeUnknown(_) | Self::Untrusted(_) | Self::Malformed { .. } => {
                Effect::Unknown
            }
        }
    }

    /// What the gateway said, if it said something.
    ///
    /// ```
    /// use ucanpay_core::ErrorCode;
    /// use ucanpay_transport::{Client, Error};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"NOAUTH"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// # let client = Client::with_service(merchant, http);
    /// let error = client.call(&query).await.unwrap_err(); // answered {"code":1,"msg":"NOAUTH"}
    /// assert_eq!(error.gateway().map(|said| said.code()), Some(&ErrorCode::NoAuth));
    /// assert!(Error::NotSent { attempts: 1, source: "connection refused".into() }.gateway().is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn gateway(&self) -> Option<&GatewayError> {
        match self {
            Self::Rejected { gateway, .. } => Some(gateway),
            Self::RateLimited { gateway, .. } => gateway.as_ref(),
            _ => None,
        }
    }

    /// Why the gate held the call back, if it did; also when an earlier attempt may have arrived.
    ///
    /// ```
    /// use ucanpay_transport::{Client, HeldBack};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"FREQUENCY_LIMITED"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// # let client = Client::with_service(merchant, http);
    /// let error = client.call(&query).await.unwrap_err(); // answered FREQUENCY_LIMITED
    /// assert!(error.held_back().is_none());
    /// let error = client.call(&query).await.unwrap_err();
    /// assert!(matches!(error.held_back(), Some(HeldBack::Closed { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn held_back(&self) -> Option<&HeldBack> {
        match self {
            Self::NotSent { source, .. } | Self::OutcomeUnknown(Lost::EarlierAttempt(source)) => {
                service_error::find(&**source)
            }
            _ => None,
        }
    }

    /// How long to leave the gateway alone, if that is known: at least 60 s after INVALID_REQ_TOO_MUCH and
    /// FREQUENCY_LIMITED; at least 1 s after any other HTTP 429; otherwise what `Retry-After` (429, 5xx) or
    /// `X-RateLimit-Reset` (429) said, at most an hour. For a call that was held back: what was left of that.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{Client, Error, Lost};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"FREQUENCY_LIMITED"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// # let client = Client::with_service(merchant, http);
    /// let error = client.call(&query).await.unwrap_err(); // answered FREQUENCY_LIMITED
    /// assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    /// assert_eq!(Error::OutcomeUnknown(Lost::AttemptTimeout).retry_after(), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected { retry_after, .. } => *retry_after,
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            Self::OutcomeUnknown(Lost::Status { retry_after, .. }) => *retry_after,
            _ => self.held_back()?.retry_after(),
        }
    }

    /// This error as the last word of a call, claiming no more than the tally of all attempts supports.
    pub(crate) fn settled(self, tally: &Attempts) -> Self {
        let attempts = tally.begun();
        match self {
            Self::NotSent { source, .. } if tally.may_have_arrived() => {
                Self::OutcomeUnknown(Lost::EarlierAttempt(source))
            }
            Self::NotSent { source, .. } => Self::NotSent { attempts, source },
            // A repeat that could not be signed anew.
            Self::InvalidRequest(source) if tally.may_have_arrived() => {
                Self::OutcomeUnknown(Lost::EarlierAttempt(source.into()))
            }
            Self::Rejected {
                gateway,
                retry_after,
                ..
            } if tally.may_have_arrived() => Self::Rejected {
                gateway,
                retry_after,
                effect: Effect::Unknown,
            },
            Self::RateLimited {
                gateway,
                retry_after,
                ..
            } if tally.may_have_arrived() => Self::RateLimited {
                gateway,
                retry_after,
                effect: Effect::Unknown,
            },
            other => other,
        }
    }
}

/// Why nothing was sent, in half a sentence.
fn unsent(attempts: u32) -> String {
    match attempts {
        0 => "the gateway was not called".to_owned(),
        _ => format!("the gateway could not be reached ({attempts} attempts)"),
    }
}
