//! The layer in a router that is part of another: where the notify addresses are found, and where axum loses them.

use crate::vectors::*;
use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post as on_post};
use tower::ServiceExt;
use ucanpay_axum::{Ack, Incoming, Nack, NotificationHandler, UcanpayLayer};

struct Till;

#[async_trait]
impl NotificationHandler for Till {
    async fn handle(&self, _incoming: Incoming) -> Result<Ack, Nack> {
        Ok(Ack::i_have_committed())
    }
}

fn layer() -> UcanpayLayer {
    UcanpayLayer::new(Till)
}

fn shop() -> Router {
    Router::new().route("/", get(async || "shop"))
}

async fn assert_taken(router: Router, path: &str) {
    let response = router.oneshot(post(path, "body")).await.unwrap();
    assert_success(response, path).await;
}

async fn assert_lost(router: Router, path: &str) {
    let response = router.oneshot(post(path, "body")).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
}

#[tokio::test]
async fn a_nested_layer_without_a_fallback_inside_loses_its_notifications() {
    let nested = Router::new().nest("/shop", shop().layer(layer()));
    assert_lost(nested, "/shop/ucanpay/payment").await;
    let outer_fallback = Router::new()
        .nest("/shop", shop().layer(layer()))
        .fallback(async || StatusCode::NOT_FOUND);
    assert_lost(outer_fallback, "/shop/ucanpay/payment").await;
}

#[tokio::test]
async fn a_nested_layer_with_a_fallback_inside_takes_them() {
    let inner = shop().fallback(async || StatusCode::NOT_FOUND);
    let nested = Router::new().nest("/shop", inner.layer(layer()));
    assert_taken(nested, "/shop/ucanpay/payment").await;
}

#[tokio::test]
async fn a_layer_inside_nest_service_takes_them() {
    let nested = Router::new().nest_service("/shop", shop().layer(layer()));
    assert_taken(nested, "/shop/ucanpay/payment").await;
}

#[tokio::test]
async fn a_layer_around_the_nesting_router_takes_them_under_its_prefix() {
    let around = layer().at("/shop/ucanpay");
    let nested = Router::new().nest("/shop", shop()).layer(around);
    assert_taken(nested, "/shop/ucanpay/payment").await;
}

#[tokio::test]
async fn a_layered_router_is_merged_with_one_without_fallback_and_takes_them() {
    let other = || Router::new().route("/about", get(async || "about"));
    assert_taken(other().merge(shop().layer(layer())), "/ucanpay/payment").await;
    let fallback = async || StatusCode::NOT_FOUND;
    let with_fallback = shop().fallback(fallback).layer(layer());
    assert_taken(other().merge(with_fallback), "/ucanpay/payment").await;
    let around = other().merge(shop()).layer(layer());
    assert_taken(around, "/ucanpay/payment").await;
}

#[tokio::test]
async fn a_layered_router_that_is_merged_with_a_fallback_loses_them() {
    let other = Router::new().fallback(async || StatusCode::NOT_FOUND);
    assert_lost(other.merge(shop().layer(layer())), "/ucanpay/payment").await;
}

#[tokio::test]
async fn a_layered_router_that_merges_another_afterwards_loses_them() {
    let other = Router::new().route("/about", get(async || "about"));
    let merged = shop().layer(layer()).merge(other);
    assert_lost(merged, "/ucanpay/payment").await;
}

#[tokio::test]
async fn a_prefix_shared_with_other_post_routes_takes_them_for_accounts() {
    let router = shop()
        .route("/api/orders/refund", on_post(async || "the shop's own"))
        .route("/api/orders/close", on_post(async || "the shop's own"))
        .layer(layer().at("/api"));
    assert_taken(router.clone(), "/api/orders/refund").await;
    let response = router.oneshot(post("/api/orders/close", "")).await.unwrap();
    assert_eq!(read(response).await.2, "the shop's own");
}
