//! What an account does not take is refused before anything is recorded, in words that say what it takes.

use std::time::Duration;

use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::provider::{
    Capabilities, NumberRule, RefundLimits, RefundStatus, Unsupported,
};
use ucanpay_storefront::{PaymentProvider as _, RefundError, RefundState, StartError};

use crate::shop::{shops, start};

fn narrow(refunds: u32) -> Capabilities {
    let cents = |cents| Amount::new(cents).unwrap();
    Capabilities::new(RefundLimits {
        count: refunds,
        window: Duration::from_secs(86_400),
    })
    .with_currencies([Currency::CAD])
    .with_amounts(cents(100)..=cents(900))
    .with_numbers(NumberRule::alphanumeric(28))
    .with_expiry(Duration::from_secs(1_800))
}

#[tokio::test]
async fn what_the_account_does_not_take_is_not_recorded() {
    for shop in shops().await {
        shop.gateway.narrow(narrow(10));
        let mut currency = start("A1", 450);
        currency.currency = Currency::new("USD").unwrap();
        let mut expiry = start("A1", 450);
        expiry.expires_after = Some(Duration::from_secs(1_801));
        for (asked, words) in [
            (start("A-1", 450), "1 to 28 letters and digits"),
            (start("A1", 99), "it takes 100 to 900 cents"),
            (start("A1", 901), "it takes 100 to 900 cents"),
            (currency, "it takes CAD"),
            (expiry, "after 1800 s"),
        ] {
            let key = shop.payments.key(asked.reference.clone());
            let refused = shop.payments.start(asked).await;
            let Err(StartError::Unsupported(error)) = refused else {
                panic!("{refused:?}")
            };
            assert!(error.to_string().contains(words), "{error}");
            assert!(shop.payments.payment(&key).await.unwrap().is_none());
        }
        assert!(shop.gateway.placed().is_empty());
        assert!(shop.events().await.is_empty());
        shop.start("A1", 900).await.unwrap();
        shop.check().await;
    }
}

#[tokio::test]
async fn what_was_recorded_while_it_was_taken_is_the_same_payment_still() {
    for shop in shops().await {
        let first = shop.start("A1", 1_000).await.unwrap();
        shop.gateway.narrow(narrow(10));
        assert_eq!(shop.start("A1", 1_000).await.unwrap(), first);
        assert!(matches!(
            shop.start("A2", 1_000).await,
            Err(StartError::Unsupported(Unsupported::Amount { .. }))
        ));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_buyer_has_no_longer_than_the_gateway_keeps_the_payment_open() {
    for shop in shops().await {
        shop.gateway.narrow(narrow(10));
        let view = shop.start("A1", 450).await.unwrap();
        let open = view.payment.expires_at.since(view.payment.created_at);
        assert_eq!(open, Duration::from_secs(1_800));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_that_the_account_does_not_take_is_not_recorded() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R-1", 50).await.unwrap();
        shop.gateway.set_refund("R-1", RefundStatus::Succeeded);
        shop.refund_note("A1", "R-1", &serde_json::json!({})).await;
        let before = shop.gateway.calls();
        shop.gateway.narrow(narrow(10));
        let refused = shop.refund("A1", "R-2", 50).await;
        let Err(RefundError::Unsupported(error)) = refused else {
            panic!("{refused:?}")
        };
        assert!(error.to_string().contains("1 to 28 letters and digits"));
        shop.gateway.narrow(narrow(0));
        assert!(matches!(
            shop.refund("A1", "R3", 50).await,
            Err(RefundError::Unsupported(Unsupported::Refunds))
        ));
        // The one that stands is told as it stands.
        let stands = shop.refund("A1", "R-1", 50).await.unwrap();
        assert_eq!(stands.state, RefundState::Succeeded);
        assert_eq!(shop.view("A1").await.refunds.len(), 1);
        assert_eq!(shop.gateway.calls(), before);
        assert_eq!(shop.gateway.capabilities().refunds.count, 0);
        shop.check().await;
    }
}
