//! For a gateway that refuses a nonce it has seen: each repeat is signed anew, with another nonce and nothing else changed.
//!
//! Off by default: the reference asks for the same parameters, and the same bytes are the surest way to have them. The
//! operator's other documentation says that nonce and signature are unique for each request, so the setting is there:
//! [`ClientBuilder::fresh_nonce_on_retry`](crate::ClientBuilder::fresh_nonce_on_retry).

use crate::{Attempts, Error};
use bytes::Bytes;
use http::Request;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{Layer, Service};
use ucanpay_core::{Merchant, Nonce, Operation, SignError, SignedRequest};

/// Signs the request anew before each attempt of a call but the first.
///
/// It stands inside of the gate, so that nothing is signed that does not leave, and around [`Verify`](crate::Verify).
///
/// ```
/// use tower::{ServiceBuilder, ServiceExt};
/// use ucanpay_core::OrderQuery;
/// use ucanpay_transport::{Attempts, FreshNonceLayer, RetryPolicy, VerifyLayer};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// # let body = merchant.sign(&query, Nonce::random())?.into_body();
/// # let url = "https://api.ucanpay.ca/payment/orderquery";
/// # let request = http::Request::post(url).body(bytes::Bytes::from(body))?;
/// # let sent = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
/// # let keep = sent.clone();
/// # let http = tower::service_fn(move |request: http::Request<bytes::Bytes>| {
/// #     keep.lock().unwrap().push(request.into_body());
/// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"SYSTEMERROR"}"#);
/// #     std::future::ready(Ok::<_, std::io::Error>(http::Response::new(answer)))
/// # });
/// let attempts = Attempts::default(); // new for each call
/// let stack = ServiceBuilder::new()
///     .retry(RetryPolicy::default())
///     .layer(FreshNonceLayer::<OrderQuery>::new(merchant.clone(), attempts.clone()))
///     .layer(VerifyLayer::<OrderQuery>::new(merchant, attempts.clone()))
///     .service(http); // one that answers SYSTEMERROR
/// assert!(stack.oneshot(request).await.is_err());
/// # let sent = sent.lock().unwrap();
/// assert!(attempts.begun() == 3 && sent[0] != sent[1] && sent[1] != sent[2]);
/// # Ok(())
/// # }
/// ```
pub struct FreshNonceLayer<O> {
    merchant: Merchant,
    attempts: Attempts,
    operation: PhantomData<fn() -> O>,
}

impl<O: Operation> FreshNonceLayer<O> {
    /// For one call, whose attempts are counted in `attempts`.
    ///
    /// ```
    /// use tower::{ServiceBuilder, ServiceExt};
    /// use ucanpay_core::OrderQuery;
    /// use ucanpay_transport::{Attempts, FreshNonceLayer, VerifyLayer};
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
    /// # let first = request.body().clone();
    /// # let sent = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    /// # let keep = sent.clone();
    /// # let http = tower::service_fn(move |request: http::Request<bytes::Bytes>| {
    /// #     keep.lock().unwrap().push(request.into_body());
    /// #     std::future::ready(Ok::<_, std::io::Error>(http::Response::new(bytes::Bytes::new())))
    /// # });
    /// let attempts = Attempts::default();
    /// let stack = ServiceBuilder::new()
    ///     .layer(FreshNonceLayer::<OrderQuery>::new(merchant.clone(), attempts.clone()))
    ///     .layer(VerifyLayer::<OrderQuery>::new(merchant, attempts.clone()))
    ///     .service(http);
    /// assert!(stack.clone().oneshot(request.clone()).await.is_err());
    /// assert!(stack.oneshot(request).await.is_err());
    /// # let sent = sent.lock().unwrap();
    /// assert!(sent[0] == first && sent[1] != first); // the first as it was, the second signed anew
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

    fn renewed(&self, request: &Request<Bytes>) -> Result<Bytes, SignError> {
        let first = SignedRequest::<O>::frozen(request.body().to_vec());
        let again = self.merchant.sign_again(&first, Nonce::random())?;
        Ok(again.into_body().into())
    }
}

impl<O> Clone for FreshNonceLayer<O> {
    fn clone(&self) -> Self {
        Self {
            merchant: self.merchant.clone(),
            attempts: self.attempts.clone(),
            operation: PhantomData,
        }
    }
}

impl<O: Operation> fmt::Debug for FreshNonceLayer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshNonceLayer")
            .field("operation", &O::NAME)
            .finish_non_exhaustive()
    }
}

impl<S, O> Layer<S> for FreshNonceLayer<O> {
    type Service = FreshNonce<S, O>;

    fn layer(&self, inner: S) -> Self::Service {
        FreshNonce {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose repeats carry a fresh nonce; made by [`FreshNonceLayer`].
pub struct FreshNonce<S, O> {
    inner: S,
    layer: FreshNonceLayer<O>,
}

impl<S: Clone, O> Clone for FreshNonce<S, O> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<S, O: Operation> fmt::Debug for FreshNonce<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshNonce")
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}

impl<S, O> Service<Request<Bytes>> for FreshNonce<S, O>
where
    S: Service<Request<Bytes>, Error = Error>,
    S::Response: Send + 'static,
    S::Future: Send + 'static,
    O: Operation,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        if self.layer.attempts.begun() > 0 {
            match self.layer.renewed(&request) {
                Ok(body) => *request.body_mut() = body,
                Err(error) => return Box::pin(ready(Err(Error::InvalidRequest(error)))),
            }
        }
        Box::pin(self.inner.call(request))
    }
}
