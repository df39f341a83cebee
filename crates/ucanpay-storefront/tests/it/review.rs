//! What does not fit waits for a person: opened once, told once, closed with what was found.

use std::time::Duration;

use serde_json::json;
use ucanpay_storefront::ledger::{Command, DiscrepancyKind, Outcome, RefundRefusal, Target, Tell};
use ucanpay_storefront::provider::PaymentStatus;
use ucanpay_storefront::{
    Clock as _, PaymentState, RefundError, RefundNumber, Reversal, ReviewError,
};

use crate::shop::{Shop, shops};

async fn send(shop: &Shop, alter: serde_json::Value) -> Vec<u8> {
    let note = shop.gateway.payment_note("A1", &alter);
    let _receipt = shop.note(note.clone()).await.unwrap();
    note
}

#[tokio::test]
async fn each_discrepancy_is_opened_and_told_once_and_a_copy_opens_none_even_after_the_review() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let wrong = send(&shop, json!({"amount": 1})).await;
        // The same again under another signature, a copy, and something else that does not fit.
        send(&shop, json!({"amount": 1})).await;
        let _receipt = shop.note(wrong.clone()).await.unwrap();
        send(&shop, json!({"currency": "USD"})).await;
        let view = shop.view("A1").await;
        let kinds: Vec<_> = view.discrepancies.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [DiscrepancyKind::Mismatch; 2]);
        let told = shop.event_words().await;
        let told = told.iter().filter(|word| **word == "review_required");
        assert_eq!(told.count(), 2);

        let key = shop.key("A1");
        let payments = &shop.payments;
        payments.settle_review(&key, 1, "a test").await.unwrap();
        let view = payments
            .settle_review(&key, 1, "second words")
            .await
            .unwrap();
        let closed = view.discrepancies[0].closed.as_ref().unwrap();
        assert_eq!(closed.note.as_str(), "a test");
        assert!(view.needs_review());
        payments.settle_review(&key, 2, "a test").await.unwrap();
        let _receipt = shop.note(wrong).await.unwrap();
        let view = shop.view("A1").await;
        assert!(!view.needs_review());
        assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
        // Another genuine message is news.
        send(&shop, json!({"amount": 1})).await;
        assert_eq!(shop.view("A1").await.open_discrepancies().count(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn the_review_queue_lists_what_has_been_open_longest_first_until_it_is_closed() {
    for shop in shops().await {
        for reference in ["B1", "A1", "C1"] {
            shop.paid(reference, 450).await;
        }
        for reference in ["B1", "A1"] {
            let note = shop
                .gateway
                .payment_note(reference, &json!({"status": "CLOSED"}));
            let _receipt = shop.note(note).await.unwrap();
            shop.pass(1).await;
        }
        let queue = async || -> Vec<String> {
            let views = shop.payments.under_review(10).await.unwrap();
            let references = views.iter().map(|view| &view.payment.key.reference);
            references.map(ToString::to_string).collect()
        };
        assert_eq!(queue().await, ["B1", "A1"]);
        assert_eq!(shop.payments.under_review(1).await.unwrap().len(), 1);
        let key = shop.key("B1");
        let settled = shop.payments.settle_review(&key, 1, "looked");
        settled.await.unwrap();
        assert_eq!(queue().await, ["A1"]);

        let nothing = shop.payments.settle_review(&key, 9, "looked").await;
        assert!(matches!(nothing, Err(ReviewError::NotFound)));
        let silent = shop.payments.settle_review(&key, 1, " ").await;
        assert!(matches!(silent, Err(ReviewError::EmptyNote)));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_person_who_found_out_how_much_went_back_lets_refunds_go_on() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        send(&shop, json!({"status": "REFUND"})).await;
        assert!(matches!(
            shop.refund("A1", "R1", 50).await,
            Err(RefundError::Refused(RefundRefusal::UnexplainedReturn))
        ));
        let key = shop.key("A1");
        let looked = "the portal shows 100 cents";
        shop.payments.settle_review(&key, 1, looked).await.unwrap();
        shop.refund("A1", "R1", 50).await.unwrap();
        shop.check().await;
    }
}

#[tokio::test]
async fn a_reversed_payment_stays_stopped_whatever_is_found_and_whatever_the_portal_says_later() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        let note = send(&shop, json!({"status": "REVOKED"})).await;
        shop.pass(1).await;
        let _receipt = shop.note(note).await.unwrap();
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        assert!(view.needs_review());
        let told = shop.event_words().await;
        let told = told.iter().filter(|word| **word == "money_returned");
        assert_eq!(told.count(), 1);

        shop.refund_note("A1", "PORTAL1", &json!({"refund_amount": 400}))
            .await;
        let key = shop.key("A1");
        for row in shop.view("A1").await.discrepancies {
            let settled = shop.payments.settle_review(&key, row.number, "looked");
            settled.await.unwrap();
        }
        assert_eq!(shop.view("A1").await.refundable(), 0);
        assert!(matches!(
            shop.refund("A1", "R1", 50).await,
            Err(RefundError::Refused(RefundRefusal::Reversed))
        ));
        shop.check().await;
    }
}

/// Takes the row, and gives it back after a call that met this, to be told.
async fn refused(shop: &Shop, target: &Target, trouble: &str) {
    let (key, now) = (shop.key("A1"), shop.clock.now());
    let until = now.after(Duration::from_secs(60));
    let claim = Command::Claim(target.clone(), until);
    let Outcome::Claimed(lease) = shop.store.apply(&key, claim, now).await.unwrap().outcome else {
        panic!("somebody else has it");
    };
    let give_up = Command::GiveUp {
        lease,
        trouble: trouble.to_owned(),
        tell: Tell::Again,
        hold: None,
        block: None,
    };
    shop.store.apply(&key, give_up, now).await.unwrap();
    shop.clock.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn what_is_told_of_a_payment_that_is_not_to_end_says_nothing_of_an_end() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        refused(&shop, &Target::Payment, "LACK_PARAMS: trace 1").await;
        let view = shop.view("A1").await;
        let notes: Vec<_> = view.open_discrepancies().map(|row| &*row.note).collect();
        assert_eq!(notes, ["LACK_PARAMS: trace 1"]);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refusal_that_is_worded_otherwise_each_time_is_one_discrepancy() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        let key = shop.key("A1");
        let target = Target::Refund(RefundNumber::new("R1").unwrap());
        let refused = async |trouble| refused(&shop, &target, trouble).await;
        refused("INVALID_REQUEST: trace 1").await;
        refused("INVALID_REQUEST: trace 2").await;
        let view = shop.view("A1").await;
        let kinds: Vec<_> = view.discrepancies.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [DiscrepancyKind::Refused]);
        let trouble = view.refunds[0].trouble.as_deref();
        assert_eq!(trouble, Some("INVALID_REQUEST: trace 2"));

        // Closed, and refused again: somebody has to look again.
        let settled = shop
            .payments
            .settle_review(&key, 1, "mended")
            .await
            .unwrap();
        assert!(!settled.needs_review());
        refused("INVALID_REQUEST: trace 3").await;
        assert!(shop.view("A1").await.needs_review());
        shop.check().await;
    }
}
