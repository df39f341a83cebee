//! Connections that are outside any transaction when they are handed out.
//!
//! A future dropped while sqlx begins a transaction (a time-out, a client that hangs up) can give a connection back to
//! the pool with that transaction open, and sqlx does not know of it. Whoever gets it next may then be told of a commit
//! that never happens. (sqlx issues 4385 and 4393; the mending, 4394, is in no release.) So each connection is looked at
//! when it comes back, for the server's sake, and when it is handed out, for ours; the latter also finds the dead ones.

use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Executor as _, PgConnection, Row as _};

use super::PostgresStore;
use super::open::refused;
use crate::store::StoreError;

/// No longer than the gateway waits for the answer to a notification.
const PATIENCE: Duration = Duration::from_secs(10);

impl PostgresStore {
    /// Options for a pool that [`from_pool`](Self::from_pool) accepts: the hooks that look at each connection, ten
    /// connections, ten seconds' patience. Numbers and times may be changed; whoever replaces `before_acquire` must do
    /// its work, too.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_storefront::PostgresStore;
    ///
    /// let options = PostgresStore::pool_options().acquire_timeout(Duration::from_secs(5));
    /// assert_eq!(options.get_max_connections(), 10);
    /// ```
    pub fn pool_options() -> PgPoolOptions {
        PgPoolOptions::new()
            .max_connections(10)
            .acquire_timeout(PATIENCE)
            // The hook's question shows as well whether the connection is alive.
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(rolled_back(connection)))
            .after_release(|connection, _| Box::pin(rolled_back(connection)))
    }
}

/// Ends a transaction that was left open. `Err` if the connection is dead: the pool then takes another.
async fn rolled_back(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    if inside_transaction(connection).await? {
        connection.execute(sqlx::raw_sql("ROLLBACK")).await?;
        tracing::debug!("rolled back what a dropped future had left open");
    }
    Ok(true)
}

/// Asks the server, for sqlx may not know: a statement of its own is as old as its transaction.
pub(super) async fn inside_transaction(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let question = sqlx::raw_sql("SELECT now() <> statement_timestamp()");
    connection.fetch_one(question).await?.try_get(0)
}

/// Proves that a pool of the shop's own hands out no connection inside a transaction: gives one back with a transaction
/// open, and looks at what it gets. (A transaction that only reads. If somebody else gets the connection meanwhile, they
/// are told so, instead of losing a write.)
pub(super) async fn prove(pool: &PgPool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?;
    let planted = process(&mut connection).await?;
    connection.execute(sqlx::raw_sql("BEGIN READ ONLY")).await?;
    drop(connection);
    // It goes back in a task of its own.
    tokio::time::sleep(Duration::from_millis(50)).await;

    let mut held = Vec::new();
    for _ in 0..pool.options().get_max_connections() {
        let mut connection = pool.acquire().await?;
        if inside_transaction(&mut connection).await? {
            connection.close_on_drop();
            return Err(refused(
                "its pool hands out connections inside a transaction that was left open, so commits could be lost; \
                 build the pool from PostgresStore::pool_options()",
            ));
        }
        if process(&mut connection).await? == planted {
            return Ok(());
        }
        held.push(connection);
    }
    // The hooks of this pool may have closed it: good as well.
    let alive: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE pid = $1")
        .bind(planted)
        .fetch_one(
            &mut **held
                .last_mut()
                .ok_or_else(|| refused("its pool has no connections"))?,
        )
        .await?;
    if alive == 0 {
        return Ok(());
    }
    Err(refused(
        "its pool is in use, so it cannot be seen whether it rolls back what was left open; hand it over before \
         anything else uses it",
    ))
}

async fn process(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(connection)
        .await
}
