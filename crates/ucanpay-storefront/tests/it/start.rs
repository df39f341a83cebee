//! An order is to be paid.

use serde_json::json;
use ucanpay_core::Amount;
use ucanpay_storefront::ledger::EventKind;
use ucanpay_storefront::provider::ProviderErrorKind;
use ucanpay_storefront::{Closing, PaymentState, StartError};

use crate::gateway::{Fault, HANG};
use crate::shop::{Shop, shops, start};

#[tokio::test]
async fn a_started_payment_awaits_the_buyer_with_a_link() {
    for shop in shops().await {
        let view = shop.start("A1", 450).await.unwrap();
        assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
        assert_eq!(
            view.payment.pay_link.as_deref(),
            Some("https://pay.example/G1")
        );
        assert_eq!(
            shop.event_words().await,
            ["payment_created", "action_required"]
        );
        shop.check().await;
    }
}

#[tokio::test]
async fn started_again_it_is_the_same_payment_and_with_other_parameters_a_conflict() {
    for shop in shops().await {
        let first = shop.start("A1", 450).await.unwrap();
        assert_eq!(shop.start("A1", 450).await.unwrap(), first);
        assert!(matches!(
            shop.start("A1", 451).await,
            Err(StartError::Conflict(_))
        ));
        assert_eq!(shop.gateway.placed().len(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn sixteen_starts_at_once_are_one_call() {
    for shop in shops().await {
        let starts: Vec<_> = (0..16)
            .map(|_| {
                let payments = shop.payments.clone();
                tokio::spawn(async move { payments.start(start("A1", 450)).await })
            })
            .collect();
        for start in starts {
            start.await.unwrap().unwrap();
        }
        assert_eq!(shop.gateway.placed().len(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn what_the_gateway_would_refuse_is_refused_before_anything_is_recorded() {
    for shop in shops().await {
        let mut request = start("A1", 450);
        request.subject = "".into();
        let refused = shop.payments.start(request).await;
        assert!(matches!(refused, Err(StartError::Invalid(_))));
        assert!(
            shop.payments
                .payment(&shop.key("A1"))
                .await
                .unwrap()
                .is_none()
        );
        assert!(shop.gateway.placed().is_empty());
    }
}

#[tokio::test]
async fn a_gateway_out_of_reach_leaves_an_intent_that_the_reconciler_sends_byte_for_byte() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Unreachable);
        let view = shop.start("A1", 450).await.unwrap();
        assert_eq!(view.payment.state, PaymentState::Created);
        assert!(view.payment.trouble.unwrap().contains("no connection"));

        shop.pass(16).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
        assert_eq!(view.payment.trouble, None);
        let placed = shop.gateway.placed();
        assert_eq!(placed.len(), 2);
        assert_eq!(placed[0], placed[1]);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_lost_answer_is_fetched_with_the_same_bytes_after_a_restart() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::AnswerLost);
        shop.start("A1", 450).await.unwrap();
        let shop = shop.restarted().await;
        shop.pass(16).await;
        assert_eq!(
            shop.view("A1").await.payment.gateway_number.as_deref(),
            Some("G1")
        );
        let placed = shop.gateway.placed();
        assert_eq!(placed[0], placed[1]);
        shop.check().await;
    }
}

#[tokio::test]
async fn number_already_used_is_settled_by_a_signed_query_never_by_the_unsigned_error() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::AnswerLost);
        shop.start("A1", 450).await.unwrap();
        shop.gateway
            .next_call(Fault::Says(ProviderErrorKind::AskFirst));
        shop.pass(16).await;
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
        assert!(view.payment.pay_link.is_some());
        assert_eq!(shop.gateway.queries(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_link_is_told_once_and_only_while_it_can_be_paid_by() {
    for shop in shops().await {
        let told = async || -> Vec<String> {
            let mut events = shop.events().await;
            events.retain(|event| event.kind == EventKind::ActionRequired);
            let references = events.into_iter().filter_map(|event| event.reference);
            references.map(|reference| reference.to_string()).collect()
        };
        let note = async |reference: &str, alter| {
            let note = shop.gateway.payment_note(reference, &alter);
            let _receipt = shop.note(note).await.unwrap();
        };
        for reference in ["A1", "A2", "A3"] {
            shop.gateway.next_call(Fault::AnswerLost);
            shop.start(reference, 450).await.unwrap();
        }
        note("A1", json!({"status": "NOTPAY"})).await;
        note("A2", json!({})).await;
        assert!(told().await.is_empty(), "no link is known yet");

        // What does not match has the gateway asked about A2, which is paid, all the same.
        note("A2", json!({"amount": 1})).await;
        // A3 is to be closed, and is placed again for it.
        let closed = shop.payments.close(&shop.key("A3")).await.unwrap();
        assert!(matches!(closed, Closing::Closed(_)));
        shop.pass(16).await;
        for reference in ["A1", "A2", "A3"] {
            assert!(shop.view(reference).await.payment.pay_link.is_some());
        }
        assert_eq!(told().await, ["A1"]);

        let queries = shop.gateway.queries();
        shop.pass(60).await;
        assert!(shop.gateway.queries() > queries);
        assert!(told().await.is_empty());
        shop.check().await;
    }
}

#[tokio::test]
async fn an_answer_about_another_amount_is_flagged_and_gives_no_link() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::WrongAmount);
        let view = shop.start("A1", 450).await.unwrap();
        assert!(view.needs_review());
        assert_eq!(view.payment.pay_link, None);
        assert_eq!(view.payment.state, PaymentState::Created);
        shop.check().await;
    }
}

#[tokio::test]
async fn the_intent_is_committed_before_the_call_and_survives_a_caller_who_goes_away() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Hangs);
        let call = shop.payments.start(start("A1", 450));
        // The caller hangs up while the gateway takes its time.
        let cut = tokio::time::timeout(HANG / 2, call).await;
        assert!(cut.is_err());
        let view = shop.view("A1").await;
        assert_eq!(view.payment.state, PaymentState::Created);
        assert_eq!(view.payment.amount, Amount::new(450).unwrap());
        tokio::time::sleep(2 * HANG).await;
        assert_eq!(
            shop.view("A1").await.payment.state,
            PaymentState::AwaitingPayment
        );
        shop.check().await;
    }
}

#[tokio::test]
async fn a_ledger_file_opens_again_with_everything_in_it() {
    let shop = Shop::on_sqlite().await;
    let before = shop.start("A1", 450).await.unwrap();
    let shop = shop.restarted().await;
    assert_eq!(shop.view("A1").await, before);
    assert_eq!(shop.payments.payments(10).await.unwrap(), [before]);
    shop.check().await;
}
