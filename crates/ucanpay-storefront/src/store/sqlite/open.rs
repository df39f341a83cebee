//! Opening a ledger file: the settings that make a commit durable, and the tables brought up to date.

use std::str::FromStr;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::SqliteStore;
use super::queue::Queue;
use crate::store::{StoreError, migration};

/// Before 3.51.3, SQLite in WAL mode can lose committed writes.
const OLDEST_SAFE: (u32, u32, u32) = (3, 51, 3);

/// How many connections read at once.
const READERS: u32 = 4;

/// How much of the file each of them keeps in memory, in KiB, as SQLite wants it. The system keeps it too, and nearly all
/// they read is one payment; the writer has SQLite's own 2 MiB.
const READERS_CACHE: &str = "-512";

impl SqliteStore {
    /// Opens the ledger at `url`, such as `sqlite://data/shop.sqlite`; makes the file and its tables where they are
    /// missing. Its folder must exist.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let url = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
    /// use ucanpay_storefront::{PaymentStore, SqliteStore};
    ///
    /// let store = SqliteStore::open(&url).await?; // such as sqlite://data/shop.sqlite
    /// assert!(store.recent(10).await?.is_empty());
    /// store.close().await;
    /// assert!(folder.path().join("shop.sqlite").exists());
    /// assert!(SqliteStore::open("sqlite::memory:").await.is_err(), "nothing would survive");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Setup`] if the file cannot be opened, its tables were made by a newer version, or the SQLite
    /// library is older than 3.51.3.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = options(url)?.create_if_missing(true);
        let writer = writer(&options).await?;
        Ok(Self::over(writer, options))
    }

    /// Opens the ledger at `url` and makes nothing: for a shop whose own migrations have called
    /// [`migrate`](Self::migrate).
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let url = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
    /// use ucanpay_storefront::{SqliteStore, StoreError};
    ///
    /// let too_early = SqliteStore::open_migrated(&url).await;
    /// assert!(matches!(too_early, Err(StoreError::Setup { .. })), "it makes nothing");
    /// SqliteStore::open(&url).await?.close().await;
    /// assert!(SqliteStore::open_migrated(&url).await.is_ok());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Setup`] as for [`open`](Self::open), and if the file is not there or its tables are not those of
    /// this version.
    pub async fn open_migrated(url: &str) -> Result<Self, StoreError> {
        let options = options(url)?.create_if_missing(false);
        let writer = connect(&options).await?;
        let mut connection = writer.acquire().await?;
        migration::is_done(&mut *connection, &migrator()).await?;
        drop(connection);
        Ok(Self::over(writer, options))
    }

    /// Makes the ledger's tables, all named `ucanpay_…`, in a database of the shop's own, or brings them up to date:
    /// one step of the shop's migrations. Again, it changes nothing.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("shop.sqlite");
    /// # let url = format!("sqlite://{}", file.display());
    /// use sqlx::SqlitePool;
    /// use sqlx::sqlite::SqliteConnectOptions;
    /// use ucanpay_storefront::SqliteStore;
    ///
    /// let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    /// let pool = SqlitePool::connect_with(options).await?; // the shop's own
    /// sqlx::query("CREATE TABLE coffee (number TEXT PRIMARY KEY)").execute(&pool).await?;
    /// SqliteStore::migrate(&pool).await?;
    ///
    /// let ledger = SqliteStore::open_migrated(&url).await?; // the same file
    /// # ledger.close().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Setup`] if the tables cannot be written, or were made by a newer version.
    pub async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
        migration::run(pool, &migrator()).await
    }

    fn over(writer: SqlitePool, options: SqliteConnectOptions) -> Self {
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_lazy_with(options.pragma("cache_size", READERS_CACHE));
        Self {
            queue: Queue::new(writer.clone()),
            writer,
            reader,
        }
    }

    /// Closes the file after what is under way has ended. Without it, the file is closed some time after the last
    /// clone is dropped.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

fn options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    Ok(SqliteConnectOptions::from_str(url)
        .map_err(|source| StoreError::setup("the URL is not a SQLite URL", source))?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10)))
}

/// The one connection that writes, once the tables are up to date. Another process may be making the same file at this
/// moment; SQLite then answers "locked" or "exists already", and a moment later all is well.
async fn writer(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    for wait in [20, 50, 100, 200, 400, 800] {
        match try_writer(options).await {
            Err(StoreError::Setup {
                source: Some(source),
                ..
            }) => {
                tracing::debug!(reason = %source, "opening the ledger again");
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            result => return result,
        }
    }
    try_writer(options).await
}

async fn try_writer(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let writer = connect(options).await?;
    migration::run(&writer, &migrator()).await?;
    Ok(writer)
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options.clone())
        .await
        .map_err(|source| StoreError::setup("the file cannot be opened", source))?;
    check(&writer).await?;
    Ok(writer)
}

/// Refuses what would lose commits: an old library, and a database that is not a file in WAL mode.
async fn check(writer: &SqlitePool) -> Result<(), StoreError> {
    let refuse = |reason: String| StoreError::Setup {
        reason,
        source: None,
    };
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(writer)
        .await?;
    if !is_safe(&version) {
        return Err(refuse(format!(
            "SQLite {version} can lose committed writes in WAL mode; link 3.51.3 or newer"
        )));
    }
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(writer)
        .await?;
    if mode != "wal" {
        return Err(refuse(format!(
            "its journal mode is {mode} and cannot be WAL; name a file on a local disk (for a ledger in memory there \
             is MemoryStore)"
        )));
    }
    Ok(())
}

/// The embedded migrations, with a table of our own, so that they live beside a shop's.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("migrations/sqlite");
    migrator.dangerous_set_table_name(migration::TABLE);
    migrator
}

fn is_safe(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= OLDEST_SAFE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In WAL mode, NORMAL would leave the last commits in the system's memory: lost when the power goes, and acknowledged.
    #[tokio::test]
    async fn every_commit_waits_for_the_disk() {
        let folder = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
        let store = SqliteStore::open(&url).await.unwrap();
        let pragma = async |sql: &'static str| -> i64 {
            let value = sqlx::query_scalar(sql).fetch_one(&store.writer).await;
            value.unwrap()
        };
        assert_eq!(pragma("PRAGMA synchronous").await, 2, "FULL");
        assert_eq!(pragma("PRAGMA foreign_keys").await, 1);
        store.close().await;
    }

    #[test]
    fn a_library_that_can_lose_commits_is_refused() {
        for (version, safe) in [
            ("3.51.2", false),
            ("3.51.3", true),
            ("3.9.99", false),
            ("3.52.0", true),
            ("4.0", true),
            ("nonsense", false),
        ] {
            assert_eq!(is_safe(version), safe, "{version}");
        }
    }
}
