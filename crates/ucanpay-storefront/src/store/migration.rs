//! The tables, made or looked at: by the store when it opens, or by a shop's own migrations.

use std::ops::Deref;

use sqlx::Acquire;
use sqlx::migrate::{Migrate, Migrator};

use super::StoreError;

/// Where it is noted which migrations were run. Not sqlx's own table, which may be the shop's.
pub(super) const TABLE: &str = "ucanpay_migration";

/// Brings the tables up to date.
pub(super) async fn run<'a, A>(database: A, migrator: &Migrator) -> Result<(), StoreError>
where
    A: Acquire<'a>,
    <A::Connection as Deref>::Target: Migrate,
{
    let migrated = migrator.run(database).await;
    migrated.map_err(|source| StoreError::setup("its tables cannot be brought up to date", source))
}

/// Refuses a database whose tables are not exactly those of this version. Changes nothing.
pub(super) async fn is_done<C: Migrate>(
    connection: &mut C,
    migrator: &Migrator,
) -> Result<(), StoreError> {
    let there = connection
        .list_applied_migrations(TABLE)
        .await
        .map_err(|source| {
            StoreError::setup(
                "its tables are not there; run the shop's migrations",
                source,
            )
        })?;
    let refuse = |reason: &str| {
        Err(StoreError::Setup {
            reason: reason.to_owned(),
            source: None,
        })
    };
    let dirty = connection.dirty_version(TABLE).await;
    let dirty = dirty.map_err(|source| StoreError::setup("its tables cannot be read", source))?;
    if dirty.is_some() {
        return refuse("a migration of its tables broke off; run the shop's migrations");
    }
    for step in migrator.iter() {
        match there.iter().find(|done| done.version == step.version) {
            None => {
                return refuse("its tables are older than this version; run the shop's migrations");
            }
            Some(done) if done.checksum != step.checksum => {
                return refuse("its tables were not made by this version's migrations");
            }
            Some(_) => {}
        }
    }
    if there
        .iter()
        .all(|done| migrator.version_exists(done.version))
    {
        Ok(())
    } else {
        refuse(
            "its tables were made by a newer version; run that, or go back to a copy from before",
        )
    }
}
