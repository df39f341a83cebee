//! The fault plan, carried out over HTTP: each fault does what it says, and is counted when it has.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::merchant::{Served, config, http, is_signed, key, order, refund, signed};
use crate::shop::Shop;

const NOTIFY: &str = "http://127.0.0.1:9/ucanpay/payment";

/// A sandbox with this plan, whose clock stands.
async fn with(faults: Value) -> Served {
    let config = config()
        .with_notify_interval(Duration::from_secs(15))
        .with_refund_delay(Duration::from_secs(2))
        .with_driven_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400));
    let sandbox = Served::start(config).await;
    plan(&sandbox, json!({ "faults": faults })).await;
    sandbox
}

async fn plan(sandbox: &Served, plan: Value) {
    let (status, answer) = sandbox.control("faults", &plan.to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

/// How often each rule struck.
async fn happened(sandbox: &Served) -> Vec<u64> {
    let faults = sandbox.look("faults").await;
    let rules = faults["faults"].as_array().unwrap().iter();
    rules
        .map(|rule| rule["happened"].as_u64().unwrap())
        .collect()
}

async fn advance(sandbox: &Served, by: &str) {
    let body = json!({ "advance": by }).to_string();
    assert_eq!(sandbox.control("clock", &body).await.0, 200);
}

/// Places the order `A1`; whatever comes back, with the whole body read.
async fn place(sandbox: &Served) -> Result<(u16, String), reqwest::Error> {
    let body = signed(order("A1", NOTIFY), &key("merchant-2048")).to_string();
    let url = format!("{}/payment/unifiedorder", sandbox.base);
    let response = http().post(url).body(body).send().await?;
    Ok((response.status().as_u16(), response.text().await?))
}

async fn orders(sandbox: &Served) -> usize {
    let orders = sandbox.look("orders").await;
    orders["orders"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_dropped_call_and_a_lost_answer_end_the_connection_and_differ_in_what_was_done() {
    for (fault, placed) in [("call.drop", 0), ("call.lost_answer", 1)] {
        let sandbox = with(json!([{ "fault": fault, "times": 1 }])).await;
        let url = format!("{}/payment/unifiedorder", sandbox.base);
        let body = signed(order("A1", NOTIFY), &key("merchant-2048")).to_string();
        let sent = http().post(url).body(body).send().await;
        assert!(sent.is_err(), "{fault}: not even a status comes");
        assert_eq!(orders(&sandbox).await, placed, "{fault}");
        assert_eq!(happened(&sandbox).await, [1]);
        assert_eq!(place(&sandbox).await.unwrap().0, 200, "{fault}: once only");
        assert_eq!(orders(&sandbox).await, 1);
    }
}

#[tokio::test]
async fn a_delayed_answer_comes_when_the_clock_says_so() {
    let sandbox = with(json!([{ "fault": "call.delay", "for": "8s" }])).await;
    let (answered, ()) = tokio::join!(place(&sandbox), async {
        while orders(&sandbox).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        advance(&sandbox, "7s").await;
        advance(&sandbox, "1s").await;
    });
    let answer: Value = serde_json::from_str(&answered.unwrap().1).unwrap();
    assert_eq!(answer["data"]["outTradeNo"], "A1");
}

#[tokio::test]
async fn a_delayed_answer_does_not_come_before() {
    let sandbox = with(json!([{ "fault": "call.delay", "for": "8s" }])).await;
    let early = tokio::time::timeout(Duration::from_millis(300), place(&sandbox)).await;
    assert!(early.is_err());
    assert_eq!(orders(&sandbox).await, 1);
}

#[tokio::test]
async fn a_truncated_answer_is_the_first_half_of_one() {
    let sandbox = with(json!([{ "fault": "call.truncate", "times": 1 }])).await;
    let (status, half) = place(&sandbox).await.unwrap();
    assert_eq!(status, 200);
    assert!(half.starts_with(r#"{"code":0,"#), "{half}");
    assert!(serde_json::from_str::<Value>(&half).is_err(), "{half}");
    assert_eq!(orders(&sandbox).await, 1);
}

#[tokio::test]
async fn a_system_error_says_nothing_about_what_was_done() {
    for (fault, placed) in [
        ("call.system_error_done", 1),
        ("call.system_error_not_done", 0),
    ] {
        let sandbox = with(json!([{ "fault": fault, "times": 1 }])).await;
        let answer = sandbox.refusal("/payment/unifiedorder", order("A1", NOTIFY));
        assert_eq!(answer.await, "SYSTEMERROR", "{fault}");
        assert_eq!(orders(&sandbox).await, placed, "{fault}");
    }
}

#[tokio::test]
async fn too_many_requests_is_429_with_retry_after() {
    let sandbox = with(json!([{ "fault": "call.too_many_requests", "for": "1500ms" }])).await;
    let url = format!("{}/payment/unifiedorder", sandbox.base);
    let body = signed(order("A1", NOTIFY), &key("merchant-2048")).to_string();
    let response = http().post(url).body(body).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "2");
    assert!(response.text().await.unwrap().contains("too many requests"));
    assert_eq!(orders(&sandbox).await, 0);
}

#[tokio::test]
async fn a_block_holds_for_every_call_for_a_minute() {
    let sandbox = with(json!([{ "fault": "call.block", "on": "refundquery" }])).await;
    let query = json!({ "outTradeNo": "A1", "outRefundNo": "R1" });
    let begun = sandbox.refusal("/payment/refundquery", query).await;
    assert_eq!(begun, "INVALID_REQ_TOO_MUCH");
    for (step, expected) in [("59s", "INVALID_REQ_TOO_MUCH"), ("1s", "ORDERNOTEXIST")] {
        advance(&sandbox, step).await;
        let query = sandbox.refusal("/payment/orderquery", json!({ "outTradeNo": "A1" }));
        assert_eq!(query.await, expected);
    }
    assert_eq!(
        happened(&sandbox).await,
        [1],
        "a call during the block is not drawn for"
    );
}

#[tokio::test]
async fn a_corrupt_signature_does_not_verify_and_befalls_signed_answers_only() {
    let sandbox = with(json!([{ "fault": "call.corrupt_signature" }])).await;
    let unknown = sandbox.refusal("/payment/orderquery", json!({ "outTradeNo": "A1" }));
    assert_eq!(unknown.await, "ORDERNOTEXIST");
    assert_eq!(happened(&sandbox).await, [0]);
    let answer = sandbox
        .call("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
    assert_eq!(answer["data"]["outTradeNo"], "A1");
    assert!(!is_signed(&answer["data"], &key("platform-2048")));
    assert_eq!(happened(&sandbox).await, [1]);
}

#[tokio::test]
async fn a_request_that_is_not_the_merchant_s_meets_no_fault() {
    let sandbox = with(json!([{ "fault": "call.drop" }])).await;
    let forged = signed(order("A1", NOTIFY), &key("merchant-1024")).to_string();
    let answer = sandbox.send("/payment/unifiedorder", forged).await;
    assert_eq!(answer["msg"], "SIGNERROR");
    assert_eq!(happened(&sandbox).await, [0]);
}

/// A paid order, and its notification due.
async fn notified(faults: Value, shop: &Shop) -> Served {
    let sandbox = with(faults).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    advance(&sandbox, "10ms").await;
    sandbox
}

/// Waits until the first delivery has had so many attempts.
async fn attempts(sandbox: &Served, expected: usize) -> Vec<Value> {
    let view = sandbox.until("A1", |order| {
        order["deliveries"][0]["attempts"]
            .as_array()
            .is_some_and(|all| all.len() == expected)
    });
    let attempts = view.await["deliveries"][0]["attempts"].take();
    attempts.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_dropped_notification_is_not_sent_and_tried_again() {
    let shop = Shop::open(0).await;
    let dropped = json!([{ "fault": "notification.drop", "times": 1 }]);
    let sandbox = notified(dropped, &shop).await;
    let first = attempts(&sandbox, 1).await;
    assert_eq!(first[0]["fault"], "notification.drop");
    assert!(first[0]["error"].as_str().unwrap().starts_with("not sent"));
    assert!(shop.inbox().is_empty());
    advance(&sandbox, "15s").await;
    attempts(&sandbox, 2).await;
    assert_eq!(shop.inbox().len(), 1);
}

#[tokio::test]
async fn a_delayed_notification_is_put_off_once() {
    let shop = Shop::open(0).await;
    let delayed = json!([{ "fault": "notification.delay", "for": "5s" }]);
    let sandbox = notified(delayed, &shop).await;
    advance(&sandbox, "4s").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(shop.inbox().is_empty());
    assert_eq!(happened(&sandbox).await, [1]);
    advance(&sandbox, "1s").await;
    attempts(&sandbox, 1).await;
    assert_eq!(shop.inbox().len(), 1);
}

#[tokio::test]
async fn a_duplicate_notification_is_the_same_bytes_twice() {
    let shop = Shop::open(0).await;
    let twice = json!([{ "fault": "notification.duplicate", "times": 1 }]);
    let sandbox = notified(twice, &shop).await;
    attempts(&sandbox, 2).await;
    let inbox = shop.inbox();
    assert_eq!(inbox.len(), 2);
    assert_eq!(inbox[0], inbox[1]);
}

#[tokio::test]
async fn a_reordered_notification_comes_after_the_order_s_next() {
    let shop = Shop::open(0).await;
    let reordered = json!([{ "fault": "notification.reorder", "times": 1 }]);
    let sandbox = with(reordered).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    for action in ["decline", "pay"] {
        sandbox.control(&format!("orders/A1/{action}"), "").await;
        advance(&sandbox, "10ms").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    attempts(&sandbox, 1).await;
    let statuses = [0, 1].map(|index| shop.data(index)["tradeStatus"].clone());
    assert_eq!(statuses, ["SUCCESS", "PAYERROR"]);
}

#[tokio::test]
async fn a_corrupt_a_truncated_and_a_wrong_notification_are_what_they_say() {
    for fault in ["corrupt", "truncate", "wrong_amount"] {
        let shop = Shop::open(1).await;
        let name = format!("notification.{fault}");
        let sandbox = notified(json!([{ "fault": name, "times": 1 }]), &shop).await;
        assert_eq!(attempts(&sandbox, 1).await[0]["fault"], name);
        advance(&sandbox, "15s").await;
        attempts(&sandbox, 2).await;
        let platform = key("platform-2048");
        match fault {
            "corrupt" => assert!(!is_signed(&shop.data(0), &platform)),
            "truncate" => assert!(shop.inbox()[1].starts_with(&shop.inbox()[0])),
            _ => {
                assert!(is_signed(&shop.data(0), &platform));
                assert_eq!(shop.data(0)["totalAmt"], 451);
            }
        }
        assert!(is_signed(&shop.data(1), &platform));
        assert_eq!(
            shop.data(1)["totalAmt"],
            450,
            "{fault}: afterwards it is right"
        );
    }
}

#[tokio::test]
async fn a_late_payment_comes_after_the_close() {
    let sandbox =
        with(json!([{ "fault": "buyer.late_payment", "order": "A1", "for": "3s" }])).await;
    for number in ["A1", "A2"] {
        sandbox
            .data("/payment/unifiedorder", order(number, NOTIFY))
            .await;
        sandbox
            .data("/payment/closeorder", json!({ "outTradeNo": number }))
            .await;
    }
    for (step, expected) in [("2s", "CLOSED"), ("1s", "SUCCESS")] {
        advance(&sandbox, step).await;
        let found = sandbox.data("/payment/orderquery", json!({ "outTradeNo": "A1" }));
        assert_eq!(found.await["tradeStatus"], expected);
    }
    let found = sandbox.data("/payment/orderquery", json!({ "outTradeNo": "A2" }));
    assert_eq!(found.await["tradeStatus"], "CLOSED");
    let view = sandbox.look("orders/A1").await;
    assert_eq!(view["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(happened(&sandbox).await, [1]);
}

#[tokio::test]
async fn a_refund_is_stuck_fails_or_is_closed() {
    for (fault, expected) in [
        ("refund.stuck", "PROCESSING"),
        ("refund.fail", "FAIL"),
        ("refund.close", "REFUNDCLOSE"),
    ] {
        let sandbox = with(json!([{ "fault": fault, "times": 1 }])).await;
        let placed = sandbox
            .data("/payment/unifiedorder", order("A1", NOTIFY))
            .await;
        sandbox.control("orders/A1/pay", "").await;
        let request = refund(&placed, "R1", 100, NOTIFY);
        sandbox.data("/payment/refund", request.clone()).await;
        advance(&sandbox, "300d").await;
        let query = json!({ "outTradeNo": "A1", "outRefundNo": "R1" });
        let found = sandbox.data("/payment/refundquery", query.clone()).await;
        assert_eq!(found["refundStatus"], expected);
        // Again with the same bytes: only a failed refund is tried again.
        sandbox.data("/payment/refund", request).await;
        advance(&sandbox, "2s").await;
        let found = sandbox.data("/payment/refundquery", query).await;
        let then = if expected == "FAIL" {
            "SUCCESS"
        } else {
            expected
        };
        assert_eq!(found["refundStatus"], then);
        assert_eq!(happened(&sandbox).await, [1]);
    }
}

/// What a run of payments met, in one word each.
async fn history(seed: u64) -> Vec<String> {
    let sandbox = with(json!([])).await;
    let faults = json!([
        { "fault": "call.lost_answer", "on": "unifiedorder", "chance": 0.3 },
        { "fault": "call.system_error_not_done", "chance": 0.3 },
        { "fault": "call.truncate", "chance": 0.2 },
    ]);
    plan(&sandbox, json!({ "seed": seed, "faults": faults })).await;
    let mut history = Vec::new();
    for _ in 0..12 {
        history.push(match place(&sandbox).await {
            Err(_) => "lost".to_owned(),
            Ok((_, body)) => match serde_json::from_str::<Value>(&body) {
                Err(_) => "truncated".to_owned(),
                Ok(answer) => answer["msg"].to_string(),
            },
        });
    }
    let counted: u64 = happened(&sandbox).await.iter().sum();
    let met = history.iter().filter(|met| *met != "\"SUCCESS\"").count();
    assert_eq!(counted, u64::try_from(met).unwrap());
    history
}

#[tokio::test]
async fn the_same_seed_gives_the_same_history() {
    let first = history(7).await;
    assert_eq!(history(7).await, first);
    assert_ne!(history(8).await, first);
}

#[tokio::test]
async fn the_plan_is_shown_replaced_and_cleared_and_a_wrong_one_changes_nothing() {
    let sandbox = with(
        json!([{ "fault": "call.drop", "order": "A9", "on": "refund", "chance": 0.5, "times": 3 }]),
    )
    .await;
    let shown = sandbox.look("faults").await;
    let rule = json!({
        "fault": "call.drop", "order": "A9", "on": "refund", "chance": 0.5, "times": 3, "for": null, "happened": 0,
    });
    assert_eq!(shown, json!({ "seed": 0, "faults": [rule] }));
    for wrong in ["", "{}", r#"{"faults":[{"fault":"call.explode"}]}"#] {
        let (status, answer) = sandbox.control("faults", wrong).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("invalid_instruction"))
        );
    }
    assert_eq!(sandbox.look("faults").await, shown);
    let url = format!("{}/_sandbox/faults", sandbox.base);
    assert_eq!(http().delete(url).send().await.unwrap().status(), 200);
    assert_eq!(sandbox.look("faults").await["faults"], json!([]));
}
