//! A provider made of expectations: what a shop's own tests use.

use std::sync::Arc;

use ucanpay_core::Amount;
use ucanpay_storefront::provider::{
    Capabilities, Effect, FrozenRequest, ProviderError, ProviderErrorKind, RefundLimits,
};
use ucanpay_storefront::{
    MemoryStore, MockPaymentProvider, PaymentRegistry, Payments, ProviderId, RefundRequest,
};

#[tokio::test]
async fn a_refund_of_an_unpaid_payment_reaches_no_provider() {
    let mut provider = MockPaymentProvider::new();
    provider
        .expect_id()
        .return_const(ProviderId::new("mock").unwrap());
    provider.expect_merchant().return_const("M1".to_owned());
    provider.expect_capabilities().returning(|| {
        Capabilities::new(RefundLimits {
            count: 10,
            window: std::time::Duration::from_secs(1),
        })
    });
    provider.expect_prepare_payment().returning(|_| {
        Ok(FrozenRequest {
            path: "/order".into(),
            body: Arc::from(*b"{}"),
            key: "key".into(),
        })
    });
    provider.expect_create_payment().times(1).returning(|_, _| {
        let refused = ProviderError::new(ProviderErrorKind::Unreachable, "connection refused");
        Err(refused.with_effect(Effect::None))
    });
    provider.expect_prepare_refund().never();
    provider.expect_refund_payment().never();

    let registry = PaymentRegistry::builder()
        .register(provider)
        .build()
        .unwrap();
    let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    let view = payments.start(crate::shop::start("A1", 450)).await.unwrap();
    let refund = RefundRequest {
        number: None,
        amount: Amount::new(1).unwrap(),
        reason: "spilt".into(),
    };
    assert!(payments.refund(&view.payment.key, refund).await.is_err());
}
