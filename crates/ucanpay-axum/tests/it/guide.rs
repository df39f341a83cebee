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
const MANIFESTS: [&str; 2] = [
    include_str!("guide/before.toml"),
    include_str!("guide/after.toml"),
];

/// `after` with a sign before each line that `before` does not have, and the number of these.
fn difference([before, after]: [&str; 2]) -> (String, usize) {
    let mut before = before.lines().peekable();
    let (mut text, mut added) = (String::new(), 0);
    for line in after.lines() {
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
fn ten_lines_are_added_in_all_and_none_is_changed() {
    let added = [MANIFESTS, [BEFORE, AFTER]].map(|files| difference(files).1);
    assert_eq!(added, [1, 9]);
}

#[test]
fn the_page_shows_the_code_that_is_tried_here() {
    for files in [MANIFESTS, [BEFORE, AFTER]] {
        let block = format!("\n```diff\n{}```\n", difference(files).0);
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
    assert!(ordered.contains("Pay: https://"), "{ordered}");
    let number = number(&ordered);
    let order = format!("/orders/{number}");
    let shown = said(&app, asked(&order)).await;
    let (_, status) = shown.split_once("Its payment: ").unwrap();
    let status = status.lines().next().unwrap();
    let stands = said(&app, asked(status)).await;
    assert!(stands.contains(r#""paid":false"#), "{stands}");

    let data = format!(
        r#"{{"merchantId":"2000000010","currency":"CAD","totalAmt":2800,"ucpOrderNo":"563465342654643","outTradeNo":"CAKE{number}","tradeStatus":"SUCCESS","signType":"RSA","nonceStr":"n""#
    );
    let sign = platform_signature(&format!("{data}}}"));
    let paid = format!(r#"{{"code":0,"data":{data},"sign":"{sign}"}}}}"#);
    let answer = app.clone().oneshot(post("/ucanpay/payment", paid)).await;
    assert_success(answer.unwrap(), "paid").await;
    let stands = said(&app, asked(status)).await;
    assert!(stands.contains(r#""paid":true"#), "{stands}");
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
