//! The guide `docs/axum.md`: its code is the code below, it compiles, and the shop it makes takes a payment.

use crate::ledger::ledger_with_gateway;
use crate::vectors::*;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use std::sync::Arc;
use tower::ServiceExt;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "a program of its own, whose `main` is not run here"
)]
mod after;
#[allow(dead_code, unreachable_pub, reason = "likewise")]
mod before;

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/axum.md"));
const BEFORE: &str = include_str!("guide/before.rs");
const AFTER: &str = include_str!("guide/after.rs");
const TILL: &str = include_str!("guide/after/till.rs");

/// `AFTER` with a sign before each line that `BEFORE` does not have, and the number of these.
fn difference() -> (String, usize) {
    let mut before = BEFORE.lines().peekable();
    let (mut text, mut added) = (String::new(), 0);
    for line in AFTER.lines() {
        let sign = if before.next_if_eq(&line).is_some() {
            ' '
        } else {
            added += 1;
            '+'
        };
        text.push_str(format!("{sign}{line}").trim_end());
        text.push('\n');
    }
    assert_eq!(before.next(), None, "a line of the shop was changed");
    (text, added)
}

#[test]
fn nine_lines_are_added_to_the_shop_and_none_is_changed() {
    let (_, added) = difference();
    assert_eq!(added, 9);
}

#[test]
fn the_page_shows_the_code_that_is_tried_here() {
    let (difference, _) = difference();
    let blocks = [
        format!("\n```diff\n{difference}```\n"),
        format!("\n```rust\n{TILL}```\n"),
    ];
    for block in blocks {
        assert!(PAGE.contains(&block), "docs/axum.md should hold:\n{block}");
    }
}

async fn said(app: &axum::Router, request: Request<Body>) -> String {
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, _, text) = read(response).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    text
}

fn number(ordered: &str) -> String {
    let (number, _) = ordered["Order ".len()..].split_once(':').unwrap();
    number.to_owned()
}

fn asked(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn the_shop_of_the_guide_is_paid() {
    let app = after::app(after::Shop {
        orders: Arc::default(),
        payments: ledger_with_gateway(),
    });
    let ordered = said(&app, post("/orders", "Zoë")).await;
    assert!(ordered.contains("Pay here: https://"), "{ordered}");
    let number = number(&ordered);
    let order = format!("/orders/{number}");
    let shown = said(&app, asked(&order)).await;
    assert!(shown.contains("Pay here: https://"), "{shown}");

    let data = format!(
        r#"{{"merchantId":"2000000010","currency":"CAD","totalAmt":2800,"ucpOrderNo":"563465342654643","outTradeNo":"CAKE{number}","tradeStatus":"SUCCESS","signType":"RSA","nonceStr":"n""#
    );
    let sign = platform_signature(&format!("{data}}}"));
    let paid = format!(r#"{{"code":0,"data":{data},"sign":"{sign}"}}}}"#);
    let answer = app.clone().oneshot(post("/ucanpay/payment", paid)).await;
    assert_success(answer.unwrap(), "paid").await;
    let shown = said(&app, asked(&order)).await;
    assert!(shown.contains("A cake for Zoë.\nPaid."), "{shown}");
}

#[tokio::test]
async fn the_shop_worked_before() {
    let app = before::app(before::Shop {
        orders: Arc::default(),
    });
    let ordered = said(&app, post("/orders", "Zoë")).await;
    let order = format!("/orders/{}", number(&ordered));
    let shown = said(&app, asked(&order)).await;
    assert!(shown.contains("A cake for Zoë."), "{shown}");
}
