//! What a notification costs a shop, next to the least that could be done with it.
//!
//! Ours verifies, matches with a ledger in memory, commits and acknowledges; the yardstick is a bare axum handler that reads
//! the same body, makes one bare RSA verification with the same backend and gives the same answer. Both serve over loopback
//! and take turns within one run; the median of the turns' ratios counts. The load, a few connections that write the same bytes again and
//! again, runs on the same cores. `cargo bench -p ucanpay-axum`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, Response};
use axum::routing::post;
use base64::{Engine, engine::general_purpose::STANDARD};
use figures::Turns;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceExt, service_fn};
use ucanpay_axum::UcanpayLayer;
use ucanpay_core::{
    Amount, Currency, Fields, Merchant, MerchantId, PrivateKey, PublicKey, SignatureScheme,
    canonical_string,
};
use ucanpay_storefront::{
    MemoryStore, PaymentRegistry, Payments, Reference, StartPayment, UcanpayProvider,
    UcanpaySettings,
};
use ucanpay_transport::{Client, ConnectError};

const KEYS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/fixtures/keys/keys.json"
));
const SCHEME: SignatureScheme = SignatureScheme::DOCUMENTED;
/// Many and short, so that what else the machine does falls on both sides alike.
const ROUNDS: usize = 61;
const SLICE: Duration = Duration::from_millis(120);
const ANSWER: &str = r#"{"return_code":"SUCCESS","return_msg":"OK"}"#;
const DATA: &str = r#"{"merchantId":"2000000010","deviceNo":"web","nonceStr":"5K8264ILTKCH16CQ25S","currency":"CAD","sceneType":"NATIVE","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"BENCH0001","tradeStatus":"SUCCESS","signType":"RSA","body":"coffee","timeEnd":"2026-03-01T12:00:04""#;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(compare());
}

async fn compare() {
    let platform = private_key("platform-2048");
    let fields = format!("{DATA}}}");
    let canonical = canonical_string(&Fields::parse(fields.as_bytes()).unwrap()).unwrap();
    let message = SCHEME.message(&canonical, None).to_vec();
    let signature = platform.signer().sign(SCHEME.digest, &message).unwrap();
    let sign = STANDARD.encode(&signature);
    let body = format!(
        r#"{{"code":0,"msg":"SUCCESS","data":{DATA},"sign":"{sign}"}},"timestamp":"2026-03-01T12:00:05Z"}}"#
    );

    let ours = ours().await;
    let bare = bare(platform.public_key(), message, signature);
    without_sockets(&ours, &bare, &body).await;
    let (ours, bare) = (serve(ours).await, serve(bare).await);
    for connections in [1, 16] {
        let mut turns = Turns::default();
        for round in 0..ROUNDS {
            let (ours, bare) = if round % 2 == 0 {
                let ours = load(ours, connections, &body).await;
                (ours, load(bare, connections, &body).await)
            } else {
                let bare = load(bare, connections, &body).await;
                (load(ours, connections, &body).await, bare)
            };
            turns.add(ours, bare);
        }
        let what = format!("notifications over loopback, {connections} connections");
        turns.report(&format!("router {connections}"), &what, "/s");
    }
}

/// What each router takes for one request, without HTTP and connections: the least of many rounds, so that it hardly
/// matters what else the machine does.
async fn without_sockets(ours: &Router, bare: &Router, body: &str) {
    const REQUESTS: u32 = 50;
    let mut least = [f64::INFINITY; 2];
    for _ in 0..200 {
        for (router, least) in [ours, bare].into_iter().zip(&mut least) {
            let started = Instant::now();
            for _ in 0..REQUESTS {
                let request = Request::post("/ucanpay/payment");
                let request = request.body(Body::from(body.to_owned())).unwrap();
                let answer = router.clone().oneshot(request).await.unwrap();
                assert_eq!(answer.status(), 200);
            }
            *least = least.min(started.elapsed().as_secs_f64() / f64::from(REQUESTS));
        }
    }
    let [ours, bare] = least.map(|seconds| seconds * 1e6);
    println!("a notification in the router alone: ours {ours:.1} µs, bare {bare:.1} µs");
}

/// The layer over a ledger that knows the payment.
async fn ours() -> Router {
    let unreachable = service_fn(async |_: Request<Bytes>| {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        Err::<Response<Bytes>, _>(ConnectError::new(refused))
    });
    let client = Client::with_service(merchant(), unreachable);
    let settings = UcanpaySettings::new("https://shop.example").unwrap();
    let registry = PaymentRegistry::builder()
        .register(UcanpayProvider::new(client, settings))
        .build()
        .unwrap();
    let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    let started = payments.start(StartPayment {
        provider: None,
        reference: Reference::new("BENCH0001").unwrap(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "coffee".into(),
        expires_after: None,
    });
    started.await.unwrap();
    Router::new().layer(UcanpayLayer::payments(payments))
}

/// The least: the body read, one verification, the same answer.
fn bare(key: &PublicKey, message: Vec<u8>, signature: Vec<u8>) -> Router {
    let verifier = key.verifier();
    let known: Arc<(Vec<u8>, Vec<u8>)> = Arc::new((message, signature));
    let handler = move |body: Bytes| {
        let (verifier, known) = (Arc::clone(&verifier), Arc::clone(&known));
        async move {
            assert!(!body.is_empty());
            let (message, signature) = &*known;
            assert!(verifier.verify(SCHEME.digest, message, signature));
            ([(CONTENT_TYPE, "application/json")], ANSWER)
        }
    };
    Router::new().route("/ucanpay/payment", post(handler))
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// Requests a second over so many connections, each answered with SUCCESS.
async fn load(address: SocketAddr, connections: usize, body: &str) -> f64 {
    let request = format!(
        "POST /ucanpay/payment HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let started = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut answered = 0_u32;
                while started.elapsed() < SLICE {
                    stream.write_all(request.as_bytes()).await.unwrap();
                    let answer = answer(&mut stream).await;
                    assert!(answer.ends_with(ANSWER), "{answer}");
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    let mut answered = 0;
    for task in tasks {
        answered += task.await.unwrap();
    }
    f64::from(answered) / started.elapsed().as_secs_f64()
}

/// One answer: its head, and as much of a body as that announces.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            let (_, length) = head.split_once("content-length: ").unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if body.len() == length {
                return text.into_owned();
            }
        }
    }
}

fn merchant() -> Merchant {
    Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        private_key("merchant-2048"),
        [private_key("platform-2048").public_key().clone()],
    )
    .unwrap()
}

fn private_key(name: &str) -> PrivateKey {
    let keys: Value = serde_json::from_str(KEYS).unwrap();
    PrivateKey::from_bytes(keys[name]["pkcs8"].as_str().unwrap().as_bytes()).unwrap()
}
