//! What an HTTP service tells the stack by the type of its errors.
//!
//! The stack knows nothing about foreign services, so it takes every error for "the request may have arrived",
//! unless one of these two is the error or stands in its chain of sources.

use crate::BoxError;
use std::error::Error as StdError;

/// Nothing at all was sent: no connection could be made.
///
/// A service wraps its connection failures in this, and nothing else: one byte on the wire, or an earlier try inside
/// the same `call`, and the outcome is unknown. The stack then reports [`Error::NotSent`](crate::Error::NotSent).
///
/// ```
/// use ucanpay_transport::{Client, ConnectError, Effect, RetryPolicy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// # use std::io::{Error, ErrorKind::{ConnectionRefused, ConnectionReset}};
/// # let client = |error: fn() -> ucanpay_transport::BoxError| {
/// #     let http = tower::service_fn(move |_: http::Request<bytes::Bytes>| {
/// #         std::future::ready(Err::<http::Response<bytes::Bytes>, _>(error()))
/// #     });
/// #     Client::builder(merchant.clone()).retry(RetryPolicy::never()).build_with(http)
/// # };
/// // Of an HTTP service of your own: what failed before the first byte, and what failed later.
/// let refused = client(|| ConnectError::new(Error::from(ConnectionRefused)).into())?;
/// let reset = client(|| Error::from(ConnectionReset).into())?;
/// assert_eq!(refused.call(&query).await.unwrap_err().effect(), Effect::None);
/// assert_eq!(reset.call(&query).await.unwrap_err().effect(), Effect::Unknown);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("no connection to the gateway could be made")]
pub struct ConnectError(#[source] BoxError);

impl ConnectError {
    /// Vouches that `source` ended the call before anything was sent.
    ///
    /// ```
    /// use std::{error::Error, io};
    /// use ucanpay_transport::ConnectError;
    ///
    /// let error = ConnectError::new(io::Error::from(io::ErrorKind::ConnectionRefused));
    /// assert_eq!(error.to_string(), "no connection to the gateway could be made");
    /// assert!(error.source().is_some_and(|cause| cause.is::<io::Error>()));
    /// ```
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

/// The answer was longer than the service is willing to hold; the rest was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is larger than {limit} bytes")]
pub struct AnswerTooLarge {
    limit: usize,
}

impl AnswerTooLarge {
    /// An answer that exceeded `limit` bytes.
    ///
    /// ```
    /// use ucanpay_transport::AnswerTooLarge;
    ///
    /// fn read(answer: &[u8], limit: usize) -> Result<&[u8], AnswerTooLarge> {
    ///     if answer.len() > limit { Err(AnswerTooLarge::new(limit)) } else { Ok(answer) }
    /// }
    /// assert_eq!(read(b"12345", 4), Err(AnswerTooLarge::new(4)));
    /// assert_eq!(AnswerTooLarge::new(4).limit(), 4);
    /// ```
    pub fn new(limit: usize) -> Self {
        Self { limit }
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// The first `T` in the chain that starts with `error`.
pub(crate) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_marker_is_found_anywhere_in_the_chain() {
        let marked = ConnectError::new(io::Error::from(io::ErrorKind::ConnectionRefused));
        let wrapped = io::Error::other(ConnectError::new(marked));
        assert!(find::<ConnectError>(&wrapped).is_some());
        assert!(find::<AnswerTooLarge>(&wrapped).is_none());
    }

    #[test]
    fn an_unmarked_refusal_is_no_proof() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(find::<ConnectError>(&refused).is_none());
    }
}
