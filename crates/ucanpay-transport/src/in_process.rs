//! An HTTP service without a network: it calls a server's own service, such as an axum `Router`, in this process.
//!
//! Who comes in: tests, and programs that have the gateway's sandbox inside. Who goes out: the server's service, with
//! the request as it would have come over the wire.

use crate::limited::LimitedBody;
use crate::{BoxError, MAX_ANSWER_BYTES};
use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body::Body;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tower::Service;

/// An HTTP service that hands each request to the server `S` in this process; `B` is the body that `S` takes.
///
/// - The request goes out as the client made it, absolute URI included. No `Host` header is added.
/// - A panic of the server is a [`ServerPanicked`], a body that breaks off is the body's error. After both the outcome is
///   unknown, as after a connection that was cut: the server may have done its work before.
/// - An answer beyond the limit is an [`AnswerTooLarge`](crate::AnswerTooLarge), and the rest of it is not read.
/// - Dropping the call drops the server's future, as a server on a socket does when its client hangs up.
///
/// ```
/// use axum::{Router, body::Body, routing::post};
/// use bytes::Bytes;
/// use tower::ServiceExt;
/// use ucanpay_transport::InProcess;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let gateway = Router::new().route("/payment/orderquery", post(|| async { "an answer" }));
/// let service = InProcess::<_, Body>::new(gateway); // for `Client::with_service`
///
/// let request = http::Request::post("https://api.ucanpay.ca/payment/orderquery").body(Bytes::new()).unwrap();
/// let answer = service.oneshot(request).await.unwrap();
/// assert_eq!(answer.body(), "an answer");
/// # });
/// ```
pub struct InProcess<S, B> {
    server: S,
    max_answer_bytes: usize,
    body: PhantomData<fn() -> B>,
}

impl<S, B> InProcess<S, B> {
    /// Over `server`, reading at most [`MAX_ANSWER_BYTES`] of an answer.
    ///
    /// ```
    /// use axum::{Router, body::Body};
    /// use ucanpay_transport::{Client, InProcess};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// let gateway = Router::new().fallback(async || r#"{"code":1,"msg":"NOAUTH"}"#);
    /// let client = Client::with_service(merchant, InProcess::<_, Body>::new(gateway));
    /// let error = client.call(&query).await.unwrap_err();
    /// assert_eq!(error.gateway().map(|said| said.code().name()), Some("NOAUTH"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(server: S) -> Self {
        Self {
            server,
            max_answer_bytes: MAX_ANSWER_BYTES,
            body: PhantomData,
        }
    }

    /// Reads at most this many bytes of an answer.
    ///
    /// ```
    /// use axum::{Router, body::Body};
    /// use ucanpay_transport::{Client, Error, InProcess, Lost};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// let gateway = Router::new().fallback(async || "a".repeat(4097));
    /// let service = InProcess::<_, Body>::new(gateway).max_answer_bytes(4096);
    /// let error = Client::with_service(merchant, service).call(&query).await.unwrap_err();
    /// assert!(matches!(error, Error::OutcomeUnknown(Lost::TooLarge { limit: 4096 })));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_answer_bytes(mut self, limit: usize) -> Self {
        self.max_answer_bytes = limit;
        self
    }
}

impl<S: Clone, B> Clone for InProcess<S, B> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            max_answer_bytes: self.max_answer_bytes,
            body: PhantomData,
        }
    }
}

impl<S, B> fmt::Debug for InProcess<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess")
            .field("max_answer_bytes", &self.max_answer_bytes)
            .finish_non_exhaustive()
    }
}

/// The server of an [`InProcess`] panicked while it worked on a request; what it had done by then is unknown.
///
/// What it said is not kept: a panic's text may hold what was being worked on. The panic hook has seen it.
///
/// ```
/// use axum::{Router, body::Body};
/// use ucanpay_transport::{Client, Effect, Error, InProcess, Lost, RetryPolicy, ServerPanicked};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// let broken = Router::new().fallback(async || -> &'static str { panic!("a defect of the server") });
/// let client = Client::builder(merchant)
///     .retry(RetryPolicy::never())
///     .build_with(InProcess::<_, Body>::new(broken))?;
/// let error = client.call(&query).await.unwrap_err();
/// assert_eq!(error.effect(), Effect::Unknown);
/// assert!(matches!(error, Error::OutcomeUnknown(Lost::Broken(cause)) if cause.is::<ServerPanicked>()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server in this process panicked while it worked on the request")]
pub struct ServerPanicked;

impl<S, B, RB> Service<Request<Bytes>> for InProcess<S, B>
where
    S: Service<Request<B>, Response = Response<RB>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: From<Bytes> + Send + 'static,
    RB: Body + Send + 'static,
    RB::Data: Send,
    RB::Error: Into<BoxError>,
{
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.server.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        // The server that was found ready takes the request; its clone may not be ready yet.
        let clone = self.server.clone();
        let server = mem::replace(&mut self.server, clone);
        let limit = self.max_answer_bytes;
        let mut exchange = Box::pin(exchange(server, request.map(B::from), limit));
        Box::pin(poll_fn(move |cx| {
            // Nothing of a future that panicked is looked at again: it is never polled after that.
            catch_unwind(AssertUnwindSafe(|| exchange.as_mut().poll(cx)))
                .unwrap_or_else(|_| Poll::Ready(Err(ServerPanicked.into())))
        }))
    }
}

async fn exchange<S, B, RB>(
    mut server: S,
    request: Request<B>,
    limit: usize,
) -> Result<Response<Bytes>, BoxError>
where
    S: Service<Request<B>, Response = Response<RB>>,
    S::Error: Into<BoxError>,
    RB: Body,
    RB::Error: Into<BoxError>,
{
    let (head, body) = server.call(request).await.map_err(Into::into)?.into_parts();
    let body = read(body, limit).await?;
    Ok(Response::from_parts(head, body))
}

async fn read<RB>(body: RB, limit: usize) -> Result<Bytes, BoxError>
where
    RB: Body,
    RB::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut answer = LimitedBody::new(limit);
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        // A frame of trailers says nothing that the stack would read.
        if let Ok(mut data) = frame.map_err(Into::into)?.into_data() {
            while data.has_remaining() {
                let length = data.chunk().len();
                answer.push(data.chunk())?;
                data.advance(length);
            }
        }
    }
    Ok(answer.finish())
}
