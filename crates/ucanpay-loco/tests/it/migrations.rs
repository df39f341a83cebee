//! The app's migrations make the ledger's tables, once, and never undo them.

use loco_rs::boot::create_context;
use loco_rs::environment::Environment;
use sea_orm_migration::MigratorTrait as _;
use sea_orm_migration::sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::app::{App, Bench, Migrator};

#[tokio::test]
async fn migrated_twice_is_migrated_once_and_undoing_is_refused() {
    let bench = Bench::new().await;
    let ctx = create_context::<App>(&Environment::Test, bench.config())
        .await
        .unwrap();
    Migrator::up(&ctx.db, None).await.unwrap();
    Migrator::up(&ctx.db, None).await.unwrap();
    assert!(
        Migrator::get_pending_migrations(&ctx.db)
            .await
            .unwrap()
            .is_empty()
    );
    let refused = Migrator::down(&ctx.db, None).await.unwrap_err().to_string();
    assert!(refused.contains("holds payments"), "{refused}");
    let payments = ucanpay_loco::payments(&ctx).unwrap();
    assert_eq!(payments.payments(1).await.unwrap(), []);
}

#[tokio::test]
async fn tables_dropped_by_a_reset_are_made_anew() {
    let bench = Bench::new().await;
    let ctx = create_context::<App>(&Environment::Test, bench.config())
        .await
        .unwrap();
    for _ in 0..2 {
        Migrator::fresh(&ctx.db).await.unwrap();
        let counted = Statement::from_string(DbBackend::Sqlite, "SELECT 1 FROM ucanpay_payment");
        assert!(ctx.db.query_all_raw(counted).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_ledger_that_was_there_before_the_app_became_loco_is_taken_over() {
    let bench = Bench::new().await;
    let uri = bench.config["database"]["uri"].as_str().unwrap();
    let store = ucanpay_storefront::SqliteStore::open(uri).await.unwrap();
    store.close().await;
    bench.boot().await.unwrap();
}
