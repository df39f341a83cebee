//! The ready routes over the ledger, nested into a shop.

use crate::ledger::{ledger, ledger_with_gateway, vector_payment};
use crate::vectors::*;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;
use ucanpay_axum::{payments_router, self_check};
use ucanpay_storefront::Payments;

fn shop(payments: &Payments) -> Router {
    Router::new()
        .route("/", get(async || "shop"))
        .nest("/ucanpay", payments_router(payments))
        .fallback(async || (StatusCode::NOT_FOUND, "the shop's own"))
}

fn asked(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn status(app: &Router, reference: &str) -> (StatusCode, Value) {
    let path = format!("/ucanpay/status/{reference}");
    let response = app.clone().oneshot(asked(&path)).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_payment_is_notified_and_its_page_told() {
    let payments = ledger();
    payments.start(vector_payment()).await.unwrap();
    let app = shop(&payments);
    let paths = ["/ucanpay/payment", "/ucanpay/ucanpay/refund"];
    self_check(app.clone(), paths).await.unwrap();

    let (code, before) = status(&app, "VEC20260301A").await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(
        before,
        json!({
            "reference": "VEC20260301A", "state": "created", "paid": false, "settled": false, "amount": 450,
            "currency": "CAD", "refunded": 0, "reversed": false, "pay_link": null,
        })
    );

    let request = asked("/ucanpay/status/VEC20260301A/events");
    let mut events = app.clone().oneshot(request).await.unwrap().into_body();
    let first = next(&mut events).await.unwrap();
    assert!(first.contains(r#""paid":false"#), "{first}");

    let notified = post("/ucanpay/payment", case("genuine").body);
    assert_success(app.clone().oneshot(notified).await.unwrap(), "genuine").await;
    let second = next(&mut events).await.unwrap();
    assert!(second.contains(r#""paid":true"#), "{second}");
    assert_eq!(next(&mut events).await, None, "settled: the stream ends");
    assert_eq!(status(&app, "VEC20260301A").await.1["state"], "paid");
}

#[tokio::test]
async fn the_link_and_its_code_are_there_until_the_payment_is_settled() {
    let payments = ledger_with_gateway();
    payments.start(vector_payment()).await.unwrap();
    let app = shop(&payments);
    let code = "/ucanpay/status/VEC20260301A/qr.svg";
    let link = status(&app, "VEC20260301A").await.1["pay_link"].clone();
    let link = link.as_str().expect("a link").to_owned();
    let drawn = app.clone().oneshot(asked(code)).await.unwrap();
    let (found, content_type, svg) = read(drawn).await;
    assert_eq!((found, &*content_type), (StatusCode::OK, "image/svg+xml"));
    assert_eq!(svg, ucanpay_core::qr::svg(&link).unwrap());

    let notified = post("/ucanpay/payment", case("genuine").body);
    assert_success(app.clone().oneshot(notified).await.unwrap(), "genuine").await;
    let drawn = app.clone().oneshot(asked(code)).await.unwrap();
    assert_eq!(drawn.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        status(&app, "VEC20260301A").await.1["pay_link"],
        Value::Null
    );
}

/// The next event, within a time that no working stream needs; `None` at the end.
async fn next(events: &mut Body) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(30), events.frame());
    let frame = frame.await.expect("the stream goes on")?.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_other_paths_stay_the_shop_s() {
    let payments = ledger();
    payments.start(vector_payment()).await.unwrap();
    let app = shop(&payments);
    for path in [
        "/ucanpay/status/NOBODY",
        "/ucanpay/status/NOBODY/events",
        "/ucanpay/status/NOBODY/qr.svg",
        "/ucanpay/status/caf%C3%A9",
        // The gateway was never reached, so there is no link to draw.
        "/ucanpay/status/VEC20260301A/qr.svg",
    ] {
        let response = app.clone().oneshot(asked(path)).await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let response = app.clone().oneshot(asked("/elsewhere")).await.unwrap();
    assert_eq!(read(response).await.2, "the shop's own");
    let response = app.oneshot(asked("/")).await.unwrap();
    assert_eq!(read(response).await.2, "shop");
}

#[tokio::test]
async fn what_is_no_notification_is_refused_as_by_the_layer() {
    let app = shop(&ledger());
    for case in cases().into_iter().filter(|case| !case.accepted) {
        let request = post("/ucanpay/payment", case.body);
        let response = app.clone().oneshot(request).await.unwrap();
        assert_fail(response, StatusCode::UNAUTHORIZED, &case.name).await;
    }
    let request = post("/ucanpay/nobody/payment", case("genuine").body);
    let response = app.clone().oneshot(request).await.unwrap();
    assert_fail(response, StatusCode::NOT_FOUND, "nobody").await;
    let large = post("/ucanpay/refund", "x".repeat(65 * 1024));
    let response = app.clone().oneshot(large).await.unwrap();
    assert_fail(response, StatusCode::PAYLOAD_TOO_LARGE, "large").await;
    let response = app.oneshot(asked("/ucanpay/payment")).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}
