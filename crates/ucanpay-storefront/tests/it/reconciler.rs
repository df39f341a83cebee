//! Nobody calls.

use serde_json::json;
use ucanpay_storefront::PaymentState;
use ucanpay_storefront::provider::{PaymentStatus, ProviderErrorKind, RefundStatus};

use crate::gateway::Fault;
use crate::shop::shops;

#[tokio::test]
async fn a_payment_whose_notifications_are_all_lost_turns_paid_within_sixty_seconds() {
    // The buyer may take his time before he pays: at every age of the first half hour the wait is under a minute.
    for hesitates in [0, 14, 100, 130, 900, 1_700] {
        for shop in shops().await {
            shop.start("A1", 450).await.unwrap();
            shop.pass(hesitates).await;
            shop.gateway.set_status("A1", PaymentStatus::Paid);
            shop.pass(60).await;
            assert_eq!(
                shop.view("A1").await.payment.state,
                PaymentState::Paid,
                "{hesitates}"
            );
            assert!(shop.event_words().await.contains(&"recovered_by_query"));
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn the_first_question_comes_after_fifteen_seconds_and_the_wait_widens() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        shop.pass(14).await;
        assert_eq!(shop.gateway.queries(), 0);
        shop.pass(2).await;
        assert_eq!(shop.gateway.queries(), 1);
        shop.pass(3_600).await;
        let in_an_hour = shop.gateway.queries();
        assert!((40..70).contains(&in_an_hour), "{in_an_hour}");
        shop.pass(3_600).await;
        assert!(shop.gateway.queries() - in_an_hour < 15);
        shop.check().await;
    }
}

#[tokio::test]
async fn trouble_with_the_gateway_never_fails_a_payment() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        for kind in [
            ProviderErrorKind::Unclear,
            ProviderErrorKind::Later,
            ProviderErrorKind::AskFirst,
            ProviderErrorKind::Untrusted,
        ] {
            shop.gateway.next_call(Fault::Says(kind));
            shop.pass(16).await;
            let view = shop.view("A1").await;
            assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
            assert!(view.payment.trouble.is_some());
        }
        shop.check().await;
    }
}

#[tokio::test]
async fn two_instances_ask_once_for_one_row() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        shop.clock.advance(std::time::Duration::from_secs(16));
        let (one, two) = (shop.payments.clone(), shop.payments.clone());
        let (one, two) = tokio::join!(one.reconcile(), two.reconcile());
        assert_eq!(one.unwrap().asked + two.unwrap().asked, 1);
        assert_eq!(shop.gateway.queries(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn refunds_are_asked_for_too() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.gateway.set_refund("R1", RefundStatus::Succeeded);
        shop.pass(16).await;
        assert_eq!(shop.view("A1").await.refunded(), 100);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_result_that_comes_after_the_lease_passed_on_writes_nothing() {
    for shop in shops().await {
        let before = shop.start("A1", 450).await.unwrap();
        let key = shop.key("A1");
        let now = ucanpay_storefront::Clock::now(&*shop.clock);
        let claim = |until| {
            ucanpay_storefront::ledger::Command::Claim(
                ucanpay_storefront::ledger::Target::Payment,
                until,
            )
        };
        let second = std::time::Duration::from_secs(1);
        let old = shop
            .store
            .apply(&key, claim(now.after(second)), now)
            .await
            .unwrap();
        let ucanpay_storefront::ledger::Outcome::Claimed(old) = old.outcome else {
            panic!("{:?}", old.outcome);
        };
        // The lease runs out, and somebody else takes the row.
        let later = now.after(2 * second);
        shop.store
            .apply(&key, claim(later.after(second)), later)
            .await
            .unwrap();
        let give_up = ucanpay_storefront::ledger::Command::GiveUp {
            lease: old,
            trouble: "too late".into(),
            review: true,
            hold: None,
        };
        let applied = shop.store.apply(&key, give_up, later).await.unwrap();
        assert_eq!(
            applied.outcome,
            ucanpay_storefront::ledger::Outcome::StaleLease
        );
        let view = shop.view("A1").await;
        assert_eq!(view.payment.trouble, None);
        assert!(!view.payment.needs_review);
        assert_eq!(view.payment.version, before.payment.version);
        let _ = json!({});
    }
}
