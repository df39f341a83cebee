//! A look into the shop's ledger from outside, after the shop has ended.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

pub(crate) async fn count(file: &Path, sql: &'static str, order: &str) -> i64 {
    let options = SqliteConnectOptions::new().filename(file);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let count = sqlx::query_scalar(sql)
        .bind(order)
        .fetch_one(&pool)
        .await
        .unwrap();
    pool.close().await;
    count
}

/// How often the order turned paid, by the outbox.
pub(crate) async fn times_paid(file: &Path, order: &str) -> i64 {
    let sql =
        "SELECT count(*) FROM ucanpay_outbox WHERE reference = ? AND kind = 'payment_succeeded'";
    count(file, sql, order).await
}
