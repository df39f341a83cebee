//! Notifications: signed, re-sent unchanged until SUCCESS, recorded, and kept on this machine.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::merchant::{Served, config, is_signed, key, order, refund};
use crate::shop::Shop;

fn accepted(order: &Value) -> bool {
    let deliveries = order["deliveries"].as_array().unwrap();
    !deliveries.is_empty()
        && deliveries
            .iter()
            .all(|delivery| delivery["accepted"] == true)
}

#[tokio::test]
async fn a_notification_is_sent_again_unchanged_until_it_is_answered_success() {
    let shop = Shop::open(2).await;
    let sandbox = Served::start(config()).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    assert_eq!(sandbox.control("orders/A1/pay", "").await.0, 200);
    let view = sandbox.until("A1", accepted).await;

    let inbox = shop.inbox();
    assert_eq!(inbox.len(), 3);
    assert!(inbox.iter().all(|body| *body == inbox[0]));
    let data = shop.data(0);
    assert!(is_signed(&data, &key("platform-2048")));
    assert_eq!(data["ucpOrderNo"], placed["ucpOrderNo"]);
    assert_eq!(
        (&data["tradeStatus"], &data["totalAmt"], &data["outTradeNo"]),
        (&json!("SUCCESS"), &json!(450), &json!("A1"))
    );

    let attempts = view["deliveries"][0]["attempts"].as_array().unwrap();
    let statuses: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [503, 200, 200]);
    assert!(attempts[1]["answer"].as_str().unwrap().contains("not now"));
    assert!(attempts[1]["nextAttempt"].is_string());
    assert!(attempts[2]["nextAttempt"].is_null());
    assert_eq!(
        sandbox.look("deliveries").await["deliveries"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(shop.inbox().len(), 3, "nothing is sent after SUCCESS");
}

#[tokio::test]
async fn a_refund_s_result_is_notified_to_the_refund_s_address() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config()).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    sandbox
        .data("/payment/refund", refund(&placed, "R1", 100, &shop.url))
        .await;
    sandbox
        .until("A1", |order| {
            accepted(order) && order["deliveries"].as_array().unwrap().len() == 2
        })
        .await;
    let data = shop.data(1);
    assert!(is_signed(&data, &key("platform-2048")));
    assert_eq!(
        (
            &data["refundStatus"],
            &data["refundAmt"],
            &data["outRefundNo"]
        ),
        (&json!("SUCCESS"), &json!(100), &json!("R1"))
    );
}

#[tokio::test]
async fn a_declined_order_is_notified_as_payerror() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config()).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    assert_eq!(
        sandbox.control("orders/A1/decline", "").await.1["tradeStatus"],
        "PAYERROR"
    );
    sandbox.until("A1", accepted).await;
    assert_eq!(shop.data(0)["tradeStatus"], "PAYERROR");
}

#[tokio::test]
async fn a_wrong_amount_is_notified_under_the_true_key() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config()).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox.control("orders/A1/pay", r#"{"amount":449}"#).await;
    sandbox.until("A1", accepted).await;
    assert_eq!(shop.data(0)["totalAmt"], 449);
    assert!(is_signed(&shop.data(0), &key("platform-2048")));
}

#[tokio::test]
async fn a_first_notification_can_be_delayed() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config()).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    let paid = Instant::now();
    sandbox
        .control("orders/A1/pay", r#"{"notify_after":"600ms"}"#)
        .await;
    sandbox.until("A1", accepted).await;
    assert!(paid.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn an_order_s_notifications_can_be_dropped() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config()).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    let (_, view) = sandbox
        .control("orders/A1/pay", r#"{"notify":false}"#)
        .await;
    assert_eq!(
        (&view["tradeStatus"], &view["deliveries"]),
        (&json!("SUCCESS"), &json!([]))
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(shop.inbox().is_empty());
}

#[tokio::test]
async fn one_silent_shop_does_not_hold_up_another() {
    // It accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}/x", silent.local_addr().unwrap());
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config()).await;
    for (number, url) in [("A1", &silent_url), ("A2", &shop.url)] {
        sandbox
            .data("/payment/unifiedorder", order(number, url))
            .await;
        sandbox.control(&format!("orders/{number}/pay"), "").await;
    }
    let paid = Instant::now();
    sandbox.until("A2", accepted).await;
    assert!(paid.elapsed() < Duration::from_secs(4));
    drop(silent);
}

#[tokio::test]
async fn nothing_is_sent_to_another_machine() {
    let sandbox = Served::start(config()).await;
    sandbox
        .data(
            "/payment/unifiedorder",
            order("A1", "http://192.0.2.1/ucpay/pay.php"),
        )
        .await;
    sandbox.control("orders/A1/pay", "").await;
    let view = sandbox
        .until("A1", |order| {
            !order["deliveries"][0]["attempts"]
                .as_array()
                .unwrap()
                .is_empty()
        })
        .await;
    assert!(
        view["deliveries"][0]["attempts"][0]["error"]
            .as_str()
            .unwrap()
            .starts_with("not sent")
    );
}

#[tokio::test]
async fn waits_without_end_leave_a_sandbox_that_answers() {
    let shop = Shop::open(usize::MAX).await;
    let endless = config()
        .with_notify_interval(Duration::MAX)
        .with_refund_delay(Duration::MAX);
    let sandbox = Served::start(endless).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    assert_eq!(sandbox.control("orders/A1/pay", "").await.0, 200);
    sandbox
        .until("A1", |order| {
            order["deliveries"][0]["attempts"][0]["status"] == 503
        })
        .await;
    sandbox
        .data("/payment/refund", refund(&placed, "R1", 100, &shop.url))
        .await;
    let query = json!({ "outTradeNo": "A1", "outRefundNo": "R1" });
    let refund = sandbox.data("/payment/refundquery", query).await;
    assert_eq!(refund["refundStatus"], "PROCESSING");
    assert_eq!(shop.inbox().len(), 1);
}
