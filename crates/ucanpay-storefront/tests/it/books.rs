//! The page `docs/reconciling.md` is true: its statements give the sums of a day.

use std::time::Duration;

use serde_json::json;
use sqlx::AssertSqlSafe;
use ucanpay_storefront::provider::{PaymentStatus, RefundStatus};
use ucanpay_storefront::{Clock as _, Timestamp};

use crate::shop::{Database, Shop, shops};

const PAGE: &str = include_str!("../../../../docs/reconciling.md");
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Account, currency, how many, and how many cents.
type Row = (String, String, i64, i64);

/// What each of the page's statements says of this time: payments, refunds, reversals.
async fn books(shop: &Shop, from: Timestamp, until: Timestamp) -> [Vec<Row>; 3] {
    let between = PAGE.split("<!-- books: ").nth(1).expect("the books");
    let sql = between.split("```sql").nth(1).expect("SQL");
    let sql = sql.split("```").next().expect("its end");
    let sql = sql
        .replace(":from", &from.as_millis().to_string())
        .replace(":until", &until.as_millis().to_string());
    let statements = sql.split(';').map(str::trim).filter(|sql| !sql.is_empty());
    let mut told = Vec::new();
    for sql in statements {
        // A sum of BIGINT is NUMERIC on PostgreSQL.
        let sql = format!(
            "SELECT a.provider, a.currency, a.{0}, CAST(a.cents AS BIGINT) FROM ({sql}) AS a",
            ["payments", "refunds", "reversals"][told.len()]
        );
        let rows: Vec<Row> = match shop.database.as_ref().expect("a database") {
            Database::Sqlite { url, .. } => {
                let pool = sqlx::SqlitePool::connect(url).await.unwrap();
                let rows = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&pool).await;
                pool.close().await;
                rows.unwrap()
            }
            Database::Postgres { url } => {
                let pool = sqlx::PgPool::connect(url).await.unwrap();
                let rows = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&pool).await;
                pool.close().await;
                rows.unwrap()
            }
        };
        told.push(rows);
    }
    told.try_into().expect("three statements")
}

#[tokio::test]
async fn the_books_of_a_day_have_what_was_paid_and_what_went_back_on_it() {
    let sum = |count, cents| vec![("test".to_owned(), "CAD".to_owned(), count, cents)];
    for shop in shops()
        .await
        .into_iter()
        .filter(|shop| shop.database.is_some())
    {
        let yesterday = shop.clock.now();
        shop.paid("Y1", 450).await;
        shop.paid("Y2", 1_000).await;
        shop.refund("Y1", "R1", 50).await.unwrap();
        shop.clock.advance(DAY);

        let today = shop.clock.now();
        // Asked for yesterday, and done today.
        shop.refund_note("Y1", "R1", &json!({})).await;
        shop.refund("Y1", "R2", 70).await.unwrap();
        shop.gateway.set_refund("R2", RefundStatus::Succeeded);
        shop.pass(20).await;
        shop.paid("T1", 300).await;
        shop.paid("T2", 25).await;
        // What is not paid, not done, or did not work is in no sum.
        shop.start("T3", 450).await.unwrap();
        shop.refund("Y2", "R3", 100).await.unwrap();
        shop.gateway.set_refund("R3", RefundStatus::Failed);
        shop.pass(20).await;
        shop.refund("T1", "R4", 100).await.unwrap();
        shop.gateway.set_status("T2", PaymentStatus::Paid);
        shop.payments.reverse(&shop.key("T2")).await.unwrap();
        shop.clock.advance(DAY);

        let tomorrow = shop.clock.now();
        assert_eq!(
            books(&shop, yesterday, today).await,
            [sum(2, 1_450), vec![], vec![]]
        );
        assert_eq!(
            books(&shop, today, tomorrow).await,
            [sum(2, 325), sum(2, 120), sum(1, 25)]
        );
        let later = tomorrow.after(DAY);
        assert_eq!(
            books(&shop, tomorrow, later).await,
            [vec![], vec![], vec![]]
        );
        shop.check().await;
    }
}
