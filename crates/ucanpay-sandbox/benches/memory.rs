//! 10,000 open orders, each with a notification pending that nobody takes: what one sandbox process holds. It ends with an
//! error at 150 MiB. `cargo bench -p ucanpay-sandbox --bench memory`.
//!
//! Every order is declined by its buyer, which leaves it open and is notified. Nobody listens at the notify address, so each
//! attempt fails and is recorded; the clock is driven through twenty-five intervals, six minutes of the real one, in each of which
//! every notification is tried again.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

mod gateway;

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use figures::Memory;
use tower::ServiceExt as _;

use crate::gateway::{merchant, order};

const ORDERS: usize = 10_000;
const INTERVALS: usize = 25;
const MEBIBYTES: u64 = 150;

#[tokio::main]
async fn main() {
    let sandbox = gateway::sandbox_with(|config| config.with_driven_clock(SystemTime::now())).await;
    let router = sandbox.router();
    let merchant = merchant();
    for index in 0..ORDERS {
        post(
            router.clone(),
            "/payment/unifiedorder",
            order(&merchant, &format!("N{index}")),
        )
        .await;
        post(
            router.clone(),
            &format!("/_sandbox/orders/N{index}/decline"),
            vec![],
        )
        .await;
    }
    let Some(pending) = Memory::now() else {
        figures::not_measured("sandbox memory", "there is no /proc here");
        return;
    };
    figures::report(
        "sandbox pending",
        "10,000 open orders with notifications pending",
        pending.mebibytes(),
        "MiB",
    );
    for _ in 0..INTERVALS {
        sandbox.advance(Duration::from_secs(15)).await.unwrap();
        // A merchant that answers, and takes nothing.
        let refuses = Router::new()
            .fallback(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "x".repeat(300)) });
        assert_eq!(sandbox.deliver_due_to(refuses).await.unwrap(), ORDERS);
    }
    let after = Memory::now().expect("there was one before");
    figures::report(
        "sandbox memory",
        "after twenty-five attempts at each notification, at the most",
        after.peak_mebibytes(),
        "MiB",
    );
    assert!(after.peak >> 10 < MEBIBYTES, "{} MiB", after.peak >> 10);
}

async fn post(router: Router, path: &str, body: Vec<u8>) {
    let request = Request::post(path).body(Body::from(body)).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}
