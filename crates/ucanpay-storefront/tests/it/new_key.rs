//! The merchant's key changes while signed requests wait: the same numbers go out under the new key, and nothing is doubled.

use serde_json::Value;
use ucanpay_storefront::provider::{ProviderErrorKind, RefundStatus};
use ucanpay_storefront::{Closing, PaymentState, RefundState};

use crate::gateway::Fault;
use crate::shop::shops;

/// What a body says, without what only a signature changes.
fn parameters(body: &[u8]) -> Value {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    body["nonce"] = Value::Null;
    body
}

#[tokio::test]
async fn an_order_that_waits_is_placed_under_the_new_key_with_the_same_parameters() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Unreachable);
        shop.start("A1", 450).await.unwrap();
        let old = shop.view("A1").await.payment.request;
        shop.gateway.change_key();
        shop.pass(20).await;

        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
        let new = view.payment.request;
        assert_eq!(new.key, "new key");
        assert_eq!(parameters(&new.body), parameters(&old.body));
        let placed = shop.gateway.placed();
        assert_eq!(placed.last(), Some(&new.body), "what is sent was committed");
        shop.check().await;
    }
}

/// Found by history 5 of the simulation: it was never placed, never found, and never settled.
#[tokio::test]
async fn an_order_that_is_to_end_before_it_was_placed_is_placed_under_the_new_key_and_closed() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Unreachable);
        shop.start("A1", 450).await.unwrap();
        shop.gateway.change_key();
        let closing = shop.payments.close(&shop.key("A1")).await.unwrap();
        assert!(matches!(closing, Closing::Closed(_)), "{closing:?}");
        assert_eq!(shop.view("A1").await.payment.request.key, "new key");
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_goes_out_under_the_new_key_and_is_done_once() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::AnswerLost);
        // The query that would follow does not get through either.
        shop.gateway.next_call(Fault::Unreachable);
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.gateway.change_key();
        shop.pass(60).await;
        shop.gateway.set_refund("R1", RefundStatus::Succeeded);
        shop.pass(60).await;

        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Succeeded);
        assert_eq!(view.refunded(), 100);
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn the_new_bytes_survive_a_restart() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Unreachable);
        shop.start("A1", 450).await.unwrap();
        shop.gateway.change_key();
        // The old signature is refused; the same order under the new one is lost on its way.
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::BadSignature));
        shop.gateway.next_call(Fault::Unreachable);
        shop.gateway.next_call(Fault::Unreachable);
        shop.pass(16).await;
        let renewed = shop.view("A1").await.payment;
        assert_eq!(renewed.request.key, "new key");
        assert_eq!(renewed.state, PaymentState::Created);

        let shop = shop.restarted().await;
        shop.pass(60).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
        assert_eq!(view.payment.request, renewed.request, "signed anew once");
        shop.check().await;
    }
}

#[tokio::test]
async fn without_a_new_key_nothing_is_signed_anew_and_the_trouble_is_named() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Unreachable);
        shop.start("A1", 450).await.unwrap();
        let old = shop.view("A1").await.payment.request;
        shop.gateway.take_no_key();
        shop.pass(400).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.request, old);
        assert_eq!(view.payment.state, PaymentState::Created);
        let trouble = view.payment.trouble.unwrap();
        assert!(trouble.contains("signature"), "{trouble}");
        // Asked again after minutes, not every few seconds.
        assert!(
            shop.gateway.placed().len() <= 4,
            "{}",
            shop.gateway.placed().len()
        );
        shop.check().await;
    }
}
