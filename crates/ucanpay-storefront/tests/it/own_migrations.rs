//! A shop whose own migrations make the ledger's tables.

use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use ucanpay_storefront::{PaymentStore as _, PostgresStore, SqliteStore, StoreError};

private_postgres::tests! {
    on_postgresql_too;
}

#[tokio::test]
async fn a_ledger_opens_on_tables_made_by_the_shops_migrations_and_makes_none_itself() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/shop.sqlite?mode=rwc", folder.path().display());
    let missing = SqliteStore::open_migrated(&url).await;
    refused(missing, "the file cannot be opened");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    let pool = SqlitePool::connect(&url).await.unwrap();
    refused(
        SqliteStore::open_migrated(&url).await,
        "its tables are not there",
    );
    for _ in 0..2 {
        SqliteStore::migrate(&pool).await.unwrap();
    }
    let store = SqliteStore::open_migrated(&url).await.unwrap();
    assert_eq!(store.recent(1).await.unwrap(), []);
    // The two ways are one: either finds done what the other did.
    SqliteStore::open(&url).await.unwrap();

    for (sql, why) in CHANGES {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
        refused(SqliteStore::open_migrated(&url).await, why);
    }
}

async fn on_postgresql_too() {
    let url = private_postgres::database().await;
    refused(
        PostgresStore::open_migrated(&url).await,
        "its tables are not there",
    );
    let pool = PgPool::connect(&url).await.unwrap();
    for _ in 0..2 {
        PostgresStore::migrate(&pool).await.unwrap();
    }
    let store = PostgresStore::open_migrated(&url).await.unwrap();
    assert_eq!(store.recent(1).await.unwrap(), []);
    PostgresStore::open(&url).await.unwrap();

    let mut connection = PgConnection::connect(&url).await.unwrap();
    for (sql, why) in CHANGES {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        refused(PostgresStore::open_migrated(&url).await, why);
    }
}

/// What may have become of the note of the migrations, one after the other, and what is said then.
const CHANGES: [(&str, &str); 3] = [
    (
        "INSERT INTO ucanpay_migration (version, description, success, checksum, execution_time)
         SELECT 9999, description, success, checksum, 0 FROM ucanpay_migration WHERE version = 1",
        "made by a newer version",
    ),
    (
        "UPDATE ucanpay_migration SET checksum = substr(checksum, 2) WHERE version = 1",
        "not made by this version's migrations",
    ),
    (
        "DELETE FROM ucanpay_migration WHERE version = 1",
        "older than this version",
    ),
];

fn refused<T: std::fmt::Debug>(opened: Result<T, StoreError>, why: &str) {
    let refused = opened.unwrap_err();
    assert!(matches!(refused, StoreError::Setup { .. }));
    assert!(refused.to_string().contains(why), "{refused}");
}
