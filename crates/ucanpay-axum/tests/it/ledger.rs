//! The layer over the ledger of `ucanpay-storefront`: what is acknowledged was committed.

use crate::vectors::*;
use axum::Router;
use axum::body::Bytes;
use axum::http::{Request, Response, StatusCode};
use std::io;
use std::sync::Arc;
use tower::{ServiceExt, service_fn};
use ucanpay_axum::UcanpayLayer;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::{
    MemoryStore, PaymentRegistry, PaymentState, Payments, Reference, StartPayment, UcanpayProvider,
    UcanpaySettings,
};
use ucanpay_transport::{Client, ConnectError};

/// A ledger whose gateway cannot be reached: what turns a payment paid is the notification alone.
fn ledger() -> Payments {
    let unreachable = service_fn(async |_: Request<Bytes>| {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        Err::<Response<Bytes>, _>(ConnectError::new(refused))
    });
    let client = Client::with_service(merchant(), unreachable);
    let settings = UcanpaySettings::new("https://shop.example").unwrap();
    let registry = PaymentRegistry::builder()
        .register(UcanpayProvider::new(client, settings))
        .build()
        .unwrap();
    Payments::new(Arc::new(MemoryStore::new()), registry)
}

/// The payment that the vectors speak of.
fn vector_payment() -> StartPayment {
    StartPayment {
        provider: None,
        reference: Reference::new("VEC20260301A").unwrap(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "coffee".into(),
    }
}

#[tokio::test]
async fn a_genuine_notification_is_acknowledged_and_has_turned_its_payment_paid() {
    let payments = ledger();
    let key = payments.start(vector_payment()).await.unwrap().payment.key;
    let router = Router::new().layer(UcanpayLayer::payments(payments.clone()));
    for path in ["/ucanpay/payment", "/ucanpay/ucanpay/payment"] {
        let request = post(path, case("genuine").body);
        let response = router.clone().oneshot(request).await.unwrap();
        assert_success(response, path).await;
        let view = payments.payment(&key).await.unwrap().unwrap();
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert!(!view.payment.needs_review);
    }
}

#[tokio::test]
async fn a_refused_notification_is_fail_and_changes_nothing() {
    let payments = ledger();
    let key = payments.start(vector_payment()).await.unwrap().payment.key;
    let router = Router::new().layer(UcanpayLayer::payments(payments.clone()));
    for case in cases().into_iter().filter(|case| !case.accepted) {
        let request = post("/ucanpay/payment", case.body);
        let response = router.clone().oneshot(request).await.unwrap();
        assert_fail(response, StatusCode::UNAUTHORIZED, &case.name).await;
    }
    let view = payments.payment(&key).await.unwrap().unwrap();
    assert_ne!(view.payment.state, PaymentState::Paid);
    assert!(!view.payment.needs_review);
}

#[tokio::test]
async fn a_genuine_notification_of_an_unknown_order_is_acknowledged() {
    let router = Router::new().layer(UcanpayLayer::payments(ledger()));
    let request = post("/ucanpay/payment", case("genuine").body);
    let response = router.oneshot(request).await.unwrap();
    assert_success(response, "unknown order").await;
}

#[tokio::test]
async fn an_account_that_is_not_registered_is_404_and_fail() {
    let router = Router::new().layer(UcanpayLayer::payments(ledger()));
    let request = post("/ucanpay/nobody/payment", case("genuine").body);
    let response = router.oneshot(request).await.unwrap();
    assert_fail(response, StatusCode::NOT_FOUND, "nobody").await;
}
