//! Time-outs and dropped calls, on a clock that the tests drive.

use crate::scripted::*;
use bytes::Bytes;
use http::{Request, Response};
use std::future::Pending;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tower::Service;
use ucanpay_transport::{BoxError, Client, Effect, Error, Lost, RetryPolicy};

#[tokio::test(start_paused = true)]
async fn a_silent_gateway_is_tried_until_the_total_time_is_over() {
    let gateway = Gateway::replying([Reply::Hang, Reply::Hang, Reply::Hang]);
    let started = Instant::now();
    let error = Client::with_service(merchant(), gateway.clone())
        .call(&query())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::TotalTimeout(_))),
        "{error:?}"
    );
    assert_eq!(gateway.calls(), 3);
    assert_eq!(started.elapsed().as_secs(), 25);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_runs_out_of_time_is_followed_by_another() {
    let gateway = Gateway::replying([Reply::Hang, paid()]);
    let started = Instant::now();
    Client::with_service(merchant(), gateway.clone())
        .call(&query())
        .await
        .unwrap();
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn one_attempt_without_an_answer_is_unknown() {
    let error = Client::builder(merchant())
        .retry(RetryPolicy::never())
        .build_with(Gateway::replying([Reply::Hang]))
        .unwrap()
        .call(&query())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::AttemptTimeout)),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_total_time_running_out_between_refused_connections_is_not_sent() {
    let minute = Duration::from_secs(60);
    let error = Client::builder(merchant())
        .total_timeout(Duration::from_nanos(1))
        .retry(RetryPolicy::default().with_waits(minute, minute))
        .build_with(Gateway::replying([refused(), refused(), refused()]))
        .unwrap()
        .call(&query())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
}

/// Never ready to take a request.
#[derive(Clone)]
struct Full;

impl Service<Request<Bytes>> for Full {
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Pending<Result<Response<Bytes>, BoxError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Pending
    }

    fn call(&mut self, _request: Request<Bytes>) -> Self::Future {
        unreachable!("it is never ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_becomes_ready_ends_as_not_sent() {
    let error = Client::with_service(merchant(), Full)
        .call(&query())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::NotSent { attempts: 0, .. }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::None);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_the_client_as_good_as_before() {
    let gateway = Gateway::replying([Reply::Hang, paid()]);
    let client = Client::with_service(merchant(), gateway.clone());
    let second = Duration::from_secs(1);
    let query = query();
    let dropped = tokio::time::timeout(second, client.call(&query)).await;
    assert!(dropped.is_err());
    client.call(&query).await.unwrap();
    assert_eq!(gateway.calls(), 2);
}
