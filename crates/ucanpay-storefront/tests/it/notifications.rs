//! The gateway calls.

use std::sync::Arc;

use serde_json::json;
use ucanpay_storefront::ledger::{Command, Loaded, Outcome, Verdict, decide};
use ucanpay_storefront::provider::PaymentStatus;
use ucanpay_storefront::{
    Clock as _, NotificationError, NotificationTopic, PaymentProvider as _, PaymentState,
    RawNotification,
};

use crate::shop::{Shop, shops};

#[tokio::test]
async fn a_matching_success_turns_the_payment_paid_and_is_acknowledged() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let note = shop.gateway.payment_note("A1", &json!({}));
        let receipt = shop.note(note).await.unwrap();
        assert_eq!(receipt.reply().body, "Committed");
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert!(view.payment.paid_at.is_some());
        shop.check().await;
    }
}

#[tokio::test]
async fn a_thousand_copies_sixty_four_at_once_have_one_effect() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let note = shop.gateway.payment_note("A1", &json!({}));
        for _ in 0..16 {
            let copies: Vec<_> = (0..64)
                .map(|_| {
                    let (payments, body) = (shop.payments.clone(), note.clone());
                    let copy = RawNotification::new(NotificationTopic::Payment, body);
                    tokio::spawn(async move { payments.handle_notification(copy).await })
                })
                .collect();
            for copy in copies {
                assert_eq!(copy.await.unwrap().unwrap().reply().body, "Committed");
            }
        }
        let words = shop.event_words().await;
        let paid = words.iter().filter(|word| **word == "payment_succeeded");
        assert_eq!(paid.count(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_verified_message_that_differs_in_any_member_pays_nothing_and_is_flagged() {
    for (member, value) in [
        ("amount", json!(449)),
        ("currency", json!("USD")),
        ("merchant", json!("2000000011")),
        ("number", json!("G99")),
    ] {
        for shop in shops().await {
            shop.start("A1", 450).await.unwrap();
            let wrong = shop.gateway.payment_note("A1", &json!({ member: value }));
            assert_eq!(shop.note(wrong).await.unwrap().reply().body, "Committed");
            let view = shop.view("A1").await;
            assert_eq!(
                view.payment.state,
                PaymentState::AwaitingPayment,
                "{member}"
            );
            assert!(view.needs_review(), "{member}");
            let flagged = shop
                .events()
                .await
                .into_iter()
                .find(|event| event.kind.as_str() == "review_required")
                .expect("a review event");
            assert!(flagged.note.unwrap().contains("in the ledger"), "{member}");

            // It prompts a query, and a genuine notification is still taken afterwards.
            let asked = shop.gateway.queries();
            shop.pass(1).await;
            assert_eq!(shop.gateway.queries(), asked + 1, "{member}");
            let genuine = shop.gateway.payment_note("A1", &json!({}));
            let _receipt = shop.note(genuine).await.unwrap();
            assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn the_number_of_another_payment_at_the_gateway_does_not_match() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        shop.gateway.next_call(crate::gateway::Fault::Unreachable);
        shop.start("A2", 450).await.unwrap();
        // A2 does not know its number yet; the message names that of A1.
        let wrong = shop
            .gateway
            .payment_note("A2", &json!({"number": "G1", "amount": 450}));
        let _receipt = shop.note(wrong).await.unwrap();
        let view = shop.view("A2").await;
        assert_eq!(view.payment.state, PaymentState::Created);
        assert!(view.needs_review());
        shop.check().await;
    }
}

#[tokio::test]
async fn a_payment_of_no_order_of_ours_is_kept_told_once_and_acknowledged() {
    for shop in shops().await {
        let stray = shop.gateway.payment_note("NOBODY", &json!({}));
        assert_eq!(
            shop.note(stray.clone()).await.unwrap().reply().body,
            "Committed"
        );
        assert_eq!(shop.note(stray).await.unwrap().reply().body, "Committed");
        assert_eq!(shop.event_words().await, ["notification_unmatched"]);
        shop.check().await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_changes_nothing() {
    for shop in shops().await {
        let before = shop.start("A1", 450).await.unwrap();
        for body in [&b"return_code=SUCCESS"[..], b"", b"\xff"] {
            let refused = shop.note(body.to_vec()).await;
            assert!(matches!(refused, Err(NotificationError::Refused { .. })));
        }
        assert_eq!(shop.view("A1").await, before);
    }
}

#[tokio::test]
async fn paid_stays_paid_whatever_comes_later() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        for status in ["NOTPAY", "PAYERROR", "CLOSED", "REVOKED", "SOMETHING"] {
            let note = shop
                .gateway
                .payment_note("A1", &json!({ "status": status }));
            let _receipt = shop.note(note).await.unwrap();
            let view = shop.view("A1").await;
            assert_eq!(view.payment.state, PaymentState::Paid, "{status}");
            // Only what contradicts it is flagged: an older "not paid" is merely late.
            let contradiction = matches!(status, "CLOSED" | "REVOKED" | "SOMETHING");
            assert_eq!(view.needs_review(), contradiction, "{status}");
        }
        shop.check().await;
    }
}

#[tokio::test]
async fn a_payment_after_the_close_is_paid_late_and_raised() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let closed = shop
            .gateway
            .payment_note("A1", &json!({"status": "CLOSED"}));
        let _receipt = shop.note(closed).await.unwrap();
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Closed);
        let paid = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(paid).await.unwrap();
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert!(view.payment.late && view.needs_review());
        assert!(shop.event_words().await.contains(&"late_payment"));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_message_that_says_nothing_new_costs_no_copy_of_the_payment() {
    let shop = Shop::in_memory();
    shop.paid("A1", 450).await;
    let again = shop.gateway.payment_note("A1", &json!({}));
    let again = RawNotification::new(NotificationTopic::Payment, again);
    let fact = shop.gateway.parse_notification(&again).unwrap();
    let view = Arc::new(shop.view("A1").await);
    let loaded = Loaded {
        view: Some(Arc::clone(&view)),
        ..Loaded::default()
    };
    let observe = Command::Observe(Box::new(fact), None);
    let decision = decide(&shop.key("A1"), loaded, observe, shop.clock.now());
    assert_eq!(decision.outcome, Outcome::Observed(Verdict::NothingNew));
    assert!(Arc::ptr_eq(&view, &decision.view.unwrap()));
}

#[tokio::test]
async fn an_attempt_that_failed_is_told_and_the_next_one_may_pay() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        for status in ["PAYERROR", "PAYERROR", "SUCCESS"] {
            let note = json!({ "status": status });
            let note = shop.gateway.payment_note("A1", &note);
            let _receipt = shop.note(note).await.unwrap();
        }
        let told = shop.event_words().await;
        assert_eq!(told[2..], ["payment_failed", "payment_succeeded"]);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_message_without_the_gateways_number_leaves_the_one_that_is_known() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let without = shop.gateway.payment_note("A1", &json!({"number": null}));
        let _receipt = shop.note(without).await.unwrap();
        let payment = shop.view("A1").await.payment;
        assert_eq!(payment.state, PaymentState::Paid);
        assert_eq!(payment.gateway_number.as_deref(), Some("G1"));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_notification_that_overtakes_the_answer_to_the_order_is_taken() {
    for shop in shops().await {
        shop.gateway.next_call(crate::gateway::Fault::AnswerLost);
        shop.start("A1", 450).await.unwrap();
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert_eq!(view.payment.gateway_number.as_deref(), Some("G1"));
        shop.pass(60).await;
        assert_eq!(
            shop.gateway.placed().len(),
            1,
            "nothing is asked for any more"
        );
        shop.check().await;
    }
}

#[tokio::test]
async fn a_failed_attempt_is_not_final() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let failed = shop
            .gateway
            .payment_note("A1", &json!({"status": "PAYERROR"}));
        let _receipt = shop.note(failed).await.unwrap();
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Failed);
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        shop.pass(16).await;
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_verified_message_with_an_impossible_number_is_kept_and_acknowledged_too() {
    for shop in shops().await {
        for reference in ["", "a b", "咖啡", &"9".repeat(65)] {
            let stray = shop.gateway.payment_note(reference, &json!({}));
            assert_eq!(shop.note(stray).await.unwrap().reply().body, "Committed");
        }
        assert_eq!(shop.event_words().await, ["notification_unmatched"; 4]);
        shop.check().await;
    }
}
