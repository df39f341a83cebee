//! Between the steps of an end: money goes back, an answer does not fit, a process dies.

use std::time::Duration;

use serde_json::json;
use ucanpay_storefront::ledger::{Applied, Command, NewRefund, Outcome, RefundRefusal, Target};
use ucanpay_storefront::provider::{PaymentStatus, ProviderErrorKind as Kind};
use ucanpay_storefront::{
    Clock as _, Closing, LatePolicy, PaymentProvider as _, PaymentState, Policies, Reversal,
    Timestamp,
};

use crate::gateway::Fault;
use crate::shop::{Shop, shops, start};

const LEASE: Duration = Duration::from_secs(60);

/// A command by a process that does nothing after its commit.
async fn commits_and_dies(shop: &Shop, command: impl FnOnce(Timestamp) -> Command) -> Applied {
    let now = shop.clock.now();
    let command = command(now.after(LEASE));
    shop.store
        .apply(&shop.key("A1"), command, now)
        .await
        .unwrap()
}

#[tokio::test]
async fn money_found_to_have_gone_back_stops_the_reversal_that_would_return_it_again() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway
            .set_status("A1", PaymentStatus::PaidAndReturned);
        let view = shop.payments.reverse(&shop.key("A1")).await.unwrap();
        assert_eq!(shop.gateway.reversals(), 0);
        assert_eq!(view.payment.reversal, Some(Reversal::Refused));
        let trouble = view.payment.trouble.as_deref().expect("why");
        assert!(trouble.contains("went back already"), "{trouble}");
        shop.pass(20).await;
        assert_eq!(shop.gateway.reversals(), 0);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_gateway_that_says_nothing_clear_is_what_a_reversal_is_for() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::Says(Kind::AskFirst));
        let view = shop.payments.reverse(&shop.key("A1")).await.unwrap();
        assert_eq!(shop.gateway.reversals(), 1);
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        shop.check().await;
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_stops_the_close_and_gives_the_row_back() {
    for fault in [Fault::WrongAmount, Fault::AnotherPayment] {
        for shop in shops().await {
            shop.start("A1", 450).await.unwrap();
            shop.gateway.next_call(fault);
            let closing = shop.payments.close(&shop.key("A1")).await.unwrap();
            assert!(matches!(closing, Closing::StillOpen(_)));
            assert_eq!(shop.gateway.closes(), 0, "{fault:?}");
            let view = shop.view("A1").await;
            assert!(view.needs_review());
            assert_eq!(view.payment.schedule.lease_until, None);
            shop.pass(16).await;
            assert_eq!(shop.view("A1").await.payment.state, PaymentState::Closed);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_payment_that_came_before_its_time_was_up_gives_the_row_back() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let claim = |until| Command::Claim(Target::Payment, until);
        let Outcome::Claimed(lease) = commits_and_dies(&shop, claim).await.outcome else {
            panic!("the row is free");
        };
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        let close = |until| Command::Close(Some(lease), until);
        let applied = commits_and_dies(&shop, close).await;
        assert_eq!(applied.outcome, Outcome::Ended);
        let schedule = shop.view("A1").await.payment.schedule;
        assert_eq!((schedule.next_check_at, schedule.lease_until), (None, None));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_close_whose_process_dies_does_not_wait_for_a_question_that_was_put_off() {
    for shop in shops().await {
        // Refused: not asked about again for five minutes.
        shop.gateway.next_call(Fault::Says(Kind::Refused));
        shop.start("A1", 450).await.unwrap();
        commits_and_dies(&shop, |until| Command::Close(None, until)).await;
        shop.pass(62).await;
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Closed);
        shop.check().await;
    }
}

#[tokio::test]
async fn the_end_of_a_payment_counts_from_when_it_was_asked_for() {
    for shop in shops().await {
        let mut tomorrow = start("A1", 450);
        tomorrow.expires_after = Some(Duration::from_secs(86_400));
        shop.payments.start(tomorrow).await.unwrap();
        shop.gateway.next_call(Fault::Unreachable);
        let closing = shop.payments.close(&shop.key("A1")).await.unwrap();
        assert_eq!(closing.view().payment.expires_at, shop.clock.now());
        // Asked about every 15 s at first, then less often.
        for _ in 0..100 {
            shop.gateway.next_call(Fault::Unreachable);
        }
        shop.pass(300).await;
        let now = shop.clock.now();
        let next = shop.view("A1").await.payment.schedule.next_check_at;
        assert!(next.unwrap().since(now) > Duration::from_secs(15));
        shop.check().await;
    }
}

#[tokio::test]
async fn the_reversal_of_an_old_payment_is_asked_about_as_often_as_that_of_a_new_one() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.clock.advance(Duration::from_secs(3 * 86_400));
        // The reversal is left unclear, and so is the question after it.
        shop.gateway.next_call(Fault::Nothing);
        shop.gateway.next_call(Fault::Says(Kind::AskFirst));
        shop.gateway.next_call(Fault::Says(Kind::AskFirst));
        let view = shop.payments.reverse(&shop.key("A1")).await.unwrap();
        assert_eq!(view.payment.reversal, Some(Reversal::Requested));
        assert_eq!(view.payment.expires_at, shop.clock.now());
        shop.pass(16).await;
        let payment = shop.view("A1").await.payment;
        assert_eq!(payment.reversal, Some(Reversal::Done));
        shop.check().await;
    }
}

/// The number of the refund that A1 would get by itself, as another shop's ledger tells it.
async fn late_refund() -> NewRefund {
    let mut shop = Shop::in_memory();
    paid_late(&mut shop).await;
    shop.pass(61).await;
    let refund = shop.view("A1").await.refunds.remove(0);
    NewRefund {
        number: refund.number,
        amount: refund.amount,
        reason: refund.reason,
        request: refund.request.unwrap(),
        limits: shop.gateway.capabilities().refunds,
        under: None,
    }
}

/// A1 is paid after its close, in a shop that refunds such payments by itself.
async fn paid_late(shop: &mut Shop) {
    let policies = Policies::default().with_late_payment(LatePolicy::AutoRefund);
    shop.payments = shop.payments.clone().with_policies(policies);
    shop.start("A1", 450).await.unwrap();
    let closing = shop.payments.close(&shop.key("A1")).await.unwrap();
    assert!(matches!(closing, Closing::Closed(_)));
    shop.gateway.set_status("A1", PaymentStatus::Paid);
    let note = shop.gateway.payment_note("A1", &json!({}));
    let _receipt = shop.note(note).await.unwrap();
}

#[tokio::test]
async fn a_person_who_keeps_a_late_payment_is_first_even_while_its_refund_is_being_recorded() {
    let late = late_refund().await;
    for mut shop in shops().await {
        paid_late(&mut shop).await;
        let key = shop.key("A1");
        let settled = shop.payments.settle_review(&key, 1, "shipped after all");
        settled.await.unwrap();
        // An instance that read the ledger before that comes to record the refund now.
        let refund = |until| Command::RequestRefund(late.clone(), until);
        let applied = commits_and_dies(&shop, refund).await;
        assert_eq!(
            applied.outcome,
            Outcome::RefundRefused(RefundRefusal::NotOwed)
        );
        shop.pass(62).await;
        assert_eq!(shop.gateway.executed_refunds(), 0);
        // What a person asks for is another refund.
        shop.refund("A1", "R1", 450).await.unwrap();
        shop.check().await;
    }
}
