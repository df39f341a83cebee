//! Opening a ledger file: the settings that make a commit durable, and the tables brought up to date.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::SqliteStore;
use crate::store::StoreError;

/// Before 3.51.3, SQLite in WAL mode can lose committed writes.
const OLDEST_SAFE: (u32, u32, u32) = (3, 51, 3);

/// How many connections read at once.
const READERS: u32 = 4;

impl SqliteStore {
    /// Opens the ledger at `url`, such as `sqlite://data/shop.sqlite`; makes the file and its tables where they are
    /// missing. Its folder must exist.
    ///
    /// # Errors
    /// [`StoreError::Setup`] if the file cannot be opened, its tables were made by a newer version, or the SQLite
    /// library is older than 3.51.3.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|source| StoreError::setup("the URL is not a SQLite URL", source))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        if options
            .get_filename()
            .to_string_lossy()
            .contains(":memory:")
        {
            return Err(StoreError::Setup {
                reason: "it would be in memory; use MemoryStore for that".to_owned(),
                source: None,
            });
        }
        let pool = |connections: u32| SqlitePoolOptions::new().max_connections(connections);
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(|source| StoreError::setup("the file cannot be opened", source))?;

        let version: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&writer)
            .await?;
        if !is_safe(&version) {
            return Err(StoreError::Setup {
                reason: format!(
                    "SQLite {version} can lose committed writes in WAL mode; link 3.51.3 or newer"
                ),
                source: None,
            });
        }
        migrator().run(&writer).await.map_err(|source| {
            StoreError::setup("its tables cannot be brought up to date", source)
        })?;
        let reader = pool(READERS).connect_lazy_with(options);
        Ok(Self { writer, reader })
    }

    /// Closes the file after what is under way has ended. Without it, the file is closed some time after the last
    /// clone is dropped.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// The embedded migrations, with a table of our own, so that they live beside a shop's.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("migrations/sqlite");
    migrator.dangerous_set_table_name("ucanpay_migration");
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
