//! What comes over the wire, through the layer and through the ready routes: every vector over HTTP/1.1 and HTTP/2, and
//! requests that are not as they should be.

use crate::ledger::{ledger, vector_payment};
use crate::vectors::*;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::Listener;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use ucanpay_axum::{MAX_NOTIFICATION_BYTES, UcanpayLayer, payments_router};
use ucanpay_storefront::{PaymentKey, PaymentState, Payments};

const PATH: &str = "/ucanpay/payment";

/// One way to take notifications in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Layer,
    LayerWith200,
    Routes,
    RoutesWith200,
}

impl Door {
    const ALL: [Self; 4] = [
        Self::Layer,
        Self::LayerWith200,
        Self::Routes,
        Self::RoutesWith200,
    ];

    fn app(self, payments: &Payments) -> Router {
        let shop = Router::new()
            .route("/", get(async || "shop"))
            .fallback(async || (StatusCode::NOT_FOUND, "the shop's own"));
        let layer = || UcanpayLayer::payments(payments.clone());
        let routes = || payments_router(payments);
        match self {
            Self::Layer => shop.layer(layer()),
            Self::LayerWith200 => shop.layer(layer().fail_with_200()),
            Self::Routes => shop.nest("/ucanpay", routes()),
            Self::RoutesWith200 => shop
                .nest("/ucanpay", routes())
                .layer(layer().fail_with_200()),
        }
    }

    /// The status of FAIL through this door, where its cause has `status`.
    fn status(self, status: u16) -> u16 {
        match self {
            Self::Layer | Self::Routes => status,
            Self::LayerWith200 | Self::RoutesWith200 => 200,
        }
    }
}

/// A shop that serves, and waits for the payment of the vectors.
struct Served {
    payments: Payments,
    key: PaymentKey,
    address: SocketAddr,
}

impl Served {
    async fn through(door: Door) -> Self {
        let payments = ledger();
        let started = payments.start(vector_payment()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = door.app(&payments);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            key: started.payment.key,
            payments,
            address,
        }
    }

    async fn state(&self) -> PaymentState {
        let view = self.payments.payment(&self.key).await.unwrap().unwrap();
        assert!(!view.needs_review());
        view.payment.state
    }

    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may answer, and hang up, before it has read all.
        let _ = stream.write_all(bytes).await;
        stream
    }

    /// A new connection, these bytes, and all that is answered.
    async fn exchange(&self, bytes: &[u8]) -> String {
        rest_of(&mut self.send(bytes).await).await
    }

    async fn assert_takes_a_genuine_one(&self) {
        let genuine = case("genuine").body;
        let answer = self.exchange(&whole("", genuine.as_bytes())).await;
        assert_taken(&answer);
        assert_eq!(self.state().await, PaymentState::Paid);
    }
}

/// All that is answered until the connection ends; nothing, if it is reset.
async fn rest_of(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(60), read).await;
    let _ = read.expect("the server ends the connection");
    String::from_utf8(answer).unwrap()
}

fn assert_taken(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""return_code":"SUCCESS""#), "{answer}");
}

fn assert_refused(answer: &str, status: u16, what: &str) {
    let head = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&head), "{what}: {answer}");
    assert!(
        answer.contains(r#"{"return_code":"FAIL","#),
        "{what}: {answer}"
    );
}

/// A request of the one connection, with these further header lines.
fn head(method: &str, lines: &str) -> Vec<u8> {
    format!("{method} {PATH} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{lines}\r\n")
        .into_bytes()
}

fn whole(lines: &str, body: &[u8]) -> Vec<u8> {
    let lines = format!("{lines}content-length: {}\r\n", body.len());
    [&head("POST", &lines), body].concat()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    [&begun_in_chunks(body), &b"0\r\n\r\n"[..]].concat()
}

/// In chunks of a hundred bytes, of which the last has not come.
fn begun_in_chunks(body: &[u8]) -> Vec<u8> {
    let mut bytes = head("POST", "transfer-encoding: chunked\r\n");
    for chunk in body.chunks(100) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend([chunk, b"\r\n"].concat());
    }
    bytes
}

/// A gzip file that holds `body`, stored as it is.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for &byte in body {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    let length = u16::try_from(body.len()).unwrap();
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(body);
    file.extend((!crc).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

#[tokio::test]
async fn every_vector_over_http_is_answered_as_it_deserves_and_the_refused_change_nothing() {
    for door in Door::ALL {
        for http2 in [false, true] {
            let served = Served::through(door).await;
            let client = reqwest::Client::builder().no_proxy();
            let client = if http2 {
                client.http2_prior_knowledge()
            } else {
                client.http1_only()
            };
            let client = client.build().unwrap();
            let url = format!("http://{}{PATH}", served.address);
            let answer = async |case: Case| {
                let request = client.post(&url).body(case.body);
                let response = request.send().await.unwrap();
                let what = format!("{door:?}, {:?}: {}", response.version(), case.name);
                let second = response.version() == axum::http::Version::HTTP_2;
                assert_eq!(second, http2, "{what}");
                let status = response.status().as_u16();
                (status, response.text().await.unwrap(), what)
            };
            let (accepted, refused): (Vec<_>, Vec<_>) =
                cases().into_iter().partition(|case| case.accepted);
            for case in refused {
                let (status, body, what) = answer(case).await;
                assert_eq!(status, door.status(401), "{what}");
                assert!(body.starts_with(r#"{"return_code":"FAIL","#), "{what}");
            }
            assert_ne!(served.state().await, PaymentState::Paid, "{door:?}");
            for case in accepted {
                let (status, body, what) = answer(case).await;
                assert_eq!(status, 200, "{what}");
                assert!(body.starts_with(r#"{"return_code":"SUCCESS","#), "{what}");
            }
            let view = served.payments.payment(&served.key).await.unwrap();
            assert_eq!(view.unwrap().payment.state, PaymentState::Paid);
        }
    }
}

#[tokio::test]
async fn neither_content_type_nor_chunks_matter() {
    let genuine = case("genuine").body.into_bytes();
    for door in Door::ALL {
        for request in [
            whole("", &genuine),
            whole("content-type: text/plain\r\n", &genuine),
            whole(
                "content-type: multipart/form-data; boundary=x\r\n",
                &genuine,
            ),
            whole("content-type: image/png\r\n", &genuine),
            chunked(&genuine),
        ] {
            let served = Served::through(door).await;
            assert_taken(&served.exchange(&request).await);
            assert_eq!(served.state().await, PaymentState::Paid);
        }
    }
}

#[tokio::test]
async fn what_is_no_plain_whole_message_is_fail_and_a_later_genuine_one_is_taken() {
    let genuine = case("genuine").body.into_bytes();
    // Too long by the last byte that is sent: nothing is left unread, so the answer is not lost in a reset.
    let announced = head("POST", &format!("content-length: {}\r\n", 65 * 1024));
    let mut long = genuine.clone();
    long.resize(MAX_NOTIFICATION_BYTES + 1, b' ');
    for door in Door::ALL {
        let served = Served::through(door).await;
        for (what, request, status) in [
            ("no body", head("POST", ""), 401),
            (
                "compressed",
                whole("content-encoding: gzip\r\n", &gzip(&genuine)),
                401,
            ),
            ("65 KiB announced", announced.clone(), 413),
            ("a byte too long", begun_in_chunks(&long), 413),
        ] {
            let answer = served.exchange(&request).await;
            let what = format!("{door:?}: {what}");
            assert_refused(&answer, door.status(status), &what);
            assert_ne!(served.state().await, PaymentState::Paid, "{what}");
        }
        served.assert_takes_a_genuine_one().await;
    }
}

#[tokio::test]
async fn half_a_body_is_fail_to_who_still_listens_and_changes_nothing() {
    let genuine = case("genuine").body.into_bytes();
    for door in Door::ALL {
        let served = Served::through(door).await;
        for request in [whole("", &genuine), chunked(&genuine)] {
            let half = &request[..request.len() - genuine.len() / 2];
            let mut half_closed = served.send(half).await;
            half_closed.shutdown().await.unwrap();
            let answer = rest_of(&mut half_closed).await;
            assert_refused(&answer, door.status(400), &format!("{door:?}"));
            drop(served.send(half).await);
            assert_ne!(served.state().await, PaymentState::Paid, "{door:?}");
        }
        served.assert_takes_a_genuine_one().await;
    }
}

#[tokio::test]
async fn other_methods_are_never_answered_as_notifications() {
    let genuine = case("genuine").body.into_bytes();
    for (door, status) in [(Door::Layer, 404), (Door::Routes, 405)] {
        let served = Served::through(door).await;
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let lines = format!("content-length: {}\r\n", genuine.len());
            let request = [head(method, &lines), genuine.clone()].concat();
            let answer = served.exchange(&request).await;
            let expected = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&expected), "{method}: {answer}");
            assert!(!answer.contains("return_code"), "{method}: {answer}");
            assert_ne!(served.state().await, PaymentState::Paid, "{method}");
        }
        served.assert_takes_a_genuine_one().await;
    }
}

/// Connections in memory, which take no file descriptors: many machines allow a process 1,024 of them.
struct InMemory(mpsc::Receiver<DuplexStream>);

impl Listener for InMemory {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn five_hundred_slow_connections_keep_nobody_waiting_and_are_answered_in_the_end() {
    let genuine = case("genuine").body.into_bytes();
    for door in [Door::Layer, Door::Routes] {
        let payments = ledger();
        let started = payments.start(vector_payment()).await.unwrap();
        let (connect, connections) = mpsc::channel(1);
        let app = door.app(&payments);
        let server =
            tokio::spawn(async move { axum::serve(InMemory(connections), app).await.unwrap() });
        let open = async |bytes: &[u8]| {
            let (mut ours, theirs) = tokio::io::duplex(4096);
            connect.send(theirs).await.unwrap();
            ours.write_all(bytes).await.unwrap();
            ours
        };

        let request = whole("", &genuine);
        let (early, late) = request.split_at(request.len() - genuine.len() / 2);
        let mut slow = Vec::new();
        for _ in 0..500 {
            slow.push(open(early).await);
        }
        assert_taken(&rest_of(&mut open(&request).await).await);
        let view = payments.payment(&started.payment.key).await.unwrap();
        assert_eq!(view.unwrap().payment.state, PaymentState::Paid);

        for stream in &mut slow {
            stream.write_all(late).await.unwrap();
            assert_taken(&rest_of(stream).await);
        }
        server.abort();
    }
}

#[tokio::test]
async fn limits_and_traces_stand_around_or_inside_the_layer() {
    use tower_http::{limit::RequestBodyLimitLayer, trace::TraceLayer};

    let key = |payments: &Payments| payments.key(vector_payment().reference);
    type Stack = fn(Router, UcanpayLayer) -> Router;
    let stacks: [(&str, Stack); 2] = [
        ("around", |shop, ours| {
            shop.layer(ours)
                .layer(RequestBodyLimitLayer::new(8 * 1024))
                .layer(TraceLayer::new_for_http())
        }),
        ("inside", |shop, ours| {
            // A limit inside is for the shop's own requests.
            shop.layer(RequestBodyLimitLayer::new(16))
                .layer(TraceLayer::new_for_http())
                .layer(ours)
        }),
    ];
    for (what, stack) in stacks {
        let payments = ledger();
        payments.start(vector_payment()).await.unwrap();
        let shop = Router::new().route("/", get(async || "shop"));
        let app = stack(shop, UcanpayLayer::payments(payments.clone()));
        let genuine = post(PATH, case("genuine").body);
        let answer = tower::ServiceExt::oneshot(app.clone(), genuine).await;
        assert_success(answer.unwrap(), what).await;
        let view = payments.payment(&key(&payments)).await.unwrap().unwrap();
        assert_eq!(view.payment.state, PaymentState::Paid, "{what}");

        // Too long for the limit around: refused by it, or by us if the length was not said.
        if what == "around" {
            let long = "x".repeat(9 * 1024);
            let said = axum::http::Request::post(PATH)
                .header("content-length", long.len())
                .body(Body::from(long.clone()))
                .unwrap();
            let answer = tower::ServiceExt::oneshot(app.clone(), said).await.unwrap();
            assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
            let answer = tower::ServiceExt::oneshot(app, post(PATH, long)).await;
            assert_fail(answer.unwrap(), StatusCode::BAD_REQUEST, what).await;
        }
    }
}
