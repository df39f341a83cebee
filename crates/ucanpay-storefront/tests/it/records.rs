//! What the ledger tells of itself: the timeline of a payment, and its own health; the same on every store.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use ucanpay_storefront::ledger::{AGES, Census, Verdict};
use ucanpay_storefront::provider::{PaymentStatus, ProviderErrorKind as Kind, Source};
use ucanpay_storefront::store::{Delivery, Unparking};
use ucanpay_storefront::{
    Clock as _, Closing, Concern, MockPaymentProvider, PaymentRegistry, Payments, ProviderId,
};

use crate::gateway::Fault;
use crate::shop::{Shop, shops};

const MINUTE: Duration = Duration::from_secs(60);

/// A payment with some of everything: a wrong amount, a payment, a copy of it, a refund, a person's word.
async fn eventful(shop: &Shop) {
    shop.start("A1", 450).await.unwrap();
    shop.clock.advance(MINUTE);
    let wrong = shop.gateway.payment_note("A1", &json!({"amount": 1}));
    let _receipt = shop.note(wrong).await.unwrap();
    shop.clock.advance(MINUTE);
    let paid = shop.gateway.payment_note("A1", &json!({}));
    let _receipt = shop.note(paid.clone()).await.unwrap();
    let _receipt = shop.note(paid).await.unwrap();
    shop.clock.advance(MINUTE);
    shop.refund("A1", "R1", 100).await.unwrap();
    shop.clock.advance(MINUTE);
    shop.refund_note("A1", "R1", &json!({})).await;
    shop.clock.advance(MINUTE);
    let key = shop.key("A1");
    let settled = shop.payments.settle_review(&key, 1, "a test").await;
    settled.unwrap();
}

#[tokio::test]
async fn the_timeline_tells_what_came_what_it_moved_and_what_was_told_in_order() {
    for shop in shops().await {
        assert!(
            shop.payments
                .timeline(&shop.key("A1"))
                .await
                .unwrap()
                .is_none()
        );
        eventful(&shop).await;
        shop.start("A2", 450).await.unwrap();
        let timeline = shop.payments.timeline(&shop.key("A1")).await.unwrap();
        let timeline = timeline.expect("recorded");
        assert_eq!(timeline.view, shop.view("A1").await);
        let lines: Vec<String> = timeline.entries.iter().map(ToString::to_string).collect();
        let expected = [
            "22:13:20Z  a call was answered, and matched",
            "22:13:20Z  payment recorded as created (asked for here)",
            "22:13:20Z  payment from created to awaiting_payment (answer)",
            "22:13:20Z  event payment_created, not delivered yet",
            "22:13:20Z  event action_required, not delivered yet",
            "22:14:20Z  a notification came, and needs review: REASON",
            "22:14:20Z  to be looked at, no. 1 (mismatch): REASON",
            "22:14:20Z  event review_required, not delivered yet",
            "22:15:20Z  a notification came (2 times), and matched",
            "22:15:20Z  payment from awaiting_payment to paid (notification)",
            "22:15:20Z  event payment_succeeded, not delivered yet",
            "22:16:20Z  a call was answered, and matched",
            "22:16:20Z  refund R1 recorded as requested (asked for here)",
            "22:16:20Z  refund R1 from requested to processing (answer)",
            "22:16:20Z  event refund_requested, not delivered yet",
            "22:17:20Z  a notification came, and matched",
            "22:17:20Z  refund R1 from processing to succeeded (notification)",
            "22:17:20Z  event refund_succeeded, not delivered yet",
            "22:18:20Z  payment stays paid (decided by a person)",
            "22:18:20Z  looked at, no. 1 (mismatch): a test",
        ];
        let reason = &timeline.view.discrepancies[0].note;
        let expected =
            expected.map(|line| format!("2023-11-14T{}", line.replace("REASON", reason)));
        assert_eq!(lines, expected);
        shop.check().await;
    }
}

#[tokio::test]
async fn the_history_holds_the_proofs_and_what_became_of_each_event() {
    for shop in shops().await {
        eventful(&shop).await;
        let now = shop.clock.now();
        let until = now.after(MINUTE);
        for delivery in [
            Delivery::Later(now),
            Delivery::Delivered(now),
            Delivery::Parked(now, "no printer".into()),
        ] {
            let claimed = shop.store.claim_events(now, until, 1).await.unwrap();
            let ended = [(claimed[0].clone(), delivery)];
            shop.store.settle_events(&ended).await.unwrap();
        }
        let fates = async || {
            let history = shop.store.history(&shop.key("A1")).await.unwrap().unwrap();
            let events = history.events.into_iter().take(3);
            let words = |fate: String| fate.split(['(', ' ']).next().unwrap().to_owned();
            events
                .map(|kept| (words(format!("{:?}", kept.fate)), kept.attempts))
                .collect::<Vec<_>>()
        };
        let fate = |word: &str, attempts| (word.to_owned(), attempts);
        assert_eq!(
            fates().await,
            [fate("Delivered", 2), fate("Parked", 1), fate("Waiting", 0)]
        );
        let parked = shop
            .store
            .parked_events(1)
            .await
            .unwrap()
            .remove(0)
            .event
            .id;
        let skip = Unparking::Skip("sent by hand".into());
        assert!(shop.store.unpark_event(&parked, skip, now).await.unwrap());
        assert_eq!(fates().await[1], fate("Skipped", 1));

        let history = shop.store.history(&shop.key("A1")).await.unwrap().unwrap();
        let paid = history
            .transitions
            .iter()
            .find(|row| row.to == "paid")
            .unwrap();
        let proof = history
            .evidence
            .iter()
            .find(|kept| Some(&kept.record.digest) == paid.evidence.as_ref());
        let proof = proof.expect("what proves it");
        assert_eq!(proof.seen, 2);
        assert!(proof.record.evidence.signed_text.contains("A1"));
        assert!(!format!("{history:?}").contains("coffee"));
        shop.check().await;
    }
}

#[tokio::test]
async fn what_each_message_came_to_is_kept_and_a_query_that_says_nothing_new_is_not() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        shop.payments.refresh(&shop.key("A1")).await.unwrap();
        assert_eq!(shop.gateway.queries(), 1);
        // Each another text, so no copy.
        for alter in [json!({"amount": 1}), json!({}), json!({})] {
            shop.clock.advance(MINUTE);
            let note = shop.gateway.payment_note("A1", &alter);
            let _receipt = shop.note(note).await.unwrap();
        }
        let history = shop.store.history(&shop.key("A1")).await.unwrap().unwrap();
        let kept = history.evidence.into_iter().map(|kept| kept.record);
        let kept: Vec<_> = kept.map(|record| (record.source, record.verdict)).collect();
        let mismatch = "paid, but the amount is 1 in the message and 450 in the ledger".to_owned();
        let notes = kept.iter().filter_map(|(_, verdict)| verdict.note());
        assert_eq!(notes.collect::<Vec<_>>(), [mismatch.as_str()]);
        let expected = [
            (Source::Answer, Verdict::Applied),
            (Source::Notification, Verdict::Review(mismatch)),
            (Source::Notification, Verdict::Applied),
            (Source::Notification, Verdict::NothingNew),
        ];
        assert_eq!(kept, expected);
        shop.check().await;
    }
}

#[tokio::test]
async fn what_named_a_payment_before_it_was_recorded_stands_in_its_history() {
    for shop in shops().await {
        let early = shop.gateway.payment_note("A1", &json!({}));
        let _receipt = shop.note(early).await.unwrap();
        shop.clock.advance(MINUTE);
        shop.start("A1", 450).await.unwrap();
        let history = shop.store.history(&shop.key("A1")).await.unwrap().unwrap();
        let verdicts = history.evidence.into_iter().map(|kept| kept.record.verdict);
        let verdicts: Vec<_> = verdicts.collect();
        assert_eq!(verdicts, [Verdict::Unmatched, Verdict::Applied]);
        shop.check().await;
    }
}

#[tokio::test]
async fn health_counts_what_waits_and_names_what_to_look_into() {
    for shop in shops().await {
        let health = shop.payments.health().await.unwrap();
        assert_eq!(health.concerns(), []);
        assert_eq!(health.missed_notifications(), None);
        let account = shop.payments.registry().default_id().clone();
        let registered = Census::default().accounts.len() + health.census.accounts.len();
        assert_eq!(registered, 1, "every registered account has a row");

        // One of each age. What was closed is watched, and counted by itself.
        let ages = [
            AGES[3] * 2,
            AGES[3] / 2,
            AGES[2] / 2,
            AGES[1] / 2,
            AGES[0] / 2,
        ];
        let begun = shop.clock.now();
        shop.clock.set_back(ages[0]);
        for (place, age) in ages.iter().enumerate() {
            shop.start(&format!("B{place}"), 450).await.unwrap();
            let next = ages.get(place + 1).copied().unwrap_or_default();
            shop.clock.advance(*age - next);
        }
        assert_eq!(shop.clock.now(), begun);
        shop.paid("A1", 450).await;
        shop.refund("A1", "R1", 100).await.unwrap();
        shop.start("C1", 450).await.unwrap();
        let closing = shop.payments.close(&shop.key("C1")).await.unwrap();
        assert!(matches!(closing, Closing::Closed(_)), "{closing:?}");
        let health = shop.payments.health().await.unwrap();
        let counted = &health.census.accounts[&account];
        assert_eq!(counted.payments.by_age, [1; 5]);
        assert_eq!(counted.refunds.by_age, [1, 0, 0, 0, 0]);
        assert_eq!(counted.payments.due.count, 5);
        assert_eq!(counted.refunds.due.count, 0);
        assert_eq!(counted.watched.by_age, [1, 0, 0, 0, 0]);
        assert_eq!(counted.watched.due.count, 0);
        assert_eq!(health.census.paid, 1);
        let events = health.census.undelivered;
        assert_eq!(events.since, Some(begun.before(ages[0])));
        let concerns = health.concerns();
        assert_eq!(
            concerns,
            [
                Concern::NotReconciled(account.clone(), counted.payments.due),
                Concern::NotDelivered(events)
            ]
        );
        let words = concerns[0].to_string();
        assert!(words.starts_with("5 rows of account"), "{words}");
        assert!(words.contains("2023-11-1"), "{words}");

        // Those events are taken; what is left is a review, a parked event, and a block.
        let told = shop.events().await;
        assert_eq!(u64::try_from(told.len()).unwrap(), events.count);
        let wrong = shop.gateway.payment_note("B4", &json!({"amount": 1}));
        let _receipt = shop.note(wrong).await.unwrap();
        let now = shop.clock.now();
        let claimed = shop
            .store
            .claim_events(now, now.after(MINUTE), 9)
            .await
            .unwrap();
        let parked = Delivery::Parked(now, "no printer".into());
        let ended = [(claimed[0].clone(), parked)];
        shop.store.settle_events(&ended).await.unwrap();
        shop.gateway.next_call(Fault::Says(Kind::Blocked));
        shop.start("D1", 450).await.unwrap();
        let health = shop.payments.health().await.unwrap();
        let concerns = health.concerns();
        let [
            Concern::Blocked(of, rest),
            Concern::Parked(parked),
            Concern::Reviews(reviews),
        ] = concerns.as_slice()
        else {
            panic!("{concerns:?}");
        };
        assert_eq!((of, *rest), (&account, MINUTE));
        assert_eq!(health.blocked_for(&account), Some(MINUTE));
        assert_eq!((parked.count, parked.since), (1, Some(now)));
        assert_eq!((reviews.count, reviews.since), (1, Some(now)));
        shop.check().await;
    }
}

#[tokio::test]
async fn missed_notifications_are_a_concern_from_half_of_ten_payments_in_a_day() {
    for shop in shops().await {
        let missed = async |count: usize, of: usize, name: &str| {
            for place in 0..of {
                let reference = format!("{name}{place}");
                if place < count {
                    shop.start(&reference, 450).await.unwrap();
                    shop.gateway.set_status(&reference, PaymentStatus::Paid);
                    shop.payments.refresh(&shop.key(&reference)).await.unwrap();
                } else {
                    shop.paid(&reference, 450).await;
                }
            }
            shop.events().await;
            shop.payments.health().await.unwrap()
        };
        let health = missed(5, 9, "A").await;
        assert_eq!(health.concerns(), []);
        assert_eq!(health.missed_notifications(), Some(5.0 / 9.0));
        let health = missed(0, 1, "B").await;
        let concern = Concern::NotificationsMissed {
            recovered: 5,
            paid: 10,
        };
        assert_eq!(health.concerns(), [concern]);
        let health = missed(0, 1, "C").await;
        assert_eq!(health.concerns(), []);
        shop.clock.advance(AGES[3]);
        let health = shop.payments.health().await.unwrap();
        assert_eq!((health.census.paid, health.census.recovered), (0, 0));
        shop.check().await;
    }
}

#[tokio::test]
async fn closed_payments_that_nobody_watches_are_a_concern() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let closing = shop.payments.close(&shop.key("A1")).await.unwrap();
        assert!(matches!(closing, Closing::Closed(_)), "{closing:?}");
        shop.events().await;
        shop.clock.advance(MINUTE * 12);
        let health = shop.payments.health().await.unwrap();
        assert_eq!(health.concerns(), []);
        shop.clock.advance(MINUTE);
        let health = shop.payments.health().await.unwrap();
        let account = shop.payments.registry().default_id().clone();
        let due = health.census.accounts[&account].watched.due;
        assert_eq!(due.count, 1);
        assert_eq!(health.concerns(), [Concern::NotReconciled(account, due)]);
        // Somebody asks.
        shop.payments.reconcile().await.unwrap();
        let health = shop.payments.health().await.unwrap();
        assert_eq!(health.concerns(), []);
        shop.check().await;
    }
}

#[tokio::test]
async fn an_account_with_unsettled_rows_and_no_provider_is_named() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        shop.clock.advance(MINUTE * 20);
        let mut other = MockPaymentProvider::new();
        other
            .expect_id()
            .return_const(ProviderId::new("another").unwrap());
        let registry = PaymentRegistry::builder().register(other).build().unwrap();
        let payments = Payments::new(Arc::clone(&shop.store), registry)
            .with_clock(shop.clock.clone())
            .with_call_budget(NonZeroU32::MIN);
        let account = shop.payments.registry().default_id().clone();
        let concerns = payments.health().await.unwrap().concerns();
        assert_eq!(concerns[0], Concern::NotRegistered(account));
        assert_eq!(concerns.len(), 2, "{concerns:?}");
        shop.check().await;
    }
}
