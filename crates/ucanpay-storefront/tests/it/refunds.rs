//! Money is to go back.

use std::time::Duration;

use serde_json::json;
use ucanpay_storefront::ledger::{
    Command, DiscrepancyKind, NewRefund, Outcome, RefundRefusal, Verdict,
};
use ucanpay_storefront::provider::{PaymentStatus, ProviderErrorKind, RefundStatus};
use ucanpay_storefront::{
    Clock as _, PaymentProvider as _, PaymentState, RefundError, RefundNumber, RefundState,
};

use crate::gateway::Fault;
use crate::shop::{Shop, shops};

/// The gateway says once more that they failed, when it is asked ten minutes after that: another number may be taken.
async fn confirmed(shop: &Shop, number: &str) {
    shop.gateway.set_refund(number, RefundStatus::Failed);
    shop.clock.advance(Duration::from_secs(600));
    shop.payments.reconcile().await.unwrap();
}

#[tokio::test]
async fn a_refund_is_accepted_first_and_succeeds_by_notification() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        let refund = shop.refund("A1", "R1", 100).await.unwrap();
        assert_eq!(refund.state, RefundState::Processing);
        assert_eq!(shop.view("A1").await.refunded(), 0);
        assert_eq!(shop.view("A1").await.refundable(), 350);
        shop.refund_note("A1", "R1", &json!({})).await;
        assert_eq!(shop.view("A1").await.refunded(), 100);
        assert!(shop.event_words().await.contains(&"refund_succeeded"));
        shop.check().await;
    }
}

#[tokio::test]
async fn the_same_number_is_the_same_refund() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.refund_note("A1", "R1", &json!({})).await;
        assert_eq!(
            shop.refund("A1", "R1", 100).await.unwrap().state,
            RefundState::Succeeded
        );
        assert!(matches!(
            shop.refund("A1", "R1", 101).await,
            Err(RefundError::Conflict(_))
        ));
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.paid("A2", 450).await;
        assert!(matches!(
            shop.refund("A2", "R1", 100).await,
            Err(RefundError::Conflict(_))
        ));
        shop.check().await;
    }
}

#[tokio::test]
async fn refunds_of_one_payment_go_one_at_a_time() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        let (one, two) = tokio::join!(shop.refund("A1", "R1", 300), shop.refund("A1", "R2", 300));
        let refused = [one.err(), two.err()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
        assert!(
            matches!(
                &refused[..],
                [RefundError::Refused(RefundRefusal::UnderWay)]
            ),
            "{refused:?}"
        );
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn no_more_than_was_paid_goes_back() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        let beyond = shop.refund("A1", "R1", 451).await;
        assert!(matches!(
            beyond,
            Err(RefundError::Refused(RefundRefusal::BeyondPaid {
                asked: 451,
                left: 450
            }))
        ));
        shop.refund("A1", "R1", 400).await.unwrap();
        shop.refund_note("A1", "R1", &json!({})).await;
        let beyond = shop.refund("A1", "R2", 51).await;
        assert!(matches!(
            beyond,
            Err(RefundError::Refused(RefundRefusal::BeyondPaid {
                asked: 51,
                left: 50
            }))
        ));
        shop.refund("A1", "R2", 50).await.unwrap();
        shop.check().await;
    }
}

#[tokio::test]
async fn the_eleventh_refund_is_refused_and_failed_ones_do_not_count() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R0", 10).await.unwrap();
        shop.refund_note("A1", "R0", &json!({"status": "FAIL"}))
            .await;
        assert_eq!(
            shop.view("A1").await.refundable(),
            450,
            "a failed refund frees its amount"
        );
        confirmed(&shop, "R0").await;
        for n in 1..=10 {
            let number = format!("R{n}");
            shop.refund("A1", &number, 10).await.unwrap();
            shop.refund_note("A1", &number, &json!({})).await;
        }
        let eleventh = shop.refund("A1", "R11", 10).await;
        assert!(matches!(
            eleventh,
            Err(RefundError::Refused(RefundRefusal::TooMany(10)))
        ));
        shop.check().await;
    }
}

#[tokio::test]
async fn only_what_is_paid_and_young_enough_is_refunded() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let unpaid = shop.refund("A1", "R1", 10).await;
        assert!(matches!(
            unpaid,
            Err(RefundError::Refused(RefundRefusal::NotPaid))
        ));
        let note = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(note).await.unwrap();
        // The last moment of the year, and the one after it.
        shop.clock.advance(Duration::from_secs(365 * 86_400));
        shop.refund("A1", "R1", 10).await.unwrap();
        shop.refund_note("A1", "R1", &json!({})).await;
        shop.clock.advance(Duration::from_millis(1));
        let old = shop.refund("A1", "R2", 10).await;
        assert!(matches!(
            old,
            Err(RefundError::Refused(RefundRefusal::TooLate))
        ));
        assert!(matches!(
            shop.refund("NONE", "R1", 10).await,
            Err(RefundError::NotFound)
        ));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_lost_answer_keeps_the_reservation_and_the_same_bytes_go_out_again() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::AnswerLost);
        let refund = shop.refund("A1", "R1", 300).await.unwrap();
        assert_eq!(refund.state, RefundState::Requested);
        assert!(refund.trouble.is_some());
        assert_eq!(shop.view("A1").await.refundable(), 150);
        let shop = shop.restarted().await;
        shop.pass(16).await;
        assert_eq!(
            shop.view("A1").await.refunds[0].state,
            RefundState::Processing
        );
        let placed = shop.gateway.placed();
        assert_eq!(placed[placed.len() - 1], placed[placed.len() - 2]);
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_notification_before_the_answer_is_not_undone_by_the_answer() {
    for status in ["SUCCESS", "REFUNDCLOSE"] {
        for shop in shops().await {
            shop.paid("A1", 450).await;
            shop.gateway.next_call(Fault::AnswerLost);
            shop.refund("A1", "R1", 100).await.unwrap();
            shop.refund_note("A1", "R1", &json!({ "status": status }))
                .await;
            let told = shop.view("A1").await.refunds.remove(0);
            assert!(told.state.is_settled(), "{told:?}");
            // The first attempt's answer was only slow.
            let request = told.request.as_ref().unwrap();
            let answer = shop.gateway.refund_payment(request).await.unwrap();
            let observe = Command::Observe(Box::new(answer), None);
            let (key, now) = (shop.key("A1"), shop.clock.now());
            let applied = shop.store.apply(&key, observe, now).await.unwrap();
            let nothing_new = Outcome::Observed(Verdict::NothingNew);
            assert_eq!(applied.outcome, nothing_new);
            assert_eq!(shop.view("A1").await.refunds[0].state, told.state);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_refund_keeps_the_gateways_number_that_was_told_first() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        let first = shop.view("A1").await.refunds.remove(0).gateway_number;
        let other = json!({"refund_number": "R-other"});
        shop.refund_note("A1", "R1", &other).await;
        let refund = shop.view("A1").await.refunds.remove(0);
        assert_eq!(refund.state, RefundState::Succeeded);
        assert!(first.is_some());
        assert_eq!(refund.gateway_number, first);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_that_the_gateway_refuses_is_raised_and_stays() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::Refused));
        let refund = shop.refund("A1", "R1", 100).await.unwrap();
        assert_eq!(refund.state, RefundState::Requested);
        assert!(shop.view("A1").await.needs_review());
        // It is not hammered; topped up, the same number goes through.
        let asked = shop.gateway.placed().len();
        shop.pass(200).await;
        assert_eq!(shop.gateway.placed().len(), asked);
        shop.pass(101).await;
        assert_eq!(
            shop.view("A1").await.refunds[0].state,
            RefundState::Processing
        );
        shop.check().await;
    }
}

/// Found by history 22 of the simulation: the money had gone back through the portal, no word of that came, and nobody
/// was told that the refund waits for ever.
#[tokio::test]
async fn a_refund_that_the_gateway_leaves_open_for_half_an_hour_is_raised_once_and_goes_on() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        for _ in 0..200 {
            shop.gateway
                .next_call(Fault::Says(ProviderErrorKind::AskFirst));
        }
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.pass(1_700).await;
        assert!(!shop.view("A1").await.needs_review());
        shop.pass(200).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Requested);
        assert_eq!(view.discrepancies.len(), 1);
        assert_eq!(view.discrepancies[0].kind, DiscrepancyKind::Refused);
        // Once the gateway takes it, it is under way as ever.
        shop.gateway.no_more_faults();
        shop.pass(400).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Processing);
        assert_eq!(view.discrepancies.len(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_of_which_nothing_is_heard_for_half_an_hour_is_raised_whatever_is_not_heard() {
    use ProviderErrorKind as Kind;
    for kind in [Kind::Unclear, Kind::Later, Kind::Untrusted] {
        for shop in shops().await {
            shop.paid("A1", 450).await;
            // The call, and the query after it, if there is one: neither brings a word that tells by itself.
            for _ in 0..200 {
                shop.gateway.next_call(Fault::Says(kind));
            }
            shop.refund("A1", "R1", 100).await.unwrap();
            shop.pass_by(60, 25).await;
            assert!(!shop.view("A1").await.needs_review());
            shop.pass_by(60, 15).await;
            assert_eq!(
                open_about(&shop, DiscrepancyKind::Refused).await,
                ["refund R1"],
                "{kind:?}"
            );
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_refund_that_takes_its_time_is_not_raised_for_calls_that_are_lost() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.pass_by(600, 6).await;
        for _ in 0..20 {
            shop.gateway.next_call(Fault::Unreachable);
        }
        shop.pass_by(600, 20).await;
        shop.gateway.no_more_faults();
        shop.pass_by(600, 6).await;
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::AskFirst));
        shop.pass_by(600, 6).await;
        assert!(!shop.view("A1").await.needs_review());
        // Nor is one that nobody heard of while the gateway takes no calls.
        shop.gateway.no_more_faults();
        shop.refund_note("A1", "R1", &json!({})).await;
        shop.gateway.next_call(Fault::Unreachable);
        shop.refund("A1", "R2", 100).await.unwrap();
        for _ in 0..100 {
            shop.gateway
                .next_call(Fault::Says(ProviderErrorKind::Blocked));
        }
        shop.pass_by(65, 40).await;
        let _still_blocked = shop.payments.refresh(&shop.key("A1")).await;
        assert!(!shop.view("A1").await.needs_review());
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_that_is_done_is_found_though_each_repeat_is_told_to_come_later() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::AnswerLost);
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.gateway.set_refund("R1", RefundStatus::Succeeded);
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::Later));
        shop.pass(16).await;
        let refund = &shop.view("A1").await.refunds[0];
        assert_eq!(refund.state, RefundState::Succeeded);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_word_about_a_refund_that_nobody_documented_is_raised() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        let word = RefundStatus::Other("PENDING_X".into());
        shop.gateway.set_refund("R1", word);
        shop.pass(60).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Unknown);
        let open: Vec<_> = view.open_discrepancies().map(|row| &*row.note).collect();
        let note = "refund R1: the gateway says \"PENDING_X\", which is documented nowhere";
        assert_eq!(open, [note]);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refused_refund_is_raised_though_an_earlier_one_was_and_nobody_has_looked_yet() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        for number in ["R1", "R2"] {
            shop.gateway
                .next_call(Fault::Says(ProviderErrorKind::Refused));
            shop.refund("A1", number, 100).await.unwrap();
            // The balance is topped up, and it goes through.
            shop.pass(400).await;
            shop.refund_note("A1", number, &json!({})).await;
            let view = shop.view("A1").await;
            let refund = view.refunds.last().unwrap();
            assert_eq!(refund.state, RefundState::Succeeded);
        }
        let view = shop.view("A1").await;
        let told: Vec<_> = view
            .open_discrepancies()
            .map(|row| (row.kind, &row.note[..10]))
            .collect();
        assert_eq!(
            told,
            [
                (DiscrepancyKind::Refused, "refund R1:"),
                (DiscrepancyKind::Refused, "refund R2:")
            ]
        );
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_message_about_another_amount_changes_nothing_and_is_flagged() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.refund_note("A1", "R1", &json!({"refund_amount": 99}))
            .await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Processing);
        assert!(view.needs_review());
        shop.check().await;
    }
}

#[tokio::test]
async fn money_returned_through_the_portal_is_a_fact_and_lowers_what_is_left() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund_note("A1", "PORTAL1", &json!({"refund_amount": 400}))
            .await;
        let view = shop.view("A1").await;
        assert_eq!((view.refunded(), view.refundable()), (400, 50));
        assert!(view.needs_review());
        assert!(shop.event_words().await.contains(&"money_returned"));
        assert!(matches!(
            shop.refund("A1", "R1", 51).await,
            Err(RefundError::Refused(RefundRefusal::BeyondPaid { .. }))
        ));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_closed_refund_keeps_its_reservation_and_a_success_that_turns_failed_is_flagged() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 300).await.unwrap();
        shop.gateway.set_refund("R1", RefundStatus::Closed);
        shop.pass(16).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Closed);
        assert_eq!(view.refundable(), 150);
        assert!(view.needs_review());

        shop.paid("A2", 450).await;
        shop.refund("A2", "R2", 300).await.unwrap();
        shop.refund_note("A2", "R2", &json!({})).await;
        shop.refund_note("A2", "R2", &json!({"status": "FAIL"}))
            .await;
        let view = shop.view("A2").await;
        assert_eq!(view.refunds[0].state, RefundState::Succeeded);
        assert!(view.needs_review());
        shop.check().await;
    }
}

#[tokio::test]
async fn an_unsigned_no_to_a_repeat_is_settled_by_the_signed_answer_to_a_query() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::AnswerLost);
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.gateway.set_refund("R1", RefundStatus::Succeeded);
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::AskFirst));
        shop.pass(16).await;
        assert_eq!(
            shop.view("A1").await.refunds[0].state,
            RefundState::Succeeded
        );
        assert_eq!(shop.gateway.executed_refunds(), 1);

        // Where the query knows nothing either, nothing is concluded, and the first word is the one reported.
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::AskFirst));
        let refund = shop.refund("A1", "R2", 100).await.unwrap();
        assert_eq!(refund.state, RefundState::Requested);
        assert!(refund.trouble.unwrap().contains("an error name"));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_message_that_names_the_refund_of_another_payment_changes_neither() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.paid("B1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        let wrong = json!({"refund_amount": 7});
        shop.refund_note("B1", "R1", &wrong).await;
        assert_eq!(
            shop.view("A1").await.refunds[0].state,
            RefundState::Processing
        );
        let other = shop.view("B1").await;
        assert!(other.refunds.is_empty() && other.needs_review());
        assert!(!shop.view("A1").await.needs_review());
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_that_failed_goes_out_again_under_its_number_with_the_same_bytes() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 450).await.unwrap();
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);

        shop.gateway.next_call(Fault::AnswerLost);
        let again = shop.refund("A1", "R1", 450).await.unwrap();
        assert_eq!(again.state, RefundState::Requested);
        let shop = shop.restarted().await;
        shop.pass(16).await;
        assert_eq!(
            shop.view("A1").await.refunds[0].state,
            RefundState::Processing
        );
        let placed = shop.gateway.placed();
        let sent = &placed[placed.len() - 3..];
        assert!(sent.iter().all(|body| *body == sent[0]));
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_that_was_asked_for_again_by_a_process_that_died_goes_out_all_the_same() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        let sent = shop.gateway.placed().len();
        let failed = shop.view("A1").await.refunds.remove(0);
        let again = NewRefund {
            number: failed.number,
            amount: failed.amount,
            reason: failed.reason,
            request: failed.request.unwrap(),
            limits: shop.gateway.capabilities().refunds,
            under: None,
        };
        let now = shop.clock.now();
        let lease = now.after(Duration::from_secs(60));
        let again = Command::RequestRefund(again, lease);
        let recorded = shop.store.apply(&shop.key("A1"), again, now).await.unwrap();
        assert!(matches!(recorded.outcome, Outcome::Recorded(_)));
        shop.pass(62).await;
        assert_eq!(shop.gateway.placed().len(), sent + 1);
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Processing);
        shop.check().await;
    }
}

#[tokio::test]
async fn an_older_processing_does_not_reopen_a_refund_that_failed() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 450).await.unwrap();
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        shop.refund_note("A1", "R1", &json!({"status": "PROCESSING"}))
            .await;
        assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);
        shop.check().await;
    }
}

/// Its answer is lost, and its bytes go out again; then the first of them come to the gateway, and it fails.
async fn failed_with_a_repeat_on_its_way(shop: &Shop) {
    shop.paid("A1", 450).await;
    shop.gateway.next_call(Fault::AnswerLost);
    shop.refund("A1", "R1", 450).await.unwrap();
    shop.gateway.set_refund("R1", RefundStatus::Failed);
    shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
        .await;
    assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);
}

#[tokio::test]
async fn a_repeat_that_goes_through_after_the_failure_is_found_though_its_notification_is_lost() {
    for shop in shops().await {
        failed_with_a_repeat_on_its_way(&shop).await;
        // It comes, under another number of the gateway's; its result is never told.
        shop.gateway.renumber_refund("R1", "R-late");
        shop.pass(125).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Processing);
        assert_eq!(view.refunds[0].gateway_number.as_deref(), Some("R-late"));
        assert_eq!(view.refundable(), 0, "it is reserved again");
        shop.gateway.set_refund("R1", RefundStatus::Succeeded);
        shop.pass(60).await;
        assert_eq!(shop.view("A1").await.refunded(), 450);
        let told = shop.event_words().await;
        assert_eq!(
            told[told.len() - 2..],
            ["refund_failed", "refund_succeeded"]
        );
        shop.check().await;
    }
}

#[tokio::test]
async fn after_a_failure_the_money_goes_back_under_that_number_only_until_it_is_confirmed() {
    for shop in shops().await {
        failed_with_a_repeat_on_its_way(&shop).await;
        let another_is_refused = async || {
            let refused = shop.refund("A1", "R2", 450).await.unwrap_err();
            let expected = RefundRefusal::MayStillGoThrough(RefundNumber::new("R1").unwrap());
            assert!(matches!(&refused, RefundError::Refused(refusal) if *refusal == expected));
            let told = refused.to_string();
            assert!(
                told.contains("ask for it again under that number"),
                "{told}"
            );
        };
        another_is_refused().await;
        // Under its own it is one refund, whichever of the two comes first.
        shop.refund("A1", "R1", 450).await.unwrap();
        shop.gateway.set_refund("R1", RefundStatus::Failed);
        shop.pass(46).await;
        assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);
        // That it fails now says nothing about what is on its way; nor does time alone.
        shop.pass(500).await;
        another_is_refused().await;
        shop.gateway.next_call(Fault::Unreachable);
        shop.clock.advance(Duration::from_secs(100));
        shop.payments.reconcile().await.unwrap();
        another_is_refused().await;
        confirmed(&shop, "R1").await;
        shop.refund("A1", "R2", 450).await.unwrap();
        shop.check().await;
    }
}

#[tokio::test]
async fn a_failed_refund_is_watched_for_six_hours_and_then_rests() {
    for shop in shops().await {
        failed_with_a_repeat_on_its_way(&shop).await;
        // What it is asked is no reason to trouble anybody, whatever comes back.
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::Refused));
        shop.clock.advance(Duration::from_secs(7_200));
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::AskFirst));
        for _ in 0..6 {
            shop.payments.reconcile().await.unwrap();
            shop.clock.advance(Duration::from_secs(3_600));
        }
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].schedule.next_check_at, None);
        assert!(!view.needs_review());
        assert!(!shop.event_words().await.contains(&"refund_succeeded"));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_question_asked_before_the_failure_does_not_reopen_the_refund() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 450).await.unwrap();
        shop.clock.advance(Duration::from_secs(60));
        let (now, key) = (shop.clock.now(), shop.key("A1"));
        let until = now.after(Duration::from_secs(60));
        let claimed = shop.store.claim_due(&key.provider, now, until, 1).await;
        let (_, lease) = claimed.unwrap().remove(0);
        let view = shop.view("A1").await;
        let inquiry = view.refunds[0].inquiry(&view.payment);
        let before = shop.gateway.query_refund(&inquiry).await.unwrap();
        shop.gateway.set_refund("R1", RefundStatus::Failed);
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        let observe = Command::Observe(Box::new(before), Some(lease));
        let applied = shop.store.apply(&key, observe, now).await.unwrap();
        assert_eq!(applied.outcome, Outcome::StaleLease);
        assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_that_succeeds_after_it_failed_and_was_replaced_is_raised() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 450).await.unwrap();
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        confirmed(&shop, "R1").await;
        shop.refund("A1", "R2", 450).await.unwrap();
        shop.refund_note("A1", "R2", &json!({})).await;
        assert!(!shop.view("A1").await.needs_review());
        // The truth is recorded, even where it is that too much went back.
        shop.refund_note("A1", "R1", &json!({})).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunded(), 900);
        assert!(view.needs_review());
        assert_eq!(view.refundable(), 0);
        shop.check().await;
    }
}

#[tokio::test]
async fn money_that_went_back_unexplained_stops_refunds_until_it_is_explained() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        // The flag for review stands already, for another reason: the news must not drown in it.
        let wrong = shop.gateway.payment_note("A1", &json!({"amount": 1}));
        let _receipt = shop.note(wrong).await.unwrap();
        let returned = shop
            .gateway
            .payment_note("A1", &json!({"status": "REFUND"}));
        let _receipt = shop.note(returned).await.unwrap();
        assert!(shop.event_words().await.contains(&"money_returned"));
        assert_eq!(shop.view("A1").await.refundable(), 0);
        assert!(matches!(
            shop.refund("A1", "R1", 1).await,
            Err(RefundError::Refused(RefundRefusal::UnexplainedReturn))
        ));
        shop.refund_note("A1", "PORTAL1", &json!({"refund_amount": 400}))
            .await;
        assert_eq!(shop.view("A1").await.refundable(), 50);
        shop.refund("A1", "R1", 50).await.unwrap();
        shop.check().await;
    }
}

#[tokio::test]
async fn a_repeat_that_is_answered_by_an_error_name_is_queried() {
    for kind in [ProviderErrorKind::Refused, ProviderErrorKind::Unclear] {
        for shop in shops().await {
            shop.paid("A1", 450).await;
            shop.gateway.next_call(Fault::AnswerLost);
            shop.refund("A1", "R1", 100).await.unwrap();
            shop.gateway.set_refund("R1", RefundStatus::Succeeded);
            shop.gateway.next_call(Fault::Says(kind));
            shop.pass(16).await;
            assert_eq!(shop.view("A1").await.refunded(), 100, "{kind:?}");
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_refund_of_a_payment_taken_for_closed_makes_it_asked_for_again() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let closed = shop
            .gateway
            .payment_note("A1", &json!({"status": "CLOSED"}));
        let _receipt = shop.note(closed).await.unwrap();
        shop.gateway
            .set_status("A1", PaymentStatus::PaidAndReturned);
        shop.refund_note("A1", "PORTAL1", &json!({"refund_amount": 450}))
            .await;
        shop.pass(1).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Paid);
        assert!(view.payment.late);
        assert_eq!(view.refunded(), 450);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_copy_of_an_older_failure_frees_nothing_of_a_refund_that_was_submitted_again() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 200).await.unwrap();
        let failed = shop
            .gateway
            .refund_note("A1", "R1", &json!({"status": "FAIL"}));
        let _receipt = shop.note(failed.clone()).await.unwrap();
        shop.refund("A1", "R1", 200).await.unwrap();
        // Our acknowledgement was lost: the gateway sends it once more.
        let _receipt = shop.note(failed).await.unwrap();
        assert_eq!(shop.view("A1").await.refundable(), 250);
        assert!(matches!(
            shop.refund("A1", "R2", 200).await,
            Err(RefundError::Refused(RefundRefusal::UnderWay))
        ));
        // The signed answer to a question says what is so now.
        shop.gateway.set_refund("R1", RefundStatus::Failed);
        shop.pass(1).await;
        assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);
        shop.check().await;
    }
}

#[tokio::test]
async fn refunds_made_outside_that_exceed_the_payment_together_are_raised() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        for (number, cents) in [("PORTAL1", 208), ("PORTAL2", 243)] {
            let stated = json!({"refund_amount": cents, "refund_number": number});
            shop.refund_note("A1", number, &stated).await;
        }
        let view = shop.view("A1").await;
        assert_eq!((view.refunded(), view.refundable()), (451, 0));
        let mut open = view.open_discrepancies();
        assert!(open.any(|row| row.kind == DiscrepancyKind::RefundedTooMuch));
        drop(open);
        shop.check().await;
    }
}

/// A1 with R1, which failed and was asked for again.
async fn asked_for_again(shop: &Shop) -> Vec<u8> {
    shop.paid("A1", 450).await;
    shop.refund("A1", "R1", 200).await.unwrap();
    let failed = json!({"status": "FAIL"});
    let failed = shop.gateway.refund_note("A1", "R1", &failed);
    let _receipt = shop.note(failed.clone()).await.unwrap();
    assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);
    shop.gateway.renumber_refund("R1", "R1-AGAIN");
    shop.refund("A1", "R1", 200).await.unwrap();
    failed
}

#[tokio::test]
async fn a_refund_asked_for_again_may_have_another_number_at_the_gateway() {
    for shop in shops().await {
        let failed = asked_for_again(&shop).await;
        let refund = shop.view("A1").await.refunds.remove(0);
        assert_eq!(refund.state, RefundState::Processing);
        assert_eq!(refund.gateway_number.as_deref(), Some("R1-AGAIN"));
        // A copy of the first failure, with the first number, takes nothing of that back.
        let _receipt = shop.note(failed).await.unwrap();
        shop.pass(1).await;
        shop.refund_note("A1", "R1", &json!({})).await;
        let view = shop.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Succeeded);
        assert_eq!(view.refunds[0].gateway_number.as_deref(), Some("R1-AGAIN"));
        assert!(!view.needs_review());
        shop.check().await;
    }
}

#[tokio::test]
async fn a_refund_asked_for_again_is_asked_about_under_our_number_until_the_new_one_is_known() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 200).await.unwrap();
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        shop.gateway.next_call(Fault::AnswerLost);
        shop.refund("A1", "R1", 200).await.unwrap();
        assert_eq!(shop.view("A1").await.refunds[0].gateway_number, None);
        shop.check().await;
    }
}

#[tokio::test]
async fn an_old_refund_asked_for_again_goes_out_soon_though_the_gateway_was_out_of_reach() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 200).await.unwrap();
        shop.clock.advance(Duration::from_secs(3 * 86_400));
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        shop.gateway.set_refund("R1", RefundStatus::Failed);
        for _ in 0..2 {
            shop.gateway.next_call(Fault::Unreachable);
        }
        shop.refund("A1", "R1", 200).await.unwrap();
        shop.pass(60).await;
        let refund = shop.view("A1").await.refunds.remove(0);
        assert_eq!(refund.state, RefundState::Processing);
        assert_eq!(refund.trouble, None);
        shop.check().await;
    }
}

#[tokio::test]
async fn an_older_word_about_a_refund_asked_for_again_is_asked_about_and_not_believed() {
    for status in ["FAIL", "PROCESSING", "REFUNDCLOSE"] {
        for shop in shops().await {
            shop.paid("A1", 450).await;
            shop.refund("A1", "R1", 200).await.unwrap();
            shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
                .await;
            shop.gateway.next_call(Fault::Unreachable);
            shop.refund("A1", "R1", 200).await.unwrap();
            let sent = shop.gateway.placed().len();
            shop.refund_note("A1", "R1", &json!({"status": status}))
                .await;
            let refund = shop.view("A1").await.refunds.remove(0);
            assert_eq!(refund.state, RefundState::Requested, "{status}");
            // Its bytes go out again at once.
            shop.pass(1).await;
            assert_eq!(shop.gateway.placed().len(), sent + 1);
            // Once it has succeeded, an older word is asked about, too.
            shop.gateway.set_refund("R1", RefundStatus::Succeeded);
            shop.refund_note("A1", "R1", &json!({})).await;
            let asked = shop.gateway.queries();
            shop.refund_note("A1", "R1", &json!({"status": status}))
                .await;
            shop.pass(1).await;
            let view = shop.view("A1").await;
            assert_eq!(view.refunds[0].state, RefundState::Succeeded);
            assert!(!view.needs_review(), "{status}");
            let expected = if status == "PROCESSING" { 0 } else { 1 };
            assert_eq!(shop.gateway.queries() - asked, expected);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn the_first_failure_is_believed_though_the_gateway_said_something_unknown_before() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 200).await.unwrap();
        shop.gateway
            .set_refund("R1", RefundStatus::Other("NEW".into()));
        shop.pass(16).await;
        shop.gateway.set_refund("R1", RefundStatus::Processing);
        shop.pass(16).await;
        shop.refund_note("A1", "R1", &json!({"status": "FAIL"}))
            .await;
        assert_eq!(shop.view("A1").await.refunds[0].state, RefundState::Failed);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_closed_refund_is_reserved_until_a_person_has_looked() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 300).await.unwrap();
        shop.refund_note("A1", "R1", &json!({"status": "REFUNDCLOSE"}))
            .await;
        // Each closed refund is looked at by itself.
        shop.refund("A1", "R2", 100).await.unwrap();
        shop.refund_note("A1", "R2", &json!({"status": "REFUNDCLOSE"}))
            .await;
        assert_eq!(shop.view("A1").await.refundable(), 50);
        let key = shop.key("A1");
        let kinds: Vec<_> = shop.view("A1").await.discrepancies;
        assert_eq!(kinds.len(), 2);
        let looked = "the portal shows that nothing went back";
        let view = shop.payments.settle_review(&key, 1, looked).await.unwrap();
        assert_eq!(view.refundable(), 50);
        let view = shop.payments.settle_review(&key, 2, looked).await.unwrap();
        assert_eq!(view.refundable(), 450);
        shop.refund("A1", "R3", 450).await.unwrap();
        shop.refund_note("A1", "R3", &json!({})).await;
        // The person was wrong: it is told.
        shop.refund_note("A1", "R1", &json!({})).await;
        let view = shop.view("A1").await;
        assert_eq!((view.refunded(), view.refundable()), (750, 0));
        assert!(
            view.open_discrepancies()
                .any(|row| row.kind == DiscrepancyKind::RefundedTooMuch)
        );
        shop.check().await;
    }
}

#[tokio::test]
async fn what_became_of_a_refund_that_is_not_ours_is_told_in_its_own_words() {
    for (status, word) in [
        ("FAIL", "failed"),
        ("REFUNDCLOSE", "closed"),
        ("PROCESSING", "under way"),
    ] {
        for shop in shops().await {
            shop.paid("A1", 450).await;
            let stated = json!({"status": status, "refund_amount": 100});
            shop.refund_note("A1", "PORTAL1", &stated).await;
            let view = shop.view("A1").await;
            let row = view.open_discrepancies().next().expect("a review");
            assert_eq!(row.kind, DiscrepancyKind::ForeignRefund);
            assert!(row.note.contains(word), "{}", row.note);
            assert_eq!(view.refundable(), 450);
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn money_that_went_back_in_a_way_that_cannot_be_recorded_stops_refunds() {
    for alter in [
        json!({"refund_amount": 451}),
        json!({"refund": "not a number", "refund_amount": 100}),
        json!({"refund_amount": "?"}),
    ] {
        for shop in shops().await {
            shop.paid("A1", 450).await;
            shop.refund_note("A1", "PORTAL1", &alter).await;
            let view = shop.view("A1").await;
            let open: Vec<_> = view.open_discrepancies().map(|row| row.kind).collect();
            assert_eq!(open, [DiscrepancyKind::UnexplainedReturn], "{alter}");
            assert!(view.refunds.is_empty() && view.refundable() == 0);
            shop.check().await;
        }
    }
}

/// What is open of A1, by the beginnings of the notes.
async fn open_about(shop: &Shop, kind: DiscrepancyKind) -> Vec<String> {
    let view = shop.view("A1").await;
    let open = view.open_discrepancies().filter(|row| row.kind == kind);
    open.map(|row| row.note.split(": ").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_open_about_one_refund_hides_nothing_about_another() {
    use DiscrepancyKind::{Contradiction, ForeignRefund, Mismatch, RefundClosed};
    for shop in shops().await {
        shop.paid("A1", 900).await;
        let both = ["refund R1", "refund R2"];
        for number in ["R1", "R2"] {
            shop.refund("A1", number, 100).await.unwrap();
            shop.refund_note("A1", number, &json!({"refund_amount": 99}))
                .await;
            shop.refund_note("A1", number, &json!({"status": "REFUNDCLOSE"}))
                .await;
            shop.refund_note("A1", number, &json!({})).await;
            shop.refund_note("A1", number, &json!({"status": "FAIL"}))
                .await;
        }
        assert_eq!(open_about(&shop, Mismatch).await, both);
        assert_eq!(open_about(&shop, RefundClosed).await, both);
        let twice = ["refund R1", "refund R1", "refund R2", "refund R2"];
        assert_eq!(open_about(&shop, Contradiction).await, twice);
        for number in ["P1", "P2"] {
            let stated = json!({"refund_amount": 100, "status": "FAIL"});
            shop.refund_note("A1", number, &stated).await;
            shop.refund_note("A1", number, &json!({"refund_amount": 100}))
                .await;
        }
        let twice = ["refund P1", "refund P1", "refund P2", "refund P2"];
        assert_eq!(open_about(&shop, ForeignRefund).await, twice);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_message_that_does_not_fit_the_payment_hides_nothing_of_what_the_next_one_says() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        let wrong = json!({"amount": 451});
        let returned = json!({"amount": 451, "status": "REFUND"});
        for stated in [&wrong, &returned, &returned] {
            let _receipt = shop
                .note(shop.gateway.payment_note("A1", stated))
                .await
                .unwrap();
        }
        for number in ["P1", "P2", "P1"] {
            for status in ["FAIL", "SUCCESS"] {
                let stated = json!({"amount": 451, "refund_amount": 100, "status": status});
                shop.refund_note("A1", number, &stated).await;
            }
        }
        let view = shop.view("A1").await;
        let notes: Vec<_> = view.open_discrepancies().map(|row| &*row.note).collect();
        let but = "but the amount is 451 in the message and 450 in the ledger";
        let expected = [
            "paid",
            "paid and returned",
            "refund P1: failed",
            "refund P1: succeeded",
            "refund P2: failed",
            "refund P2: succeeded",
        ];
        assert_eq!(notes, expected.map(|said| format!("{said}, {but}")));
        shop.check().await;
    }
}

#[tokio::test]
async fn each_refund_by_which_too_much_went_back_is_raised() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        for number in ["R1", "R2"] {
            shop.refund("A1", number, 450).await.unwrap();
            shop.refund_note("A1", number, &json!({"status": "FAIL"}))
                .await;
            confirmed(&shop, number).await;
        }
        shop.refund("A1", "R3", 450).await.unwrap();
        for number in ["R3", "R1", "R2"] {
            shop.refund_note("A1", number, &json!({})).await;
        }
        assert_eq!(shop.view("A1").await.refunded(), 1_350);
        assert_eq!(
            open_about(&shop, DiscrepancyKind::RefundedTooMuch).await,
            ["refund R1", "refund R2"]
        );
        shop.check().await;
    }
}

#[tokio::test]
async fn the_sum_of_one_refund_does_not_explain_another_whose_sum_is_not_known() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        for number in ["P1", "P2"] {
            shop.refund_note("A1", number, &json!({"refund_amount": 451}))
                .await;
        }
        let unexplained = DiscrepancyKind::UnexplainedReturn;
        assert_eq!(
            open_about(&shop, unexplained).await,
            ["refund P1", "refund P2"]
        );
        shop.refund_note("A1", "P1", &json!({"refund_amount": 100}))
            .await;
        assert_eq!(open_about(&shop, unexplained).await, ["refund P2"]);
        assert_eq!(shop.view("A1").await.refundable(), 0);
        shop.refund_note("A1", "P2", &json!({"refund_amount": 50}))
            .await;
        assert!(open_about(&shop, unexplained).await.is_empty());
        assert_eq!(shop.view("A1").await.refundable(), 300);
        shop.check().await;
    }
}
