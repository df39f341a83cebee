//! The ledger's tables, as one of the app's own migrations.

use async_trait::async_trait;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager, SchemaManagerConnection,
};

/// The migrations of the ledger, for the app's `Migrator`:
///
/// ```
/// # use sea_orm_migration::{MigrationTrait, MigratorTrait};
/// struct Migrator;
///
/// impl MigratorTrait for Migrator {
///     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
///         let mut migrations: Vec<Box<dyn MigrationTrait>> = vec![/* the app's own */];
///         migrations.extend(ucanpay_loco::migrations());
///         migrations
///     }
/// }
/// ```
///
/// They make the tables named `ucanpay_…` and touch no others. They are never undone: see [`down`](MigrationTrait::down).
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(UcanpayLedger)]
}

/// Brings the ledger's tables up to date, by the store's own migrations: what they make is what it opens.
struct UcanpayLedger;

impl MigrationName for UcanpayLedger {
    fn name(&self) -> &str {
        "m20261124_000001_ucanpay_ledger"
    }
}

#[async_trait]
impl MigrationTrait for UcanpayLedger {
    /// The store's migrations are transactions themselves.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let SchemaManagerConnection::Connection(database) = manager.get_connection() else {
            return Err(DbErr::Migration(
                "the ledger's tables cannot be made within another transaction".to_owned(),
            ));
        };
        match database.get_database_backend() {
            #[cfg(feature = "sqlite")]
            DbBackend::Sqlite => {
                let pool = database.get_sqlite_connection_pool();
                made(ucanpay_storefront::SqliteStore::migrate(pool).await)
            }
            #[cfg(feature = "postgres")]
            DbBackend::Postgres => {
                let pool = database.get_postgres_connection_pool();
                made(ucanpay_storefront::PostgresStore::migrate(pool).await)
            }
            other => Err(DbErr::Migration(format!(
                "ucanpay-loco was built without a ledger for {other:?}: SQLite needs its feature `sqlite`, PostgreSQL \
                 needs `postgres`"
            ))),
        }
    }

    /// Refused: what a shop owes and is owed is not dropped on the way to something else.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "the ledger is not undone by a migration: it holds payments. In development, `cargo loco db reset` makes \
             everything anew"
                .to_owned(),
        ))
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn made(migrated: Result<(), ucanpay_storefront::StoreError>) -> Result<(), DbErr> {
    migrated.map_err(|error| DbErr::Migration(crate::one_line::in_one_line(&error)))
}
