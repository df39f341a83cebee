//! Clients that take their time, on purpose or not, over real connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum_shop::server::{self, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::shop::TestShop;

const LIMIT: Duration = Duration::from_secs(1);

/// What a buyer may have to wait while others are slow.
const SOON: Duration = Duration::from_secs(15);

/// The shop behind a listener, until it is told to stop.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

async fn serve(shop: &TestShop) -> Served {
    serve_for(shop, LIMIT).await
}

async fn serve_for(shop: &TestShop, limit: Duration) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let limits = Limits {
        head: limit,
        body: limit,
        answer: limit,
    };
    let app = shop.app.clone();
    let running = tokio::spawn(server::serve(listener, app, limits, async {
        let _ = stopped.await;
    }));
    Served {
        address,
        stop,
        running,
    }
}

impl Served {
    async fn send(&self, text: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(text.as_bytes()).await.unwrap();
        socket
    }

    /// The whole answer to a request that is sent at once.
    async fn ask(&self, request: &str) -> String {
        rest(self.send(request).await).await
    }
}

async fn rest(mut socket: TcpStream) -> String {
    let mut text = Vec::new();
    // A connection that was cut has said what it said.
    let read = socket.read_to_end(&mut text);
    let _ = tokio::time::timeout(SOON, read).await.expect("it ends");
    String::from_utf8_lossy(&text).into_owned()
}

const MENU: &str = "GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";

/// A form that promises more than it says.
const HALF_A_FORM: &str = "POST /cart/add HTTP/1.1\r\nhost: shop\r\n\
    content-type: application/x-www-form-urlencoded\r\ncontent-length: 500\r\n\r\ncsrf=";

const HALF_A_NOTIFICATION: &str =
    "POST /ucanpay/payment HTTP/1.1\r\nhost: shop\r\ncontent-length: 500\r\n\r\n{";

#[tokio::test]
async fn five_hundred_slow_connections_hinder_no_buyer() {
    let shop = TestShop::open().await;
    let served = serve(&shop).await;
    let mut slow = Vec::new();
    for n in 0..500 {
        let begun = [
            "GET / HTTP/1.1\r\nhost: sh",
            HALF_A_FORM,
            HALF_A_NOTIFICATION,
            "",
        ][n % 4];
        slow.push(served.send(begun).await);
    }
    let since = Instant::now();
    for _ in 0..10 {
        assert!(served.ask(MENU).await.contains("Maple Latte"));
    }
    let order = shop.paid_latte().await;
    let page = format!("GET /orders/{order} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
    assert!(served.ask(&page).await.contains("Paid, thank you!"));
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
    for (n, socket) in slow.into_iter().enumerate() {
        let text = rest(socket).await;
        assert!(!text.contains("200 OK"), "{n}: {text}");
    }
}

#[tokio::test]
async fn a_client_that_sends_a_byte_now_and_then_is_cut_off_all_the_same() {
    let shop = TestShop::open().await;
    let served = serve(&shop).await;
    for begun in ["GET / HTTP/1.1\r\nx: ", HALF_A_FORM, HALF_A_NOTIFICATION] {
        let since = Instant::now();
        let (mut read, mut write) = served.send(begun).await.into_split();
        let dripping = tokio::spawn(async move {
            while write.write_all(b"a").await.is_ok() {
                tokio::time::sleep(LIMIT / 10).await;
            }
        });
        let mut text = Vec::new();
        let ended = tokio::time::timeout(SOON, read.read_to_end(&mut text)).await;
        assert!(ended.is_ok(), "{begun}");
        assert!(since.elapsed() >= LIMIT, "{begun}");
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("200 OK"), "{text}");
        dripping.abort();
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answers_is_cut_off() {
    let shop = TestShop::open().await;
    let served = serve(&shop).await;
    let ask = "GET / HTTP/1.1\r\nhost: shop\r\n\r\n".repeat(100);
    let since = Instant::now();
    // One request after the other, and no look at what comes, until the buffers between are full.
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    let cut = async { while socket.write_all(ask.as_bytes()).await.is_ok() {} };
    let cut = tokio::time::timeout(SOON, cut).await;
    assert!(cut.is_ok(), "it is cut off");
    assert!(since.elapsed() >= LIMIT, "{:?}", since.elapsed());
    assert!(served.ask(MENU).await.contains("Maple Latte"));
}

#[tokio::test]
async fn what_was_begun_is_answered_before_the_server_stops() {
    let shop = TestShop::open().await;
    let served = serve_for(&shop, SOON).await;
    let form = "csrf=guess&sku=latte";
    let (head, length) = ("POST /cart/add HTTP/1.1\r\nhost: shop\r\n", form.len());
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let mut begun = served
        .send(&format!("{head}{kind}content-length: {length}\r\n\r\n"))
        .await;
    // Until the request is under way.
    tokio::time::sleep(LIMIT / 5).await;
    served.stop.send(()).unwrap();
    tokio::time::sleep(LIMIT / 5).await;
    assert!(
        TcpStream::connect(served.address).await.is_err(),
        "nothing new is taken"
    );
    begun.write_all(form.as_bytes()).await.unwrap();
    assert!(rest(begun).await.contains("403 Forbidden"));
    tokio::time::timeout(SOON, served.running)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_connection_that_asks_nothing_does_not_keep_the_server_from_stopping() {
    let shop = TestShop::open().await;
    let served = serve_for(&shop, Duration::from_secs(60)).await;
    // A browser opens some in advance, and keeps those it has used.
    let silent = served.send("").await;
    let mut used = served
        .send("GET /api/catalogue HTTP/1.1\r\nhost: shop\r\n\r\n")
        .await;
    let mut first = [0];
    used.read_exact(&mut first).await.unwrap();
    tokio::time::sleep(LIMIT / 5).await;
    served.stop.send(()).unwrap();
    tokio::time::timeout(SOON, served.running)
        .await
        .unwrap()
        .unwrap();
    drop(silent);
}
