//! The shop's own tables, in the same database as the ledger: one SQLite file, or PostgreSQL for a shop on several
//! machines. SQL and nothing else.

mod postgres;
mod sqlite;

use std::path::PathBuf;

use ucanpay_core::Amount;
use ucanpay_storefront::Reference;
use ucanpay_storefront::ledger::Event;

use crate::orders::{Note, Order};
use crate::settings::DatabaseUrl;

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

/// The folder that the database file lies in; `None` if the URL does not read, or names no file.
pub(crate) fn folder(url: &DatabaseUrl) -> Option<PathBuf> {
    if url.is_postgres() {
        return None;
    }
    sqlite::folder(url.as_str())
}

/// The tables `shop_order` and `shop_note`.
#[derive(Clone, Debug)]
pub(crate) enum OrderTable {
    Sqlite(sqlite::OrderTable),
    Postgres(postgres::OrderTable),
}

impl OrderTable {
    /// Opens the database as durably as the ledger does, and brings the tables up to date.
    pub(crate) async fn open(url: &DatabaseUrl) -> Result<Self, Error> {
        Ok(if url.is_postgres() {
            Self::Postgres(postgres::OrderTable::open(url.as_str()).await?)
        } else {
            Self::Sqlite(sqlite::OrderTable::open(url.as_str()).await?)
        })
    }

    /// Writes the order, unless one of its number is there. Returns the order that is there afterwards.
    pub(crate) async fn insert(&self, order: Order) -> Result<Order, Error> {
        let items = serde_json::to_string(&order.lines)
            .map_err(|error| Error::Unavailable(error.into()))?;
        let inserted = match self {
            Self::Sqlite(table) => table.insert(&order, &items).await?,
            Self::Postgres(table) => table.insert(&order, &items).await?,
        };
        if inserted {
            return Ok(order);
        }
        let there = self.find(order.number.as_str()).await?;
        // Orders are never deleted.
        there.ok_or_else(|| corrupt(order.number.as_str()))
    }

    pub(crate) async fn find(&self, number: &str) -> Result<Option<Order>, Error> {
        let row = match self {
            Self::Sqlite(table) => table.find(number).await?,
            Self::Postgres(table) => table.find(number).await?,
        };
        row.map(OrderRow::read).transpose()
    }

    /// The newest first, without the `skipped` newest of them.
    pub(crate) async fn recent(&self, limit: u32, skipped: u32) -> Result<Vec<Order>, Error> {
        let rows = match self {
            Self::Sqlite(table) => table.recent(limit, skipped).await?,
            Self::Postgres(table) => table.recent(limit, skipped).await?,
        };
        rows.into_iter().map(OrderRow::read).collect()
    }

    /// The order's ticket: the next one at the first call, the same one ever after.
    pub(crate) async fn give_ticket(&self, number: &Reference) -> Result<Option<i64>, Error> {
        match self {
            Self::Sqlite(table) => table.give_ticket(number).await,
            Self::Postgres(table) => table.give_ticket(number).await,
        }
    }

    /// Appends what the event says, unless it is there.
    pub(crate) async fn note(&self, number: &Reference, event: &Event) -> Result<(), Error> {
        match self {
            Self::Sqlite(table) => table.note(number, event).await,
            Self::Postgres(table) => table.note(number, event).await,
        }
    }

    /// The notes of an order, oldest first.
    pub(crate) async fn notes(&self, number: &str) -> Result<Vec<Note>, Error> {
        let rows = match self {
            Self::Sqlite(table) => table.notes(number).await?,
            Self::Postgres(table) => table.notes(number).await?,
        };
        let note = |(kind, text, at)| Note { kind, text, at };
        Ok(rows.into_iter().map(note).collect())
    }
}

/// Kind, text and moment of a note.
type NoteRow = (String, Option<String>, i64);

/// An order as it stands in its table.
#[derive(sqlx::FromRow)]
struct OrderRow {
    order_no: String,
    items: String,
    total: i64,
    created_at: i64,
    ticket: Option<i64>,
}

impl OrderRow {
    fn read(self) -> Result<Order, Error> {
        let corrupt = || corrupt(&self.order_no);
        Ok(Order {
            lines: serde_json::from_str(&self.items).map_err(|_| corrupt())?,
            total: Amount::new(self.total).map_err(|_| corrupt())?,
            created_at: self.created_at,
            ticket: self.ticket,
            number: Reference::new(self.order_no.clone()).map_err(|_| corrupt())?,
        })
    }
}

fn corrupt(number: &str) -> Error {
    Error::Corrupt {
        number: number.to_owned(),
    }
}
