//! What is overtaken: a reversal by a refund and a refund by a reversal, an older word by a payment, a question by a doubt.

use std::time::Duration;

use serde_json::json;
use ucanpay_storefront::ledger::{
    Command, DiscrepancyKind, EventKind, NewRefund, Outcome, RefundRefusal, ReversalRefusal, Target,
};
use ucanpay_storefront::provider::{PaymentStatus, ProviderErrorKind as Kind, RefundStatus};
use ucanpay_storefront::{
    Clock as _, Closing, EndError, LatePolicy, PaymentProvider as _, PaymentState, PaymentView,
    Policies, RefundError, RefundNumber, RefundState, Reversal, Timestamp,
};

use crate::gateway::Fault;
use crate::shop::{HOUR, Shop, shops};

async fn told(shop: &Shop, alter: serde_json::Value) {
    let note = shop.gateway.payment_note("A1", &alter);
    let _receipt = shop.note(note).await.unwrap();
}

fn open(view: &PaymentView) -> Vec<DiscrepancyKind> {
    view.open_discrepancies().map(|row| row.kind).collect()
}

/// A1 is closed, in a shop with this policy.
async fn closed(shop: &mut Shop, policy: LatePolicy) {
    let policies = Policies::default().with_late_payment(policy);
    shop.payments = shop.payments.clone().with_policies(policies);
    shop.start("A1", 450).await.unwrap();
    let closing = shop.payments.close(&shop.key("A1")).await.unwrap();
    assert!(matches!(closing, Closing::Closed(_)));
}

/// A1 is paid, and R1 of all of it has failed, while a repeat of its call may still come to the gateway.
async fn failed_and_in_doubt(shop: &Shop) {
    shop.paid("A1", 450).await;
    shop.gateway.next_call(Fault::AnswerLost);
    shop.refund("A1", "R1", 450).await.unwrap();
    shop.gateway.set_refund("R1", RefundStatus::Failed);
    let failed = json!({"status": "FAIL"});
    shop.refund_note("A1", "R1", &failed).await;
}

#[tokio::test]
async fn what_a_failed_refund_may_still_return_is_not_reversed() {
    for shop in shops().await {
        failed_and_in_doubt(&shop).await;
        let refused = shop.payments.reverse(&shop.key("A1")).await;
        let refused = refused.unwrap_err();
        assert!(matches!(
            refused,
            EndError::Refused(ReversalRefusal::MoneyWentBack)
        ));
        assert_eq!(shop.gateway.reversals(), 0);
        // Once the gateway has said so again, ten minutes later, it may be.
        shop.clock.advance(Duration::from_secs(601));
        shop.payments.reconcile().await.unwrap();
        let view = shop.payments.reverse(&shop.key("A1")).await.unwrap();
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_that_goes_through_besides_a_reversal_is_raised() {
    for shop in shops().await {
        failed_and_in_doubt(&shop).await;
        // Somebody reverses it in the portal.
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        told(&shop, json!({"status": "REVOKED"})).await;
        shop.pass(1).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        assert!(!open(&view).contains(&DiscrepancyKind::RefundedTooMuch));

        shop.gateway.set_refund("R1", RefundStatus::Succeeded);
        shop.pass(125).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunded(), 450);
        assert!(open(&view).contains(&DiscrepancyKind::RefundedTooMuch));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_of_a_payment_that_was_reversed_since_is_not_sent() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::Unreachable);
        let refund = shop.refund("A1", "R1", 450).await.unwrap();
        assert_eq!(refund.state, RefundState::Requested);
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        told(&shop, json!({"status": "REVOKED"})).await;
        shop.pass(1).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        shop.pass_by(60, 60).await;
        assert_eq!(shop.gateway.executed_refunds(), 0);
        // A person is told: of the two that met, and that no refund of this number is found.
        let view = shop.view("A1").await;
        assert!(open(&view).contains(&DiscrepancyKind::RefundedTooMuch));
        assert!(open(&view).contains(&DiscrepancyKind::Refused));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_reversal_told_again_after_the_payment_came_all_the_same_is_asked_about() {
    for policy in [LatePolicy::Review, LatePolicy::AutoRefund] {
        for mut shop in shops().await {
            let policies = Policies::default().with_late_payment(policy);
            shop.payments = shop.payments.clone().with_policies(policies);
            shop.start("A1", 450).await.unwrap();
            shop.payments.reverse(&shop.key("A1")).await.unwrap();
            let revoked = shop
                .gateway
                .payment_note("A1", &json!({"status": "REVOKED"}));
            let _receipt = shop.note(revoked.clone()).await.unwrap();
            shop.gateway.set_status("A1", PaymentStatus::Paid);
            told(&shop, json!({})).await;
            shop.pass(2).await;
            assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);

            let asked = shop.gateway.queries();
            let _receipt = shop.note(revoked).await.unwrap();
            shop.pass(2).await;
            assert!(shop.gateway.queries() > asked);
            assert_eq!(shop.view("A1").await.payment.reversal, None);
            shop.pass_by(20, 10).await;
            let view = shop.view("A1").await;
            match policy {
                LatePolicy::AutoRefund => assert_eq!(shop.gateway.executed_refunds(), 1),
                _ => assert_eq!(view.refundable(), 450),
            }
            let words = shop.event_words().await;
            assert!(!words.contains(&"money_returned"), "{words:?}");
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_reversal_that_is_left_open_is_raised_and_a_person_can_withdraw_it() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        let key = shop.key("A1");
        let not_clear = |shop: &Shop| {
            // The query before it, the reversal, and the query after it.
            shop.gateway.next_call(Fault::Nothing);
            shop.gateway.next_call(Fault::Says(Kind::AskFirst));
            shop.gateway.next_call(Fault::Nothing);
        };
        not_clear(&shop);
        shop.payments.reverse(&key).await.unwrap();
        assert!(!shop.view("A1").await.needs_review());
        for _ in 0..5 {
            not_clear(&shop);
            shop.pass_by(600, 1).await;
        }
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Requested));
        assert_eq!(open(&view), [DiscrepancyKind::Refused]);
        let under_way = shop.refund("A1", "R1", 450).await.unwrap_err();
        assert!(matches!(
            under_way,
            RefundError::Refused(RefundRefusal::UnderWay)
        ));

        let settled = shop.payments.settle_review(&key, 1, "refunded instead");
        let view = settled.await.unwrap();
        assert_eq!(view.payment.reversal, Some(Reversal::Refused));
        assert_eq!(view.refundable(), 450);

        // Asked for again and left open again, it is raised again; the gateway's word against it is its end.
        shop.gateway.no_more_faults();
        for _ in 0..6 {
            not_clear(&shop);
            let _view = shop.payments.reverse(&key).await.unwrap();
            shop.gateway.no_more_faults();
            shop.clock.advance(Duration::from_secs(600));
        }
        assert_eq!(open(&shop.view("A1").await), [DiscrepancyKind::Refused]);
        shop.gateway.next_call(Fault::Nothing);
        shop.gateway.next_call(Fault::Says(Kind::NotThisWay));
        let view = shop.payments.reverse(&key).await.unwrap();
        assert_eq!(view.payment.reversal, Some(Reversal::Refused));
        let notes: Vec<_> = view.open_discrepancies().map(|row| &*row.note).collect();
        assert!(
            matches!(notes[..], [note] if note.starts_with("not reversed: ")),
            "{notes:?}"
        );

        shop.gateway.no_more_faults();
        let reversals = shop.gateway.reversals();
        shop.pass_by(600, 6).await;
        assert_eq!(shop.gateway.reversals(), reversals, "it is not tried again");
        shop.refund("A1", "R1", 450).await.unwrap();
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_person_may_ask_about_what_is_settled() {
    for mut shop in shops().await {
        closed(&mut shop, LatePolicy::Review).await;
        // The watch has ended, and the notification of what came then is lost.
        shop.pass_by(HOUR, 9).await;
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        shop.pass_by(HOUR, 2).await;
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Closed);
        let view = shop.payments.refresh(&shop.key("A1")).await.unwrap();
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert!(view.payment.late);
        // Once asked, it rests again.
        shop.pass(2).await;
        assert_eq!(shop.view("A1").await.payment.schedule.next_check_at, None);
        shop.check().await;
    }
}

/// The watch's question about the closed A1 is out, and its answer on its way, while a notification is taken in by an instance
/// whose clock differs by so much.
async fn doubted_by_another_clock(shop: &mut Shop, clock: fn(Timestamp) -> Timestamp) {
    closed(shop, LatePolicy::Review).await;
    let intent = shop.view("A1").await.payment.intent();
    shop.clock.advance(Duration::from_secs(HOUR));
    let (now, key) = (shop.clock.now(), shop.key("A1"));
    let until = now.after(Duration::from_secs(60));
    let claimed = shop.store.claim_due(&key.provider, now, until, 1).await;
    let (_, lease) = claimed.unwrap().remove(0);
    let before = shop.gateway.query_payment(&intent, None).await.unwrap();

    let note = shop.gateway.payment_note("A1", &json!({}));
    shop.gateway.set_status("A1", PaymentStatus::Reversed);
    let note = ucanpay_storefront::RawNotification::new(
        ucanpay_storefront::NotificationTopic::Payment,
        note,
    );
    let fact = shop.gateway.parse_notification(&note).unwrap();
    let observe = Command::Observe(Box::new(fact), None);
    shop.store.apply(&key, observe, clock(now)).await.unwrap();

    let observe = Command::Observe(Box::new(before), Some(lease));
    shop.store.apply(&key, observe, now).await.unwrap();
}

#[tokio::test]
async fn a_doubt_is_not_forgotten_where_clocks_differ() {
    const CLOCKS: [fn(Timestamp) -> Timestamp; 3] = [
        |now| now,
        |now| now.after(Duration::from_secs(40)),
        |now| now.before(Duration::from_secs(40)),
    ];
    for clock in CLOCKS {
        for mut shop in shops().await {
            doubted_by_another_clock(&mut shop, clock).await;
            shop.pass_by(1, 1).await;
            shop.pass_by(60, 1).await;
            let payment = shop.view("A1").await.payment;
            assert_eq!(payment.reversal, Some(Reversal::Done));
            assert_eq!(payment.schedule.next_check_at, None);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_doubt_about_what_is_under_way_is_not_forgotten_either() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 200).await.unwrap();
        let failed = json!({"status": "FAIL"});
        shop.refund_note("A1", "R1", &failed).await;
        shop.gateway.renumber_refund("R1", "R1-AGAIN");
        shop.refund("A1", "R1", 200).await.unwrap();
        // Old enough to be asked about every six hours.
        shop.clock.advance(Duration::from_secs(48 * HOUR));
        let (now, key) = (shop.clock.now(), shop.key("A1"));
        let target = Target::Refund(RefundNumber::new("R1").unwrap());
        let claim = Command::Claim(target, now.after(Duration::from_secs(60)));
        let claimed = shop.store.apply(&key, claim, now).await.unwrap();
        let Outcome::Claimed(lease) = claimed.outcome else {
            panic!("{claimed:?}");
        };
        let view = shop.view("A1").await;
        let inquiry = view.refunds[0].inquiry(&view.payment);
        let before = shop.gateway.query_refund(&inquiry).await.unwrap();
        shop.gateway.set_refund("R1", RefundStatus::Failed);
        shop.clock.advance(Duration::from_secs(1));
        shop.refund_note("A1", "R1", &json!({"status": "FAIL", "nonce": "again"}))
            .await;
        let observe = Command::Observe(Box::new(before), Some(lease));
        let now = shop.clock.now();
        shop.store.apply(&key, observe, now).await.unwrap();
        shop.pass(1).await;
        assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_late_payment_is_returned_only_if_the_gateway_says_that_it_is_paid() {
    for (status, fault) in [
        (PaymentStatus::Closed, Fault::Nothing),
        (PaymentStatus::NotPaid, Fault::Nothing),
        (PaymentStatus::Paid, Fault::WrongAmount),
    ] {
        for mut shop in shops().await {
            closed(&mut shop, LatePolicy::AutoRefund).await;
            told(&shop, json!({})).await;
            shop.gateway.set_status("A1", status.clone());
            shop.gateway.next_call(fault);
            shop.pass(2).await;
            assert!(shop.view("A1").await.refunds.is_empty(), "{status:?}");
            // It is asked again, and returned once that is clear.
            shop.gateway.set_status("A1", PaymentStatus::Paid);
            shop.pass_by(60, 10).await;
            assert_eq!(shop.gateway.executed_refunds(), 1, "{status:?}");
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_refund_is_not_taken_for_asked_again_while_somebody_is_asking_about_it() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 200).await.unwrap();
        shop.gateway.set_refund("R1", RefundStatus::Failed);
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        let (now, key) = (shop.clock.now(), shop.key("A1"));
        let target = Target::Refund(RefundNumber::new("R1").unwrap());
        let claim = Command::Claim(target, now.after(Duration::from_secs(60)));
        let claimed = shop.store.apply(&key, claim, now).await.unwrap();
        assert!(matches!(claimed.outcome, Outcome::Claimed(_)));

        let refused = shop.refund("A1", "R1", 200).await.unwrap_err();
        assert!(matches!(
            refused,
            RefundError::Refused(RefundRefusal::UnderWay)
        ));
        shop.clock.advance(Duration::from_secs(61));
        let refund = shop.refund("A1", "R1", 200).await.unwrap();
        assert_eq!(refund.submissions, 2);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_message_about_an_unknown_refund_that_does_not_fit_has_the_payment_asked_about() {
    for mut shop in shops().await {
        closed(&mut shop, LatePolicy::Review).await;
        shop.pass_by(HOUR, 9).await;
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let asked = shop.gateway.queries();
        shop.refund_note(
            "A1",
            "PORTAL1",
            &json!({"currency": "USD", "refund_amount": 100}),
        )
        .await;
        shop.pass(1).await;
        assert!(shop.gateway.queries() > asked);
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
        shop.check().await;
    }
}

/// Found by history 30 of the simulation on SQLite and PostgreSQL: of two instances the one that came later was behind.
#[tokio::test]
async fn refunds_stand_in_the_order_in_which_they_were_recorded_whatever_clocks_say() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        let portal = json!({"refund_amount": 50});
        shop.refund_note("A1", "PORTAL1", &portal).await;
        let view = shop.view("A1").await;
        let intent = ucanpay_storefront::provider::RefundIntent {
            reference: view.payment.key.reference.clone(),
            gateway_number: view.payment.gateway_number.unwrap(),
            total: view.payment.amount,
            number: RefundNumber::new("R1").unwrap(),
            amount: ucanpay_core::Amount::new(100).unwrap(),
            reason: "cold".into(),
        };
        let new = NewRefund {
            number: intent.number.clone(),
            amount: intent.amount,
            request: shop.gateway.prepare_refund(&intent).unwrap(),
            reason: intent.reason,
            limits: shop.gateway.capabilities().refunds,
            under: None,
        };
        let behind = shop.clock.now().before(Duration::from_secs(4));
        let until = behind.after(Duration::from_secs(60));
        let request = Command::RequestRefund(new, until);
        let applied = shop.store.apply(&shop.key("A1"), request, behind).await;
        let told = applied.unwrap().view.unwrap();
        let numbers = |view: &PaymentView| -> Vec<String> {
            let refunds = view.refunds.iter();
            refunds.map(|row| row.number.to_string()).collect()
        };
        assert_eq!(numbers(&told), ["PORTAL1", "R1"]);
        assert_eq!(numbers(&shop.view("A1").await), numbers(&told));
        shop.check().await;
    }
}

/// The reversal is told while the gateway's older "paid" is on its way.
#[tokio::test]
async fn a_late_payment_that_is_reversed_while_the_gateway_is_asked_is_not_refunded_besides() {
    for mut shop in shops().await {
        closed(&mut shop, LatePolicy::AutoRefund).await;
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        told(&shop, json!({})).await;
        shop.gateway.next_call(Fault::Hangs);
        shop.gateway.next_call(Fault::Unreachable);
        let payments = shop.payments.clone();
        let asking = tokio::spawn(async move { payments.reconcile().await.unwrap() });
        while shop.gateway.most_hanging() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        shop.clock.advance(Duration::from_secs(1));
        told(&shop, json!({"status": "REVOKED"})).await;
        asking.await.unwrap();
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        assert!(shop.view("A1").await.refunds.is_empty());
        shop.pass_by(60, 10).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        assert_eq!(shop.gateway.executed_refunds(), 0);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_reversal_of_which_nothing_clear_is_said_at_all_is_raised_too() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        let not_clear = || {
            for _ in 0..3 {
                shop.gateway.next_call(Fault::Says(Kind::AskFirst));
            }
        };
        not_clear();
        shop.payments.reverse(&shop.key("A1")).await.unwrap();
        for _ in 0..5 {
            not_clear();
            shop.pass_by(600, 1).await;
        }
        assert_eq!(open(&shop.view("A1").await), [DiscrepancyKind::Refused]);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_reversal_told_of_an_old_payment_is_asked_about_within_minutes_though_the_first_question_fails()
 {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.clock.advance(Duration::from_secs(72 * HOUR));
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        told(&shop, json!({"status": "REVOKED"})).await;
        shop.gateway.next_call(Fault::Unreachable);
        shop.pass(1).await;
        assert_eq!(shop.view("A1").await.payment.reversal, None);
        shop.pass_by(310, 1).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        shop.check().await;
    }
}

/// While the last question of a reversal is out, somebody else's reversal is told.
#[tokio::test]
async fn a_reversal_that_is_told_while_ours_is_being_refused_is_asked_about_at_once() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        // The query before it, the reversal, and the query after it, whose "paid" is on its way for a while.
        shop.gateway.next_call(Fault::Nothing);
        shop.gateway.next_call(Fault::Says(Kind::NotThisWay));
        shop.gateway.next_call(Fault::Hangs);
        let (payments, key) = (shop.payments.clone(), shop.key("A1"));
        let reversing = tokio::spawn(async move { payments.reverse(&key).await.unwrap() });
        while shop.gateway.most_hanging() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        told(&shop, json!({"status": "REVOKED"})).await;
        let view = reversing.await.unwrap();
        assert_eq!(view.payment.reversal, Some(Reversal::Requested));
        assert_eq!((open(&view), view.refundable()), (vec![], 0));
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        shop.pass(2).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        assert_eq!(view.refundable(), 0);
        shop.check().await;
    }
}

/// R1 failed, and goes through late; before anybody hears of it, the payment says that money went back.
#[tokio::test]
async fn money_that_a_failed_refund_may_have_returned_is_told_once() {
    for shop in shops().await {
        failed_and_in_doubt(&shop).await;
        shop.gateway.set_refund("R1", RefundStatus::Succeeded);
        shop.gateway
            .set_status("A1", PaymentStatus::PaidAndReturned);
        shop.payments.refresh(&shop.key("A1")).await.unwrap();
        shop.pass_by(60, 5).await;
        let view = shop.view("A1").await;
        assert_eq!((view.refunded(), view.refundable()), (450, 0));
        // It may have gone back in the portal as well: a person looks.
        assert_eq!(open(&view), [DiscrepancyKind::UnexplainedReturn]);
        let words = shop.event_words().await;
        let returned = |word: &&&str| ["money_returned", "refund_succeeded"].contains(*word);
        assert_eq!(words.iter().filter(returned).count(), 1, "{words:?}");
        shop.check().await;
    }
}

#[tokio::test]
async fn of_money_that_went_back_unexplained_no_sum_is_told() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        told(&shop, json!({"status": "REFUND"})).await;
        shop.refund_note("A1", "P1", &json!({"refund_amount": 150}))
            .await;
        let events = shop.events().await.into_iter();
        let returned = events.filter(|event| event.kind == EventKind::MoneyReturned);
        let returned: Vec<_> = returned.map(|event| (event.refund, event.amount)).collect();
        assert_eq!(returned, [(None, None), (Some("P1".into()), Some(150))]);
        shop.check().await;
    }
}

#[tokio::test]
async fn what_is_paid_after_its_reversal_was_refused_is_raised() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        // The query before it, the reversal, and the query after it; and then nothing for a while.
        shop.gateway.next_call(Fault::Nothing);
        shop.gateway.next_call(Fault::Says(Kind::NotThisWay));
        shop.gateway.next_call(Fault::Nothing);
        for _ in 0..10 {
            shop.gateway.next_call(Fault::Unreachable);
        }
        let view = shop.payments.reverse(&shop.key("A1")).await.unwrap();
        assert_eq!(view.payment.state, PaymentState::Expired);
        assert_eq!(view.payment.reversal, Some(Reversal::Refused));
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        told(&shop, json!({})).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert_eq!(open(&view), [DiscrepancyKind::Refused]);
        shop.gateway.no_more_faults();
        shop.check().await;
    }
}

#[tokio::test]
async fn a_reversal_that_is_asked_for_again_meanwhile_is_refused_all_the_same() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::Nothing);
        shop.gateway.next_call(Fault::Says(Kind::NotThisWay));
        shop.gateway.next_call(Fault::Hangs);
        let (payments, key) = (shop.payments.clone(), shop.key("A1"));
        let reversing = tokio::spawn(async move { payments.reverse(&key).await.unwrap() });
        while shop.gateway.most_hanging() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let again = shop.payments.reverse(&shop.key("A1")).await.unwrap();
        assert_eq!(again.payment.reversal, Some(Reversal::Requested));
        let view = reversing.await.unwrap();
        assert_eq!(view.payment.reversal, Some(Reversal::Refused));
        assert_eq!(shop.gateway.reversals(), 1);
        assert_eq!(open(&view), [DiscrepancyKind::Refused]);
        shop.check().await;
    }
}
