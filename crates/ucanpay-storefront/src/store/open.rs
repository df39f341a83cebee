//! The store that a URL names.

use std::sync::Arc;

#[cfg(feature = "postgres")]
use super::PostgresStore;
#[cfg(feature = "sqlite")]
use super::SqliteStore;
use super::{PaymentStore, StoreError};

/// Opens the ledger in the database that `url` names: SQLite for `sqlite://data/shop.sqlite`, PostgreSQL for
/// `postgres://user@host/database`, each with the feature of its name. It makes its tables where they are missing.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # {
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let url = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
/// use ucanpay_storefront::store;
///
/// let ledger = store::open(&url).await?; // such as sqlite://data/shop.sqlite, from DATABASE_URL
/// assert!(ledger.recent(10).await?.is_empty());
///
/// let other = store::open("mysql://shop@db.internal/shop").await;
/// assert!(other.unwrap_err().to_string().contains("its URL begins with none of sqlite:"));
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
///
/// # Errors
/// [`StoreError::Setup`] for any other URL, and as for `SqliteStore::open` and `PostgresStore::open`.
pub async fn open(url: &str) -> Result<Arc<dyn PaymentStore>, StoreError> {
    let (database, _) = url.split_once(':').unwrap_or_default();
    match database {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(Arc::new(SqliteStore::open(url).await?)),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok(Arc::new(PostgresStore::open(url).await?)),
        // The URL is not repeated: it may hold a password.
        _ => Err(StoreError::Setup {
            reason: format!("its URL begins with none of {}", KNOWN.join(", ")),
            source: None,
        }),
    }
}

/// How the URLs begin that this build can open.
const KNOWN: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "sqlite:",
    #[cfg(feature = "postgres")]
    "postgres:",
];

#[cfg(test)]
mod tests {
    use super::open;

    #[tokio::test]
    async fn a_url_of_another_database_is_refused_and_not_repeated() {
        for url in ["mysql://shop:hunter2@db/shop", "hunter2", ""] {
            let refused = open(url).await.unwrap_err().to_string();
            assert!(refused.contains("begins with none of"), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
