//! The gate: after "too many requests" nothing leaves, from any clone, until the time is up.

use crate::scripted::*;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use tower::Service;
use ucanpay_transport::{
    BoxError, Client, Effect, Error, Gate, HeldBack, Lost, RetryPolicy, WhenClosed,
};

const SECOND: Duration = Duration::from_secs(1);

fn waiting() -> Gate {
    Gate::default().when_closed(WhenClosed::Wait)
}

fn client(gate: Gate, replies: impl IntoIterator<Item = Reply>) -> (Client, Gateway) {
    let gateway = Gateway::replying(replies);
    let client = Client::builder(merchant()).gate(gate);
    (client.build_with(gateway.clone()).unwrap(), gateway)
}

fn assert_closed(error: &Error, rest: Duration) {
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    assert!(
        matches!(error.held_back(), Some(HeldBack::Closed { .. })),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::None);
    let kept = error.retry_after().unwrap();
    assert!(
        kept <= rest && kept + SECOND / 10 > rest,
        "{kept:?} {rest:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_block_nothing_leaves_any_clone_until_the_time_is_up() {
    let minute = 60 * SECOND;
    for (block, rest) in [
        (error_name("INVALID_REQ_TOO_MUCH"), minute),
        (error_name("FREQUENCY_LIMITED"), minute),
        (
            answer(StatusCode::BAD_GATEWAY, unsigned("INVALID_REQ_TOO_MUCH")),
            minute,
        ),
        (answer(StatusCode::TOO_MANY_REQUESTS, ""), minute),
        (limited("7"), 7 * SECOND),
    ] {
        let (client, gateway) = client(Gate::default(), [block, paid()]);
        let clone = client.clone();
        client.call(&query()).await.unwrap_err();
        assert_closed(&clone.call(&query()).await.unwrap_err(), rest);
        tokio::time::advance(rest - SECOND).await;
        assert_closed(&clone.call(&query()).await.unwrap_err(), SECOND);
        assert_eq!(gateway.calls(), 1);
        tokio::time::advance(SECOND).await;
        clone.call(&query()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn no_other_outcome_closes_the_gate() {
    let busy = answer(StatusCode::SERVICE_UNAVAILABLE, "");
    let replies = [
        with_header(busy, "retry-after", "30"),
        error_name("BIZERR_NEED_RETRY"),
        error_name("SIGNERROR"),
        answer(StatusCode::OK, "<html>welcome</html>"),
    ];
    let (client, gateway) = client(Gate::default(), replies);
    for calls in 1..=4 {
        client.call(&query()).await.unwrap_err();
        assert_eq!(gateway.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn a_verified_answer_under_429_does_not_close_the_gate() {
    let signed = signed(&key("platform-2048"), members());
    let (client, _) = client(
        Gate::default(),
        [answer(StatusCode::TOO_MANY_REQUESTS, signed), paid()],
    );
    client.call(&query()).await.unwrap();
    client.call(&query()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_clients_with_one_gate_are_held_back_together() {
    let gate = Gate::default();
    let (first, _) = client(gate.clone(), [limited("7")]);
    let (second, gateway) = client(gate, []);
    first.call(&query()).await.unwrap_err();
    assert_closed(&second.call(&query()).await.unwrap_err(), 7 * SECOND);
    assert_eq!(gateway.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_wait_leaves_when_the_gate_opens() {
    let (client, gateway) = client(waiting(), [limited("7"), paid()]);
    let start = Instant::now();
    client.call(&query()).await.unwrap_err();
    client.call(&query()).await.unwrap();
    let left = gateway.seconds_since(start)[1];
    assert!((7.0..8.1).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_wait_fails_at_once_if_the_block_outlasts_it() {
    let (client, _) = client(waiting(), [error_name("FREQUENCY_LIMITED")]);
    client.call(&query()).await.unwrap_err();
    let start = Instant::now();
    assert_closed(&client.call(&query()).await.unwrap_err(), 60 * SECOND);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_leave_too_late_to_be_answered_is_not_sent() {
    // Of the 25 s that a call may take, 10 are kept for the answer.
    for (block, leaves) in [("14", true), ("16", false)] {
        let (client, gateway) = client(waiting(), [limited(block), paid()]);
        client.call(&query()).await.unwrap_err();
        assert_eq!(client.call(&query()).await.is_ok(), leaves);
        assert_eq!(gateway.calls(), 1 + usize::from(leaves));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_looks_again_before_it_leaves() {
    // The second call is on its way when the first closes the gate, and closes it for longer.
    let (client, gateway) = client(
        waiting(),
        [later(1, limited("5")), later(3, limited("9")), paid()],
    );
    let start = Instant::now();
    let query = query();
    let waiter = async {
        tokio::time::sleep(2 * SECOND).await;
        client.call(&query).await.unwrap();
    };
    let (first, second, ()) = tokio::join!(client.call(&query), client.call(&query), waiter);
    assert!(first.is_err() && second.is_err());
    let left = gateway.seconds_since(start)[2];
    assert!((12.0..13.1).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn of_two_overlapping_blocks_the_longer_one_wins() {
    let (client, _) = client(
        Gate::default(),
        [later(1, limited("30")), later(3, limited("5"))],
    );
    let query = query();
    let (first, second) = tokio::join!(client.call(&query), client.call(&query));
    assert!(first.is_err() && second.is_err());
    assert_closed(&client.call(&query).await.unwrap_err(), 28 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_asks_and_one_that_is_held_back_leaves_an_earlier_one_unknown() {
    let gateway = Gateway::replying([reset(), limited("7")]);
    let client = Client::builder(merchant())
        .retry(RetryPolicy::default().with_waits(SECOND, SECOND))
        .build_with(gateway.clone())
        .unwrap();
    let query = query();
    let (retried, limited) = tokio::join!(client.call(&query), client.call(&query));
    assert!(matches!(limited, Err(Error::RateLimited { .. })));
    let error = retried.unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::EarlierAttempt(_))),
        "{error:?}"
    );
    assert!(error.retry_after().unwrap() > 5 * SECOND, "{error:?}");
    assert_eq!(gateway.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn those_who_waited_for_the_same_block_come_back_spread() {
    let replies = [limited("5")]
        .into_iter()
        .chain((0..20).map(|_| paid()))
        .collect::<Vec<_>>();
    let (client, gateway) = client(waiting(), replies);
    let start = Instant::now();
    client.call(&query()).await.unwrap_err();
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.call(&query()).await.map(drop) })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    let left = &gateway.seconds_since(start)[1..];
    assert!(
        left.iter().all(|left| (5.0..6.1).contains(left)),
        "{left:?}"
    );
    let width = left.iter().copied().fold(0.0, f64::max) - left[0];
    assert!(width > 0.3, "{left:?}");
}

/// Takes its first request after a while.
struct Busy {
    inner: Gateway,
    ready: Option<Pin<Box<Sleep>>>,
}

impl Clone for Busy {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            ready: None,
        }
    }
}

impl Service<Request<Bytes>> for Busy {
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = <Gateway as Service<Request<Bytes>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let sleep = || Box::pin(tokio::time::sleep(5 * SECOND));
        self.ready
            .get_or_insert_with(sleep)
            .as_mut()
            .poll(cx)
            .map(Ok)
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        self.inner.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_closes_while_the_http_service_is_busy_holds_the_call_back() {
    let gate = Gate::default();
    let gateway = Gateway::replying([]);
    let busy = Busy {
        inner: gateway.clone(),
        ready: None,
    };
    let slow = Client::builder(merchant()).gate(gate.clone());
    let slow = slow.build_with(busy).unwrap();
    let (quick, _) = client(gate, [later(1, limited("20"))]);
    let query = query();
    let (held_back, limited) = tokio::join!(slow.call(&query), quick.call(&query));
    assert!(limited.is_err());
    assert_closed(&held_back.unwrap_err(), 16 * SECOND);
    assert_eq!(gateway.calls(), 0);
}
