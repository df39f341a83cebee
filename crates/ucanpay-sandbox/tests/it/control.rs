//! The control API's own answers.

use serde_json::json;

use crate::merchant::{Served, config, http, order, refund};

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
