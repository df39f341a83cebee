//! The control API's own answers.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use ucanpay_sandbox::{Sandbox, Seed, State};

use crate::merchant::{Served, config, http, order, refund};
use crate::shop::Shop;

#[tokio::test]
async fn an_instruction_that_is_not_understood_changes_nothing() {
    let sandbox = Served::start(config()).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", "http://127.0.0.1:9/x"))
        .await;
    for body in [
        "x",
        r#"{"notify_afer":"2s"}"#,
        r#"{"notify_after":"soon"}"#,
        r#"{"notify_after":"2s","notify_after_ms":2000}"#,
        r#"{"notify":false,"notify_after":"2s"}"#,
        r#"{"notify_after_ms":-1}"#,
        r#"{"amount":0}"#,
    ] {
        let (status, answer) = sandbox.control("orders/A1/pay", body).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("invalid_instruction")),
            "{body}"
        );
    }
    assert_eq!(sandbox.look("orders/A1").await["tradeStatus"], "NOTPAY");
}

#[tokio::test]
async fn unknown_and_paid_orders_are_errors() {
    let sandbox = Served::start(config()).await;
    for action in ["pay", "decline", "fail_next_refund"] {
        let (status, answer) = sandbox.control(&format!("orders/A1/{action}"), "").await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (404, &json!("unknown_order")),
            "{action}"
        );
    }
    assert_eq!(
        http()
            .get(format!("{}/_sandbox/orders/A1", sandbox.base))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );

    sandbox
        .data("/payment/unifiedorder", order("A1", "http://127.0.0.1:9/x"))
        .await;
    assert_eq!(sandbox.control("orders/A1/pay", "{}").await.0, 200);
    for action in ["pay", "decline"] {
        let (status, answer) = sandbox.control(&format!("orders/A1/{action}"), "").await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (409, &json!("already_paid")),
            "{action}"
        );
    }
}

#[tokio::test]
async fn the_next_refund_can_be_made_to_fail() {
    let sandbox = Served::start(config()).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", "http://127.0.0.1:9/x"))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    sandbox.control("orders/A1/fail_next_refund", "").await;
    let request = refund(&placed, "R1", 450, "http://127.0.0.1:9/x");
    let first = sandbox.data("/payment/refund", request.clone()).await;
    sandbox
        .until("A1", |order| order["refunds"][0]["refundStatus"] == "FAIL")
        .await;
    let again = sandbox.data("/payment/refund", request).await;
    assert_eq!(first["ucpRefundNo"], again["ucpRefundNo"]);
    sandbox
        .until("A1", |order| {
            order["refunds"][0]["refundStatus"] == "SUCCESS"
        })
        .await;
}

#[tokio::test]
async fn a_stalled_order_is_userpaying_and_can_be_paid_or_closed() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config()).await;
    for number in ["A1", "A2"] {
        sandbox
            .data("/payment/unifiedorder", order(number, &shop.url))
            .await;
        let (status, view) = sandbox.control(&format!("orders/{number}/stall"), "").await;
        assert_eq!((status, &view["tradeStatus"]), (200, &json!("USERPAYING")));
        let found = sandbox.data("/payment/orderquery", json!({ "outTradeNo": number }));
        assert_eq!(found.await["tradeStatus"], "USERPAYING");
    }
    let placed = sandbox.data("/payment/unifiedorder", order("A1", &shop.url));
    placed.await;
    assert_eq!(sandbox.control("orders/A1/pay", "").await.0, 200);
    assert_eq!(sandbox.control("orders/A1/stall", "").await.0, 409);
    sandbox
        .data("/payment/closeorder", json!({ "outTradeNo": "A2" }))
        .await;
    let view = sandbox.look("orders/A2").await;
    assert_eq!(view["deliveries"], json!([]), "stalling is no news");
}

#[tokio::test]
async fn a_notification_is_sent_again_on_demand_even_when_it_was_accepted() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config()).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    for attempts in 1..=2 {
        let view = sandbox.until("A1", |order| {
            let delivery = &order["deliveries"][0];
            delivery["accepted"] == true
                && delivery["attempts"].as_array().unwrap().len() == attempts
        });
        let id = view.await["deliveries"][0]["id"].to_string();
        if attempts == 1 {
            let (status, delivery) = sandbox
                .control(&format!("deliveries/{id}/resend"), "")
                .await;
            assert_eq!((status, &delivery["accepted"]), (200, &json!(false)));
        }
    }
    assert_eq!(shop.inbox()[0], shop.inbox()[1]);
    for id in ["99", "x"] {
        let (status, answer) = sandbox
            .control(&format!("deliveries/{id}/resend"), "")
            .await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (404, &json!("unknown_delivery"))
        );
    }
}

#[tokio::test]
async fn a_refund_under_way_is_given_its_result_and_notified() {
    for (action, expected) in [
        ("succeed", "SUCCESS"),
        ("fail", "FAIL"),
        ("close", "REFUNDCLOSE"),
    ] {
        let shop = Shop::open(0).await;
        let sandbox = Served::start(config().with_refund_delay(Duration::MAX)).await;
        let placed = sandbox
            .data("/payment/unifiedorder", order("A1", "http://127.0.0.1:9/x"))
            .await;
        sandbox.control("orders/A1/pay", "").await;
        let path = format!("refunds/R1/{action}");
        assert_eq!(sandbox.control(&path, "").await.0, 404);
        let request = refund(&placed, "R1", 450, &shop.url);
        sandbox.data("/payment/refund", request).await;
        let (status, view) = sandbox.control(&path, "").await;
        assert_eq!(
            (status, &view["refunds"][0]["refundStatus"]),
            (200, &json!(expected))
        );
        sandbox
            .until("A1", |order| order["deliveries"][1]["accepted"] == true)
            .await;
        assert_eq!(shop.data(0)["refundStatus"], expected);
        let (status, answer) = sandbox.control(&path, "").await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (409, &json!("refund_not_under_way"))
        );

        // What was not refunded can be refunded under another number.
        let again = sandbox
            .call("/payment/refund", refund(&placed, "R2", 450, &shop.url))
            .await;
        assert_eq!(again["code"] == 0, expected != "SUCCESS", "{again}");
    }
}

const SEED: &str = r#"{
    "orders": [
        { "outTradeNo": "S1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/x" },
        { "outTradeNo": "S2", "totalAmt": 451, "notifyUrl": "http://127.0.0.1:9/x", "tradeStatus": "SUCCESS", "subject": "tea" },
        { "outTradeNo": "S3", "totalAmt": 452, "notifyUrl": "http://127.0.0.1:9/x", "tradeStatus": "CLOSED" },
        { "outTradeNo": "S4", "totalAmt": 453, "notifyUrl": "http://127.0.0.1:9/x", "tradeStatus": "USERPAYING" },
        { "outTradeNo": "S5", "totalAmt": 454, "notifyUrl": "http://127.0.0.1:9/x", "tradeStatus": "PAYERROR" }
    ],
    "faults": { "seed": 7, "faults": [{ "fault": "call.drop", "order": "nobody" }] }
}"#;

/// Numbers and statuses, the oldest first.
async fn standing(sandbox: &Served) -> Vec<(String, String)> {
    let orders = sandbox.look("orders").await["orders"].take();
    let orders = orders.as_array().unwrap().iter().rev();
    let text = |order: &Value, name: &str| order[name].as_str().unwrap().to_owned();
    orders
        .map(|order| (text(order, "outTradeNo"), text(order, "tradeStatus")))
        .collect()
}

/// The fault plan and the seed file of `docs/sandbox.md`, as they stand there.
#[tokio::test]
async fn the_plan_and_the_seed_of_the_page_are_taken() {
    const PAGE: &str = include_str!("../../../../docs/sandbox.md");
    let blocks = PAGE.split("```json\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let [plan, seed] = blocks[..] else {
        panic!("{} blocks", blocks.len());
    };
    // On a driven clock nothing is delivered: a shop may be at the page's address.
    let seed = Seed::from_json(seed).unwrap();
    let config = config()
        .with_seed(seed)
        .with_driven_clock(SystemTime::UNIX_EPOCH);
    let sandbox = Served::start(config).await;
    let begins = [("A1", "NOTPAY"), ("A2", "SUCCESS")];
    let begins = begins.map(|(number, status)| (number.to_owned(), status.to_owned()));
    assert_eq!(standing(&sandbox).await, begins);
    let rules = async || {
        sandbox.look("faults").await["faults"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(rules().await, 1);
    let (status, answer) = sandbox.control("faults", plan).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(rules().await, 3);
}

#[tokio::test]
async fn a_sandbox_begins_with_its_seed_and_again_after_a_reset() {
    let seed = Seed::from_json(SEED).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let state = State::File(folder.path().join("sandbox.db"));
    let seeded = || {
        config()
            .with_seed(seed.clone())
            .with_state(state.clone())
            .with_driven_clock(SystemTime::UNIX_EPOCH)
    };
    let expected = ["NOTPAY", "SUCCESS", "CLOSED", "USERPAYING", "PAYERROR"];
    let expected: Vec<_> = (1..)
        .zip(expected)
        .map(|(number, status)| (format!("S{number}"), status.to_owned()))
        .collect();

    let sandbox = Served::start(seeded()).await;
    assert_eq!(standing(&sandbox).await, expected);
    assert_eq!(sandbox.look("faults").await["seed"], 7);
    assert_eq!(sandbox.look("deliveries").await["deliveries"], json!([]));
    let before = sandbox.look("orders/S1").await["ucpOrderNo"].to_string();
    sandbox
        .control("orders/S1/pay", r#"{"notify":false}"#)
        .await;
    sandbox.control("faults", r#"{"faults":[]}"#).await;
    sandbox.stop().await;

    let sandbox = Served::start(seeded()).await;
    assert_eq!(
        standing(&sandbox).await[0].1,
        "SUCCESS",
        "what is there stays"
    );
    sandbox
        .data("/payment/unifiedorder", order("A1", "http://127.0.0.1:9/x"))
        .await;
    let (status, orders) = sandbox.control("reset", "").await;
    assert_eq!(
        (status, orders["orders"].as_array().unwrap().len()),
        (200, 5)
    );
    assert_eq!(standing(&sandbox).await, expected);
    let after = sandbox.look("orders/S1").await["ucpOrderNo"].to_string();
    assert!(after > before, "numbers are not given out twice");
    sandbox.stop().await;

    let sandbox = Served::start(seeded()).await;
    assert_eq!(standing(&sandbox).await, expected, "the reset was written");
}

#[tokio::test]
async fn a_reset_forgets_deliveries_blocks_and_faults() {
    let sandbox = Served::start(config()).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", "http://127.0.0.1:9/x"))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    let block = r#"{"faults":[{"fault":"call.block"}]}"#;
    assert_eq!(sandbox.control("faults", block).await.0, 200);
    let blocked = sandbox.refusal("/payment/orderquery", json!({ "outTradeNo": "A1" }));
    assert_eq!(blocked.await, "INVALID_REQ_TOO_MUCH");
    assert_eq!(sandbox.control("reset", "").await.0, 200);
    let unknown = sandbox.refusal("/payment/orderquery", json!({ "outTradeNo": "A1" }));
    assert_eq!(unknown.await, "ORDERNOTEXIST");
    assert_eq!(sandbox.look("deliveries").await["deliveries"], json!([]));
    assert_eq!(sandbox.look("faults").await["faults"], json!([]));
}

#[tokio::test]
async fn a_seed_that_could_not_have_come_about_is_refused_with_its_reason() {
    for (seed, expected) in [
        ("{", "EOF"),
        (r#"{"order":[]}"#, "unknown field"),
        (
            r#"{"orders":[{"outTradeNo":"A1"}]}"#,
            "order \"A1\": LACK_PARAMS: totalAmt",
        ),
        (
            r#"{"orders":[{"outTradeNo":"A1","tradestatus":"SUCCESS"}]}"#,
            "tradestatus is no member of an order",
        ),
        (
            r#"{"orders":[{"outTradeNo":"A1","totalAmt":1,"notifyUrl":"x"}]}"#,
            "notifyUrl",
        ),
        (
            r#"{"orders":[{"outTradeNo":"A1","totalAmt":1,"notifyUrl":"http://127.0.0.1:9/x","tradeStatus":"SUCCESS"},
                {"outTradeNo":"A1","totalAmt":1,"notifyUrl":"http://127.0.0.1:9/x","tradeStatus":"SUCCESS"}]}"#,
            "ORDERPAID",
        ),
        (
            r#"{"orders":[{"outTradeNo":"A1","totalAmt":1,"notifyUrl":"http://127.0.0.1:9/x","tradeStatus":"LOST"}]}"#,
            "unknown variant",
        ),
    ] {
        let opened = match Seed::from_json(seed) {
            Ok(seed) => Sandbox::open(config().with_seed(seed)).await.map(drop),
            Err(error) => Err(error),
        };
        let error = opened.unwrap_err();
        let reason = std::error::Error::source(&error).unwrap().to_string();
        assert!(reason.contains(expected), "{reason}");
    }
}

#[tokio::test]
async fn the_description_is_served() {
    let sandbox = Served::start(config()).await;
    let document = sandbox.look("openapi.json").await;
    assert!(document["paths"]["/_sandbox/clock"]["post"].is_object());
}
