//! What all attempts of one call together leave known.
//!
//! Knowledge adds up: when the first attempt got no answer and the second found no connection, the call as a whole
//! may have moved money, although its last error would say otherwise.

use crate::{Effect, Error, Lost};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// The tally of one call, shared by its layers. A clone is the same tally; every call starts a new one.
///
/// An attempt counts as begun when its request is handed to the HTTP service, and as harmless once it is proven that
/// it did nothing. An attempt that was cut off in between stays begun: that is the whole trick.
///
/// ```
/// use tower::{ServiceBuilder, ServiceExt};
/// use ucanpay_core::OrderQuery;
/// use ucanpay_transport::{Attempts, Effect, VerifyLayer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// # let body = merchant.sign(&query, Nonce::random())?.into_body();
/// # let url = "https://api.ucanpay.ca/payment/orderquery";
/// # let request = http::Request::post(url).body(bytes::Bytes::from(body))?;
/// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
/// #     Err::<http::Response<bytes::Bytes>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
/// # });
/// let attempts = Attempts::default(); // new for each call
/// let stack = ServiceBuilder::new()
///     .layer(VerifyLayer::<OrderQuery>::new(merchant, attempts.clone()))
///     .service(http); // one that breaks off
/// let error = stack.oneshot(request).await.unwrap_err();
/// assert_eq!((attempts.begun(), attempts.may_have_arrived()), (1, true));
/// assert_eq!(error.effect(), Effect::Unknown);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Tally>);

// One task works on a call, so the counters need no ordering among themselves.
#[derive(Debug, Default)]
struct Tally {
    begun: AtomicU32,
    harmless: AtomicU32,
}

impl Attempts {
    /// How often the request was handed to the HTTP service.
    pub fn begun(&self) -> u32 {
        self.0.begun.load(Relaxed)
    }

    /// Whether some attempt may have had an effect at the gateway.
    pub fn may_have_arrived(&self) -> bool {
        self.begun() > self.0.harmless.load(Relaxed)
    }

    /// The outcome of the call, from the outcome of its last attempt and the tally of all.
    ///
    /// A team that builds its own stack applies this to what the stack returns; [`Client`](crate::Client) does.
    ///
    /// ```
    /// # use tower::{ServiceBuilder, ServiceExt};
    /// # use ucanpay_transport::VerifyLayer;
    /// use ucanpay_transport::{Attempts, Effect, Error};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let body = merchant.sign(&query, Nonce::random())?.into_body();
    /// # let url = "https://api.ucanpay.ca/payment/orderquery";
    /// # let request = http::Request::post(url).body(bytes::Bytes::from(body))?;
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     Err::<http::Response<bytes::Bytes>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    /// # });
    /// let attempts = Attempts::default();
    /// # let layer = VerifyLayer::<OrderQuery>::new(merchant, attempts.clone());
    /// # assert!(ServiceBuilder::new().layer(layer).service(http).oneshot(request).await.is_err());
    /// // The answer to a first attempt was lost; the second found no connection.
    /// let last = Error::NotSent { attempts: 2, source: "connection refused".into() };
    /// assert_eq!(last.effect(), Effect::None);
    /// let error = attempts.settle(Err::<(), _>(last)).unwrap_err();
    /// assert_eq!(error.effect(), Effect::Unknown);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `last`; none of them claims more than the tally supports.
    pub fn settle<T>(&self, last: Result<T, Error>) -> Result<T, Error> {
        last.map_err(|error| error.settled(self))
    }

    /// The error of a call whose total time ran out.
    pub(crate) fn out_of_time(&self, total: Duration) -> Error {
        let lost = Lost::TotalTimeout(total);
        if self.may_have_arrived() {
            Error::OutcomeUnknown(lost)
        } else {
            Error::NotSent {
                attempts: self.begun(),
                source: lost.into(),
            }
        }
    }

    /// Returns the attempt's number: 1 for the first.
    pub(crate) fn begin(&self) -> u32 {
        self.0.begun.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn end<T>(&self, result: &Result<T, Error>) {
        if let Err(error) = result
            && error.effect() == Effect::None
        {
            self.0.harmless.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_sent() -> Error {
        Error::NotSent {
            attempts: 1,
            source: "refused".into(),
        }
    }

    #[test]
    fn an_attempt_cut_off_half_way_may_have_arrived() {
        let attempts = Attempts::default();
        assert!(!attempts.may_have_arrived());
        assert_eq!(attempts.begin(), 1);
        assert!(attempts.may_have_arrived());
        assert_eq!(attempts.begin(), 2);
        assert_eq!(attempts.begun(), 2);
    }

    #[test]
    fn attempts_that_found_no_connection_leave_nothing_behind() {
        let attempts = Attempts::default();
        for _ in 0..3 {
            attempts.begin();
            attempts.end(&Err::<(), _>(not_sent()));
        }
        let error = attempts.settle(Err::<(), _>(not_sent())).unwrap_err();
        assert!(
            matches!(error, Error::NotSent { attempts: 3, .. }),
            "{error:?}"
        );
    }

    #[test]
    fn a_lost_attempt_before_a_refused_one_stays_unknown() {
        let attempts = Attempts::default();
        attempts.begin();
        attempts.end(&Err::<(), _>(Error::OutcomeUnknown(Lost::AttemptTimeout)));
        attempts.begin();
        attempts.end(&Err::<(), _>(not_sent()));
        let error = attempts.settle(Err::<(), _>(not_sent())).unwrap_err();
        assert!(
            matches!(error, Error::OutcomeUnknown(Lost::EarlierAttempt(_))),
            "{error:?}"
        );
        assert_eq!(error.effect(), Effect::Unknown);
    }

    #[test]
    fn out_of_time_before_the_first_attempt_is_not_sent() {
        let attempts = Attempts::default();
        let total = Duration::from_secs(1);
        assert_eq!(attempts.out_of_time(total).effect(), Effect::None);
        attempts.begin();
        assert_eq!(attempts.out_of_time(total).effect(), Effect::Unknown);
    }
}
