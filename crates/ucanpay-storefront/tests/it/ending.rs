//! A payment is to end: close, reverse, expiry, and what comes after it all the same.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use serde_json::json;
use ucanpay_storefront::ledger::{Command, DiscrepancyKind, RefundRefusal, ReversalRefusal, Tell};
use ucanpay_storefront::provider::{
    Claim, PaymentStatus, ProviderErrorKind as Kind, RefundStatus, Source,
};
use ucanpay_storefront::{
    Clock, Closing, EndError, LatePolicy, ManualClock, NotificationError, PaymentProvider,
    PaymentRegistry, PaymentState, Payments, Policies, ProviderId, RefundError, Reversal,
    Timestamp, UnmatchedPolicy,
};

use crate::gateway::{Fault, Gateway};
use crate::shop::{HOUR, Shop, shops, start};

async fn close(shop: &Shop) -> Closing {
    shop.payments.close(&shop.key("A1")).await.unwrap()
}

async fn state(shop: &Shop) -> PaymentState {
    shop.view("A1").await.payment.state
}

async fn started() -> Vec<Shop> {
    let shops = shops().await;
    for shop in &shops {
        shop.start("A1", 450).await.unwrap();
    }
    shops
}

#[tokio::test]
async fn a_closed_payment_is_proven_by_the_signed_answer() {
    for shop in started().await {
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        assert_eq!(shop.gateway.status("A1"), PaymentStatus::Closed);
        // Query before close, and once more it is no call at all.
        assert_eq!((shop.gateway.queries(), shop.gateway.closes()), (1, 1));
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        assert_eq!(shop.gateway.closes(), 1);
        let told = shop.event_words().await;
        assert_eq!(told[2..], ["payment_expired", "payment_closed"]);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_payment_found_paid_is_not_closed_and_is_proven_paid() {
    for shop in started().await {
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        assert!(matches!(close(&shop).await, Closing::Paid(_)));
        assert_eq!(shop.gateway.closes(), 0);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_buyer_whose_time_is_up_cannot_pay_any_more() {
    for shop in shops().await {
        let mut soon = start("A1", 450);
        soon.expires_after = Some(Duration::from_secs(20));
        shop.payments.start(soon).await.unwrap();
        shop.pass(19).await;
        assert_eq!(state(&shop).await, PaymentState::AwaitingPayment);
        shop.pass(1).await;
        assert_eq!(state(&shop).await, PaymentState::Closed);
        assert_eq!(shop.gateway.status("A1"), PaymentStatus::Closed);
        shop.check().await;
    }
}

#[tokio::test]
async fn unless_the_shop_says_otherwise_the_time_is_two_hours() {
    for shop in started().await {
        shop.pass_by(60, 119).await;
        assert_eq!(state(&shop).await, PaymentState::AwaitingPayment);
        shop.pass_by(60, 1).await;
        assert_eq!(state(&shop).await, PaymentState::Closed);
        shop.check().await;
    }
}

#[tokio::test]
async fn an_unsigned_word_about_the_end_ends_nothing_and_a_signed_query_does() {
    // ORDERPAID, ORDERCLOSED: said, and not so.
    for kind in [Kind::NotThisWay, Kind::AskFirst] {
        for shop in started().await {
            shop.clock.advance(Duration::from_secs(1));
            let gate = shop.gateway.hold_next_cancellation();
            let (payments, key) = (shop.payments.clone(), shop.key("A1"));
            let closing = tokio::spawn(async move { payments.close(&key).await.unwrap() });
            gate.arrived().await;
            shop.gateway.next_call(Fault::Says(kind));
            gate.open();
            let open = closing.await.unwrap();
            assert!(matches!(open, Closing::StillOpen(_)), "{kind:?}");
            assert_eq!(state(&shop).await, PaymentState::Expired);
            shop.pass(16).await;
            assert_eq!(state(&shop).await, PaymentState::Closed);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_lost_answer_and_an_error_that_hides_a_close_are_settled_by_the_query_after_it() {
    for fault in [Fault::AnswerLost, Fault::DoneButSays(Kind::AskFirst)] {
        for shop in started().await {
            let gate = shop.gateway.hold_next_cancellation();
            let (payments, key) = (shop.payments.clone(), shop.key("A1"));
            let closing = tokio::spawn(async move { payments.close(&key).await.unwrap() });
            gate.arrived().await;
            shop.gateway.next_call(fault);
            gate.open();
            assert!(matches!(closing.await.unwrap(), Closing::Closed(_)));
            assert_eq!((shop.gateway.queries(), shop.gateway.closes()), (2, 1));
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_payment_and_its_close_that_race_end_in_the_truth_whichever_comes_first() {
    for paid_first in [true, false] {
        for shop in started().await {
            let gate = shop.gateway.hold_next_cancellation();
            let (payments, key) = (shop.payments.clone(), shop.key("A1"));
            let closing = tokio::spawn(async move { payments.close(&key).await.unwrap() });
            gate.arrived().await;
            // The buyer pays while the close is out; the notification comes before the close is answered, or after.
            shop.gateway.set_status("A1", PaymentStatus::Paid);
            let note = shop.gateway.payment_note("A1", &json!({}));
            if paid_first {
                let _receipt = shop.note(note.clone()).await.unwrap();
            }
            gate.open();
            assert!(matches!(closing.await.unwrap(), Closing::Paid(_)));
            let _receipt = shop.note(note).await.unwrap();
            let view = shop.view("A1").await;
            assert!(!view.payment.late && !view.needs_review());
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn an_order_whose_number_was_lost_is_placed_again_byte_for_byte_before_it_is_closed() {
    for fault in [Fault::AnswerLost, Fault::Unreachable] {
        for shop in shops().await {
            shop.gateway.next_call(fault);
            shop.start("A1", 450).await.unwrap();
            assert!(matches!(close(&shop).await, Closing::Closed(_)));
            let placed = shop.gateway.placed();
            assert!(placed.len() == 2 && placed[0] == placed[1]);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_gateway_that_knows_no_such_order_has_not_closed_it() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Unreachable);
        shop.start("A1", 450).await.unwrap();
        // The order's bytes do not get through either; the query does: ORDERNOTEXIST.
        shop.gateway.next_call(Fault::Unreachable);
        assert!(matches!(close(&shop).await, Closing::StillOpen(_)));
        assert_eq!(state(&shop).await, PaymentState::Expired);
        shop.pass(16).await;
        assert_eq!(state(&shop).await, PaymentState::Closed);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_close_whose_caller_went_away_at_any_moment_is_finished_by_another_process() {
    for shop in shops().await {
        for polls in 0..30 {
            let reference = format!("A{polls}");
            shop.start(&reference, 450).await.unwrap();
            let key = shop.key(&reference);
            let mut call = Box::pin(shop.payments.close(&key));
            for _ in 0..polls {
                let waker = std::task::Waker::noop();
                let mut context = std::task::Context::from_waker(waker);
                if Future::poll(call.as_mut(), &mut context).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let shop = shop.restarted().await;
        shop.pass_by(20, 380).await;
        for n in 0..30 {
            let reference = format!("A{n}");
            assert_eq!(shop.gateway.status(&reference), PaymentStatus::Closed);
            let view = shop.view(&reference).await;
            assert_eq!(view.payment.state, PaymentState::Closed);
        }
        shop.check().await;
    }
}

#[tokio::test]
async fn a_process_that_dies_while_its_close_is_out_leaves_it_to_another() {
    for shop in started().await {
        let gate = shop.gateway.hold_next_cancellation();
        let payments = shop.payments.clone();
        let key = shop.key("A1");
        // The call never comes back: nobody opens the gate.
        let closing = tokio::spawn(async move { payments.close(&key).await });
        gate.arrived().await;
        closing.abort();
        assert_eq!(state(&shop).await, PaymentState::Expired);
        shop.pass(59).await;
        assert_eq!(shop.gateway.closes(), 0);
        shop.pass(2).await;
        assert_eq!(state(&shop).await, PaymentState::Closed);
        // What the dead one brings after all writes nothing.
        let before = shop.view("A1").await;
        gate.open();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(shop.view("A1").await, before);
        shop.check().await;
    }
}

#[tokio::test]
async fn two_reconcilers_close_once() {
    for shop in shops().await {
        let mut soon = start("A1", 450);
        soon.expires_after = Some(Duration::from_secs(10));
        shop.payments.start(soon).await.unwrap();
        shop.clock.advance(Duration::from_secs(20));
        let (one, two) = (shop.payments.clone(), shop.payments.clone());
        let (one, two) = tokio::join!(one.reconcile(), two.reconcile());
        assert_eq!(one.unwrap().asked + two.unwrap().asked, 1);
        assert_eq!(shop.gateway.closes(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_payment_whose_provider_is_gone_waits_until_it_is_back() {
    for shop in started().await {
        let mut other = Gateway::new();
        other.rename(ProviderId::new("other").unwrap());
        let registry = PaymentRegistry::builder().register(other).build().unwrap();
        let without = Payments::new(shop.store.clone(), registry).with_clock(shop.clock.clone());
        let closing = without.close(&shop.key("A1")).await.unwrap();
        let trouble = closing.view().payment.trouble.as_deref();
        assert!(trouble.unwrap().contains("not registered"));
        assert!(matches!(closing, Closing::StillOpen(_)));
        shop.pass(16).await;
        assert_eq!(state(&shop).await, PaymentState::Closed);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_closed_payment_is_watched_for_six_hours_and_then_rests() {
    for shop in started().await {
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        shop.pass_by(60, 6 * 60).await;
        let asked = shop.gateway.queries();
        assert!((12..20).contains(&asked), "{asked}");
        shop.pass_by(600, 600).await;
        assert!(shop.gateway.queries() <= asked + 1);
        assert!(
            shop.view("A1")
                .await
                .payment
                .schedule
                .next_check_at
                .is_none()
        );
        shop.check().await;
    }
}

#[tokio::test]
async fn a_payment_after_the_close_is_paid_late_told_and_left_to_a_person() {
    for by_notification in [true, false] {
        for shop in started().await {
            assert!(matches!(close(&shop).await, Closing::Closed(_)));
            shop.gateway.set_status("A1", PaymentStatus::Paid);
            if by_notification {
                let note = shop.gateway.payment_note("A1", &json!({}));
                let _receipt = shop.note(note).await.unwrap();
            }
            shop.pass_by(30, 20).await;
            let view = shop.view("A1").await;
            assert_eq!(view.payment.state, PaymentState::Paid);
            assert!(view.payment.late && view.refunds.is_empty());
            let open: Vec<_> = view.open_discrepancies().map(|row| row.kind).collect();
            assert_eq!(open, [DiscrepancyKind::LatePayment]);
            let told = shop.event_words().await;
            assert_eq!(
                told.iter().filter(|word| **word == "late_payment").count(),
                1
            );
            shop.check().await;
        }
    }
}

/// Found by a history: the only message about money that came after the watch stated another amount, was kept for a person,
/// acknowledged, and never came again.
#[tokio::test]
async fn a_message_that_does_not_match_has_the_gateway_asked_also_about_what_is_closed_and_once() {
    for shop in started().await {
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        // The watch ends after six hours.
        shop.pass_by(3_600, 8).await;
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        shop.pass_by(3_600, 2).await;
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Closed);

        let wrong = json!({"amount": 451, "nonce": "the same"});
        let wrong = shop.gateway.payment_note("A1", &wrong);
        let _receipt = shop.note(wrong.clone()).await.unwrap();
        shop.pass_by(30, 2).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert!(view.payment.late);
        let open: Vec<_> = view.open_discrepancies().map(|row| row.kind).collect();
        let expected = [DiscrepancyKind::Mismatch, DiscrepancyKind::LatePayment];
        assert_eq!(open, expected);

        let calls = shop.gateway.calls();
        for _ in 0..3 {
            let _receipt = shop.note(wrong.clone()).await.unwrap();
            shop.pass_by(30, 2).await;
        }
        assert_eq!(shop.gateway.calls(), calls, "a copy is no new doubt");
        shop.check().await;
    }
}

/// A shop that refunds late payments by itself, with one that was closed and then paid.
async fn auto_refunding(shop: &mut Shop) {
    let policies = Policies::default().with_late_payment(LatePolicy::AutoRefund);
    shop.payments = shop.payments.clone().with_policies(policies);
    shop.start("A1", 450).await.unwrap();
    assert!(matches!(close(shop).await, Closing::Closed(_)));
    shop.gateway.set_status("A1", PaymentStatus::Paid);
    let note = shop.gateway.payment_note("A1", &json!({}));
    let _receipt = shop.note(note).await.unwrap();
}

#[tokio::test]
async fn a_late_payment_is_refunded_once_where_that_was_agreed_even_by_another_process() {
    for mut shop in shops().await {
        auto_refunding(&mut shop).await;
        // Agreed when it was started: the new process need not know.
        let shop = shop.restarted().await;
        shop.gateway.next_call(Fault::AnswerLost);
        shop.pass_by(20, 10).await;
        assert_eq!(shop.gateway.executed_refunds(), 1);
        let view = shop.view("A1").await;
        assert_eq!((view.refunds.len(), view.refundable()), (1, 0));
        let number = view.refunds[0].number.as_str();
        assert!(number.len() <= 32 && number.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert!(view.needs_review());
        shop.gateway.set_refund(number, RefundStatus::Succeeded);
        shop.pass_by(60, 10).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunded(), 450);
        assert!(!view.needs_review());
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn two_instances_at_once_refund_a_late_payment_once() {
    for mut shop in shops().await {
        auto_refunding(&mut shop).await;
        let others: Vec<_> = (0..4).map(|_| shop.payments.clone()).collect();
        for _ in 0..6 {
            shop.clock.advance(Duration::from_secs(20));
            let passes = others
                .iter()
                .cloned()
                .map(|payments| tokio::spawn(async move { payments.reconcile().await.unwrap() }));
            for pass in passes.collect::<Vec<_>>() {
                pass.await.unwrap();
            }
        }
        assert_eq!(shop.gateway.executed_refunds(), 1);
        assert_eq!(shop.view("A1").await.refunds.len(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_person_who_settles_a_late_payment_first_keeps_the_money_here() {
    for mut shop in shops().await {
        auto_refunding(&mut shop).await;
        let key = shop.key("A1");
        let settled = shop.payments.settle_review(&key, 1, "shipped after all");
        settled.await.unwrap();
        shop.pass_by(60, 10).await;
        let view = shop.view("A1").await;
        assert!(view.refunds.is_empty() && view.payment.schedule.next_check_at.is_none());
        shop.check().await;
    }
}

/// A late payment that is to be refunded by itself, but some of its money went back already.
async fn returned_in_part(shop: &mut Shop) {
    let policies = Policies::default().with_late_payment(LatePolicy::AutoRefund);
    shop.payments = shop.payments.clone().with_policies(policies);
    shop.start("A1", 450).await.unwrap();
    assert!(matches!(close(shop).await, Closing::Closed(_)));
    shop.gateway
        .set_status("A1", PaymentStatus::PaidAndReturned);
    let returned = json!({"status": "REFUND"});
    let note = shop.gateway.payment_note("A1", &returned);
    let _receipt = shop.note(note).await.unwrap();
    shop.pass_by(60, 10).await;
    assert_eq!(shop.gateway.executed_refunds(), 0);
}

#[tokio::test]
async fn a_late_refund_that_had_to_wait_for_an_explanation_is_made_after_it() {
    for mut shop in shops().await {
        returned_in_part(&mut shop).await;
        let portal = json!({"refund_amount": 400});
        shop.refund_note("A1", "PORTAL1", &portal).await;
        shop.pass_by(60, 10).await;
        let view = shop.view("A1").await;
        let ours = view.refunds.iter().find(|refund| refund.request.is_some());
        assert_eq!(ours.expect("a late refund").amount.cents(), 50);
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_late_payment_of_which_a_person_has_looked_up_what_went_back_is_left_to_them() {
    for mut shop in shops().await {
        returned_in_part(&mut shop).await;
        let view = shop.view("A1").await;
        let row = view
            .open_discrepancies()
            .find(|row| row.kind == DiscrepancyKind::UnexplainedReturn);
        let (key, number) = (shop.key("A1"), row.unwrap().number);
        let settled = shop.payments.settle_review(&key, number, "400 went back");
        settled.await.unwrap();
        shop.pass_by(60, 10).await;
        assert_eq!(shop.gateway.executed_refunds(), 0);
        shop.refund("A1", "R1", 50).await.unwrap();
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_notification_of_no_payment_of_ours_comes_again_where_that_is_wanted() {
    for mut shop in shops().await {
        let policies = Policies::default().with_unmatched(UnmatchedPolicy::Nack);
        shop.payments = shop.payments.clone().with_policies(policies);
        let note = shop.gateway.payment_note("B1", &json!({}));
        let refused = shop.note(note).await;
        assert!(matches!(refused, Err(NotificationError::Unmatched { .. })));
        assert_eq!(shop.event_words().await, ["notification_unmatched"]);
        shop.check().await;
    }
}

async fn reverse(shop: &Shop) -> ucanpay_storefront::Payment {
    let reversed = shop.payments.reverse(&shop.key("A1")).await;
    reversed.unwrap().payment
}

#[tokio::test]
async fn an_unpaid_payment_that_is_reversed_is_closed() {
    for shop in started().await {
        let payment = reverse(&shop).await;
        assert_eq!(
            (payment.state, payment.reversal),
            (PaymentState::Closed, Some(Reversal::Done))
        );
        assert_eq!((shop.gateway.queries(), shop.gateway.reversals()), (1, 1));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_paid_payment_that_is_reversed_stays_paid_and_all_of_it_went_back() {
    for lost in [false, true] {
        for shop in started().await {
            shop.gateway.set_status("A1", PaymentStatus::Paid);
            let note = shop.gateway.payment_note("A1", &json!({}));
            let _receipt = shop.note(note).await.unwrap();
            if lost {
                let gate = shop.gateway.hold_next_cancellation();
                let (payments, key) = (shop.payments.clone(), shop.key("A1"));
                let reversing = tokio::spawn(async move { payments.reverse(&key).await.unwrap() });
                gate.arrived().await;
                // While it is out, nothing is refunded.
                assert!(matches!(
                    shop.refund("A1", "R1", 50).await,
                    Err(RefundError::Refused(RefundRefusal::UnderWay))
                ));
                shop.gateway.next_call(Fault::AnswerLost);
                gate.open();
                reversing.await.unwrap();
            } else {
                reverse(&shop).await;
            }
            let view = shop.view("A1").await;
            assert_eq!(view.payment.state, PaymentState::Paid);
            assert_eq!(view.payment.reversal, Some(Reversal::Done));
            assert!(!view.needs_review() && view.refundable() == 0);
            assert!(view.payment.schedule.next_check_at.is_none());
            assert_eq!(shop.gateway.reversals(), 1);
            // Once more it is no call at all.
            let calls = shop.gateway.calls();
            let again = reverse(&shop).await;
            assert_eq!(again.reversal, Some(Reversal::Done));
            assert_eq!(shop.gateway.calls(), calls);
            let told = shop.event_words().await;
            assert_eq!(
                told.iter()
                    .filter(|word| **word == "money_returned")
                    .count(),
                1
            );
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn what_is_closed_stays_closed_when_it_is_to_be_reversed() {
    for shop in started().await {
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        let payment = reverse(&shop).await;
        let stands = (payment.state, payment.reversal);
        assert_eq!(stands, (PaymentState::Closed, None));
        assert_eq!(shop.gateway.reversals(), 0);
        let told = shop.event_words().await;
        assert_eq!(told[2..], ["payment_expired", "payment_closed"]);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_reverse_a_paid_payment_leaves_it_to_a_refund() {
    for shop in started().await {
        not_reversed(&shop).await;
        let view = shop.view("A1").await;
        assert!(view.payment.trouble.unwrap().contains("refund it instead"));
        // Whoever asked for it may be gone, and the buyer waits: it stands until somebody has looked.
        shop.pass_by(600, 6).await;
        let view = shop.view("A1").await;
        let open: Vec<_> = view.open_discrepancies().collect();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].kind, DiscrepancyKind::Refused);
        assert!(open[0].note.starts_with("not reversed: "), "{open:?}");
        assert!(open[0].note.ends_with("refund it instead"), "{open:?}");
        shop.refund("A1", "R1", 450).await.unwrap();
        assert_eq!(shop.gateway.executed_refunds(), 1);
        let key = shop.key("A1");
        let looked = shop.payments.settle_review(&key, 1, "refunded").await;
        assert_eq!(looked.unwrap().payment.reversal, Some(Reversal::Refused));
        shop.check().await;
    }
}

/// Nothing clear from the query before the close and the query after it, and from the close this.
fn not_clear(shop: &Shop, close: Kind) {
    for kind in [Kind::AskFirst, close, Kind::AskFirst] {
        shop.gateway.next_call(Fault::Says(kind));
    }
}

/// So it goes for a while, every ten minutes.
async fn left_open(shop: &Shop, close: Kind, rounds: u32) {
    for _ in 0..rounds {
        not_clear(shop, close);
        shop.pass_by(600, 1).await;
        shop.gateway.no_more_faults();
    }
}

#[tokio::test]
async fn answers_that_cannot_be_used_are_raised_where_an_order_should_have_ended() {
    // As from a gateway whose key has changed: nobody hears what it says, and orders may be paid.
    for kind in [Kind::Untrusted, Kind::Later] {
        for shop in started().await {
            let silence = |calls| {
                for _ in 0..calls {
                    shop.gateway.next_call(Fault::Says(kind));
                }
            };
            silence(1);
            assert!(matches!(close(&shop).await, Closing::StillOpen(_)));
            silence(100);
            shop.pass_by(60, 25).await;
            assert!(!shop.view("A1").await.needs_review());
            shop.pass_by(60, 15).await;
            let view = shop.view("A1").await;
            let notes: Vec<_> = view.open_discrepancies().map(|row| &*row.note).collect();
            assert!(
                matches!(notes[..], [note] if note.starts_with("to be closed: ")),
                "{notes:?}"
            );
            // The end, once it is heard, closes it.
            shop.gateway.no_more_faults();
            shop.pass_by(60, 10).await;
            let view = shop.view("A1").await;
            assert_eq!(view.payment.state, PaymentState::Closed);
            assert!(!view.needs_review());
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_reversal_for_which_the_gateway_is_not_ready_is_raised_after_half_an_hour() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        for _ in 0..100 {
            // The query before it, and the reversal.
            shop.gateway.next_call(Fault::Nothing);
            shop.gateway.next_call(Fault::Says(Kind::Later));
        }
        shop.payments.reverse(&shop.key("A1")).await.unwrap();
        shop.pass_by(60, 25).await;
        assert!(!shop.view("A1").await.needs_review());
        shop.pass_by(60, 15).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Requested));
        assert_eq!(view.open_discrepancies().count(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_close_goes_out_though_the_query_before_it_brought_nothing_clear() {
    // As from a gateway that tells no unpaid order: ORDERNOTEXIST.
    for shop in started().await {
        shop.gateway.next_call(Fault::Says(Kind::AskFirst));
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        shop.check().await;
    }
}

#[tokio::test]
async fn what_came_while_an_unclear_query_was_out_is_not_closed() {
    for shop in started().await {
        shop.gateway.next_call(Fault::HangsAndSays(Kind::AskFirst));
        let (payments, key) = (shop.payments.clone(), shop.key("A1"));
        let closing = tokio::spawn(async move { payments.close(&key).await.unwrap() });
        while shop.gateway.most_hanging() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        assert!(matches!(closing.await.unwrap(), Closing::Paid(_)));
        assert_eq!(shop.gateway.closes(), 0);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_close_that_is_left_open_is_raised_once_and_goes_on() {
    // ORDERPAID is the worst of them: paid, and nobody can be asked.
    for (said, then) in [
        (Kind::AskFirst, Kind::NotThisWay),
        (Kind::NotThisWay, Kind::AskFirst),
    ] {
        for shop in started().await {
            not_clear(&shop, said);
            assert!(matches!(close(&shop).await, Closing::StillOpen(_)));
            let opened = async || shop.view("A1").await.discrepancies.len();
            left_open(&shop, said, 3).await;
            assert_eq!(opened().await, 0);
            left_open(&shop, said, 3).await;
            let view = shop.view("A1").await;
            assert_eq!(view.payment.state, PaymentState::Expired);
            assert_eq!(view.discrepancies.len(), 1);
            assert_eq!(view.discrepancies[0].kind, DiscrepancyKind::Refused);

            // What a person could do about it is done: they are told again only of something else.
            let (key, found) = (shop.key("A1"), "not paid, says the portal");
            let looked = shop.payments.settle_review(&key, 1, found).await;
            let _view = looked.unwrap();
            left_open(&shop, said, 6).await;
            assert_eq!(opened().await, 1, "{said:?}");
            left_open(&shop, then, 4).await;
            assert_eq!(opened().await, 2, "{said:?} {then:?}");
            assert!(shop.view("A1").await.needs_review());

            // A signed word closes what is left to look at.
            shop.pass_by(600, 6).await;
            let view = shop.view("A1").await;
            assert_eq!(view.payment.state, PaymentState::Closed);
            assert!(!view.needs_review());
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_close_that_is_refused_again_after_somebody_has_looked_is_raised_again() {
    for shop in started().await {
        let key = shop.key("A1");
        for opened in 1..=2 {
            not_clear(&shop, Kind::Refused);
            let _closing = shop.payments.close(&key).await.unwrap();
            shop.gateway.no_more_faults();
            let view = shop.view("A1").await;
            assert_eq!(view.discrepancies.len(), opened);
            let number = view.discrepancies[opened - 1].number;
            let looked = shop.payments.settle_review(&key, number, "mended").await;
            let _view = looked.unwrap();
            shop.clock.advance(Duration::from_secs(600));
        }
        shop.check().await;
    }
}

/// It is to be closed or reversed, and the gateway refuses that.
async fn refused(shop: &Shop, how: &'static str) {
    let gate = shop.gateway.hold_next_cancellation();
    let (payments, key) = (shop.payments.clone(), shop.key("A1"));
    let ending = tokio::spawn(async move {
        match how {
            "close" => drop(payments.close(&key).await.unwrap()),
            _ => drop(payments.reverse(&key).await.unwrap()),
        }
    });
    gate.arrived().await;
    shop.gateway.next_call(Fault::Says(Kind::Refused));
    gate.open();
    ending.await.unwrap();
}

#[tokio::test]
async fn a_close_or_a_reversal_that_the_gateway_refuses_is_raised_once_and_goes_on() {
    for how in ["close", "reverse"] {
        for shop in started().await {
            for _ in 0..2 {
                refused(&shop, how).await;
                let view = shop.view("A1").await;
                let told: Vec<_> = view.open_discrepancies().map(|row| row.kind).collect();
                assert_eq!(told, [DiscrepancyKind::Refused], "{how}");
                shop.clock.advance(Duration::from_secs(HOUR));
            }
            // The account was put right.
            shop.payments.reconcile().await.unwrap();
            assert_eq!(state(&shop).await, PaymentState::Closed, "{how}");
            assert!(!shop.view("A1").await.needs_review(), "{how}");
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn what_was_raised_about_a_reversal_stays_though_the_payment_is_paid_until_it_is_reversed() {
    for shop in started().await {
        refused(&shop, "reverse").await;
        assert!(shop.view("A1").await.needs_review());

        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert_eq!(view.payment.reversal, Some(Reversal::Requested));
        assert!(view.needs_review());

        shop.clock.advance(Duration::from_secs(HOUR));
        shop.payments.reconcile().await.unwrap();
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        assert!(!view.needs_review());
        shop.check().await;
    }
}

#[tokio::test]
async fn what_was_raised_about_a_reversal_is_closed_with_what_became_of_it() {
    for shop in started().await {
        refused(&shop, "reverse").await;
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        not_reversed(&shop).await;
        let raised = shop.view("A1").await.discrepancies.remove(0);
        let refused = "the gateway has refused the reversal since";
        assert_eq!(raised.closed.unwrap().note.as_str(), refused);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_person_who_looked_at_something_else_withdraws_no_reversal() {
    for shop in started().await {
        let wrong = json!({"amount": 1});
        let wrong = shop.gateway.payment_note("A1", &wrong);
        let _receipt = shop.note(wrong).await.unwrap();
        refused(&shop, "close").await;
        refused(&shop, "reverse").await;
        let reversal = async || shop.view("A1").await.payment.reversal;
        for (number, stands) in [
            (1, Reversal::Requested),
            (2, Reversal::Requested),
            (3, Reversal::Refused),
        ] {
            let key = shop.key("A1");
            let looked = shop.payments.settle_review(&key, number, "looked");
            let _view = looked.await.unwrap();
            assert_eq!(reversal().await, Some(stands), "{number}");
        }
        shop.check().await;
    }
}

#[tokio::test]
async fn what_was_raised_about_a_refund_stays_when_the_payment_ends() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::Says(Kind::Refused));
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        let revoked = json!({"status": "REVOKED"});
        let note = shop.gateway.payment_note("A1", &revoked);
        let _receipt = shop.note(note).await.unwrap();
        shop.pass(1).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        let mut open = view.open_discrepancies();
        assert!(open.any(|row| row.kind == DiscrepancyKind::Refused));
        shop.check().await;
    }
}

/// A reversal that was refused, and the payment stands as paid.
async fn not_reversed(shop: &Shop) {
    shop.gateway.set_status("A1", PaymentStatus::Paid);
    let gate = shop.gateway.hold_next_cancellation();
    let (payments, key) = (shop.payments.clone(), shop.key("A1"));
    let reversing = tokio::spawn(async move { payments.reverse(&key).await.unwrap() });
    gate.arrived().await;
    shop.gateway.next_call(Fault::Says(Kind::NotThisWay));
    gate.open();
    let payment = reversing.await.unwrap().payment;
    assert_eq!(
        (payment.state, payment.reversal),
        (PaymentState::Paid, Some(Reversal::Refused))
    );
}

#[tokio::test]
async fn a_reversal_that_is_carried_out_after_a_later_attempt_was_refused_is_seen() {
    for shop in started().await {
        not_reversed(&shop).await;
        // An earlier attempt comes to the gateway only now, and nobody tells.
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        shop.pass_by(65, 2).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        assert_eq!(view.refundable(), 0);
        assert!(shop.event_words().await.contains(&"money_returned"));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refused_reversal_is_watched_for_six_hours_and_then_rests() {
    for shop in started().await {
        not_reversed(&shop).await;
        let census = shop.store.census(shop.clock.now()).await.unwrap();
        let account = census.accounts[&shop.key("A1").provider];
        assert_eq!((account.payments.total(), account.watched.total()), (0, 1));
        shop.pass_by(HOUR, 7).await;
        let payment = shop.view("A1").await.payment;
        assert_eq!(payment.schedule.next_check_at, None);
        assert_eq!(payment.reversal, Some(Reversal::Refused));
        shop.check().await;
    }
}

/// A machine that is held up for longer than a lease, once: at the look at its clock after so many.
#[derive(Debug)]
struct HeldUp(Arc<ManualClock>, AtomicI64);

impl Clock for HeldUp {
    fn now(&self) -> Timestamp {
        if self.1.fetch_sub(1, SeqCst) == 0 {
            self.0.advance(Duration::from_secs(61));
        }
        self.0.now()
    }
}

#[tokio::test]
async fn a_task_that_was_held_up_for_longer_than_its_lease_reverses_nothing() {
    // Between the last commit and the reversal nothing is committed that would show that the lease is over. Of all moments
    // at which it may be held up it must notice those.
    let mut noticed = 0;
    for looks in 0..20 {
        let shop = Shop::in_memory();
        shop.paid("A1", 450).await;
        let held_up = HeldUp(Arc::clone(&shop.clock), AtomicI64::new(looks));
        let payments = shop.payments.clone().with_clock(Arc::new(held_up));
        shop.gateway.next_call(Fault::Says(Kind::AskFirst));
        let _view = payments.reverse(&shop.key("A1")).await.unwrap();
        noticed += usize::from(shop.gateway.reversals() == 0);
        shop.pass_by(60, 2).await;
        assert_eq!(shop.gateway.reversals(), 1);
        let payment = shop.view("A1").await.payment;
        assert_eq!(payment.reversal, Some(Reversal::Done));
        shop.check().await;
    }
    assert!(noticed > 0);
}

#[tokio::test]
async fn a_reversal_goes_out_though_the_query_before_it_brought_nothing_clear() {
    for shop in started().await {
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        shop.gateway.next_call(Fault::Says(Kind::AskFirst));
        let reversed = shop.payments.reverse(&shop.key("A1")).await.unwrap();
        assert_eq!(reversed.payment.reversal, Some(Reversal::Done));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_reversal_that_stays_unclear_goes_on_until_a_signed_word_settles_it() {
    for shop in started().await {
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let gate = shop.gateway.hold_next_cancellation();
        let (payments, key) = (shop.payments.clone(), shop.key("A1"));
        let reversing = tokio::spawn(async move { payments.reverse(&key).await.unwrap() });
        gate.arrived().await;
        shop.gateway.next_call(Fault::Says(Kind::AskFirst));
        gate.open();
        let payment = reversing.await.unwrap().payment;
        assert_eq!(payment.reversal, Some(Reversal::Requested));
        let shop = shop.restarted().await;
        shop.pass(16).await;
        let payment = shop.view("A1").await.payment;
        assert_eq!(payment.reversal, Some(Reversal::Done));
        shop.check().await;
    }
}

#[tokio::test]
async fn what_is_too_old_or_partly_refunded_is_not_reversed() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        let key = shop.key("A1");
        // The last moment of the seven days, and the one after it.
        shop.clock.advance(Duration::from_secs(7 * 24 * HOUR));
        assert!(matches!(
            shop.payments.reverse(&key).await,
            Err(EndError::Refused(ReversalRefusal::MoneyWentBack))
        ));
        shop.clock.advance(Duration::from_millis(1));
        assert!(matches!(
            shop.payments.reverse(&key).await,
            Err(EndError::Refused(ReversalRefusal::TooLate))
        ));
        assert_eq!(shop.gateway.reversals(), 0);
        shop.check().await;
    }
}

#[tokio::test]
async fn the_answer_to_a_close_pays_nothing_because_it_states_no_amount() {
    for shop in started().await {
        let intent = shop.view("A1").await.payment.intent();
        let asked = shop.gateway.query_payment(&intent, None).await;
        let mut fact = asked.unwrap();
        (fact.source, fact.amount) = (Source::Answer, None);
        fact.claim = Claim::Payment(PaymentStatus::Paid);
        let now = shop.clock.now();
        let observe = Command::Observe(Box::new(fact), None);
        let applied = shop.store.apply(&shop.key("A1"), observe, now).await;
        applied.unwrap();
        assert_eq!(state(&shop).await, PaymentState::AwaitingPayment);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_success_told_after_the_reversal_that_undid_it_is_asked_about_and_not_believed() {
    for policy in [LatePolicy::Review, LatePolicy::AutoRefund] {
        for status in ["SUCCESS", "REFUND"] {
            for mut shop in shops().await {
                let policies = Policies::default().with_late_payment(policy);
                shop.payments = shop.payments.clone().with_policies(policies);
                shop.start("A1", 450).await.unwrap();
                // The buyer paid; the shop was out of reach for the notification, and no query was answered clearly.
                let note = shop.gateway.payment_note("A1", &json!({"status": status}));
                reverse(&shop).await;
                assert_eq!(state(&shop).await, PaymentState::Closed);
                let asked = shop.gateway.queries();
                let _receipt = shop.note(note).await.unwrap();
                assert_eq!(state(&shop).await, PaymentState::Closed);
                shop.pass(1).await;
                assert_eq!(shop.gateway.queries(), asked + 1);
                shop.pass_by(20, 3).await;
                let view = shop.view("A1").await;
                assert_eq!(view.payment.state, PaymentState::Closed);
                assert_eq!(view.payment.reversal, Some(Reversal::Done));
                assert!(view.refunds.is_empty() && !view.needs_review());
                let told = shop.event_words().await;
                assert!(!told.contains(&"payment_succeeded"), "{told:?}");
                shop.check().await;
            }
        }
    }
}

#[tokio::test]
async fn a_payment_that_the_gateway_says_is_paid_after_its_reversal_is_late() {
    for shop in started().await {
        reverse(&shop).await;
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        shop.pass(2).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert_eq!(view.payment.reversal, None);
        assert!(view.payment.late && view.needs_review());
        assert_eq!(view.refundable(), 450);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_reversal_told_after_the_close_counts_all_the_same() {
    for shop in started().await {
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        let reversed = json!({"status": "REVOKED"});
        let note = shop.gateway.payment_note("A1", &reversed);
        let _receipt = shop.note(note).await.unwrap();
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        let payment = shop.view("A1").await.payment;
        assert_eq!(payment.state, PaymentState::Closed);
        assert_eq!(payment.reversal, Some(Reversal::Done));
        let history = shop.store.history(&shop.key("A1")).await.unwrap().unwrap();
        let last = history.transitions.last().unwrap();
        assert_eq!((last.from, last.to), (Some("closed"), "closed"));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_late_payment_that_was_returned_in_the_portal_since_is_asked_about_at_once() {
    for shop in started().await {
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        let note = shop.gateway.payment_note("A1", &json!({}));
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        let _receipt = shop.note(note).await.unwrap();
        assert_eq!(state(&shop).await, PaymentState::Paid);
        shop.pass(1).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        assert_eq!(view.refundable(), 0);
        let mut notes = view.open_discrepancies().map(|row| &row.note);
        assert!(notes.any(|note| note.contains("no reversal of it was under way here")));
        shop.check().await;
    }
}

#[tokio::test]
async fn what_a_message_casts_doubt_on_is_asked_about_until_the_gateway_answers() {
    for copies in [0, 1] {
        for shop in started().await {
            assert!(matches!(close(&shop).await, Closing::Closed(_)));
            let note = shop.gateway.payment_note("A1", &json!({}));
            shop.gateway.set_status("A1", PaymentStatus::Reversed);
            for _ in 0..=copies {
                let _receipt = shop.note(note.clone()).await.unwrap();
            }
            if copies == 0 {
                shop.gateway.next_call(Fault::Unreachable);
            }
            shop.pass_by(20, 3).await;
            let payment = shop.view("A1").await.payment;
            assert_eq!(payment.reversal, Some(Reversal::Done), "{copies} copies");
            assert_eq!(payment.schedule.next_check_at, None);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_payment_told_long_after_its_reversal_is_asked_about_until_the_gateway_answers() {
    for shop in started().await {
        reverse(&shop).await;
        shop.pass_by(HOUR, 9).await;
        assert_eq!(shop.view("A1").await.payment.schedule.next_check_at, None);
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        shop.gateway.next_call(Fault::Unreachable);
        shop.pass_by(HOUR, 7).await;
        assert_eq!(state(&shop).await, PaymentState::Paid);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_question_asked_before_the_doubt_does_not_answer_it() {
    for shop in started().await {
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        let intent = shop.view("A1").await.payment.intent();
        shop.clock.advance(Duration::from_secs(HOUR));
        // The watch asks, and the answer is on its way while the buyer pays.
        let (now, key) = (shop.clock.now(), shop.key("A1"));
        let until = now.after(Duration::from_secs(60));
        let claimed = shop.store.claim_due(&key.provider, now, until, 1).await;
        let (_, lease) = claimed.unwrap().remove(0);
        let before = shop.gateway.query_payment(&intent, None).await.unwrap();
        shop.gateway.set_status("A1", PaymentStatus::Reversed);
        shop.clock.advance(Duration::from_secs(1));
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        let observe = Command::Observe(Box::new(before), Some(lease));
        let now = shop.clock.now();
        shop.store.apply(&key, observe, now).await.unwrap();
        shop.pass(1).await;
        let payment = shop.view("A1").await.payment;
        assert_eq!(payment.reversal, Some(Reversal::Done));
        assert_eq!(payment.schedule.next_check_at, None);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_closed_payment_whose_gateway_wants_a_day_of_quiet_is_not_asked_about_every_second() {
    for shop in started().await {
        assert!(matches!(close(&shop).await, Closing::Closed(_)));
        shop.clock.advance(Duration::from_secs(HOUR));
        let (now, key) = (shop.clock.now(), shop.key("A1"));
        let until = now.after(Duration::from_secs(60));
        let claimed = shop.store.claim_due(&key.provider, now, until, 1).await;
        let (_, lease) = claimed.unwrap().remove(0);
        let give_up = Command::GiveUp {
            lease,
            trouble: "HTTP 503".into(),
            tell: Tell::Nobody,
            hold: Some(Duration::from_secs(24 * HOUR)),
            block: None,
        };
        shop.store.apply(&key, give_up, now).await.unwrap();
        let asked = shop.gateway.queries();
        shop.pass_by(600, 6).await;
        assert_eq!(shop.gateway.queries(), asked);
        shop.pass_by(HOUR, 6).await;
        assert_eq!(shop.gateway.queries(), asked + 1);
        shop.check().await;
    }
}
