//! The steady rate: attempts queue, first come first served.

use crate::scripted::*;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use ucanpay_core::{OrderQuery, OutTradeNo};
use ucanpay_transport::{Client, Error, Gate, HeldBack, RateLimit, WhenClosed};

const SECOND: Duration = Duration::from_secs(1);

fn client(limit: RateLimit, replies: impl IntoIterator<Item = Reply>) -> (Client, Gateway) {
    let gateway = Gateway::replying(replies);
    let client = Client::builder(merchant()).gate(Gate::builder().rate_limit(limit).build());
    (client.build_with(gateway.clone()).unwrap(), gateway)
}

/// Starts a call about the order `number`, and lets it come as far as it can.
async fn start(client: &Client, number: u32) -> JoinHandle<Result<(), Error>> {
    let client = client.clone();
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new(format!("N{number}")).unwrap(),
        ucp_order_no: None,
    };
    let call = tokio::spawn(async move { client.call(&query).await.map(drop) });
    tokio::task::yield_now().await;
    call
}

fn assert_times(gateway: &Gateway, since: Instant, expected: &[f64]) {
    let times = gateway.seconds_since(since);
    assert_eq!(times.len(), expected.len(), "{times:?}");
    for (time, expected) in times.iter().zip(expected) {
        assert!((time - expected).abs() < 0.01, "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_leave_evenly_spaced_in_the_order_they_came() {
    let (client, gateway) = client(RateLimit::new(2, SECOND), (0..5).map(|_| paid()));
    let since = Instant::now();
    let mut calls = Vec::new();
    for number in 0..5 {
        calls.push(start(&client, number).await);
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_times(&gateway, since, &[0.0, 0.5, 1.0, 1.5, 2.0]);
    for (number, request) in gateway.requests().iter().enumerate() {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        assert!(body.contains(&format!("\"N{number}\"")), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_quiet_time_a_burst_leaves_at_once_and_the_rate_stays_the_same() {
    let limit = RateLimit::new(1, SECOND).with_burst(3);
    let (client, gateway) = client(limit, (0..6).map(|_| paid()));
    let since = Instant::now();
    let mut calls = Vec::new();
    for number in 0..6 {
        calls.push(start(&client, number).await);
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_times(&gateway, since, &[0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_takes_its_turn_like_any_other_attempt() {
    let limit = RateLimit::new(1, 3 * SECOND);
    let (client, gateway) = client(limit, [reset(), paid()]);
    let since = Instant::now();
    client.call(&query()).await.unwrap();
    assert_times(&gateway, since, &[0.0, 3.0]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_gives_its_place_to_the_next() {
    // Whoever is dropped, at the front or behind it.
    for dropped in [1, 2] {
        let limit = RateLimit::new(1, SECOND);
        let (client, gateway) = client(limit, (0..3).map(|_| paid()));
        let since = Instant::now();
        let mut calls = Vec::new();
        for number in 0..4 {
            calls.push(start(&client, number).await);
        }
        calls.remove(dropped).abort();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_times(&gateway, since, &[0.0, 1.0, 2.0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_would_come_too_late_fails_the_call_at_once() {
    let limit = RateLimit::new(1, 5 * SECOND);
    let (client, gateway) = client(limit, (0..3).map(|_| paid()));
    let since = Instant::now();
    let mut calls = Vec::new();
    for number in 0..3 {
        calls.push(start(&client, number).await);
    }
    // Its turn would come after 15 s: of the 25 s that it may take, 10 are kept for the answer.
    let error = client.call(&query()).await.unwrap_err();
    assert_eq!(since.elapsed(), Duration::ZERO);
    assert!(
        matches!(error.held_back(), Some(HeldBack::Crowded { .. })),
        "{error:?}"
    );
    assert_eq!(error.retry_after(), Some(15 * SECOND));
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_times(&gateway, since, &[0.0, 5.0, 10.0]);
}

#[tokio::test(start_paused = true)]
async fn a_late_retry_that_has_nothing_to_wait_for_leaves() {
    let replies = [later(9, reset()), later(9, reset()), paid(), paid()];
    let (client, gateway) = client(RateLimit::new(1, SECOND), replies);
    let (late, query) = (start(&client, 1).await, query());
    // Another one leaves when the first would have been too late to wait.
    tokio::time::sleep(16 * SECOND).await;
    client.call(&query).await.unwrap();
    late.await.unwrap().unwrap();
    assert_eq!(gateway.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn when_the_gate_closes_those_who_queue_learn_it_at_once() {
    let replies = [later(1, limited("30"))];
    let (client, gateway) = client(RateLimit::new(1, 5 * SECOND), replies);
    let since = Instant::now();
    let mut calls = Vec::new();
    for number in 0..4 {
        calls.push(start(&client, number).await);
    }
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
    assert_eq!(gateway.calls(), 1);
    // The one at the front had looked before it waited for its turn.
    assert_eq!(since.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_block_leave_one_by_one() {
    let replies = [limited("5")]
        .into_iter()
        .chain((0..4).map(|_| paid()))
        .collect::<Vec<_>>();
    let gateway = Gateway::replying(replies);
    let gate = Gate::builder()
        .rate_limit(RateLimit::new(1, SECOND))
        .when_closed(WhenClosed::Wait);
    let client = Client::builder(merchant()).gate(gate.build());
    let client = client.build_with(gateway.clone()).unwrap();
    let since = Instant::now();
    client.call(&query()).await.unwrap_err();
    let mut calls = Vec::new();
    for number in 0..4 {
        calls.push(start(&client, number).await);
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let times = gateway.seconds_since(since);
    assert!(times[1] >= 5.0, "{times:?}");
    for pair in times[1..].windows(2) {
        assert!(pair[1] - pair[0] > 0.99, "{times:?}");
    }
}
