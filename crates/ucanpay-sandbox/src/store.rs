//! Where changes are written before they take effect: nowhere, or one SQLite file.
//!
//! Each entity is one row of JSON under its kind and key. A decision's changes are one transaction; once
//! it has committed they are on the disk (WAL, `synchronous=FULL`), so that a killed sandbox is found
//! again as its last answer left it.

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions,
    SqliteSynchronous,
};

use crate::config::State;
use crate::delivery::KEPT_ATTEMPTS;
use crate::error::SandboxError;
use crate::gateway::Change;

/// The sandbox's memory across restarts.
#[derive(Debug)]
pub(crate) enum Store {
    Nowhere,
    File(SqlitePool),
}

/// What becomes of the entities that were written earlier.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Kept,
    Removed,
}

impl Store {
    /// Opens the store and reads everything that was written to it.
    pub(crate) async fn open(state: &State) -> Result<(Self, Vec<Change>), SandboxError> {
        match state {
            State::Memory => Ok((Self::Nowhere, Vec::new())),
            State::File(path) => {
                let pool = open_file(path)
                    .await
                    .map_err(|source| SandboxError::OpenState {
                        path: path.clone(),
                        source: source.into(),
                    })?;
                let changes = read_all(&pool).await?;
                Ok((Self::File(pool), changes))
            }
        }
    }

    /// Writes the changes, all or none.
    pub(crate) async fn write(&self, changes: &[Change]) -> Result<(), SandboxError> {
        self.write_over(Before::Kept, changes).await
    }

    /// Writes the changes in place of everything there was, all or none.
    pub(crate) async fn begin_anew(&self, changes: &[Change]) -> Result<(), SandboxError> {
        self.write_over(Before::Removed, changes).await
    }

    async fn write_over(&self, before: Before, changes: &[Change]) -> Result<(), SandboxError> {
        let Self::File(pool) = self else {
            return Ok(());
        };
        let mut rows = Vec::with_capacity(changes.len());
        for change in changes {
            let (kind, key) = address(change);
            let entity = serde_json::to_string(change)
                .map_err(|error| SandboxError::WriteState(error.into()))?;
            rows.push((kind, key, entity));
        }
        write_rows(pool, before, rows)
            .await
            .map_err(|error| SandboxError::WriteState(error.into()))
    }
}

async fn open_file(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        // Two sandboxes on one file would each overwrite what the other answered.
        .locking_mode(SqliteLockingMode::Exclusive)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS sandbox_entity (kind TEXT NOT NULL, id TEXT NOT NULL, entity TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

async fn read_all(pool: &SqlitePool) -> Result<Vec<Change>, SandboxError> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT entity FROM sandbox_entity ORDER BY kind, id")
            .fetch_all(pool)
            .await
            .map_err(|error| SandboxError::ReadState(error.into()))?;
    rows.iter()
        .map(|(entity,)| {
            serde_json::from_str(entity).map_err(|error| SandboxError::ReadState(error.into()))
        })
        .collect()
}

async fn write_rows(
    pool: &SqlitePool,
    before: Before,
    rows: Vec<(&'static str, String, String)>,
) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if before == Before::Removed {
        sqlx::query("DELETE FROM sandbox_entity")
            .execute(&mut *transaction)
            .await?;
    }
    for (kind, id, entity) in rows {
        sqlx::query("INSERT INTO sandbox_entity (kind, id, entity) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET entity = excluded.entity")
            .bind(kind)
            .bind(id)
            .bind(entity)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

/// Kind and key of an entity. Deliveries sort by their numbers, because they are read back in that order.
fn address(change: &Change) -> (&'static str, String) {
    match change {
        Change::Guard(_) => ("guard", "guard".to_owned()),
        Change::Nonce(nonce) => ("nonce", nonce.clone()),
        Change::Order(order) => ("order", order.out_trade_no.clone()),
        Change::Delivery(delivery) => ("delivery", format!("{:020}", delivery.id)),
        Change::Attempt(attempt) => (
            "attempt",
            // In the place of the one that is no longer kept.
            format!(
                "{:020}/{:010}",
                attempt.delivery,
                attempt.number as usize % KEPT_ATTEMPTS
            ),
        ),
    }
}
