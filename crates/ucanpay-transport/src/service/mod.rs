//! The ready HTTP service: reqwest over rustls, with everything switched off that would act behind the stack's back.

mod builder;
mod proxy;
mod roots;

pub use builder::ReqwestServiceBuilder;

use crate::limited::LimitedBody;
use crate::{BoxError, ConnectError, Error};
use bytes::Bytes;
use http::{Request, Response};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::Service;

/// An HTTP service over reqwest and rustls; [`builder`](Self::builder) has its settings.
///
/// - A redirect is not followed: it would carry a signed request to a stranger.
/// - Nothing is repeated here; repeating is the retry layer's work, where it is counted. (A request that a pooled
///   connection gave back before its first byte was written goes out on another: it was not sent.)
/// - No proxy is used unless one is set, not even one that `HTTPS_PROXY` or the system's settings name: where payments go
///   is not to depend on the environment.
/// - Connecting may take 5 s; a failure to connect, DNS, TLS and a proxy's tunnel included, is a [`ConnectError`].
/// - An answer beyond [`MAX_ANSWER_BYTES`](crate::MAX_ANSWER_BYTES) is cut off while it streams in, and is an
///   [`AnswerTooLarge`](crate::AnswerTooLarge). Nothing is decompressed: a compressed answer was not asked for.
///
/// ```
/// use tower::ServiceExt;
/// use ucanpay_transport::ReqwestService;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let address = listener.local_addr()?;
/// # let server = axum::Router::new().fallback(async || r#"{"code":1,"msg":"NOAUTH"}"#);
/// # tokio::spawn(async move { axum::serve(listener, server).await });
/// let service = ReqwestService::without_tls()?; // `new` for an https gateway
/// let request = http::Request::post(format!("http://{address}/payment/orderquery")).body(bytes::Bytes::new())?;
/// let answer = service.oneshot(request).await.map_err(|error| error.to_string())?;
/// assert_eq!(answer.body(), r#"{"code":1,"msg":"NOAUTH"}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReqwestService {
    client: reqwest::Client,
    max_answer_bytes: usize,
}

impl ReqwestService {
    /// Sets up a service; [`ReqwestServiceBuilder::build`] ends it.
    ///
    /// ```
    /// use ucanpay_transport::{Client, ReqwestService};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// let service = ReqwestService::builder().http1_only().max_answer_bytes(64 * 1024).build()?;
    /// assert!(format!("{service:?}").contains("max_answer_bytes: 65536"));
    /// let client = Client::with_service(merchant, service);
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> ReqwestServiceBuilder {
        ReqwestServiceBuilder::new()
    }

    /// For an https gateway, with all settings at their defaults. Plain http is refused before anything is sent.
    ///
    /// ```
    /// use tower::ServiceExt;
    /// use ucanpay_transport::ReqwestService;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = ReqwestService::new()?;
    /// let request = http::Request::post("http://api.ucanpay.ca/payment/orderquery").body(bytes::Bytes::new())?;
    /// let refused = service.oneshot(request).await.unwrap_err(); // plain http: it never left
    /// assert!(refused.is::<ucanpay_transport::ConnectError>());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when TLS cannot be set up, for one because the machine has no root certificates.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// For a gateway on this machine or in a test: plain http. It trusts no certificate, so https fails to connect.
    ///
    /// ```
    /// use ucanpay_transport::{Client, ReqwestService};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let address = listener.local_addr()?;
    /// # let server = axum::Router::new().fallback(async || r#"{"code":1,"msg":"NOAUTH"}"#);
    /// # tokio::spawn(async move { axum::serve(listener, server).await });
    /// let service = ReqwestService::without_tls()?;
    /// let client = Client::builder(merchant).base_url(&format!("http://{address}")).build_with(service)?;
    /// let error = client.call(&query).await.unwrap_err();
    /// assert_eq!(error.gateway().map(|said| said.code().name()), Some("NOAUTH"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the client cannot be set up.
    pub fn without_tls() -> Result<Self, Error> {
        Self::builder().plain_http().no_roots().build()
    }
}

impl fmt::Debug for ReqwestService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestService")
            .field("max_answer_bytes", &self.max_answer_bytes)
            .finish_non_exhaustive()
    }
}

impl Service<Request<Bytes>> for ReqwestService {
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Self {
            client,
            max_answer_bytes,
        } = self.clone();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request)
                .map_err(|error| ConnectError::new(error.without_url()))?;
            let response = client.execute(request).await.map_err(boxed)?;
            read(response, max_answer_bytes).await
        })
    }
}

async fn read(mut response: reqwest::Response, limit: usize) -> Result<Response<Bytes>, BoxError> {
    let mut body = LimitedBody::new(limit);
    while let Some(chunk) = response.chunk().await.map_err(boxed)? {
        body.push(&chunk)?;
    }
    let mut answer = Response::new(body.finish());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

/// reqwest calls `connect` what failed before the request could be written: DNS, TCP, TLS, the connect time-out.
/// A builder error (an address it will not take) is as harmless.
fn boxed(error: reqwest::Error) -> BoxError {
    let sent = !(error.is_connect() || error.is_builder());
    let error = error.without_url();
    if sent {
        error.into()
    } else {
        ConnectError::new(error).into()
    }
}
