//! The page `docs/operations.md` is true: its metrics are those that are recorded, its statements do what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;
use sqlx::AssertSqlSafe;
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{
    Clock as _, EventHandler, HandlerError, NotificationTopic, PaymentKey, ProviderId,
    RawNotification,
};

use crate::shop::{Database, Shop, shops};

const PAGE: &str = include_str!("../../../../docs/operations.md");
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A handler that takes everything but success, and has to do with one that is parked at once.
struct Choosy;

#[async_trait]
impl EventHandler for Choosy {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        match event.kind {
            EventKind::PaymentSucceeded => Err("no printer".into()),
            _ => Ok(()),
        }
    }
}

async fn some_of_everything() {
    let mut shop = Shop::in_memory();
    shop.payments = shop.payments.with_delivery_attempts(NonZeroU32::MIN);
    shop.paid("A1", 450).await;
    shop.start("A2", 450).await.unwrap();
    shop.clock.advance(Duration::from_secs(20));
    shop.note(b"nonsense".to_vec()).await.unwrap_err();
    let elsewhere = RawNotification::new(NotificationTopic::Payment, Vec::new())
        .with_provider(ProviderId::new("another").unwrap());
    let answer = shop.payments.handle_notification(elsewhere).await;
    answer.unwrap_err();
    let stop = tokio::time::sleep(Duration::from_millis(300));
    shop.payments.run(Arc::new(Choosy), stop).await;
}

#[test]
fn the_metrics_of_the_page_are_those_that_are_recorded() {
    let recorder = DebuggingRecorder::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(some_of_everything()));
    let mut recorded = BTreeSet::new();
    let mut counted = BTreeMap::new();
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let key = key.key();
        let kind = match value {
            DebugValue::Counter(count) => {
                let labels = key.labels().map(metrics::Label::value).collect::<Vec<_>>();
                counted.insert(format!("{} {}", key.name(), labels.join(" ")), count);
                "counter"
            }
            DebugValue::Gauge(_) => "gauge",
            DebugValue::Histogram(_) => "histogram",
        };
        let mut labels = key.labels().map(metrics::Label::key).collect::<Vec<_>>();
        labels.sort_unstable();
        recorded.insert((key.name().to_owned(), kind.to_owned(), labels.join(" ")));
    }
    let rows = PAGE.lines().filter(|line| line.starts_with("| `ucanpay_"));
    let page = rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let mut labels: Vec<&str> = cells[3].split('`').skip(1).step_by(2).collect();
        labels.sort_unstable();
        let name = cells[1].trim_matches('`').to_owned();
        (name, cells[2].to_owned(), labels.join(" "))
    });
    assert_eq!(page.collect::<BTreeSet<_>>(), recorded);
    for (what, count) in [
        ("ucanpay_notifications_total committed", 1),
        ("ucanpay_notifications_total refused", 1),
        ("ucanpay_notifications_total unknown_account", 1),
        ("ucanpay_events_total payment_succeeded parked", 1),
        ("ucanpay_events_total payment_created delivered", 2),
        ("ucanpay_reconciled_total test", 1),
    ] {
        assert_eq!(counted.get(what), Some(&count), "{what} in {counted:?}");
    }
}

/// The page's statements for a database, one by one, for this limit.
fn retention(database: &str, cutoff: i64) -> Vec<String> {
    let mut statements = Vec::new();
    for part in PAGE.split("<!-- retention: ").skip(1) {
        let (title, rest) = part.split_once(" -->").expect("a title");
        let sql = rest.split("```").nth(1).expect("a block of code");
        let sql = sql.strip_prefix("sql").expect("SQL");
        if title == "both" || title.ends_with(database) {
            let split = sql.split(';').map(str::trim);
            let full = split.filter(|statement| !statement.is_empty());
            statements.extend(full.map(|sql| sql.replace(":cutoff", &cutoff.to_string())));
        }
    }
    statements
}

/// Runs them on a connection of its own, and counts the payments that left.
async fn archive(shop: &Shop, cutoff: i64) -> i64 {
    const ARCHIVED: &str = "SELECT count(*) FROM ucanpay_archive_payment";
    match &shop.database {
        Some(Database::Sqlite { url, .. }) => {
            let pool = sqlx::SqlitePool::connect(url).await.unwrap();
            let mut connection = pool.acquire().await.unwrap();
            for sql in retention("sqlite", cutoff) {
                let run = sqlx::query(AssertSqlSafe(sql)).execute(&mut *connection);
                run.await.unwrap();
            }
            let archived = sqlx::query_scalar(ARCHIVED).fetch_one(&mut *connection);
            let archived = archived.await.unwrap();
            drop(connection);
            pool.close().await;
            archived
        }
        Some(Database::Postgres { url }) => {
            let pool = sqlx::PgPool::connect(url).await.unwrap();
            let mut connection = pool.acquire().await.unwrap();
            for sql in retention("postgres", cutoff) {
                let run = sqlx::query(AssertSqlSafe(sql)).execute(&mut *connection);
                run.await.unwrap();
            }
            let archived = sqlx::query_scalar(ARCHIVED).fetch_one(&mut *connection);
            let archived = archived.await.unwrap();
            drop(connection);
            pool.close().await;
            archived
        }
        None => panic!("a memory store has no statements"),
    }
}

async fn stands(shop: &Shop, reference: &str) -> bool {
    let key: PaymentKey = shop.key(reference);
    shop.payments.payment(&key).await.unwrap().is_some()
}

#[tokio::test]
async fn retention_takes_away_what_is_over_and_old_and_nothing_else() {
    for shop in shops()
        .await
        .into_iter()
        .filter(|shop| shop.database.is_some())
    {
        // Old and over: paid, paid and refunded, closed.
        shop.paid("OVER1", 450).await;
        shop.paid("OVER2", 450).await;
        shop.refund("OVER2", "R1", 100).await.unwrap();
        shop.refund_note("OVER2", "R1", &json!({})).await;
        shop.start("OVER3", 450).await.unwrap();
        let closing = shop.payments.close(&shop.key("OVER3")).await.unwrap();
        assert!(matches!(closing, ucanpay_storefront::Closing::Closed(_)));
        shop.pass(20).await;
        shop.clock.advance(DAY);
        shop.pass(3).await;
        // Old, and not over: unpaid, a refund under way, an open review.
        shop.start("OPEN1", 450).await.unwrap();
        shop.paid("OPEN2", 450).await;
        shop.refund("OPEN2", "R2", 100).await.unwrap();
        shop.paid("OPEN3", 450).await;
        let wrong = shop.gateway.payment_note("OPEN3", &json!({"amount": 1}));
        let _receipt = shop.note(wrong).await.unwrap();
        shop.events().await;
        // Not told yet; and young.
        shop.paid("OPEN4", 450).await;
        shop.clock.advance(DAY * 400);
        shop.paid("YOUNG", 450).await;

        let cutoff = shop.clock.now().before(DAY * 400).as_millis();
        let before = shop.payments.timeline(&shop.key("OPEN3")).await.unwrap();
        assert_eq!(archive(&shop, cutoff).await, 3);
        for reference in ["OVER1", "OVER2", "OVER3"] {
            assert!(!stands(&shop, reference).await, "{reference}");
        }
        for reference in ["OPEN1", "OPEN2", "OPEN3", "OPEN4", "YOUNG"] {
            assert!(stands(&shop, reference).await, "{reference}");
        }
        assert_eq!(
            shop.payments.timeline(&shop.key("OPEN3")).await.unwrap(),
            before
        );
        assert_eq!(
            archive(&shop, cutoff).await,
            3,
            "a second run finds no more"
        );
        shop.check().await;
    }
}
