//! The tables in one SQLite file.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use ucanpay_storefront::Reference;
use ucanpay_storefront::ledger::Event;

use super::{Error, NoteRow, OrderRow};
use crate::orders::Order;

/// The folder that the file lies in; `None` if the URL does not read.
pub(super) fn folder(url: &str) -> Option<PathBuf> {
    let options = SqliteConnectOptions::from_str(url).ok()?;
    let folder = options.get_filename().parent()?;
    Some(folder.to_owned()).filter(|folder| !folder.as_os_str().is_empty())
}

#[derive(Clone, Debug)]
pub(crate) struct OrderTable {
    pool: SqlitePool,
}

impl OrderTable {
    pub(super) async fn open(url: &str) -> Result<Self, Error> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_lazy_with(options);
        let migrations = migrations();
        migrations
            .run(&pool)
            .await
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(Self { pool })
    }

    /// Whether it was written, and not there already.
    pub(super) async fn insert(&self, order: &Order, items: &str) -> Result<bool, Error> {
        let inserted = sqlx::query(
            "INSERT INTO shop_order (order_no, items, total, created_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (order_no) DO NOTHING",
        )
        .bind(order.number.as_str())
        .bind(items)
        .bind(order.total.cents())
        .bind(order.created_at)
        .execute(&self.pool)
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    pub(super) async fn find(&self, number: &str) -> Result<Option<OrderRow>, Error> {
        let row = sqlx::query_as(
            "SELECT order_no, items, total, created_at, ticket FROM shop_order WHERE order_no = ?",
        )
        .bind(number)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row)
    }

    pub(super) async fn recent(&self, limit: u32, skipped: u32) -> Result<Vec<OrderRow>, Error> {
        let rows = sqlx::query_as(
            "SELECT order_no, items, total, created_at, ticket FROM shop_order
             ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?",
        )
        .bind(limit)
        .bind(skipped)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    pub(super) async fn give_ticket(&self, number: &Reference) -> Result<Option<i64>, Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "UPDATE shop_order SET ticket = (SELECT 1 + ifnull(max(ticket), 0) FROM shop_order)
             WHERE order_no = ? AND ticket IS NULL",
        )
        .bind(number.as_str())
        .execute(&mut *tx)
        .await?;
        let ticket = sqlx::query_scalar("SELECT ticket FROM shop_order WHERE order_no = ?")
            .bind(number.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(ticket)
    }

    pub(super) async fn note(&self, number: &Reference, event: &Event) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO shop_note (event_id, order_no, kind, note, at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (event_id) DO NOTHING",
        )
        .bind(&event.id)
        .bind(number.as_str())
        .bind(event.kind.as_str())
        .bind(&event.note)
        .bind(event.at.as_millis())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub(super) async fn notes(&self, number: &str) -> Result<Vec<NoteRow>, Error> {
        let rows = sqlx::query_as(
            "SELECT kind, note, at FROM shop_note WHERE order_no = ? ORDER BY rowid",
        )
        .bind(number)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }
}

/// Under a name of our own: the ledger keeps its migrations in the same file.
fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!("./migrations/sqlite");
    migrations.dangerous_set_table_name("shop_migration");
    migrations
}
