//! A call that is dropped, at whichever await: the gate, the queue and the budget of retries serve the others as before.

use crate::scripted::*;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use tower::service_fn;
use ucanpay_core::{OrderQuery, OutTradeNo};
use ucanpay_transport::{BoxError, Client, Gate, GateState, RateLimit, RetryPolicy, WhenClosed};

const SECOND: Duration = Duration::from_secs(1);

/// A database that takes its time.
#[derive(Debug, Default)]
struct Row(Mutex<Option<SystemTime>>);

#[async_trait]
impl GateState for Row {
    async fn blocked_until(&self) -> Result<Option<SystemTime>, BoxError> {
        tokio::time::sleep(SECOND / 20).await;
        Ok(*self.0.lock().unwrap())
    }

    async fn block(&self, until: SystemTime) -> Result<(), BoxError> {
        tokio::time::sleep(SECOND / 20).await;
        let mut row = self.0.lock().unwrap();
        *row = (*row).max(Some(until));
        Ok(())
    }
}

/// When each order's attempts arrived.
type Arrivals = Arc<Mutex<Vec<(String, Instant)>>>;

/// Resets the first attempt of each call; then tells the order `DROPPED` to come later, and answers the others.
async fn gateway(arrivals: Arrivals, request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let order = body["outTradeNo"].as_str().unwrap().to_owned();
    let seen = {
        let mut arrivals = arrivals.lock().unwrap();
        arrivals.push((order.clone(), Instant::now()));
        arrivals.iter().filter(|(seen, _)| *seen == order).count()
    };
    tokio::time::sleep(SECOND / 20).await;
    let reply = match seen {
        1 => reset(),
        _ if order == "DROPPED" => limited("2"),
        _ => paid(),
    };
    match reply {
        Reply::Answer(response) => Ok(response),
        Reply::Fail(error) => Err(error),
        _ => unreachable!("neither of the three hangs"),
    }
}

fn about(order: &str) -> OrderQuery {
    OrderQuery {
        out_trade_no: OutTradeNo::new(order).unwrap(),
        ucp_order_no: None,
    }
}

/// Drops a call after `polls` polls, and sees what becomes of three others. Returns whether the call was over before.
async fn dropped_after(polls: u32) -> bool {
    let arrivals = Arrivals::default();
    let service = {
        let arrivals = arrivals.clone();
        service_fn(move |request| gateway(arrivals.clone(), request))
    };
    let gate = Gate::builder()
        .state(Arc::new(Row::default()))
        .rate_limit(RateLimit::new(1, SECOND))
        .when_closed(WhenClosed::Wait);
    let client = Client::builder(merchant())
        .gate(gate.build())
        .retry(RetryPolicy::default().with_waits(SECOND / 10, SECOND / 10))
        .build_with(service)
        .unwrap();

    let over = {
        let query = about("DROPPED");
        let mut call = pin!(client.call(&query));
        let mut over = false;
        for _ in 0..polls {
            let polled = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
            over = polled.is_ready();
            if over {
                break;
            }
            tokio::time::advance(SECOND / 50).await;
        }
        over
    };

    let (arrived, start) = (arrivals.lock().unwrap().len(), Instant::now());
    let others = ["N1", "N2", "N3"].map(about);
    let (first, second, third) = tokio::join!(
        client.call(&others[0]),
        client.call(&others[1]),
        client.call(&others[2])
    );
    for result in [first, second, third] {
        result.unwrap_or_else(|error| panic!("after {polls} polls: {error:?}"));
    }
    // Six attempts, a second apart; before them, at most the block of two seconds and its spread of one.
    assert!(
        start.elapsed() < 10 * SECOND,
        "after {polls} polls: {:?}",
        start.elapsed()
    );
    let times = arrivals.lock().unwrap().clone();
    assert_eq!(times.len() - arrived, 6, "after {polls} polls: {times:?}");
    for pair in times.windows(2) {
        let apart = pair[1].1 - pair[0].1;
        assert!(apart > SECOND * 9 / 10, "after {polls} polls: {times:?}");
    }
    over
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_poll_leaves_gate_queue_and_budget_to_the_others() {
    let mut polls = 0;
    while !dropped_after(polls).await {
        polls += 1;
        assert!(polls < 1000, "the call never ends");
    }
    assert!(
        polls > 20,
        "the call was over after {polls} polls: too few awaits to prove much"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_while_others_run_hold_nobody_up() {
    let gateway = Gateway::replying((0..40).map(|_| paid()));
    let gate = Gate::builder().rate_limit(RateLimit::new(10, SECOND));
    let client = Client::builder(merchant()).gate(gate.build());
    let client = client.build_with(gateway.clone()).unwrap();
    let start = Instant::now();
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call(&query()).await.map(drop) })
        })
        .collect();
    tokio::task::yield_now().await;
    let mut answered = 0;
    for (number, call) in calls.into_iter().enumerate() {
        if number % 2 == 1 {
            call.abort();
        } else {
            call.await.unwrap().unwrap();
            answered += 1;
        }
    }
    assert_eq!(answered, 20);
    assert!(start.elapsed() < 4 * SECOND, "{:?}", start.elapsed());
}
