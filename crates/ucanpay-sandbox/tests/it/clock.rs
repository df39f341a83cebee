//! Time that is driven: deliveries, refunds and windows follow it, and nothing else moves them.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use serde_json::json;
use tower::ServiceExt as _;
use ucanpay_sandbox::{Sandbox, SandboxError};

use crate::merchant::{Served, config, http, order, refund};
use crate::shop::Shop;

const NOTIFY: &str = "http://127.0.0.1:9/ucanpay/payment";

fn driven() -> ucanpay_sandbox::SandboxConfig {
    config()
        .with_notify_interval(Duration::from_secs(15))
        .with_refund_delay(Duration::from_secs(3600))
        .with_driven_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400))
}

#[tokio::test]
async fn deliveries_follow_the_driven_clock_at_once() {
    let shop = Shop::open(2).await;
    let sandbox = Served::start(driven()).await;
    sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    for (attempts, step) in [(1, "10ms"), (2, "15s"), (3, "15s")] {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(shop.inbox().len(), attempts - 1, "nothing before its time");
        let (status, shown) = sandbox
            .control("clock", &json!({ "advance": step }).to_string())
            .await;
        assert_eq!((status, &shown["clock"]), (200, &json!("driven")));
        sandbox
            .until("A1", |order| {
                let delivery = &order["deliveries"][0];
                delivery["attempts"].as_array().unwrap().len() == attempts
            })
            .await;
    }
    let shown = sandbox.look("clock").await;
    assert_eq!(shown["now"], "2026-03-01T12:00:30Z");
}

#[tokio::test]
async fn refunds_and_windows_follow_the_driven_clock() {
    let sandbox = Served::start(driven()).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
    sandbox
        .data("/payment/unifiedorder", order("A2", NOTIFY))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    let request = refund(&placed, "R1", 100, NOTIFY);
    sandbox.data("/payment/refund", request).await;
    let (_, shown) = sandbox.control("clock", r#"{"advance":"1h"}"#).await;
    assert_eq!(shown["now"], "2026-03-01T13:00:00Z");
    let view = sandbox.look("orders/A1").await;
    assert_eq!(view["refunds"][0]["refundStatus"], "SUCCESS");

    sandbox.control("clock", r#"{"advance":"7d"}"#).await;
    let late = sandbox
        .refusal("/payment/reverse", json!({ "outTradeNo": "A2" }))
        .await;
    assert_eq!(late, "TRADE_OVERDUE");
}

#[tokio::test]
async fn a_clock_that_runs_by_itself_is_not_driven() {
    let sandbox = Served::start(config()).await;
    let (status, answer) = sandbox.control("clock", r#"{"advance":"15s"}"#).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (409, &json!("clock_not_driven"))
    );
    assert_eq!(sandbox.look("clock").await["clock"], "real");
    let opened = Sandbox::open(config()).await.unwrap();
    let refused = opened.advance(Duration::from_secs(1)).await;
    assert!(matches!(refused, Err(SandboxError::ClockNotDriven)));
}

#[tokio::test]
async fn an_advance_that_is_not_understood_moves_nothing() {
    let sandbox = Served::start(driven()).await;
    let before = sandbox.look("clock").await;
    for body in [
        "",
        "{}",
        r#"{"advance":"soon"}"#,
        r#"{"advance":"-1s"}"#,
        r#"{"advance":"1s","x":1}"#,
    ] {
        assert_eq!(sandbox.control("clock", body).await.0, 400, "{body}");
    }
    assert_eq!(sandbox.look("clock").await, before);
}

#[tokio::test]
async fn without_the_notifier_due_notifications_are_sent_on_demand() {
    let shop = Shop::open(1).await;
    let sandbox = Sandbox::open(driven()).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = sandbox.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let request = crate::merchant::signed(
        order("A1", &shop.url),
        &crate::merchant::key("merchant-2048"),
    );
    for (path, body) in [
        ("/payment/unifiedorder", request.to_string()),
        ("/_sandbox/orders/A1/pay", String::new()),
    ] {
        let sent = http().post(format!("{base}{path}")).body(body).send();
        assert_eq!(sent.await.unwrap().status(), 200);
    }
    for (step, sent) in [(0, 0), (10, 1), (0, 0), (15_000, 1), (15_000, 0)] {
        sandbox.advance(Duration::from_millis(step)).await.unwrap();
        assert_eq!(sandbox.deliver_due().await.unwrap(), sent, "{step}");
    }
    assert_eq!(shop.inbox().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn due_notifications_reach_a_merchants_router_in_this_process() {
    let sandbox = Sandbox::open(driven()).await.unwrap();
    let key = crate::merchant::key("merchant-2048");
    let placed = crate::merchant::signed(order("A1", "http://shop.invalid/ucanpay/payment"), &key);
    for (path, body) in [
        ("/payment/unifiedorder", placed.to_string()),
        ("/_sandbox/orders/A1/pay", String::new()),
    ] {
        let request = Request::post(path).body(Body::from(body)).unwrap();
        let answer = sandbox.router().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    // Of the notify URL, the path counts. One that hangs and one that fails are attempts as well.
    let hangs = Router::new().route("/ucanpay/payment", post(std::future::pending::<()>));
    let fails = Router::new();
    let takes = Router::new().route(
        "/ucanpay/payment",
        post(async |body: String| {
            assert!(body.contains("A1"));
            r#"{"return_code":"SUCCESS"}"#
        }),
    );
    for (merchant, left) in [(hangs, true), (fails, true), (takes, false)] {
        sandbox.advance(Duration::from_secs(15)).await.unwrap();
        assert_eq!(sandbox.deliver_due_to(merchant).await.unwrap(), 1);
        let request = Request::get("/_sandbox/deliveries").body(Body::empty());
        let answer = sandbox.router().oneshot(request.unwrap()).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        let shown: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(shown["deliveries"][0]["accepted"], !left, "{shown}");
    }
    sandbox.advance(Duration::from_secs(15)).await.unwrap();
    assert_eq!(sandbox.deliver_due_to(Router::new()).await.unwrap(), 0);
}
