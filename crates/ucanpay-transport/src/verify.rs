//! The layer around the HTTP service: bytes out, a verified answer or a judged failure back.
//!
//! It also keeps the tally: an attempt is begun before the request is handed on, and proven harmless only by its
//! outcome. A future that is dropped in between leaves it begun.
//!
//! Verified means: signed by the gateway. Whether it is the answer to *this* request is not judged here: a genuine answer to
//! another one passes, with the numbers that it holds. Whoever knows the order compares; the ledger does.

use crate::trace::AttemptTrace;
use crate::{Attempts, BoxError, Error, classify};
use bytes::Bytes;
use http::{Request, Response};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{Layer, Service};
use ucanpay_core::{Merchant, Operation, Verified};

/// Verifies and judges the answers to one call of the operation `O`.
///
/// It proves who signed. That order, amount and currency are those of the request is for the caller to compare.
///
/// [`Client`](crate::Client) puts it into its stack. A stack of one's own, with another limit inside, looks so:
///
/// ```
/// # use bytes::Bytes;
/// # use http::{Request, Response};
/// # use tower::{Service, ServiceBuilder, ServiceExt};
/// # use ucanpay_core::{Merchant, OrderQuery, Verified};
/// use ucanpay_transport::{Attempts, Error, Gate, GateLayer, RetryPolicy, VerifyLayer};
///
/// # async fn query<S>(
/// #     merchant: Merchant, gate: Gate, http: S, request: Request<Bytes>,
/// # ) -> Result<Verified<ucanpay_core::OrderQueryAnswer>, Error>
/// # where
/// #     S: Service<Request<Bytes>, Response = Response<Bytes>, Error = std::io::Error>
/// #         + Clone + Send + 'static,
/// #     S::Future: Send + 'static,
/// # {
/// let attempts = Attempts::default(); // new for each call
/// let stack = ServiceBuilder::new()
///     .retry(RetryPolicy::default())
///     .layer(GateLayer::new(gate)) // one for the account
///     .layer(VerifyLayer::<OrderQuery>::new(merchant, attempts.clone()))
///     .service(http);
/// attempts.settle(stack.oneshot(request).await)
/// # }
/// ```
pub struct VerifyLayer<O> {
    merchant: Merchant,
    attempts: Attempts,
    operation: PhantomData<fn() -> O>,
}

impl<O: Operation> VerifyLayer<O> {
    /// For one call, whose attempts are counted in `attempts`.
    ///
    /// ```
    /// use tower::{ServiceBuilder, ServiceExt};
    /// use ucanpay_core::OrderQuery;
    /// use ucanpay_transport::{Attempts, Error, VerifyLayer};
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
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"NOAUTH"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// let attempts = Attempts::default();
    /// let stack = ServiceBuilder::new()
    ///     .layer(VerifyLayer::<OrderQuery>::new(merchant, attempts.clone()))
    ///     .service(http); // one that answers NOAUTH
    /// assert!(matches!(stack.oneshot(request).await, Err(Error::Rejected { .. })));
    /// assert_eq!((attempts.begun(), attempts.may_have_arrived()), (1, false));
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(merchant: Merchant, attempts: Attempts) -> Self {
        Self {
            merchant,
            attempts,
            operation: PhantomData,
        }
    }
}

impl<O> Clone for VerifyLayer<O> {
    fn clone(&self) -> Self {
        Self {
            merchant: self.merchant.clone(),
            attempts: self.attempts.clone(),
            operation: PhantomData,
        }
    }
}

impl<O: Operation> fmt::Debug for VerifyLayer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer")
            .field("operation", &O::NAME)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl<S, O> Layer<S> for VerifyLayer<O> {
    type Service = Verify<S, O>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify {
            inner,
            layer: self.clone(),
        }
    }
}

/// An HTTP service whose answers are verified; made by [`VerifyLayer`].
pub struct Verify<S, O> {
    inner: S,
    layer: VerifyLayer<O>,
}

impl<S: Clone, O> Clone for Verify<S, O> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<S, O: Operation> fmt::Debug for Verify<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify")
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}

impl<S, O> Service<Request<Bytes>> for Verify<S, O>
where
    S: Service<Request<Bytes>, Response = Response<Bytes>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    O: Operation,
{
    type Response = Verified<O::Answer>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Nothing has been handed over yet, so an error here is no attempt.
        self.inner.poll_ready(cx).map_err(|error| Error::NotSent {
            attempts: self.layer.attempts.begun(),
            source: error.into(),
        })
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let VerifyLayer {
            merchant, attempts, ..
        } = self.layer.clone();
        let trace = AttemptTrace::begin(O::NAME, attempts.begin());
        let response = self.inner.call(request);
        Box::pin(async move {
            let result = match response.await {
                Ok(response) => classify::answer::<O>(&merchant, &response),
                Err(error) => Err(classify::failure(error.into())),
            };
            attempts.end(&result);
            trace.end(&result);
            result
        })
    }
}
