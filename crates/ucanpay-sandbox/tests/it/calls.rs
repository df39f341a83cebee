//! The six calls, and what is refused before anything is looked at.

use serde_json::{Value, json};

use crate::merchant::{Served, config, http, key, order, refund, refusal, signed};

const NOTIFY: &str = "http://127.0.0.1:9/ucanpay/payment";

#[tokio::test]
async fn an_order_is_placed_paid_queried_and_refunded() {
    let sandbox = Served::start(config()).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
    let again = sandbox
        .data("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
    assert_eq!(placed["ucpOrderNo"], again["ucpOrderNo"]);
    assert_ne!(placed["nonceStr"], again["nonceStr"]);

    let query = json!({ "outTradeNo": "A1" });
    assert_eq!(
        sandbox.data("/payment/orderquery", query.clone()).await["tradeStatus"],
        "NOTPAY"
    );
    assert_eq!(sandbox.control("orders/A1/pay", "").await.0, 200);
    assert_eq!(
        sandbox.data("/payment/orderquery", query.clone()).await["tradeStatus"],
        "SUCCESS"
    );
    assert_eq!(
        sandbox
            .refusal("/payment/unifiedorder", order("A1", NOTIFY))
            .await,
        "ORDERPAID"
    );

    // However slow this machine is, the first refund is under way when the second one is asked for.
    let stuck = r#"{"faults":[{"fault":"refund.stuck","order":"A1"}]}"#;
    assert_eq!(sandbox.control("faults", stuck).await.0, 200);
    let accepted = sandbox
        .data("/payment/refund", refund(&placed, "R1", 100, NOTIFY))
        .await;
    assert_eq!(
        sandbox
            .refusal("/payment/refund", refund(&placed, "R2", 100, NOTIFY))
            .await,
        "BIZERR_NEED_RETRY"
    );
    assert_eq!(sandbox.control("refunds/R1/succeed", "").await.0, 200);
    sandbox
        .until("A1", |order| {
            order["refunds"][0]["refundStatus"] == "SUCCESS"
        })
        .await;
    let refunded = sandbox
        .data(
            "/payment/refundquery",
            json!({ "outTradeNo": "A1", "outRefundNo": "R1" }),
        )
        .await;
    assert_eq!(refunded["ucpRefundNo"], accepted["ucpRefundNo"]);
    assert_eq!(
        (&refunded["refundStatus"], &refunded["totalRefundAmt"]),
        (&json!("SUCCESS"), &json!(100))
    );
    assert_eq!(
        sandbox.data("/payment/orderquery", query).await["tradeStatus"],
        "REFUND"
    );
}

#[tokio::test]
async fn an_order_is_closed_and_its_payment_may_still_come_late() {
    let sandbox = Served::start(config()).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
    let named = json!({ "outTradeNo": "A1", "ucpOrderNo": placed["ucpOrderNo"] });
    let closed = sandbox.data("/payment/closeorder", named.clone()).await;
    assert_eq!(closed["tradeStatus"], "CLOSED");
    let again = sandbox.refusal("/payment/unifiedorder", order("A1", NOTIFY));
    assert_eq!(again.await, "ORDERCLOSED");

    assert_eq!(sandbox.control("orders/A1/pay", "").await.0, 409);
    let late = sandbox.control("orders/A1/pay", r#"{"late":true}"#).await;
    assert_eq!(late.0, 200);
    let found = sandbox.data("/payment/orderquery", named).await;
    assert_eq!(found["tradeStatus"], "SUCCESS");
}

#[tokio::test]
async fn a_paid_order_is_reversed() {
    let sandbox = Served::start(config()).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
    assert_eq!(sandbox.control("orders/A1/pay", "").await.0, 200);
    let named = json!({ "outTradeNo": "A1", "ucpOrderNo": placed["ucpOrderNo"] });
    let reversed = sandbox.data("/payment/reverse", named.clone()).await;
    assert_eq!(reversed["tradeStatus"], "REVOKED");
    let refusal = sandbox.refusal("/payment/closeorder", named).await;
    assert_eq!(refusal, "ORDERCLOSED");
}

#[tokio::test]
async fn a_1024_bit_merchant_is_understood() {
    let config = ucanpay_sandbox::SandboxConfig::new(
        "2000000010",
        key("merchant-1024").public_key().clone(),
        key("platform-1024"),
    );
    let sandbox = Served::start(config).await;
    let request = signed(order("A1", NOTIFY), &key("merchant-1024"));
    let envelope = sandbox
        .send("/payment/unifiedorder", request.to_string())
        .await;
    assert_eq!(envelope["code"], 0);
    assert!(crate::merchant::is_signed(
        &envelope["data"],
        &key("platform-1024")
    ));
}

#[tokio::test]
async fn a_wrong_signature_is_signerror_whatever_else_is_wrong() {
    let sandbox = Served::start(config()).await;
    let genuine = signed(order("A1", NOTIFY), &key("merchant-2048"));
    let altered = |name: &str, value: Value| {
        let mut request = genuine.clone();
        request[name] = value;
        request
    };
    for request in [
        signed(order("A1", NOTIFY), &key("merchant-1024")),
        altered("totalAmt", json!(449)),
        altered("subject", json!("a/b")),
        altered("outTradeNo", Value::Null),
        altered("extra", json!("x")),
        altered("sign", Value::Null),
        altered("sign", json!("")),
        altered("sign", json!(7)),
        altered(
            "sign",
            json!(genuine["sign"].as_str().unwrap().trim_end_matches('=')),
        ),
        altered(
            "sign",
            json!(format!("{}\n", genuine["sign"].as_str().unwrap())),
        ),
    ] {
        for path in [
            "/payment/unifiedorder",
            "/payment/orderquery",
            "/payment/closeorder",
            "/payment/reverse",
            "/payment/refund",
            "/payment/refundquery",
        ] {
            assert_eq!(
                refusal(&sandbox.send(path, request.to_string()).await),
                "SIGNERROR",
                "{request}"
            );
        }
    }
    assert_eq!(sandbox.look("orders").await["orders"], json!([]));
    assert_eq!(
        sandbox
            .send("/payment/unifiedorder", genuine.to_string())
            .await["code"],
        0
    );
}

/// Each path, and the name its table has where the order's has `of_the_order`.
fn by_table(of_the_order: &str) -> [(&'static str, &str); 6] {
    [
        ("/payment/unifiedorder", of_the_order),
        ("/payment/orderquery", "ORDERNOTEXIST"),
        ("/payment/closeorder", "PARAM_ERROR"),
        ("/payment/reverse", "ERROR"),
        ("/payment/refund", "PARAM_ERROR"),
        ("/payment/refundquery", "PARAM_ERROR"),
    ]
}

#[tokio::test]
async fn another_merchant_has_no_authority() {
    let sandbox = Served::start(config()).await;
    let mut request = signed(order("A1", NOTIFY), &key("merchant-2048"));
    for (merchant_id, of_the_order) in [
        (json!("2000000011"), "NOAUTH"),
        (Value::Null, "LACK_PARAMS"),
    ] {
        request["merchantId"] = merchant_id;
        for (path, name) in by_table(of_the_order) {
            let answer = sandbox.send(path, request.to_string()).await;
            assert_eq!(refusal(&answer), name, "{path}");
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused_by_name() {
    let sandbox = Served::start(config()).await;
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(70_000));
    for (body, of_the_order) in [
        (&b""[..], "POST_DATA_EMPTY"),
        (b" \n", "POST_DATA_EMPTY"),
        (b"{\"a\":\"\xff\"}", "NOT_UTF8"),
        (b"x", "INVALID_REQUEST"),
        (b"[]", "INVALID_REQUEST"),
        (b"{\"a\":{}}", "INVALID_REQUEST"),
        (b"{\"a\":1,\"a\":2}", "INVALID_REQUEST"),
        (b"{} x", "INVALID_REQUEST"),
        (b"{\"a\":\"\\ud800\"}", "INVALID_REQUEST"),
        (large.as_bytes(), "INVALID_REQUEST"),
    ] {
        for (path, name) in by_table(of_the_order) {
            let answer = sandbox.send(path, body.to_vec()).await;
            let begin = &body[..body.len().min(20)];
            assert_eq!(refusal(&answer), name, "{path}: {begin:?}");
        }
    }
    let path = "/payment/unifiedorder";
    let got = http()
        .get(format!("{}{path}", sandbox.base))
        .send()
        .await
        .unwrap();
    assert_eq!(got.status(), 200);
    assert_eq!(
        refusal(&serde_json::from_slice(&got.bytes().await.unwrap()).unwrap()),
        "REQUIRE_POST_METHOD"
    );
}

#[tokio::test]
async fn unknown_numbers_do_not_exist() {
    let sandbox = Served::start(config()).await;
    assert_eq!(
        sandbox
            .refusal("/payment/orderquery", json!({ "outTradeNo": "A1" }))
            .await,
        "ORDERNOTEXIST"
    );
    let query = json!({ "outTradeNo": "A1", "outRefundNo": "R1" });
    assert_eq!(
        sandbox.refusal("/payment/refundquery", query).await,
        "REFUNDNOTEXIST"
    );
}

#[tokio::test]
async fn the_same_order_placed_many_times_at_once_is_one_order() {
    let sandbox = Served::start(config()).await;
    let body = signed(order("A1", NOTIFY), &key("merchant-2048")).to_string();
    let calls = (0..30).map(|_| sandbox.send("/payment/unifiedorder", body.clone()));
    let mut numbers = Vec::new();
    for answer in futures(calls).await {
        numbers.push(answer["data"]["ucpOrderNo"].as_str().unwrap().to_owned());
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 1);
    assert_eq!(
        sandbox.look("orders").await["orders"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// Polls all at once on this task.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
