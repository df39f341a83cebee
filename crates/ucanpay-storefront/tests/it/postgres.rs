//! PostgreSQL in trouble, or set otherwise than one would like.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::json;
use sqlx::PgConnection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _};
use ucanpay_storefront::ledger::{Command, Outcome, Target};
use ucanpay_storefront::provider::PaymentStatus;
use ucanpay_storefront::{
    Clock as _, NotificationError, NotificationTopic, PaymentProvider as _, PaymentState,
    PaymentStore as _, PostgresStore, RawNotification, StartError, StoreError,
};

use crate::gateway::Gateway;
use crate::invariants;
use crate::shop::{Database, Shop, clock, memory_alone, shops};

private_postgres::tests! {
    every_test;
    futures_dropped_at_any_point_leave_no_connection_inside_a_transaction;
    a_pool_that_hands_out_open_transactions_is_refused;
    commits_are_durable_whatever_the_database_has_as_its_default;
    a_database_that_cannot_hold_a_ledger_is_refused;
    a_role_that_may_make_no_tables_will_do_once_they_are_made;
    what_a_row_holds_stays_out_of_errors;
    a_message_with_a_zero_character_is_kept;
    a_notification_and_the_shops_own_order_change_together_or_not_at_all;
    outside_a_transaction_or_in_one_that_failed_a_notification_is_not_taken_in;
}

private_postgres::cluster_tests! {
    while_the_database_is_gone_nothing_is_acknowledged_and_afterwards_all_is_well;
    a_crash_in_the_middle_loses_nothing_that_was_acknowledged;
}

/// Stands in the list for the PostgreSQL part of all the others: ignored where they run on two stores only.
async fn every_test() {
    let wanted = if memory_alone() { 1 } else { 3 };
    assert_eq!(shops().await.len(), wanted);
}

/// Lets a future be polled so many times, and gives up.
struct Cut<F> {
    future: Pin<Box<F>>,
    polls: i32,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.future.as_mut().poll(context).map(Some)
    }
}

fn cut<F: Future>(future: F, polls: i32) -> Cut<F> {
    let future = Box::pin(future);
    Cut { future, polls }
}

async fn futures_dropped_at_any_point_leave_no_connection_inside_a_transaction() {
    let url = private_postgres::database().await;
    // Two connections, so that each is soon used again.
    let pool = PostgresStore::pool_options()
        .max_connections(2)
        .connect(&url)
        .await
        .unwrap();
    let store = Arc::new(PostgresStore::from_pool(pool.clone()).await.unwrap());
    let database = Database::Postgres { url: url.clone() };
    let shop = Shop::with(store.clone(), Gateway::new(), clock(), Some(database));
    let elsewhere = PgPool::connect(&url).await.unwrap();
    run(&url, &["CREATE TABLE note (reference TEXT)"]).await;
    shop.start("A1", 450).await.unwrap();
    let (key, now) = (shop.key("A1"), shop.clock.now());
    let until = now.after(Duration::from_secs(60));
    let (mut finished, mut dropped) = (0, 0);
    for round in 0..60 {
        let polls = round % 15;
        let claim = Command::Claim(Target::Payment, until);
        let ends = [
            cut(store.apply(&key, claim, now), polls).await.is_some(),
            cut(store.claim_due(&key.provider, now, until, 10), polls)
                .await
                .is_some(),
            cut(store.claim_events(now, until, 10), polls)
                .await
                .is_some(),
            cut(store.load(&key), polls).await.is_some(),
        ];
        finished += ends.iter().filter(|end| **end).count();
        dropped += ends.iter().filter(|end| !**end).count();
        // Looked at before the next transaction, whose commit would end one that was left open.
        invariants::assert_no_connection_waits_inside_a_transaction(&elsewhere).await;
        // What is answered now is committed, also without a transaction: others see it.
        let reference = format!("B{round}");
        shop.start(&reference, 450).await.unwrap();
        let note = "INSERT INTO note SELECT reference FROM ucanpay_payment WHERE reference = $1";
        let note = sqlx::query(note).bind(&reference).execute(&pool);
        assert_eq!(note.await.unwrap().rows_affected(), 1);
        let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM note")
            .fetch_one(&elsewhere)
            .await
            .unwrap();
        let answered = i64::from(round) + 1;
        assert_eq!(noted, answered, "{reference} was answered and is not there");
    }
    assert!(finished > 20, "{finished} came to their end");
    assert!(dropped > 20, "{dropped} were dropped on their way");
    shop.check().await;
}

async fn a_pool_that_hands_out_open_transactions_is_refused() {
    let url = private_postgres::database().await;
    for careless in [
        PgPoolOptions::new(),
        PgPoolOptions::new().max_connections(1),
    ] {
        let pool = careless.connect(&url).await.unwrap();
        let refused = PostgresStore::from_pool(pool).await.unwrap_err();
        assert!(refused.to_string().contains("pool_options"), "{refused}");
    }
    let closes_what_was_open = PgPoolOptions::new().after_release(|connection, _| {
        Box::pin(async move {
            let open = "SELECT now() <> statement_timestamp()";
            let open: bool = sqlx::query_scalar(open).fetch_one(connection).await?;
            Ok(!open)
        })
    });
    for careful in [PostgresStore::pool_options(), closes_what_was_open] {
        let pool = careful.connect(&url).await.unwrap();
        let store = PostgresStore::from_pool(pool).await.unwrap();
        assert!(store.recent(1).await.unwrap().is_empty());
    }
}

async fn run(url: &str, statements: &[&str]) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(*statement))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
}

async fn commits_are_durable_whatever_the_database_has_as_its_default() {
    let shop = Shop::on_postgres().await;
    run(
        shop.url(),
        &[
            "DO $$ BEGIN
                EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
                EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable',
                    current_database());
             END $$",
            "CREATE TABLE witness (commit TEXT, isolation TEXT)",
            "CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO witness VALUES (current_setting('synchronous_commit'),
                    current_setting('transaction_isolation'));
                RETURN NULL;
             END $$",
            "CREATE TRIGGER witness AFTER INSERT ON ucanpay_transition EXECUTE FUNCTION witness()",
        ],
    )
    .await;
    let shop = shop.restarted().await;
    shop.paid("A1", 450).await;
    let mut connection = PgConnection::connect(shop.url()).await.unwrap();
    let default: String = sqlx::query_scalar("SHOW synchronous_commit")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(default, "off");
    let seen: Vec<(String, String)> = sqlx::query_as("SELECT DISTINCT * FROM witness")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(seen, [("on".to_owned(), "read committed".to_owned())]);
    shop.check().await;
}

async fn a_database_that_cannot_hold_a_ledger_is_refused() {
    let url = private_postgres::database().await;
    run(
        &url,
        &["CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"],
    )
    .await;
    let refused = PostgresStore::open(&private_postgres::database_of(&url, "latin")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("LATIN1"), "{refused}");

    for url in ["sqlite://shop.sqlite", "nonsense", "postgres://"] {
        let refused = PostgresStore::open(url).await;
        assert!(matches!(refused, Err(StoreError::Setup { .. })), "{url}");
    }
}

async fn a_role_that_may_make_no_tables_will_do_once_they_are_made() {
    let shop = Shop::on_postgres().await;
    let database = shop.url().to_owned();
    // Roles belong to the whole server: the name is this database's own.
    let mut connection = PgConnection::connect(&database).await.unwrap();
    let name = sqlx::query_scalar::<_, String>("SELECT current_database()");
    let role = format!("seller_{}", name.fetch_one(&mut connection).await.unwrap());
    connection.close().await.unwrap();
    let seller = format!("{database}&options[role]={role}");
    let page = include_str!("../../../../docs/operations.md");
    let grant = page
        .split("```sql\n")
        .find(|block| block.starts_with("GRANT"));
    let (grant, _) = grant.and_then(|block| block.split_once("\n```")).unwrap();
    run(
        &database,
        &[
            &format!("CREATE ROLE {role}"),
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            &grant.replace("shop;", &role),
        ],
    )
    .await;

    let store = PostgresStore::open(&seller).await.unwrap();
    let as_seller = Shop::with(
        Arc::new(store.clone()),
        shop.gateway.clone(),
        shop.clock.clone(),
        None,
    );
    as_seller.paid("A1", 450).await;
    assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
    store.close().await;

    // One that another version made, or is making, is not up to date.
    run(&database, &["UPDATE ucanpay_migration SET success = false"]).await;
    let refused = PostgresStore::open(&seller).await.unwrap_err();
    assert!(matches!(refused, StoreError::Setup { .. }), "{refused}");
    run(
        &database,
        &["UPDATE ucanpay_migration SET success = true, checksum = ''"],
    )
    .await;
    let refused = PostgresStore::open(&database).await.unwrap_err();
    assert!(matches!(refused, StoreError::Setup { .. }), "{refused}");
    run(
        &database,
        &[
            &format!("DROP OWNED BY {role}"),
            &format!("DROP ROLE {role}"),
        ],
    )
    .await;
    shop.check().await;
}

async fn what_a_row_holds_stays_out_of_errors() {
    let shop = Shop::on_postgres().await;
    run(
        shop.url(),
        &["ALTER TABLE ucanpay_payment ADD CONSTRAINT small CHECK (amount < 1000)"],
    )
    .await;
    let error = shop.start("A1", 1_000).await.unwrap_err();
    assert!(matches!(
        error,
        StartError::Store(StoreError::Unavailable(_))
    ));
    let shown = format!("{error:?}");
    assert!(shown.contains("small"), "{shown}");
    assert!(!shown.contains("latte"), "{shown}");
    shop.check().await;
}

async fn a_message_with_a_zero_character_is_kept() {
    for shop in shops().await {
        let view = shop.start("A1", 450).await.unwrap();
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        let intent = view.payment.intent();
        let mut fact = shop.gateway.query_payment(&intent, None).await.unwrap();
        fact.evidence.signed_text.push('\0');
        fact.reference = Some("A1\0".to_owned());
        let observe = Command::Observe(Box::new(fact), None);
        let (key, now) = (shop.key("A1"), shop.clock.now());
        let applied = shop.store.apply(&key, observe, now).await.unwrap();
        assert!(matches!(applied.outcome, Outcome::Observed(_)));
        assert!(applied.view.unwrap().needs_review());
        shop.check().await;
    }
}

/// A shop on a server that the test may stop.
async fn on_a_server_of_its_own(server: &private_postgres::Cluster) -> Shop {
    let url = server.url();
    let store = Arc::new(PostgresStore::open(&url).await.unwrap());
    Shop::with(
        store,
        Gateway::new(),
        clock(),
        Some(Database::Postgres { url }),
    )
}

async fn while_the_database_is_gone_nothing_is_acknowledged_and_afterwards_all_is_well() {
    let server = private_postgres::Cluster::durable();
    let shop = on_a_server_of_its_own(&server).await;
    shop.start("A1", 450).await.unwrap();
    let note = shop.gateway.payment_note("A1", &json!({}));
    server.crash();
    let gone = tokio::time::Instant::now();
    while gone.elapsed() < Duration::from_secs(10) {
        let refused = shop.note(note.clone()).await;
        assert!(matches!(
            refused,
            Err(NotificationError::Unavailable { .. })
        ));
        assert!(shop.start("A2", 450).await.is_err());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    server.restart();
    let _receipt = shop.note(note).await.unwrap();
    assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
    assert_eq!(shop.gateway.placed().len(), 1, "A2 was never sent");
    shop.start("A2", 450).await.unwrap();
    shop.check().await;
}

async fn a_crash_in_the_middle_loses_nothing_that_was_acknowledged() {
    let server = private_postgres::Cluster::durable();
    let shop = on_a_server_of_its_own(&server).await;
    for n in 0..100 {
        shop.start(&format!("A{n}"), 450).await.unwrap();
    }
    // Ten callers, each with ten payments, over and over until the crash.
    let callers: Vec<_> = (0..10)
        .map(|caller| {
            let payments = shop.payments.clone();
            let gateway = shop.gateway.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in (0..10).cycle() {
                    let reference = format!("A{}", caller * 10 + n);
                    let note = RawNotification::new(
                        NotificationTopic::Payment,
                        gateway.payment_note(&reference, &json!({})),
                    );
                    match payments.handle_notification(note).await {
                        Ok(_receipt) => acknowledged.push(reference),
                        Err(_) => break,
                    }
                }
                acknowledged
            })
        })
        .collect();
    while shop.view("A4").await.payment.state != PaymentState::Paid {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.crash();
    let mut acknowledged = Vec::new();
    for caller in callers {
        acknowledged.extend(caller.await.unwrap());
    }
    server.restart();
    assert!(!acknowledged.is_empty());
    for reference in acknowledged {
        let view = shop.view(&reference).await;
        assert_eq!(view.payment.state, PaymentState::Paid, "{reference}");
    }
    shop.check().await;
}

/// A shop whose orders stand beside the ledger.
async fn shop_with_orders() -> (Shop, PgPool) {
    let shop = Shop::on_postgres().await;
    let Some(Database::Postgres { url }) = &shop.database else {
        panic!("not on PostgreSQL");
    };
    let orders = ["CREATE TABLE coffee (number TEXT PRIMARY KEY, paid BOOLEAN NOT NULL)"];
    run(url, &orders).await;
    run(url, &["INSERT INTO coffee VALUES ('A1', false)"]).await;
    let pool = PostgresStore::pool_options().connect(url).await.unwrap();
    (shop, pool)
}

fn raw(body: Vec<u8>) -> RawNotification {
    RawNotification::new(NotificationTopic::Payment, body)
}

const PAID: &str = "UPDATE coffee SET paid = true WHERE number = 'A1'";
const IS_PAID: &str = "SELECT paid FROM coffee WHERE number = 'A1'";

async fn a_notification_and_the_shops_own_order_change_together_or_not_at_all() {
    let (shop, pool) = shop_with_orders().await;
    shop.start("A1", 450).await.unwrap();
    let note = raw(shop.gateway.payment_note("A1", &json!({})));
    let order_is_paid = async || {
        sqlx::query_scalar::<_, bool>(IS_PAID)
            .fetch_one(&pool)
            .await
    };
    let state = async || shop.view("A1").await.payment.state;

    // The shop dies before its commit: neither.
    let mut transaction = pool.begin().await.unwrap();
    let taken = shop
        .payments
        .handle_notification_in(&mut transaction, note.clone());
    let taken = taken.await.unwrap();
    assert_eq!(taken.payment().unwrap().payment.state, PaymentState::Paid);
    sqlx::query(PAID).execute(&mut *transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    drop(taken);
    assert!(!order_is_paid().await.unwrap());
    assert_eq!(state().await, PaymentState::AwaitingPayment);

    // It comes again, and is committed: both, and the pages hear of it after the commit.
    let mut changes = shop.payments.changes_of(&shop.key("A1"));
    let mut transaction = pool.begin().await.unwrap();
    let taken = shop
        .payments
        .handle_notification_in(&mut transaction, note.clone());
    let taken = taken.await.unwrap();
    sqlx::query(PAID).execute(&mut *transaction).await.unwrap();
    let durable = sqlx::query_scalar::<_, String>("SHOW synchronous_commit");
    assert_eq!(durable.fetch_one(&mut *transaction).await.unwrap(), "on");
    let told = tokio::time::timeout(Duration::ZERO, changes.next()).await;
    assert!(told.is_err(), "not before the commit");
    transaction.commit().await.unwrap();
    let receipt = taken.committed().unwrap();
    assert_eq!(receipt.reply().body, "Committed");
    let told = tokio::time::timeout(Duration::ZERO, changes.next()).await;
    assert!(told.is_ok());
    assert!(order_is_paid().await.unwrap());
    assert_eq!(state().await, PaymentState::Paid);

    // A copy by the ordinary way is a copy.
    let _receipt = shop.payments.handle_notification(note).await.unwrap();
    let succeeded = shop.event_words().await;
    let succeeded = succeeded
        .iter()
        .filter(|word| **word == "payment_succeeded");
    assert_eq!(succeeded.count(), 1);
    pool.close().await;
    shop.check().await;
}

async fn outside_a_transaction_or_in_one_that_failed_a_notification_is_not_taken_in() {
    let (shop, pool) = shop_with_orders().await;
    shop.start("A1", 450).await.unwrap();
    let note = raw(shop.gateway.payment_note("A1", &json!({})));
    let mut connection = pool.acquire().await.unwrap();
    let taken = shop
        .payments
        .handle_notification_in(&mut connection, note.clone());
    let refused = taken.await.unwrap_err();
    let NotificationError::Unavailable { reply, source } = refused else {
        panic!("{refused:?}");
    };
    assert!(reply.body.starts_with("Refused"), "{}", reply.body);
    assert!(
        source.to_string().contains("outside a transaction"),
        "{source}"
    );
    drop(connection);

    let mut transaction = pool.begin().await.unwrap();
    let wrong = sqlx::query("SELECT 1 / 0").execute(&mut *transaction);
    wrong.await.unwrap_err();
    let taken = shop
        .payments
        .handle_notification_in(&mut transaction, note.clone());
    let refused = taken.await.unwrap_err();
    assert!(matches!(refused, NotificationError::Unavailable { .. }));
    drop(transaction);

    // Locked by the shop's transaction, the row is waited for: two at once are one payment.
    let mut transaction = pool.begin().await.unwrap();
    let taken = shop
        .payments
        .handle_notification_in(&mut transaction, note.clone());
    let taken = taken.await.unwrap();
    let (payments, copy) = (shop.payments.clone(), note.clone());
    let beside = tokio::spawn(async move { payments.handle_notification(copy).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!beside.is_finished());
    transaction.commit().await.unwrap();
    let _receipt = taken.committed().unwrap();
    let _receipt = beside.await.unwrap().unwrap();
    assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
    pool.close().await;
    shop.check().await;
}
