//! 10,000 calls at once through the whole stack, answered in this process 200 ms after the last of them has come in: how much
//! memory they hold, and whether one is lost. It exits with an error if one is, or above 200 MiB.
//!
//! `cargo bench -p ucanpay-transport --bench memory`. The figure is the process's peak, keys and runtime included, as the
//! kernel counts it (`VmHWM`); where there is no `/proc`, it says so and checks the calls alone.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and a panic is its report"
)]

mod unsigned;

use figures::Memory;
use http::{Request, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use ucanpay_transport::Client;

const CALLS: usize = 10_000;
const MEBIBYTES: u64 = 200;

#[tokio::main]
async fn main() {
    let all_in = Arc::new(Barrier::new(CALLS));
    // An attempt is not to run out of time on a slow machine: what is measured is memory.
    let client = Client::builder(unsigned::merchant())
        .attempt_timeout(Duration::from_secs(60))
        .total_timeout(Duration::from_secs(120))
        .build_with(tower::service_fn(move |_: Request<bytes::Bytes>| {
            let all_in = Arc::clone(&all_in);
            async move {
                all_in.wait().await;
                tokio::time::sleep(Duration::from_millis(200)).await;
                Ok::<_, std::io::Error>(Response::new(unsigned::answer()))
            }
        }))
        .unwrap();
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let client = client.clone();
        calls.spawn(async move { client.call(&unsigned::query()).await });
    }
    let answered = calls
        .join_all()
        .await
        .into_iter()
        .filter(Result::is_ok)
        .count();
    println!(
        "{answered} of {CALLS} calls answered in {:?}",
        begun.elapsed()
    );
    assert_eq!(answered, CALLS, "calls were lost");
    let Some(memory) = Memory::now() else {
        figures::not_measured("transport memory", "there is no /proc/self/status here");
        return;
    };
    figures::report(
        "transport memory",
        "resident at the most",
        memory.peak_mebibytes(),
        "MiB",
    );
    assert!(memory.peak >> 10 < MEBIBYTES, "more than {MEBIBYTES} MiB");
}
