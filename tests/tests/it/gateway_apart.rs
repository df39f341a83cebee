//! The shop with its settings given, and the gateway in a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ledger_file::{count, times_paid};
use crate::processes::{
    ADMIN_TOKEN, Gateway, Log, MERCHANT, Process, Shop, free_address, paid, text, word,
};
use crate::signed::payment_notification;

const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Place {
    folder: TempDir,
    shop: SocketAddr,
    sandbox: SocketAddr,
    log: Log,
}

pub(crate) fn key(file: &str) -> String {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/keys");
    text(&keys.join(file)).to_owned()
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            shop: free_address(),
            sandbox: free_address(),
            log: Log::Warnings,
        }
    }

    /// Where the programs say this of themselves.
    pub(crate) fn with_log(self, log: Log) -> Self {
        Self { log, ..self }
    }

    /// A file of this place's.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn start_gateway(&self) -> (Process, Gateway) {
        let process = Process::start_with(
            &self.log,
            env!("CARGO_BIN_EXE_test-sandbox"),
            &[
                "--listen",
                &self.sandbox.to_string(),
                "--merchant-id",
                MERCHANT,
                "--merchant-public-key",
                &key("merchant-1024.pub.pem"),
                "--platform-private-key",
                &key("platform-2048.pkcs8.pem"),
                "--state",
                text(&self.file("gateway.sqlite")),
                "--notify-interval",
                "1s",
            ],
            &[],
        );
        let gateway = Gateway::at(self.sandbox);
        gateway.ready().await;
        (process, gateway)
    }

    pub(crate) async fn start_shop(&self) -> (Process, Shop) {
        let database = format!("sqlite://{}", self.ledger().display());
        self.start_shop_on(self.shop, &database, self.shop).await
    }

    /// A shop at this address, on this database, which the gateway notifies at a third place.
    pub(crate) async fn start_shop_on(
        &self,
        address: SocketAddr,
        database: &str,
        notified: SocketAddr,
    ) -> (Process, Shop) {
        let gateway = format!("http://{}", self.sandbox);
        let process = Process::start_with(
            &self.log,
            env!("CARGO_BIN_EXE_test-shop"),
            &[],
            &[
                ("LISTEN", &address.to_string()),
                ("SHOP_DATA_DIR", text(self.folder.path())),
                ("DATABASE_URL", database),
                ("SHOP_ADMIN_TOKEN", ADMIN_TOKEN),
                ("UCANPAY_BASE_URL", &gateway),
                ("UCANPAY_PAY_LINK_BASE_URL", &gateway),
                ("UCANPAY_MERCHANT_ID", MERCHANT),
                ("UCANPAY_PRIVATE_KEY_FILE", &key("merchant-1024.pkcs8.b64")),
                // Two keys, as during a rotation.
                (
                    "UCANPAY_PLATFORM_KEY_FILE",
                    &format!(
                        "{},{}",
                        key("platform-1024.pub.pem"),
                        key("platform-2048.pub.b64")
                    ),
                ),
                ("UCANPAY_NOTIFY_BASE_URL", &format!("http://{notified}")),
            ],
        );
        let shop = Shop::at(address);
        shop.ready().await;
        (process, shop)
    }

    fn ledger(&self) -> PathBuf {
        self.file("ledger.sqlite")
    }
}

#[tokio::test]
async fn paid_while_the_shop_was_dead_it_ends_paid_exactly_once() {
    let place = Place::new();
    let (_gateway, gateway) = place.start_gateway().await;
    let (mut process, mut shop) = place.start_shop().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        let order = shop.order().await;
        process.kill();
        gateway.approve_on_the_phone(&order).await;
        // The gateway calls, and nobody answers.
        tokio::time::sleep(Duration::from_millis(700)).await;
        (process, shop) = place.start_shop().await;
        shop.until(&order, SOON, paid).await;
        orders.push(order);
    }
    // Let copies arrive that may still be on their way.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    process.kill();
    for order in &orders {
        assert_eq!(times_paid(&place.ledger(), word(order)).await, 1);
    }
}

#[tokio::test]
async fn fifty_copies_of_one_notification_at_once_have_one_effect() {
    let place = Place::new();
    let (_gateway, _) = place.start_gateway().await;
    let (process, shop) = place.start_shop().await;
    let order = shop.order().await;
    let ours = gateway_number(&order);
    let note = payment_notification(&json!({
        "outTradeNo": word(&order), "ucpOrderNo": ours, "totalAmt": order["amount"],
    }));
    let copies = futures(50, || shop.notify(note.clone())).await;
    for (status, reply) in copies {
        assert_eq!(status, StatusCode::OK);
        assert_eq!(reply["return_code"], "SUCCESS");
    }
    assert!(paid(&shop.status(&order).await));
    process.kill();
    assert_eq!(times_paid(&place.ledger(), word(&order)).await, 1);
    let sql =
        "SELECT sum(seen) FROM ucanpay_evidence WHERE reference = ? AND source = 'notification'";
    assert_eq!(count(&place.ledger(), sql, word(&order)).await, 50);
}

#[tokio::test]
async fn what_is_forged_is_refused_writes_nothing_and_the_genuine_one_is_still_taken() {
    let place = Place::new();
    let (_gateway, _) = place.start_gateway().await;
    let (process, shop) = place.start_shop().await;
    let order = shop.order().await;
    let genuine = payment_notification(&json!({
        "outTradeNo": word(&order), "ucpOrderNo": gateway_number(&order), "totalAmt": order["amount"],
    }));
    for forged in [
        genuine.replace(r#""tradeStatus":"SUCCESS""#, r#""tradeStatus":"CLOSED""#),
        genuine.replace(MERCHANT, "2000000011"),
        genuine.replace("\"sign\":\"", "\"sign\":\"A"),
        String::from("{}"),
        String::from("return_code=SUCCESS"),
    ] {
        assert_ne!(forged, genuine);
        let (status, reply) = shop.notify(forged).await;
        assert!(status.is_client_error(), "{status}");
        assert_eq!(reply["return_code"], "FAIL");
    }
    let unpaid = shop.status(&order).await;
    assert_eq!(unpaid["status"], "awaiting_payment");
    assert_eq!(unpaid["needs_review"], false);
    let (status, _) = shop.notify(genuine).await;
    assert_eq!(status, StatusCode::OK);
    assert!(paid(&shop.status(&order).await));
    process.kill();
    let sql =
        "SELECT count(*) FROM ucanpay_evidence WHERE reference = ? AND source = 'notification'";
    assert_eq!(count(&place.ledger(), sql, word(&order)).await, 1);
}

#[tokio::test]
async fn a_genuine_notification_of_no_order_of_ours_is_recorded_and_acknowledged() {
    let place = Place::new();
    let (_gateway, _) = place.start_gateway().await;
    let (process, shop) = place.start_shop().await;
    let stray =
        payment_notification(&json!({"outTradeNo": "NOTOURS1", "ucpOrderNo": "1", "totalAmt": 1}));
    let (status, reply) = shop.notify(stray).await;
    assert_eq!(
        (status, &reply["return_code"]),
        (StatusCode::OK, &json!("SUCCESS"))
    );
    process.kill();
    let sql = "SELECT count(*) FROM ucanpay_evidence WHERE reference = ? AND verdict = 'unmatched'";
    assert_eq!(count(&place.ledger(), sql, "NOTOURS1").await, 1);
}

#[tokio::test]
async fn with_the_gateway_down_the_order_stands_and_is_placed_when_it_is_back() {
    let place = Place::new();
    let (process, shop) = place.start_shop().await;
    let order = shop.order().await;
    assert_eq!(order["status"], "created");
    assert_eq!(order["pay_url"], Value::Null);
    let (_gateway, gateway) = place.start_gateway().await;
    let placed = |status: &Value| status["status"] == "awaiting_payment";
    shop.until(&order, Duration::from_secs(25), placed).await;
    gateway.pay(&order, &json!({})).await;
    shop.until(&order, SOON, paid).await;
    process.kill();
    assert_eq!(times_paid(&place.ledger(), word(&order)).await, 1);
}

/// The gateway's number, as it stands in the pay link.
pub(crate) fn gateway_number(order: &Value) -> String {
    let link = order["pay_url"].as_str().unwrap();
    let (_, rest) = link.split_once("ucpOrderNo%3D").unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// Runs `count` futures at once.
async fn futures<F: Future>(count: usize, make: impl Fn() -> F) -> Vec<F::Output> {
    let mut running: Vec<_> = (0..count).map(|_| Box::pin(make())).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        running.retain_mut(|future| match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}
