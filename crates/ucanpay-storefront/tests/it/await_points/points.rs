//! What can be dropped: each public future of `Payments`, with what must stand before it, and what must be true once it
//! was done again.

#![allow(
    clippy::semicolon_if_nothing_returned,
    reason = "each point is an expression, whatever it returns"
)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use sqlx::PgPool;
use ucanpay_storefront::ledger::{Event, EventFate};
use ucanpay_storefront::provider::PaymentStatus;
use ucanpay_storefront::store::Delivery;
use ucanpay_storefront::{
    Clock as _, EventHandler, HandlerError, NotificationTopic, PaymentKey, PaymentState,
    PaymentStore, RawNotification, RefundState, Reversal,
};

use crate::shop::Shop;

/// A shop with another way into its database, where it has one.
pub(super) struct Bench {
    pub(super) shop: Shop,
    /// Its store, of which no future is ever dropped.
    pub(super) plain: Arc<dyn PaymentStore>,
    pub(super) pool: Option<PgPool>,
}

type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Step<T> = for<'a> fn(&'a Bench, &'a str) -> Doing<'a, T>;

/// One public future of `Payments`. Its second run is like its first: whoever was cut off does it again.
pub(super) struct Point {
    pub(super) name: &'static str,
    pub(super) before: Step<()>,
    /// Errors are none of the test's: the store may be told to fail.
    pub(super) act: Step<()>,
    pub(super) settled: Step<bool>,
}

macro_rules! point {
    ($name:literal, $before:ident, $settled:ident, |$bench:ident, $order:ident| $act:expr) => {
        Point {
            name: $name,
            before: |bench, order| Box::pin($before(&bench.shop, order)),
            act: |$bench, $order| {
                Box::pin(async move {
                    let _ = $act;
                })
            },
            settled: |bench, order| Box::pin($settled(&bench.shop, order)),
        }
    };
}

pub(super) fn points() -> Vec<Point> {
    vec![
        point!("start", nothing, placed, |bench, order| {
            bench.shop.start(order, 450).await
        }),
        point!("handle_notification", started, paid, |bench, order| {
            bench.shop.note(note(&bench.shop, order)).await
        }),
        point!("handle_notification_in", started, paid, |bench, order| {
            in_a_transaction(bench, order).await
        }),
        point!("refresh", paid_at_the_gateway, paid, |bench, order| {
            bench.shop.payments.refresh(&bench.shop.key(order)).await
        }),
        point!("close", started, closed, |bench, order| {
            bench.shop.payments.close(&bench.shop.key(order)).await
        }),
        point!("reverse", paid_here_and_there, reversed, |bench, order| {
            bench.shop.payments.reverse(&bench.shop.key(order)).await
        }),
        point!("refund", paid_here_and_there, refunded, |bench, order| {
            bench.shop.refund(order, &refund_of(order), 100).await
        }),
        point!("reconcile", due, paid, |bench, _order| {
            bench.shop.payments.reconcile().await
        }),
        point!("run", due, told, |bench, order| {
            let payments = &bench.shop.payments;
            let done = until_told(bench, order);
            payments.run(Arc::new(Kitchen), done).await
        }),
        point!("settle_review", doubtful, reviewed, |bench, order| {
            let key = bench.shop.key(order);
            bench.shop.payments.settle_review(&key, 1, "a test").await
        }),
        point!("release_event", parked, unparked, |bench, order| {
            let id = event_of(bench, order).await;
            bench.shop.payments.release_event(&id).await
        }),
        point!("skip_event", parked, unparked, |bench, order| {
            let id = event_of(bench, order).await;
            bench.shop.payments.skip_event(&id, "a test").await
        }),
        point!("payment", started, always, |bench, order| {
            bench.shop.payments.payment(&bench.shop.key(order)).await
        }),
        point!("payments", started, always, |bench, _order| {
            bench.shop.payments.payments(10).await
        }),
        point!("timeline", started, always, |bench, order| {
            bench.shop.payments.timeline(&bench.shop.key(order)).await
        }),
        point!("health", started, always, |bench, _order| {
            bench.shop.payments.health().await
        }),
        point!("under_review", doubtful, always, |bench, _order| {
            bench.shop.payments.under_review(10).await
        }),
        point!("parked_events", parked, always, |bench, _order| {
            bench.shop.payments.parked_events(10).await
        }),
        point!("check", nothing, always, |bench, _order| {
            bench.shop.payments.check().await
        }),
    ]
}

async fn nothing(_: &Shop, _: &str) {}

async fn always(_: &Shop, _: &str) -> bool {
    true
}

async fn started(shop: &Shop, order: &str) {
    shop.start(order, 450).await.unwrap();
}

/// And no notification came.
async fn paid_at_the_gateway(shop: &Shop, order: &str) {
    started(shop, order).await;
    shop.gateway.set_status(order, PaymentStatus::Paid);
}

async fn paid_here_and_there(shop: &Shop, order: &str) {
    paid_at_the_gateway(shop, order).await;
    let _receipt = shop.note(note(shop, order)).await.unwrap();
}

async fn due(shop: &Shop, order: &str) {
    paid_at_the_gateway(shop, order).await;
    shop.clock.advance(Duration::from_secs(20));
}

async fn doubtful(shop: &Shop, order: &str) {
    started(shop, order).await;
    let wrong = shop.gateway.payment_note(order, &json!({"amount": 1}));
    let _receipt = shop.note(wrong).await.unwrap();
}

async fn parked(shop: &Shop, order: &str) {
    started(shop, order).await;
    let now = shop.clock.now();
    let until = now.after(Duration::from_secs(1));
    let claimed = shop.store.claim_events(now, until, 100).await.unwrap();
    let ours = claimed.iter().find(|claimed| is_of(&claimed.event, order));
    let trouble = Delivery::Parked(now, "a test".into());
    let event = ours.expect("it was created").clone();
    let ended = [(event, trouble)];
    shop.store.settle_events(&ended).await.unwrap();
}

/// The same bytes each time.
fn note(shop: &Shop, order: &str) -> Vec<u8> {
    shop.gateway.payment_note(order, &json!({"nonce": order}))
}

fn refund_of(order: &str) -> String {
    format!("R{order}")
}

async fn placed(shop: &Shop, order: &str) -> bool {
    let sent = shop.gateway.placed();
    let name = format!("\"{order}\"");
    let mut ours = sent
        .iter()
        .filter(|body| String::from_utf8_lossy(body).contains(&name));
    let first = ours.next().expect("it was sent");
    assert!(ours.all(|again| again == first), "the same bytes each time");
    shop.view(order).await.payment.pay_link.is_some()
}

async fn paid(shop: &Shop, order: &str) -> bool {
    shop.view(order).await.payment.state == PaymentState::Paid
}

async fn closed(shop: &Shop, order: &str) -> bool {
    shop.view(order).await.payment.state == PaymentState::Closed
        && shop.gateway.status(order) == PaymentStatus::Closed
}

async fn reversed(shop: &Shop, order: &str) -> bool {
    shop.view(order).await.payment.reversal == Some(Reversal::Done)
}

async fn refunded(shop: &Shop, order: &str) -> bool {
    let view = shop.view(order).await;
    let there = shop.gateway.refunds_of(order);
    assert!(view.refunds.len() <= 1 && there.len() <= 1, "one refund");
    let accepted = view.refunds.first().is_some_and(|refund| {
        refund.number.as_str() == refund_of(order) && refund.state == RefundState::Processing
    });
    accepted && there.first().is_some_and(|(_, _, cents)| *cents == 100)
}

/// Paid, and every event delivered.
async fn told(shop: &Shop, order: &str) -> bool {
    is_told(&*shop.store, &shop.key(order)).await
}

async fn is_told(store: &dyn PaymentStore, key: &PaymentKey) -> bool {
    let history = store.history(key).await.unwrap().expect("a payment");
    let mut events = history.events.iter();
    history.view.payment.state == PaymentState::Paid
        && events.all(|kept| matches!(kept.fate, EventFate::Delivered(_)))
}

/// Or for a moment, if it is not to be this time.
async fn until_told(bench: &Bench, order: &str) {
    let key = bench.shop.key(order);
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if is_told(&*bench.plain, &key).await {
            return;
        }
    }
}

async fn reviewed(shop: &Shop, order: &str) -> bool {
    !shop.view(order).await.needs_review()
}

async fn unparked(shop: &Shop, order: &str) -> bool {
    let parked = shop.payments.parked_events(100).await.unwrap();
    !parked.iter().any(|parked| is_of(&parked.event, order))
}

fn is_of(event: &Event, order: &str) -> bool {
    let reference = event.reference.as_ref();
    reference.is_some_and(|reference| reference.as_str() == order)
}

/// The id of the payment's first event.
async fn event_of(bench: &Bench, order: &str) -> String {
    let history = bench.plain.history(&bench.shop.key(order)).await;
    history.unwrap().expect("a payment").events[0]
        .event
        .id
        .clone()
}

/// Where the ledger is not in PostgreSQL, a notification cannot stand in a transaction of the shop's.
async fn in_a_transaction(bench: &Bench, order: &str) {
    let note = note(&bench.shop, order);
    let Some(pool) = &bench.pool else {
        let _ = bench.shop.note(note).await;
        return;
    };
    let note = RawNotification::new(NotificationTopic::Payment, note);
    let mut transaction = pool.begin().await.unwrap();
    let payments = &bench.shop.payments;
    let taken = payments
        .handle_notification_in(&mut transaction, note)
        .await;
    transaction.commit().await.unwrap();
    let _receipt = taken.unwrap().committed().unwrap();
}

struct Kitchen;

#[async_trait]
impl EventHandler for Kitchen {
    async fn handle(&self, _: &Event) -> Result<(), HandlerError> {
        tokio::task::yield_now().await;
        Ok(())
    }
}
