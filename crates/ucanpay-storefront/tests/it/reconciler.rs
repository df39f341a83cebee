//! Nobody calls.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;
use ucanpay_storefront::ledger::{Command, Lease, Outcome, Target, Tell};
use ucanpay_storefront::provider::{PaymentStatus, ProviderErrorKind, RefundStatus};
use ucanpay_storefront::{
    Clock as _, PaymentProvider as _, PaymentRegistry, PaymentState, Payments, ProviderId,
    Timestamp,
};

use crate::gateway::{Fault, Gateway, HANG};
use crate::shop::{Shop, shops, start};

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
async fn a_genuine_answer_about_another_payment_pays_nothing_and_is_flagged() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        shop.gateway.next_call(Fault::AnotherPayment);
        shop.pass(16).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
        assert!(view.needs_review());
        // It is asked for again at the usual pace, not in circles.
        assert_eq!(shop.gateway.queries(), 1);
        shop.pass(16).await;
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
        shop.check().await;
    }
}

#[tokio::test]
async fn two_instances_ask_once_for_one_row() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        shop.clock.advance(Duration::from_secs(16));
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

/// Takes A1 for one second, lets that run out, and lets somebody else take it: a lease that is no longer any good.
async fn stale_lease(shop: &Shop) -> (Lease, Timestamp) {
    let (key, now, second) = (shop.key("A1"), shop.clock.now(), Duration::from_secs(1));
    let claim = |until| Command::Claim(Target::Payment, until);
    let claimed = shop.store.apply(&key, claim(now.after(second)), now).await;
    let Outcome::Claimed(lease) = claimed.unwrap().outcome else {
        panic!("the row was free");
    };
    let later = now.after(2 * second);
    let claimed = shop
        .store
        .apply(&key, claim(later.after(second)), later)
        .await;
    assert!(matches!(claimed.unwrap().outcome, Outcome::Claimed(_)));
    (lease, later)
}

#[tokio::test]
async fn trouble_noted_after_the_lease_passed_on_writes_nothing() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let (lease, later) = stale_lease(&shop).await;
        let before = shop.view("A1").await;
        let give_up = Command::GiveUp {
            lease,
            trouble: "too late".into(),
            tell: Tell::Again,
            hold: None,
            block: None,
        };
        let applied = shop
            .store
            .apply(&shop.key("A1"), give_up, later)
            .await
            .unwrap();
        assert_eq!(applied.outcome, Outcome::StaleLease);
        assert_eq!(shop.view("A1").await, before);
        shop.check().await;
    }
}

#[tokio::test]
async fn bytes_signed_anew_after_the_lease_passed_on_are_not_kept() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Unreachable);
        shop.start("A1", 450).await.unwrap();
        let (lease, later) = stale_lease(&shop).await;
        let before = shop.view("A1").await;
        let mut request = before.payment.request.clone();
        request.key = "new key".into();
        let until = later.after(Duration::from_secs(60));
        let renew = Command::Renew(lease, request, until);
        let applied = shop.store.apply(&shop.key("A1"), renew, later).await;
        assert_eq!(applied.unwrap().outcome, Outcome::StaleLease);
        assert_eq!(shop.view("A1").await, before);
        shop.check().await;
    }
}

#[tokio::test]
async fn an_answer_after_the_lease_passed_on_writes_nothing_and_a_notification_needs_no_lease() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let (lease, later) = stale_lease(&shop).await;
        let before = shop.view("A1").await;
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let fact = shop
            .gateway
            .query_payment(&before.payment.intent(), None)
            .await
            .unwrap();
        let late = Command::Observe(Box::new(fact), Some(lease));
        let applied = shop
            .store
            .apply(&shop.key("A1"), late, later)
            .await
            .unwrap();
        assert_eq!(applied.outcome, Outcome::StaleLease);
        assert_eq!(shop.view("A1").await, before);

        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_slow_call_holds_up_no_other_row() {
    for mut shop in shops().await {
        let plenty = NonZeroU32::new(1_000).unwrap();
        shop.payments = shop.payments.with_call_budget(plenty);
        for n in 0..40 {
            shop.start(&format!("A{n}"), 450).await.unwrap();
        }
        shop.clock.advance(Duration::from_secs(16));
        // The first call takes its time; in rounds of sixteen, the others would wait for it.
        shop.gateway.next_call(Fault::Hangs);
        let report = shop.payments.reconcile().await.unwrap();
        assert_eq!(report.asked, 40);
        assert_eq!(shop.gateway.queries(), 40);
        assert_eq!(shop.gateway.finished_before_the_slow_one(), 39);
        shop.check().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_slow_holds_up_no_row_of_another() {
    // The memory store needs no real time, so tokio's clock may stand still here.
    let plenty = NonZeroU32::new(1_000).unwrap();
    let mut shop = Shop::in_memory();
    let mut quick = Gateway::new();
    quick.rename(ProviderId::new("quick").unwrap());
    let registry = PaymentRegistry::builder()
        .register(shop.gateway.clone())
        .register(quick.clone())
        .build()
        .unwrap();
    shop.payments = Payments::new(shop.store.clone(), registry)
        .with_clock(shop.clock.clone())
        .with_call_budget(plenty);
    for n in 0..20 {
        shop.start(&format!("A{n}"), 450).await.unwrap();
    }
    shop.clock.advance(Duration::from_secs(16));
    for _ in 0..20 {
        shop.gateway.next_call(Fault::Hangs);
    }
    let payments = shop.payments.clone();
    let passing = tokio::spawn(async move { payments.reconcile().await.unwrap() });
    while shop.gateway.calls() < 20 + 16 {
        tokio::task::yield_now().await;
    }
    // All of its places are taken when a row of the other becomes due.
    let mut other = start("B1", 450);
    other.provider = Some(quick.id().clone());
    shop.payments.start(other).await.unwrap();
    shop.clock.advance(Duration::from_secs(16));
    tokio::time::sleep(HANG * 8 / 10).await;
    assert_eq!((quick.queries(), shop.gateway.queries()), (1, 0));
    assert_eq!(passing.await.unwrap().asked, 21);
}

#[tokio::test]
async fn overdue_rows_are_asked_for_no_faster_than_the_call_budget_by_all_clones_together() {
    for mut shop in shops().await {
        shop.payments = shop.payments.with_call_budget(NonZeroU32::new(5).unwrap());
        for n in 0..40 {
            shop.start(&format!("A{n}"), 450).await.unwrap();
        }
        shop.clock.advance(Duration::from_secs(20));
        let clone = shop.payments.clone();
        for second in 1..=8 {
            let (one, two) = tokio::join!(shop.payments.reconcile(), clone.reconcile());
            assert!(one.unwrap().asked + two.unwrap().asked <= 5);
            assert_eq!(shop.gateway.queries(), 5 * second);
            shop.clock.advance(Duration::from_secs(1));
        }
        shop.check().await;
    }
}

#[tokio::test]
async fn no_more_than_sixteen_calls_of_an_account_are_out_at_once() {
    let shop = Shop::in_memory();
    for n in 0..20 {
        shop.start(&format!("A{n}"), 450).await.unwrap();
    }
    shop.clock.advance(Duration::from_secs(16));
    for _ in 0..20 {
        shop.gateway.next_call(Fault::Hangs);
    }
    // It looks for more rows while the first calls are out.
    assert_eq!(shop.payments.reconcile().await.unwrap().asked, 20);
    assert_eq!(shop.gateway.most_hanging(), 16);
    shop.check().await;
}
