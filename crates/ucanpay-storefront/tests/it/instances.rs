//! Two instances of a shop on one PostgreSQL ledger, each with a pool of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::postgres::PgPool;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::ledger::{Command, NewPayment, Outcome, Target};
use ucanpay_storefront::provider::FrozenRequest;
use ucanpay_storefront::store::Delivery;
use ucanpay_storefront::{
    Clock as _, LatePolicy, NotificationTopic, PaymentState, PostgresStore, RawNotification,
    RefundError, SqliteStore,
};

use crate::gateway::{Fault, MERCHANT};
use crate::shop::{Database, Shop};

private_postgres::tests! {
    each_due_row_is_claimed_by_one_of_them;
    a_row_claimed_by_both_at_once_is_leased_to_one;
    each_event_is_claimed_by_one_of_them_and_in_order;
    sixty_four_copies_through_both_have_one_effect;
    a_number_recorded_by_both_at_once_is_recorded_once_and_nobody_is_told_of_trouble;
    a_number_recorded_by_both_at_once_with_different_amounts_is_a_conflict_for_one;
    a_refund_number_taken_for_two_payments_at_once_is_a_conflict_for_one;
    a_gateway_number_stated_for_two_payments_at_once_belongs_to_one;
    refunds_of_one_payment_through_both_go_one_at_a_time;
    eight_that_open_an_empty_database_at_once_all_get_it;
    one_of_a_newer_version_may_add_a_column_while_the_other_works;
}

impl Shop {
    /// Another instance of this shop.
    async fn twin(&self) -> Self {
        let store = Arc::new(PostgresStore::open(self.url()).await.unwrap());
        Self::with(store, self.gateway.clone(), Arc::clone(&self.clock), None)
    }

    pub(crate) fn url(&self) -> &str {
        match &self.database {
            Some(Database::Postgres { url }) => url,
            _ => panic!("this shop is not on PostgreSQL"),
        }
    }
}

async fn two() -> (Shop, Shop) {
    let shop = Shop::on_postgres().await;
    let twin = shop.twin().await;
    (shop, twin)
}

async fn each_due_row_is_claimed_by_one_of_them() {
    let (shop, twin) = two().await;
    for n in 0..60 {
        shop.paid(&format!("P{n}"), 450).await;
        shop.refund(&format!("P{n}"), &format!("R{n}"), 100)
            .await
            .unwrap();
        shop.start(&format!("A{n}"), 450).await.unwrap();
    }
    shop.clock.advance(Duration::from_secs(16));
    let now = shop.clock.now();
    let claimers: Vec<_> = (0..8)
        .map(|n| {
            let store = if n % 2 == 0 { &shop } else { &twin }.store.clone();
            let account = shop.key("A1").provider;
            tokio::spawn(async move {
                let (mut claimed, mut empty) = (Vec::new(), 0);
                // One that finds nothing may have met only rows that others were just taking.
                while empty < 3 {
                    let until = now.after(Duration::from_secs(60));
                    let rows = store.claim_due(&account, now, until, 7).await.unwrap();
                    assert!(rows.len() <= 7);
                    empty = if rows.is_empty() { empty + 1 } else { 0 };
                    claimed.extend(rows);
                }
                claimed
            })
        })
        .collect();
    let mut times: HashMap<String, u32> = HashMap::new();
    for claimer in claimers {
        for (key, lease) in claimer.await.unwrap() {
            let row = match lease.target {
                Target::Payment => key.reference.to_string(),
                Target::Refund(number) => number.to_string(),
            };
            *times.entry(row).or_default() += 1;
        }
    }
    assert_eq!(times.len(), 120, "sixty payments and sixty refunds");
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    shop.check().await;
}

async fn each_event_is_claimed_by_one_of_them_and_in_order() {
    let (shop, twin) = two().await;
    for n in 0..40 {
        shop.paid(&format!("A{n}"), 450).await;
    }
    let now = shop.clock.now();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let handlers: Vec<_> = (0..8)
        .map(|n| {
            let store = if n % 2 == 0 { &shop } else { &twin }.store.clone();
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                let mut empty = 0;
                while empty < 20 {
                    let until = now.after(Duration::from_secs(60));
                    let events = store.claim_events(now, until, 5).await.unwrap();
                    empty = if events.is_empty() { empty + 1 } else { 0 };
                    for event in events {
                        let of = event.event.reference.clone().unwrap().to_string();
                        told.lock().unwrap().push((of, event.event.sequence));
                        let delivered = Delivery::Delivered(now);
                        store.settle_events(&[(event, delivered)]).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for handler in handlers {
        handler.await.unwrap();
    }
    let mut by_payment: HashMap<String, Vec<u64>> = HashMap::new();
    for (reference, sequence) in told.lock().unwrap().drain(..) {
        by_payment.entry(reference).or_default().push(sequence);
    }
    assert_eq!(by_payment.len(), 40);
    for (reference, sequences) in by_payment {
        assert_eq!(sequences, [1, 2, 3], "{reference}");
    }
    shop.check().await;
}

/// Two programs on one file: whoever comes second waits, and is not turned away.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_copies_through_two_on_one_file_are_all_acknowledged_and_have_one_effect() {
    let shop = Shop::on_sqlite().await;
    let Some(Database::Sqlite { url, .. }) = &shop.database else {
        panic!("this shop is on SQLite");
    };
    let store = Arc::new(SqliteStore::open(url).await.unwrap());
    let twin = Shop::with(store, shop.gateway.clone(), Arc::clone(&shop.clock), None);
    copies_have_one_effect(&shop, &twin).await;
    shop.check().await;
}

async fn sixty_four_copies_through_both_have_one_effect() {
    let (shop, twin) = two().await;
    copies_have_one_effect(&shop, &twin).await;
    let pool = PgPool::connect(shop.url()).await.unwrap();
    let seen: i64 = sqlx::query_scalar(
        "SELECT seen FROM ucanpay_evidence WHERE reference = 'A1' AND source = 'notification'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(seen, 64);
    shop.check().await;
}

async fn copies_have_one_effect(shop: &Shop, twin: &Shop) {
    shop.start("A1", 450).await.unwrap();
    let note = shop.gateway.payment_note("A1", &json!({}));
    let copies: Vec<_> = (0..64)
        .map(|n| {
            let payments = if n % 2 == 0 { shop } else { twin }.payments.clone();
            let raw = RawNotification::new(NotificationTopic::Payment, note.clone());
            tokio::spawn(async move { payments.handle_notification(raw).await })
        })
        .collect();
    for copy in copies {
        assert_eq!(copy.await.unwrap().unwrap().reply().body, "Committed");
    }
    let words = twin.event_words().await;
    let paid = words.iter().filter(|word| **word == "payment_succeeded");
    assert_eq!(paid.count(), 1);
}

fn create(shop: &Shop, cents: i64) -> Command {
    let new = NewPayment {
        merchant: MERCHANT.to_owned(),
        amount: Amount::new(cents).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "one latte".into(),
        expires_at: shop.clock.now().after(Duration::from_secs(7_200)),
        late_policy: LatePolicy::Review,
        request: FrozenRequest {
            path: "/order".into(),
            body: Arc::from(*b"{}"),
            key: "key".into(),
        },
    };
    Command::Create(new, shop.clock.now().after(Duration::from_secs(60)))
}

/// What became of each of these commands, given at once to the two instances in turn.
async fn at_once(
    (shop, twin): (&Shop, &Shop),
    reference: &str,
    commands: Vec<Command>,
) -> Vec<Outcome> {
    let tasks: Vec<_> = commands
        .into_iter()
        .enumerate()
        .map(|(n, command)| {
            let store = if n % 2 == 0 { shop } else { twin }.store.clone();
            let (key, now) = (shop.key(reference), shop.clock.now());
            tokio::spawn(async move { store.apply(&key, command, now).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap().unwrap().outcome);
    }
    outcomes
}

async fn a_row_claimed_by_both_at_once_is_leased_to_one() {
    let (shop, twin) = two().await;
    for round in 0..20 {
        let reference = format!("A{round}");
        shop.start(&reference, 450).await.unwrap();
        // Each lease ends at another moment, so that they can be told apart.
        let until = |n| shop.clock.now().after(Duration::from_millis(50_000 + n));
        let commands = (0..16_u64).map(|n| Command::Claim(Target::Payment, until(n)));
        let outcomes = at_once((&shop, &twin), &reference, commands.collect()).await;
        let claimed = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Claimed(_)));
        assert_eq!(claimed.count(), 1, "{outcomes:?}");
    }
    shop.check().await;
}

async fn a_number_recorded_by_both_at_once_is_recorded_once_and_nobody_is_told_of_trouble() {
    let (shop, twin) = two().await;
    for round in 0..20 {
        let commands = (0..16).map(|_| create(&shop, 450)).collect();
        let outcomes = at_once((&shop, &twin), &format!("A{round}"), commands).await;
        let recorded = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Recorded(_)));
        assert_eq!(recorded.count(), 1, "{outcomes:?}");
        let again = outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::AlreadyRecorded);
        assert_eq!(again.count(), 15, "{outcomes:?}");
    }
    shop.check().await;
}

async fn a_number_recorded_by_both_at_once_with_different_amounts_is_a_conflict_for_one() {
    let (shop, twin) = two().await;
    for round in 0..20 {
        let reference = format!("A{round}");
        let commands = vec![create(&shop, 450), create(&shop, 451)];
        let outcomes = at_once((&shop, &twin), &reference, commands).await;
        let first = match &outcomes[..] {
            [Outcome::Recorded(_), Outcome::Conflict(_)] => 450,
            [Outcome::Conflict(_), Outcome::Recorded(_)] => 451,
            _ => panic!("{outcomes:?}"),
        };
        assert_eq!(shop.view(&reference).await.payment.amount.cents(), first);
    }
    shop.check().await;
}

async fn a_refund_number_taken_for_two_payments_at_once_is_a_conflict_for_one() {
    let (shop, twin) = two().await;
    for round in 0..20 {
        let (one, other) = (format!("A{round}"), format!("B{round}"));
        shop.paid(&one, 450).await;
        shop.paid(&other, 450).await;
        let number = format!("R{round}");
        let results = tokio::join!(
            shop.refund(&one, &number, 100),
            twin.refund(&other, &number, 100)
        );
        assert!(
            matches!(
                results,
                (Ok(_), Err(RefundError::Conflict(_))) | (Err(RefundError::Conflict(_)), Ok(_))
            ),
            "{results:?}"
        );
    }
    assert_eq!(shop.gateway.executed_refunds(), 20);
    shop.check().await;
}

async fn a_gateway_number_stated_for_two_payments_at_once_belongs_to_one() {
    let (shop, twin) = two().await;
    for round in 0..20 {
        let (one, other) = (format!("A{round}"), format!("B{round}"));
        for reference in [&one, &other] {
            shop.gateway.next_call(Fault::Unreachable);
            shop.start(reference, 450).await.unwrap();
        }
        let note = |reference: &str| {
            let stated = json!({"number": format!("G-{round}"), "amount": 450});
            shop.gateway.payment_note(reference, &stated)
        };
        let (first, second) = tokio::join!(shop.note(note(&one)), twin.note(note(&other)));
        assert_eq!(first.unwrap().reply().body, "Committed");
        assert_eq!(second.unwrap().reply().body, "Committed");
        let views = [shop.view(&one).await, shop.view(&other).await];
        let paid = views
            .iter()
            .filter(|view| view.payment.state == PaymentState::Paid);
        assert_eq!(paid.count(), 1, "{views:?}");
        let flagged = views.iter().filter(|view| view.needs_review());
        assert_eq!(flagged.count(), 1, "{views:?}");
    }
    shop.check().await;
}

async fn refunds_of_one_payment_through_both_go_one_at_a_time() {
    let (shop, twin) = two().await;
    for round in 0..20 {
        let reference = format!("A{round}");
        shop.paid(&reference, 450).await;
        let (one, two) = (format!("R{round}"), format!("S{round}"));
        let results = tokio::join!(
            shop.refund(&reference, &one, 300),
            twin.refund(&reference, &two, 300)
        );
        assert!(
            matches!(
                results,
                (Ok(_), Err(RefundError::Refused(_))) | (Err(RefundError::Refused(_)), Ok(_))
            ),
            "{results:?}"
        );
    }
    assert_eq!(shop.gateway.executed_refunds(), 20);
    shop.check().await;
}

async fn eight_that_open_an_empty_database_at_once_all_get_it() {
    for _ in 0..5 {
        let url = private_postgres::database().await;
        let opens: Vec<_> = (0..8)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { PostgresStore::open(&url).await })
            })
            .collect();
        for open in opens {
            open.await.unwrap().expect("the database opens");
        }
    }
}

async fn one_of_a_newer_version_may_add_a_column_while_the_other_works() {
    let shop = Shop::on_postgres().await;
    // Often enough for every connection to have its statements prepared.
    for n in 0..10 {
        shop.paid(&format!("A{n}"), 450).await;
    }
    let pool = PgPool::connect(shop.url()).await.unwrap();
    for table in ["ucanpay_payment", "ucanpay_refund", "ucanpay_outbox"] {
        let add = format!("ALTER TABLE {table} ADD COLUMN later BIGINT");
        sqlx::query(sqlx::AssertSqlSafe(add))
            .execute(&pool)
            .await
            .unwrap();
    }
    for n in 0..10 {
        let reference = format!("A{n}");
        shop.refund(&reference, &format!("R{n}"), 100)
            .await
            .unwrap();
    }
    shop.pass(16).await;
    assert_eq!(shop.payments.payments(20).await.unwrap().len(), 10);
    assert_eq!(shop.events().await.len(), 40);
    shop.check().await;
}
