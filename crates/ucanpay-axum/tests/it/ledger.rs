//! The layer over the ledger of `ucanpay-storefront`: what is acknowledged was committed.

use crate::vectors::*;
use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::http::{Request, Response, StatusCode};
use serde_json::Value;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use tower::{ServiceExt, service_fn};
use ucanpay_axum::UcanpayLayer;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::ledger::{Applied, Census, Command, History, Lease};
use ucanpay_storefront::store::{ClaimedEvent, Delivery, ParkedEvent, Signals, Unparking};
use ucanpay_storefront::{
    MemoryStore, PaymentKey, PaymentRegistry, PaymentState, PaymentStore, PaymentView, Payments,
    ProviderId, Reference, StartPayment, StoreError, Timestamp, UcanpayProvider, UcanpaySettings,
};
use ucanpay_transport::{Client, ConnectError};

/// A ledger whose gateway cannot be reached: what turns a payment paid is the notification alone.
pub(crate) fn ledger() -> Payments {
    ledger_in(MemoryStore::new())
}

fn ledger_in(store: impl PaymentStore) -> Payments {
    let unreachable = service_fn(async |_: Request<Bytes>| {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        Err::<Response<Bytes>, _>(ConnectError::new(refused))
    });
    ledger_of(store, Client::with_service(merchant(), unreachable))
}

/// A ledger whose gateway takes every payment, under the number that the vectors speak of.
pub(crate) fn ledger_with_gateway() -> Payments {
    let placing = service_fn(async |request: Request<Bytes>| {
        let asked: Value = serde_json::from_slice(request.body()).unwrap();
        let (number, amount) = (&asked["outTradeNo"], &asked["totalAmt"]);
        let data = format!(
            r#"{{"merchantId":"2000000010","tranTime":"2026-03-01T12:00:00","totalAmt":{amount},"outTradeNo":{number},"ucpOrderNo":"563465342654643","signType":"RSA","nonceStr":"n""#
        );
        let sign = platform_signature(&format!("{data}}}"));
        let answer = format!(r#"{{"code":0,"data":{data},"sign":"{sign}"}}}}"#);
        Ok::<_, io::Error>(Response::new(Bytes::from(answer)))
    });
    ledger_of(
        MemoryStore::new(),
        Client::with_service(merchant(), placing),
    )
}

fn ledger_of(store: impl PaymentStore, client: Client) -> Payments {
    let settings = UcanpaySettings::new("https://shop.example").unwrap();
    let registry = PaymentRegistry::builder()
        .register(UcanpayProvider::new(client, settings))
        .build()
        .unwrap();
    Payments::new(Arc::new(store), registry)
}

/// The payment that the vectors speak of.
pub(crate) fn vector_payment() -> StartPayment {
    StartPayment {
        provider: None,
        reference: Reference::new("VEC20260301A").unwrap(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "coffee".into(),
        expires_after: None,
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
        assert!(!view.needs_review());
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
    assert!(!view.needs_review());
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

/// A store whose database can be taken away.
#[derive(Clone, Debug, Default)]
struct Flaky {
    inner: Arc<MemoryStore>,
    gone: Arc<AtomicBool>,
}

impl Flaky {
    fn there(&self) -> Result<&MemoryStore, StoreError> {
        if self.gone.load(SeqCst) {
            return Err(StoreError::Unavailable("the disk is full".into()));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl PaymentStore for Flaky {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        self.there()?.apply(key, command, now).await
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.there()?.load(key).await
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        self.there()?.history(key).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.there()?.census(now).await
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.there()?.recent(limit).await
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.there()?.under_review(limit).await
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        self.there()?.blocked_until(account).await
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        self.there()?.claim_due(account, now, until, limit).await
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.there()?.claim_events(now, until, limit).await
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        self.there()?.settle_events(ended).await
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        self.there()?.parked_events(limit).await
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        self.inner.signals()
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.there()?.unpark_event(id, unparking, now).await
    }
}

#[tokio::test]
async fn while_the_store_is_gone_a_genuine_notification_is_503_and_fail_and_its_repeat_is_taken() {
    let store = Flaky::default();
    let payments = ledger_in(store.clone());
    let key = payments.start(vector_payment()).await.unwrap().payment.key;
    let router = Router::new().layer(UcanpayLayer::payments(payments.clone()));
    let notify = || {
        let request = post("/ucanpay/payment", case("genuine").body);
        router.clone().oneshot(request)
    };

    store.gone.store(true, SeqCst);
    let refused = notify().await.unwrap();
    assert_fail(refused, StatusCode::SERVICE_UNAVAILABLE, "no store").await;
    store.gone.store(false, SeqCst);
    let view = payments.payment(&key).await.unwrap().unwrap();
    assert_ne!(view.payment.state, PaymentState::Paid);

    assert_success(notify().await.unwrap(), "the repeat").await;
    let view = payments.payment(&key).await.unwrap().unwrap();
    assert_eq!(view.payment.state, PaymentState::Paid);
}
