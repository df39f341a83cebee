//! The shop's tables, and the ledger's beside them.

mod m20261124_000001_orders;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All migrations, oldest first.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations: Vec<Box<dyn MigrationTrait>> =
            vec![Box::new(m20261124_000001_orders::Migration)];
        migrations.extend(ucanpay_loco::migrations());
        migrations
    }
}
