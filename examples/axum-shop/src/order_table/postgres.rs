//! The tables in PostgreSQL, which several instances of the shop share.

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use ucanpay_storefront::ledger::Event;
use ucanpay_storefront::{PostgresStore, Reference};

use super::{Error, NoteRow, OrderRow};
use crate::orders::Order;

#[derive(Clone, Debug)]
pub(crate) struct OrderTable {
    pool: PgPool,
}

impl OrderTable {
    /// With the ledger's options: a page that is closed in the middle of a request leaves no transaction open.
    pub(super) async fn open(url: &str) -> Result<Self, Error> {
        let pool = PostgresStore::pool_options()
            .max_connections(4)
            .connect(url)
            .await?;
        migrations()
            .run(&pool)
            .await
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(Self { pool })
    }

    /// Whether it was written, and not there already.
    pub(super) async fn insert(&self, order: &Order, items: &str) -> Result<bool, Error> {
        let inserted = sqlx::query(
            "INSERT INTO shop_order (order_no, items, total, created_at) VALUES ($1, $2, $3, $4)
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
            "SELECT order_no, items, total, created_at, ticket FROM shop_order WHERE order_no = $1",
        )
        .bind(number)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row)
    }

    pub(super) async fn recent(&self, limit: u32, skipped: u32) -> Result<Vec<OrderRow>, Error> {
        let rows = sqlx::query_as(
            "SELECT order_no, items, total, created_at, ticket FROM shop_order
             ORDER BY created_at DESC, position DESC LIMIT $1 OFFSET $2",
        )
        .bind(i64::from(limit))
        .bind(i64::from(skipped))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// Tickets are given one at a time, whichever instance gives them: under a lock that ends with the transaction.
    pub(super) async fn give_ticket(&self, number: &Reference) -> Result<Option<i64>, Error> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('shop_order.ticket'))")
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "UPDATE shop_order SET ticket = (SELECT 1 + coalesce(max(ticket), 0) FROM shop_order)
             WHERE order_no = $1 AND ticket IS NULL",
        )
        .bind(number.as_str())
        .execute(&mut *tx)
        .await?;
        let ticket = sqlx::query_scalar("SELECT ticket FROM shop_order WHERE order_no = $1")
            .bind(number.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(ticket)
    }

    pub(super) async fn note(&self, number: &Reference, event: &Event) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO shop_note (event_id, order_no, kind, note, at) VALUES ($1, $2, $3, $4, $5)
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
            "SELECT kind, note, at FROM shop_note WHERE order_no = $1 ORDER BY position",
        )
        .bind(number)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }
}

/// Under a name of our own: the ledger keeps its migrations in the same database.
fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!("./migrations/postgres");
    migrations.dangerous_set_table_name("shop_migration");
    migrations
}
