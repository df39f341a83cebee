//! Five hundred connections that say little and slowly, and genuine notifications that are answered in time all the same.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::gateway_apart::{Place, gateway_number};
use crate::processes::{Log, free_address, size, word};
use crate::signed::payment_notification;

const SLOW: usize = 500;

/// What the 99th of a hundred may take.
const IN_TIME: Duration = Duration::from_secs(2);

const BEGINNINGS: [&str; 4] = [
    "GET / HTTP/1.1\r\nhost: sh",
    "POST /ucanpay/payment HTTP/1.1\r\nhost: shop\r\ncontent-length: 500\r\n\r\n{",
    "POST /api/orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{",
    "",
];

/// A byte now and then; cut off, it comes again.
async fn dawdle(shop: SocketAddr, nth: usize) {
    loop {
        if let Ok(mut socket) = TcpStream::connect(shop).await {
            let mut text = BEGINNINGS[nth % BEGINNINGS.len()].as_bytes();
            while socket.write_all(text).await.is_ok() {
                text = b"a";
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_are_answered_in_time_while_five_hundred_connections_dawdle() {
    let notifications = size("SLOW_NOTIFICATIONS", 100);
    let place = Place::new().with_log(Log::Off);
    let (_gateway, _) = place.start_gateway().await;
    let address = free_address();
    let ledger = format!("sqlite://{}", place.file("ledger.sqlite").display());
    let (_shop, shop) = place.start_shop_on(address, &ledger, address).await;
    let order = shop.order().await;
    let mut dawdling = JoinSet::new();
    for nth in 0..SLOW {
        dawdling.spawn(dawdle(address, nth));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut took = Vec::new();
    for n in 0..notifications {
        // Each is another message about the same payment.
        let note = payment_notification(&json!({
            "outTradeNo": word(&order), "ucpOrderNo": gateway_number(&order), "totalAmt": order["amount"],
            "nonceStr": format!("nonce{n}"),
        }));
        let since = Instant::now();
        let (status, reply) = shop.notify(note).await;
        took.push(since.elapsed());
        assert_eq!(
            (status, &reply["return_code"]),
            (StatusCode::OK, &json!("SUCCESS"))
        );
    }
    took.sort_unstable();
    let nth = |percent: usize| took[(took.len() * percent).div_ceil(100).max(1) - 1];
    println!(
        "proved: slow-connections connections={SLOW} notifications={notifications} p50_ms={} p99_ms={}",
        nth(50).as_millis(),
        nth(99).as_millis()
    );
    assert!(nth(99) < IN_TIME, "{:?}", nth(99));
}
