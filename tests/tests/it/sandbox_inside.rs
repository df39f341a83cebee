//! The shop as `cargo run -p axum-shop` starts it, with the gateway inside.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::ledger_file::times_paid;
use crate::processes::{ADMIN_TOKEN, Gateway, Process, Shop, free_address, paid, text, word};

const SOON: Duration = Duration::from_secs(20);

/// A place on disk and two addresses, kept over restarts.
struct Place {
    folder: TempDir,
    shop: std::net::SocketAddr,
    sandbox: std::net::SocketAddr,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            shop: free_address(),
            sandbox: free_address(),
        }
    }

    async fn start(&self) -> (Process, Shop, Gateway) {
        let process = Process::start(
            env!("CARGO_BIN_EXE_test-shop"),
            &[],
            &[
                ("LISTEN", &self.shop.to_string()),
                ("SANDBOX_LISTEN", &self.sandbox.to_string()),
                ("SHOP_DATA_DIR", text(self.folder.path())),
                ("SHOP_ADMIN_TOKEN", ADMIN_TOKEN),
            ],
        );
        let (shop, gateway) = (Shop::at(self.shop), Gateway::at(self.sandbox));
        shop.ready().await;
        gateway.ready().await;
        (process, shop, gateway)
    }

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("shop.sqlite")
    }
}

#[tokio::test]
async fn a_buyer_orders_pays_on_the_phone_and_gets_part_of_it_back() {
    let place = Place::new();
    let (process, shop, gateway) = place.start().await;
    let order = shop.order().await;
    assert_eq!(order["status"], "awaiting_payment");
    assert!(order["qr"].as_str().unwrap().contains("<svg"));

    gateway.approve_on_the_phone(&order).await;
    shop.until(&order, SOON, paid).await;

    let accepted = shop.refund(&order, 100).await;
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    shop.until(&order, SOON, |status| status["refunded"] == 100)
        .await;
    let status = shop.status(&order).await;
    assert_eq!(status["status"], "paid");
    assert_eq!(status["needs_review"], false);
    assert_eq!(status["refunds"][0]["status"], "succeeded");

    let deliveries = gateway.deliveries(&order).await;
    assert_eq!(deliveries.len(), 2, "one of the payment, one of the refund");
    process.kill();
    assert_eq!(times_paid(&place.ledger(), word(&order)).await, 1);
}

#[tokio::test]
async fn killed_between_the_gateways_success_and_the_notification_it_ends_paid_exactly_once() {
    let place = Place::new();
    let mut orders = Vec::new();
    let (mut process, mut shop, mut gateway) = place.start().await;
    for _ in 0..3 {
        let order = shop.order().await;
        // The gateway has the money; its notification is due in six seconds, and everything dies before.
        gateway.pay(&order, &json!({"notify_after": "6s"})).await;
        process.kill();
        (process, shop, gateway) = place.start().await;
        assert_eq!(shop.status(&order).await["status"], "awaiting_payment");
        shop.until(&order, Duration::from_secs(30), paid).await;
        orders.push(order);
    }
    process.kill();
    for order in &orders {
        assert_eq!(times_paid(&place.ledger(), word(order)).await, 1);
    }
}

#[tokio::test]
async fn a_restart_between_order_and_payment_loses_nothing() {
    let place = Place::new();
    let (process, shop, _) = place.start().await;
    let order = shop.order().await;
    process.kill();
    let (_process, shop, gateway) = place.start().await;
    gateway.approve_on_the_phone(&order).await;
    shop.until(&order, SOON, paid).await;
}

#[tokio::test]
async fn a_wrong_amount_under_the_gateways_own_signature_pays_nothing_and_is_flagged() {
    let place = Place::new();
    let (process, shop, gateway) = place.start().await;
    let order = shop.order().await;
    let amount = order["amount"].as_i64().unwrap();
    gateway.pay(&order, &json!({"amount": amount - 1})).await;
    shop.until(&order, SOON, |status| status["needs_review"] == true)
        .await;
    // Acknowledged, so it does not come again; and what the reconciler hears does not match either.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let status = shop.status(&order).await;
    assert_eq!(status["status"], "awaiting_payment");
    assert_eq!(
        shop.refund(&order, 100).await.status(),
        StatusCode::CONFLICT
    );
    process.kill();
    assert_eq!(times_paid(&place.ledger(), word(&order)).await, 0);
}

#[tokio::test]
#[ignore = "takes up to a minute of real time; `cargo xtask test` runs it"]
async fn with_every_notification_lost_and_no_page_open_it_is_paid_within_a_minute() {
    let place = Place::new();
    let (process, shop, gateway) = place.start().await;
    let order = shop.order().await;
    gateway.pay(&order, &json!({"notify": false})).await;
    let took = shop.until(&order, Duration::from_secs(60), paid).await;
    assert!(
        took > Duration::from_secs(5),
        "nobody told the shop: {took:?}"
    );
    process.kill();
    assert_eq!(times_paid(&place.ledger(), word(&order)).await, 1);
}
