//! The stream behind the order's page.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use axum_shop::events::MAX_LISTENERS;
use futures_util::StreamExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::shop::TestShop;

async fn stream(shop: &TestShop, order: &str) -> BodyDataStream {
    stream_from(shop, &format!("/orders/{order}/events")).await
}

async fn stream_from(shop: &TestShop, path: &str) -> BodyDataStream {
    let request = Request::get(path);
    let request = request.body(Body::empty()).unwrap();
    let response = shop.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body().into_data_stream()
}

/// The next piece of news; `None` when the stream has ended.
async fn news(stream: &mut BodyDataStream) -> Option<Value> {
    loop {
        let part = tokio::time::timeout(Duration::from_secs(10), stream.next());
        let part = part.await.expect("there is news in time")?.unwrap();
        let text = String::from_utf8(part.to_vec()).unwrap();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        if let Some(data) = field("data: ") {
            let mut news: Value = serde_json::from_str(data).unwrap();
            news["version"] = field("id: ").expect("news has an id").into();
            return Some(news);
        }
    }
}

#[tokio::test]
async fn the_page_is_told_how_things_stand_and_then_what_changes() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    let mut events = stream(&shop, &order).await;
    let first = news(&mut events).await.unwrap();
    assert_eq!(first["status"], "awaiting_payment");
    assert!(first["html"].as_str().unwrap().contains("Scan with"));

    shop.approve(&order).await;
    let mut next = news(&mut events).await.unwrap();
    while next["status"] != "paid" {
        next = news(&mut events).await.unwrap();
    }
    assert!(next["html"].as_str().unwrap().contains("Paid, thank you!"));
    assert_eq!(next["title"], "Paid · Maple & Bean");

    // Somebody who comes later, or again, is told at once.
    let late = news(&mut stream(&shop, &order).await).await.unwrap();
    assert_eq!(late["status"], "paid");
}

#[tokio::test]
async fn what_a_page_shows_already_is_not_sent_again() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    let page = shop.get(&format!("/orders/{order}")).await;
    assert!(page.text.len() < 50 * 1024, "{} bytes", page.text.len());
    let (_, version) = page.text.split_once("data-version=\"").unwrap();
    let (version, _) = version.split_once('"').unwrap();
    let path = format!("/orders/{order}/events?shown={version}");
    let mut events = stream_from(&shop, &path).await;
    let quiet = Duration::from_millis(300);
    let first = tokio::time::timeout(quiet, events.next()).await;
    assert!(first.is_err(), "nothing is new: {first:?}");

    shop.approve(&order).await;
    let next = news(&mut events).await.unwrap();
    assert_ne!(next["version"], version);
}

#[tokio::test]
async fn when_too_many_pages_listen_a_further_one_is_told_to_come_back() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    let mut others = Vec::new();
    others.extend(std::iter::from_fn(|| shop.shop.listen()));
    assert_eq!(others.len(), MAX_LISTENERS);
    let path = format!("/orders/{order}/events");
    let refused = shop.get(&path).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers["retry-after"], "3");
    // A page that leaves makes room.
    others.pop();
    let mut events = stream(&shop, &order).await;
    assert!(news(&mut events).await.is_some());
    assert!(shop.shop.listen().is_none());
    drop(events);
    assert!(shop.shop.listen().is_some());
}

#[tokio::test]
async fn an_order_that_is_not_there_has_no_stream() {
    let shop = TestShop::open().await;
    let answer = shop.get("/orders/NONE/events").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_that_waits_does_not_keep_the_shop_from_stopping() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    let mut events = stream(&shop, &order).await;
    assert!(news(&mut events).await.is_some());
    let closed = tokio::time::timeout(Duration::from_secs(5), shop.close());
    closed.await.expect("the shop stops in time");
    assert_eq!(news(&mut events).await, None);
}
