//! What the stack adds to an HTTP service.
//!
//! First the ratios. Both sides take turns within one run, so that a busy or a throttled machine slows both: a call without RSA over the bare in-process service, set against one bare 2048-bit signature of aws-lc
//! (the goal is 0.1 of it at most); a client's call against a bare reqwest POST over loopback, at 1 and at 16 callers.
//! Then criterion's own figures.
//!
//! `cargo bench -p ucanpay-transport --bench transport`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and a panic is its report"
)]

mod unsigned;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use axum::{Router, routing::post};
use bytes::Bytes;
use criterion::Criterion;
use figures::Turns;
use http::{Request, Response};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tower::ServiceExt;
use ucanpay_transport::{BoxError, Client, ReqwestService};

/// Turns that each side has, and calls in a turn.
const TURNS: usize = 60;
const CALLS: u32 = 200;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    in_process(&runtime);
    over_loopback(&runtime);
}

/// The gateway of both sides.
async fn serve(_request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
    Ok(Response::new(unsigned::answer()))
}

fn in_process(runtime: &Runtime) {
    let client = Client::with_service(unsigned::merchant(), tower::service_fn(serve));
    let query = unsigned::query();
    let stack = || async {
        black_box(client.call(&query).await.unwrap());
    };
    let bare = || async {
        let request = Request::post("https://api.ucanpay.ca/payment/orderquery");
        let request = request.body(Bytes::new()).unwrap();
        black_box(tower::service_fn(serve).oneshot(request).await.unwrap());
    };
    let key = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let sign = || {
        let mut signature = vec![0; key.public_modulus_len()];
        let random = SystemRandom::new();
        key.sign(
            &RSA_PKCS1_SHA256,
            &random,
            black_box(b"message"),
            &mut signature,
        )
        .unwrap();
        black_box(signature);
    };

    let mut turns = Turns::default();
    for _ in 0..TURNS {
        let added = turn(runtime, &stack).saturating_sub(turn(runtime, &bare));
        let begun = Instant::now();
        (0..10).for_each(|_| sign());
        turns.add(micros(added), micros(begun.elapsed() / 10));
    }
    turns.report("call", "what a call adds, beside a signature", "µs");

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("in process/stack", |bencher| {
        bencher.iter_custom(|times| timed(runtime, times, &stack));
    });
    criterion.bench_function("in process/bare service", |bencher| {
        bencher.iter_custom(|times| timed(runtime, times, &bare));
    });
    criterion.bench_function("aws-lc 2048-bit signature", |bencher| bencher.iter(sign));
}

fn over_loopback(runtime: &Runtime) {
    let url = runtime.block_on(async {
        let router = Router::new().route(
            "/payment/orderquery",
            post(|_body: Bytes| async { unsigned::answer() }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    });
    let client = Client::builder(unsigned::merchant())
        .base_url(&url)
        .build_with(ReqwestService::without_tls().unwrap())
        .unwrap();
    let reqwest = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let target = format!("{url}/payment/orderquery");
    let body = client
        .merchant()
        .sign(&unsigned::query(), ucanpay_core::Nonce::random());
    let body = Bytes::copy_from_slice(body.unwrap().body());

    for callers in [1, 16] {
        let stack = || {
            at_once(callers, || {
                let client = client.clone();
                async move {
                    black_box(client.call(&unsigned::query()).await.unwrap());
                }
            })
        };
        let bare = || {
            at_once(callers, || {
                let request = reqwest.post(&target).body(body.clone());
                async move {
                    black_box(request.send().await.unwrap().bytes().await.unwrap());
                }
            })
        };
        let mut turns = Turns::default();
        for _ in 0..TURNS {
            let ours = timed(runtime, 20, &stack) / 20;
            turns.add(micros(ours), micros(timed(runtime, 20, &bare) / 20));
        }
        let row = format!("loopback {callers}");
        let what = format!("over loopback, {callers} callers, beside a bare reqwest POST");
        turns.report(&row, &what, "µs");
    }
}

/// As many calls at once, until all have ended.
async fn at_once<F: Future<Output = ()> + Send + 'static>(callers: usize, call: impl Fn() -> F) {
    let mut calls = JoinSet::new();
    for _ in 0..callers {
        calls.spawn(call());
    }
    calls.join_all().await;
}

/// The time of one call, on average of a turn.
fn turn<F: Future>(runtime: &Runtime, call: &impl Fn() -> F) -> Duration {
    timed(runtime, CALLS.into(), call) / CALLS
}

fn timed<F: Future>(runtime: &Runtime, times: u64, call: &impl Fn() -> F) -> Duration {
    runtime.block_on(async {
        let begun = Instant::now();
        for _ in 0..times {
            call().await;
        }
        begun.elapsed()
    })
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
