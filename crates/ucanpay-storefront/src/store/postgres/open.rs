//! Opening a ledger: the server is fit for it, and the tables are brought up to date.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};

use super::{PostgresStore, pool};
use crate::store::{StoreError, migration};

/// The first connection: long enough for a server far away, short enough to be told of a wrong address.
const PATIENCE: Duration = Duration::from_secs(10);

impl PostgresStore {
    /// Opens the ledger at `url`, such as `postgres://shop:secret@db.internal/shop`; makes its tables, all named
    /// `ucanpay_…`, where they are missing. Any number of instances may open it at the same time. The database must
    /// exist. The role must be allowed to make tables in its schema, unless they are up to date already: then it needs to
    /// read `ucanpay_migration`, and to read and write the other tables.
    ///
    /// `?sslmode=verify-full` in the URL asks for TLS with the server's certificate checked, and
    /// `&sslrootcert=/path/ca.pem` names its authority; both need the feature `postgres-tls`. Without `sslmode` the
    /// connection may be a plain one: fine on one machine or in a private network, nowhere else.
    /// A connection pooler must keep a session together (PgBouncer: `pool_mode = session`), or be passed by.
    ///
    /// ```no_run
    /// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use ucanpay_storefront::{PaymentRegistry, Payments, PostgresStore};
    ///
    /// # let registry = PaymentRegistry::builder().build()?;
    /// let url = "postgres://shop:secret@db.internal/shop?sslmode=verify-full&sslrootcert=/etc/db/ca.pem";
    /// let store = PostgresStore::open(url).await?;
    /// let payments = Payments::new(Arc::new(store), registry);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Setup`] if the URL cannot be read, the database cannot be reached or is not fit for a ledger (a
    /// replica, an encoding other than UTF-8), or its tables were made by a newer version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = options(url)?;
        prepare(&options).await?;
        Ok(Self::on(Self::pool_options().connect_lazy_with(options)))
    }

    /// Opens the ledger at `url` and makes nothing: for a shop whose own migrations have called
    /// [`migrate`](Self::migrate).
    ///
    /// ```no_run
    /// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
    /// use ucanpay_storefront::PostgresStore;
    ///
    /// // The role may not make tables: the shop's migrations, which call `migrate`, run under another.
    /// let store = PostgresStore::open_migrated("postgres://shop:secret@db.internal/shop").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Setup`] as for [`open`](Self::open), and if the tables are not those of this version.
    pub async fn open_migrated(url: &str) -> Result<Self, StoreError> {
        let options = options(url)?;
        let mut connection = connect(&options).await?;
        migration::is_done(&mut connection, &migrator()).await?;
        // The server notices either way.
        let _ = connection.close().await;
        Ok(Self::on(Self::pool_options().connect_lazy_with(options)))
    }

    /// Makes the ledger's tables, all named `ucanpay_…`, in a database of the shop's own, or brings them up to date:
    /// one step of the shop's migrations. Again, it changes nothing. Uses a connection of its own to the pool's server.
    ///
    /// ```no_run
    /// # async fn migrate() -> Result<(), Box<dyn std::error::Error>> {
    /// use sqlx::PgPool;
    /// use ucanpay_storefront::PostgresStore;
    ///
    /// let pool = PgPool::connect("postgres://owner:secret@db.internal/shop").await?;
    /// sqlx::query("CREATE TABLE IF NOT EXISTS coffee (number TEXT PRIMARY KEY)").execute(&pool).await?;
    /// PostgresStore::migrate(&pool).await?; // beside the shop's own tables
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Setup`] as for [`open`](Self::open).
    pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
        prepare(&pool.connect_options()).await
    }

    /// Opens the ledger on a pool of the shop's own, built from [`pool_options`](Self::pool_options). Call it before
    /// anything else uses the pool: to prove that no connection is handed out inside a transaction, one is given back
    /// with a transaction open.
    ///
    /// ```no_run
    /// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
    /// use ucanpay_storefront::PostgresStore;
    ///
    /// let options = PostgresStore::pool_options().max_connections(20);
    /// let pool = options.connect("postgres://shop:secret@db.internal/shop").await?;
    /// let store = PostgresStore::from_pool(pool.clone()).await?; // before anything else uses the pool
    /// let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM coffee").fetch_one(&pool).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Setup`] as for [`open`](Self::open), and if the pool fails the proof;
    /// [`StoreError::Unavailable`] if it has no connection to give.
    pub async fn from_pool(pool: PgPool) -> Result<Self, StoreError> {
        pool::prove(&pool).await?;
        prepare(&pool.connect_options()).await?;
        Ok(Self::on(pool))
    }

    /// Closes the pool after what is under way has ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    if !["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return Err(refused(
            "the URL is not a PostgreSQL URL, such as postgres://user@host/database",
        ));
    }
    PgConnectOptions::from_str(url)
        .map_err(|source| StoreError::setup("the URL cannot be read as a PostgreSQL URL", source))
}

/// Looks at the server, then brings the tables up to date. Not on connections of the store's pool: the lock under which
/// tables are made belongs to a session, which must end, and the lock with it, if this future is dropped.
async fn prepare(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = connect(options).await?;
    let migrator = migrator();
    // A role that may make nothing will do where there is nothing to be made. In doubt there is; the migrator then says
    // what is wrong.
    let done = migration::is_done(&mut connection, &migrator).await.is_ok();
    // The server notices either way.
    let _ = connection.close().await;
    if done {
        return Ok(());
    }

    let session = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options.clone());
    let migrated = migration::run(&session, &migrator).await;
    session.close().await;
    migrated
}

/// A connection to a server that is fit for a ledger.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let mut connection = tokio::time::timeout(PATIENCE, PgConnection::connect_with(options))
        .await
        .map_err(|source| StoreError::setup("the server does not answer", source))?
        .map_err(|source| StoreError::setup("it cannot be reached", source))?;
    check(&mut connection).await?;
    Ok(connection)
}

/// Refuses what cannot hold a ledger. What makes a commit durable is set with each transaction; only what no session can
/// set is looked at here.
async fn check(connection: &mut PgConnection) -> Result<(), StoreError> {
    let (encoding, replica, fsync): (String, bool, String) = sqlx::query_as(
        "SELECT current_setting('server_encoding'), pg_is_in_recovery(), current_setting('fsync')",
    )
    .fetch_one(connection)
    .await?;
    if encoding != "UTF8" {
        return Err(refused(format!(
            "its encoding is {encoding}; create the database with ENCODING 'UTF8'"
        )));
    }
    if replica {
        return Err(refused(
            "it is a replica and can only be read; name the primary",
        ));
    }
    if fsync == "off" {
        tracing::warn!(
            "the PostgreSQL server runs with fsync=off: a power cut can lose payments that were acknowledged"
        );
    }
    Ok(())
}

/// The embedded migrations, with a table of our own, so that they live beside a shop's. They run under an advisory
/// lock, so instances that start at once wait for each other.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("migrations/postgres");
    migrator.dangerous_set_table_name(migration::TABLE);
    migrator
}

pub(super) fn refused(reason: impl Into<String>) -> StoreError {
    StoreError::Setup {
        reason: reason.into(),
        source: None,
    }
}
