//! The shop's own tables, in the same SQLite file as the ledger. SQL and nothing else.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Row, SqlitePool};
use ucanpay_core::Amount;
use ucanpay_storefront::Reference;
use ucanpay_storefront::ledger::Event;

use crate::orders::{Note, Order};

/// The shop's table could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database did not do what it was asked; it may later.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row holds something this version did not write.
    #[error("the order {number} cannot be read")]
    Corrupt {
        /// Its number.
        number: String,
    },
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

/// The folder that the database file lies in; `None` if the URL does not read.
pub(crate) fn folder(url: &str) -> Option<PathBuf> {
    let options = SqliteConnectOptions::from_str(url).ok()?;
    let folder = options.get_filename().parent()?;
    Some(folder.to_owned()).filter(|folder| !folder.as_os_str().is_empty())
}

/// The tables `shop_order` and `shop_note`.
#[derive(Clone, Debug)]
pub(crate) struct OrderTable {
    pool: SqlitePool,
}

impl OrderTable {
    /// Opens the file as durably as the ledger does, and brings the table up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
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

    /// Writes the order, unless one of its number is there. Returns the order that is there afterwards.
    pub(crate) async fn insert(&self, order: Order) -> Result<Order, Error> {
        let items = serde_json::to_string(&order.lines)
            .map_err(|error| Error::Unavailable(error.into()))?;
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
        if inserted.rows_affected() == 1 {
            return Ok(order);
        }
        let there = self.find(order.number.as_str()).await?;
        // Orders are never deleted.
        there.ok_or_else(|| corrupt(order.number.as_str()))
    }

    pub(crate) async fn find(&self, number: &str) -> Result<Option<Order>, Error> {
        let row = sqlx::query(
            "SELECT order_no, items, total, created_at, ticket FROM shop_order WHERE order_no = ?",
        )
        .bind(number)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read).transpose()
    }

    pub(crate) async fn recent(&self, limit: u32) -> Result<Vec<Order>, Error> {
        let rows = sqlx::query(
            "SELECT order_no, items, total, created_at, ticket FROM shop_order
             ORDER BY created_at DESC, rowid DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// The order's ticket: the next one at the first call, the same one ever after.
    pub(crate) async fn give_ticket(&self, number: &Reference) -> Result<Option<i64>, Error> {
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

    /// Appends what the event says, unless it is there.
    pub(crate) async fn note(&self, number: &Reference, event: &Event) -> Result<(), Error> {
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

    /// The notes of the newest orders, with the order's number; of each order the oldest first.
    pub(crate) async fn notes(&self, limit: u32) -> Result<Vec<(String, Note)>, Error> {
        let rows: Vec<(String, String, Option<String>, i64)> = sqlx::query_as(
            "SELECT order_no, kind, note, at FROM shop_note WHERE order_no IN
                 (SELECT order_no FROM shop_order ORDER BY created_at DESC, rowid DESC LIMIT ?)
             ORDER BY rowid",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let note = |(number, kind, text, at)| (number, Note { kind, text, at });
        Ok(rows.into_iter().map(note).collect())
    }
}

/// Under a name of our own: the ledger keeps its migrations in the same file.
fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!("./migrations");
    migrations.dangerous_set_table_name("shop_migration");
    migrations
}

fn read(row: &SqliteRow) -> Result<Order, Error> {
    let number: String = row.try_get("order_no")?;
    let items: &str = row.try_get("items")?;
    Ok(Order {
        lines: serde_json::from_str(items).map_err(|_| corrupt(&number))?,
        total: Amount::new(row.try_get("total")?).map_err(|_| corrupt(&number))?,
        created_at: row.try_get("created_at")?,
        ticket: row.try_get("ticket")?,
        number: Reference::new(number.clone()).map_err(|_| corrupt(&number))?,
    })
}

fn corrupt(number: &str) -> Error {
    Error::Corrupt {
        number: number.to_owned(),
    }
}
