//! A process's line to the gateway. Between a request and its answer, the world goes on.

use std::pin::Pin;
use std::sync::Weak;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use tower::{BoxError, Service, ServiceExt as _};
use ucanpay_core::{Merchant, Nonce, OrderQuery, SignedRequest};
use ucanpay_transport::InProcess;

use super::mortal::{Life, Step};
use super::world::World;

#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) inner: InProcess<Router, Body>,
    pub(crate) life: Life,
    pub(crate) world: Weak<World>,
}

impl Service<Request<Bytes>> for Line {
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Self { inner, life, world } = self.clone();
        Box::pin(async move {
            let world = world.upgrade().ok_or("the history is over")?;
            life.step(Step::Before).await;
            world.meanwhile().await;
            let request = match world.gateway_has_former_key.load(SeqCst) {
                true => as_of_now(request, &world.merchant(false)),
                false => request,
            };
            let answer = inner.oneshot(request).await;
            world.meanwhile().await;
            life.step(Step::Answered).await;
            answer
        })
    }
}

/// The gateway of this world knows one key. While it is to know the merchant's former one, what comes is signed anew.
fn as_of_now(request: Request<Bytes>, merchant: &Merchant) -> Request<Bytes> {
    let (parts, body) = request.into_parts();
    // Of the operation only the path would count, and that stays.
    let frozen = SignedRequest::<OrderQuery>::frozen(body.to_vec());
    let signed = merchant.sign_again(&frozen, Nonce::random()).unwrap();
    Request::from_parts(parts, Bytes::from(signed.into_body()))
}
