//! The ready HTTP service: reqwest over rustls, with everything switched off that would act behind the stack's back.

use crate::{AnswerTooLarge, BoxError, ConfigError, ConnectError, Error};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::Service;

/// The longest answer [`ReqwestService`] reads, in bytes: 256 KiB. The gateway's are below 4 KiB.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Shorter than an attempt, so that a host that does not answer is known not to have been reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An HTTP service over reqwest and rustls, with the machine's root certificates.
///
/// - A redirect is not followed: it would carry a signed request to a stranger.
/// - Nothing is repeated here; repeating is the retry layer's work, where it is counted.
/// - No proxy is used, not even one that `HTTPS_PROXY` or the system's settings name: where payments go is not to
///   depend on the environment. A shop that needs one passes a service of its own to
///   [`Client::with_service`](crate::Client::with_service).
/// - Connecting may take 5 s; a failure to connect, DNS and TLS included, is a [`ConnectError`].
/// - An answer beyond [`MAX_ANSWER_BYTES`] is cut off while it streams in, and is an [`AnswerTooLarge`].
#[derive(Clone)]
pub struct ReqwestService(reqwest::Client);

impl ReqwestService {
    /// For an https gateway. Plain http is refused before anything is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when TLS cannot be set up, for one because the machine has no root certificates.
    pub fn new() -> Result<Self, Error> {
        Self::build(reqwest::Client::builder().https_only(true))
    }

    /// For a gateway on this machine or in a test: plain http. It trusts no certificate, so https fails to connect.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the client cannot be set up.
    pub fn without_tls() -> Result<Self, Error> {
        Self::build(reqwest::Client::builder().tls_certs_only([]))
    }

    fn build(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        let client = builder
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| ConfigError::HttpClient(error.into()))?;
        Ok(Self(client))
    }
}

impl fmt::Debug for ReqwestService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReqwestService")
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
        let client = self.0.clone();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request)
                .map_err(|error| ConnectError::new(error.without_url()))?;
            let response = client.execute(request).await.map_err(boxed)?;
            read(response).await
        })
    }
}

async fn read(mut response: reqwest::Response) -> Result<Response<Bytes>, BoxError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(boxed)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(AnswerTooLarge::new(MAX_ANSWER_BYTES).into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = Response::new(body.freeze());
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
