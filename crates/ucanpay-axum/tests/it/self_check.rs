//! The self-check against every place where a layer can stand: it finds what axum loses, and stores nothing.

use crate::vectors::*;
use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post as on_post};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use ucanpay_axum::{
    Ack, Incoming, Nack, NotificationHandler, PaymentNotification, UcanpayLayer, self_check,
};

const PATHS: [&str; 2] = ["/ucanpay/payment", "/ucanpay/refund"];

#[derive(Clone, Default)]
struct Till(Arc<AtomicUsize>);

#[async_trait]
impl NotificationHandler for Till {
    async fn handle(&self, _incoming: Incoming) -> Result<Ack, Nack> {
        self.0.fetch_add(1, SeqCst);
        Ok(Ack::i_have_committed())
    }
}

fn shop() -> Router {
    Router::new().route("/", get(async || "shop"))
}

async fn not_here() -> StatusCode {
    StatusCode::NOT_FOUND
}

#[tokio::test]
async fn a_layer_in_its_place_is_found_and_its_handler_is_left_alone() {
    let till = Till::default();
    let layer = || UcanpayLayer::new(till.clone());
    let last = shop().fallback(not_here).layer(layer());
    self_check(last, PATHS).await.unwrap();
    let elsewhere = shop().layer(layer().at("/pay"));
    self_check(elsewhere, ["/pay/payment", "/pay/till-2/refund"])
        .await
        .unwrap();
    let nested = Router::new().nest_service("/shop", shop().layer(layer()));
    self_check(nested, ["/shop/ucanpay/payment"]).await.unwrap();
    assert_eq!(till.0.load(SeqCst), 0);
}

#[tokio::test]
async fn a_layer_that_axum_loses_is_named_with_the_path_that_is_lost() {
    let layer = || UcanpayLayer::new(Till::default());
    for (place, router) in [
        (
            "before the fallback",
            shop().layer(layer()).fallback(not_here),
        ),
        ("on the routes alone", shop().route_layer(layer())),
        (
            "merged into one with a fallback",
            Router::new()
                .fallback(not_here)
                .merge(shop().layer(layer())),
        ),
        ("none at all", shop()),
        (
            "behind a wildcard",
            shop()
                .layer(layer())
                .route("/{*all}", on_post(async || "SUCCESS")),
        ),
    ] {
        let shadowed = self_check(router, PATHS).await.unwrap_err();
        assert_eq!(shadowed.path(), PATHS[0], "{place}");
        let text = shadowed.to_string();
        assert!(
            text.contains("POST /ucanpay/payment") && text.contains("last"),
            "{text}"
        );
    }
    let nested = Router::new().nest("/shop", shop().layer(layer()));
    let shadowed = self_check(nested, ["/shop/ucanpay/payment"]).await;
    assert_eq!(shadowed.unwrap_err().path(), "/shop/ucanpay/payment");
}

#[tokio::test]
async fn the_second_path_is_checked_too_and_an_extractor_is_found() {
    async fn paid(_: PaymentNotification) -> Ack {
        Ack::i_have_committed()
    }
    let app = Router::new()
        .route("/pay/notify", on_post(paid))
        .with_state::<()>(merchant());
    self_check(app.clone(), ["/pay/notify"]).await.unwrap();
    let shadowed = self_check(app, ["/pay/notify", "/pay/refund"]).await;
    assert_eq!(shadowed.unwrap_err().path(), "/pay/refund");
}

#[tokio::test]
async fn a_path_that_is_none_is_shadowed_and_no_panic() {
    let app = shop().layer(UcanpayLayer::new(Till::default()));
    for path in ["", "not a path", "https://"] {
        let shadowed = self_check(app.clone(), [path]).await;
        assert_eq!(shadowed.unwrap_err().path(), path);
    }
}

#[tokio::test]
async fn no_header_from_outside_passes_for_a_self_check() {
    use tower::ServiceExt;
    let till = Till::default();
    let app = shop().layer(UcanpayLayer::new(till.clone()));
    let mut request = post(PATHS[0], "body");
    request
        .headers_mut()
        .insert("x-self-check", "1".parse().unwrap());
    let response = app.oneshot(request).await.unwrap();
    assert_success(response, "taken").await;
    assert_eq!(till.0.load(SeqCst), 1);
}
