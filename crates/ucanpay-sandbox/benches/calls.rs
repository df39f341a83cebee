//! What a unified order costs the sandbox, next to the two RSA operations that it cannot do without: the merchant's signature
//! verified, its own made. `cargo bench -p ucanpay-sandbox --bench calls` ends with an error below 0.7.
//!
//! Compared is processor time, as the kernel counts it for each thread (`schedstat`), so that neither the load, which runs on
//! the same cores, nor other programs count. Once in this process, through `Sandbox::router`, without sockets; once for a
//! sandbox of its own process over loopback, with HTTP, its log and all that the kernel does for its sockets. The bound holds
//! for both. They take turns with the bare operations, and the medians of the ratios count.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

mod gateway;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use figures::Turns;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;
use ucanpay_core::{Digest, Signer, Verifier};

use crate::gateway::{merchant, order, platform_key, sandbox};

const ASKED_FOR: f64 = 0.7;
const ROUNDS: usize = 15;
const ORDERS: usize = 300;
const CONNECTIONS: usize = 16;
/// The sandbox's own process is started with it.
const SERVE: &str = "serve-for-the-benchmark";

fn main() {
    if std::env::args().any(|argument| argument == SERVE) {
        return serve();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if figures::cpu_of(std::process::id()).is_none() {
        figures::not_measured("sandbox orders", "the kernel does not tell processor time");
        return;
    }
    let in_process = runtime.block_on(in_process());
    let over_loopback = runtime.block_on(over_loopback());
    for turns in [in_process, over_loopback] {
        let ratio = turns.ratio().median;
        assert!(ratio >= ASKED_FOR, "{ratio:.2} is below {ASKED_FOR}");
    }
}

/// The processor time of a process so far, in seconds.
fn cpu_of(process: u32) -> f64 {
    figures::cpu_of(process).expect("the kernel told at the start")
}

/// Orders a second of one processor.
fn rate(seconds: f64) -> f64 {
    ORDERS as f64 / seconds
}

/// Orders put to the router, one after another on this thread.
async fn in_process() -> Turns {
    let router = sandbox().await.router();
    let rsa = Rsa::new();
    let mut turns = Turns::default();
    for round in 0..ROUNDS {
        let bodies = bodies('R', round);
        let bare = rsa.pairs();
        let begun = cpu_of(std::process::id());
        for body in bodies {
            place(router.clone(), body).await;
        }
        turns.add(rate(cpu_of(std::process::id()) - begun), rate(bare));
    }
    turns.report(
        "sandbox router",
        "unified orders through Sandbox::router, by processor time",
        "/s",
    );
    turns
}

async fn place(router: Router, body: Vec<u8>) {
    let request = Request::post("/payment/unifiedorder");
    let answer = router.oneshot(request.body(Body::from(body)).unwrap());
    let answer = to_bytes(answer.await.unwrap().into_body(), usize::MAX).await;
    assert!(answer.unwrap().starts_with(br#"{"code":0"#));
}

/// Orders sent to a sandbox in a process of its own, whose processor time is looked at from here.
async fn over_loopback() -> Turns {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    let address: SocketAddr = address.trim().parse().unwrap();

    let rsa = Rsa::new();
    let mut turns = Turns::default();
    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        let requests = bodies('L', round)
            .iter()
            .map(|body| http(address, body))
            .collect();
        let bare = rsa.pairs();
        let (begun, started) = (cpu_of(child.id()), Instant::now());
        load(address, requests).await;
        rates.push(ORDERS as f64 / started.elapsed().as_secs_f64());
        turns.add(rate(cpu_of(child.id()) - begun), rate(bare));
    }
    // It ends when its standard input does.
    drop(child.stdin.take());
    child.wait().unwrap();
    turns.report(
        "sandbox orders",
        "unified orders over loopback, 16 connections, by processor time",
        "/s",
    );
    println!(
        "  {:.0} orders a second with the load on the same cores",
        figures::median(&rates)
    );
    turns
}

/// All the requests, over as many connections as there are.
async fn load(address: SocketAddr, requests: Vec<Vec<u8>>) {
    let requests = Arc::new(Mutex::new(requests));
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                loop {
                    let Some(request) = requests.lock().unwrap().pop() else {
                        return;
                    };
                    stream.write_all(&request).await.unwrap();
                    answered(&mut stream).await;
                }
            })
        })
        .collect();
    for connection in connections {
        connection.await.unwrap();
    }
}

/// Reads one answer, of an order that was placed.
async fn answered(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    loop {
        assert_ne!(
            stream.read_buf(&mut bytes).await.unwrap(),
            0,
            "the connection ended"
        );
        let text = std::str::from_utf8(&bytes).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let (_, length) = head.split_once("content-length: ").unwrap();
        if body.len() == length.lines().next().unwrap().parse::<usize>().unwrap() {
            assert!(body.starts_with(r#"{"code":0"#), "{text}");
            return;
        }
    }
}

fn http(address: SocketAddr, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST /payment/unifiedorder HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// The sandbox in a process of its own, until its standard input ends; it logs as the program does.
fn serve() {
    ucanpay_sandbox::command::log_to_stderr();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let sandbox = sandbox().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let read = || std::io::stdin().read_to_end(&mut Vec::new());
        let ended = async move {
            tokio::task::spawn_blocking(read).await.unwrap().unwrap();
        };
        sandbox.serve(listener, ended).await.unwrap();
    });
}

/// The signed requests of a round, each another order.
fn bodies(kind: char, round: usize) -> Vec<Vec<u8>> {
    let merchant = merchant();
    (0..ORDERS)
        .map(|index| order(&merchant, &format!("{kind}{round}N{index}")))
        .collect()
}

/// What an order cannot do without, on texts as long as its own.
struct Rsa {
    merchant: Arc<dyn Verifier>,
    platform: Arc<dyn Signer>,
    signature: Vec<u8>,
}

impl Rsa {
    fn new() -> Self {
        let key = gateway::private_key("merchant-2048");
        let signature = key.signer().sign(Digest::Sha256, &[7; 32]).unwrap();
        let (merchant, platform) = (key.public_key().verifier(), platform_key().signer());
        Self {
            merchant,
            platform,
            signature,
        }
    }

    /// The processor time of as many as there are orders in a round.
    fn pairs(&self) -> f64 {
        let begun = cpu_of(std::process::id());
        for _ in 0..ORDERS {
            assert!(
                self.merchant
                    .verify(Digest::Sha256, &[7; 32], &self.signature)
            );
            self.platform.sign(Digest::Sha256, &[8; 32]).unwrap();
        }
        cpu_of(std::process::id()) - begun
    }
}
