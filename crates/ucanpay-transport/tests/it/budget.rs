//! The budget of retries, which all clones of a client share.

use crate::scripted::*;
use std::time::Duration;
use ucanpay_transport::{Client, RetryPolicy};

fn client(policy: RetryPolicy, gateway: &Gateway) -> Client {
    let at_once = policy.with_waits(Duration::ZERO, Duration::ZERO);
    let client = Client::builder(merchant()).retry(at_once);
    client.build_with(gateway.clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_gateway_in_trouble_gets_ten_retries_and_not_threefold_the_calls() {
    let gateway = Gateway::replying((0..110).map(|_| reset()));
    let client = client(RetryPolicy::default(), &gateway);
    for _ in 0..100 {
        client.clone().call(&query()).await.unwrap_err();
    }
    assert_eq!(gateway.calls(), 110);
}

#[tokio::test(start_paused = true)]
async fn the_budget_comes_back_with_time() {
    let gateway = Gateway::replying((0..50).map(|_| reset()));
    let client = client(RetryPolicy::default(), &gateway);
    for _ in 0..20 {
        client.call(&query()).await.unwrap_err();
    }
    assert_eq!(gateway.calls(), 30);
    tokio::time::advance(Duration::from_secs(12)).await;
    for _ in 0..5 {
        client.call(&query()).await.unwrap_err();
    }
    assert_eq!(gateway.calls(), 30 + 5 + 10);
}

#[tokio::test(start_paused = true)]
async fn five_answers_earn_one_retry() {
    let replies = (0..10).map(|_| paid()).chain((0..9).map(|_| reset()));
    let gateway = Gateway::replying(replies);
    let client = client(RetryPolicy::default().with_budget(0, 20), &gateway);
    for _ in 0..10 {
        client.call(&query()).await.unwrap();
    }
    for _ in 0..7 {
        client.call(&query()).await.unwrap_err();
    }
    assert_eq!(gateway.calls(), 10 + 7 + 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_nothing_is_sent_again() {
    let gateway = Gateway::replying([reset()]);
    let client = client(RetryPolicy::default().with_budget(0, 0), &gateway);
    client.call(&query()).await.unwrap_err();
    assert_eq!(gateway.calls(), 1);
}
