//! The ledger in one SQLite file: the default for a shop on one machine.
//!
//! WAL with `synchronous=FULL`: a commit is on the disk before it is answered. One connection writes (SQLite has one
//! writer anyway; a queue is fairer than its busy loop), a few read. `BEGIN IMMEDIATE` takes the write lock before the
//! first read, so that a decision is never made on rows that somebody else is changing.
//!
//! | file | story |
//! |---|---|
//! | `open.rs` | the settings that make a commit durable, and the tables brought up to date |
//! | `queue.rs` | commands wait for the writer and share a commit |
//! | `batch.rs` | many decisions in one transaction |
//! | `read.rs`, `write.rs`, `rows.rs` | what a command needs of the tables, values into rows |
//! | `plans.rs` | a test: no hot statement walks a table |

mod batch;
mod open;
#[cfg(test)]
mod plans;
mod queue;
mod read;
mod rows;
mod write;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqlitePool;

use self::queue::{Job, Queue};
use super::{ClaimedEvent, Delivery, ParkedEvent, PaymentStore, Signals, StoreError, Unparking};
use crate::id::{PaymentKey, ProviderId};
use crate::ledger::{Applied, Census, Command, History, Lease, PaymentView};
use crate::time::Timestamp;

/// A ledger in one SQLite file.
///
/// ```no_run
/// use ucanpay_storefront::{PaymentStore, SqliteStore};
///
/// # async fn look() -> Result<(), ucanpay_storefront::StoreError> {
/// let store = SqliteStore::open("sqlite://data/shop.sqlite").await?;
/// println!("{} payments under review", store.under_review(100).await?.len());
/// store.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    queue: Queue,
    writer: SqlitePool,
    reader: SqlitePool,
}

/// Takes the write lock at once: a deferred transaction would ignore the busy time-out under WAL.
const BEGIN: &str = "BEGIN IMMEDIATE";

#[async_trait]
impl PaymentStore for SqliteStore {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let job = Job {
            key: key.clone(),
            command,
            now,
        };
        self.queue.apply(job).await
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        let mut tx = self.reader.begin().await?;
        let mut views = read::views(&mut tx, &HashSet::from([key])).await?;
        Ok(views.remove(key))
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        let mut tx = self.reader.begin().await?;
        let Some(view) = read::views(&mut tx, &HashSet::from([key]))
            .await?
            .remove(key)
        else {
            return Ok(None);
        };
        let history = read::history(&mut tx, view).await?;
        tx.commit().await?;
        Ok(Some(history))
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        let mut tx = self.reader.begin().await?;
        let census = read::census(&mut tx, now).await?;
        tx.commit().await?;
        Ok(census)
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let mut tx = self.reader.begin().await?;
        let keys = read::recent(&mut tx, limit).await?;
        let mut views = read::views(&mut tx, &keys.iter().collect()).await?;
        Ok(keys.iter().filter_map(|key| views.remove(key)).collect())
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let mut tx = self.reader.begin().await?;
        let keys = read::under_review(&mut tx, limit).await?;
        let mut views = read::views(&mut tx, &keys.iter().collect()).await?;
        Ok(keys.iter().filter_map(|key| views.remove(key)).collect())
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        let mut tx = self.reader.begin().await?;
        let until = read::blocked_until(&mut tx, account).await?;
        tx.commit().await?;
        Ok(until)
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let mut tx = self.writer.begin_with(BEGIN).await?;
        let claimed = read::due(&mut tx, account, now, until, limit).await?;
        for (key, lease) in &claimed {
            write::lease(&mut tx, key, &lease.target, until).await?;
        }
        tx.commit().await?;
        Ok(claimed)
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        let mut tx = self.writer.begin_with(BEGIN).await?;
        let claimed = read::waiting_events(&mut tx, now, until, limit).await?;
        for event in &claimed {
            write::lease_event(&mut tx, &event.event.id, until).await?;
        }
        tx.commit().await?;
        Ok(claimed)
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with(BEGIN).await?;
        write::settle_events(&mut tx, ended).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        let mut tx = self.reader.begin().await?;
        read::parked_events(&mut tx, limit).await
    }

    /// Another process at this file looks for itself.
    fn signals(&self) -> Option<Arc<dyn Signals>> {
        None
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.writer.begin_with(BEGIN).await?;
        let unparked = write::unpark_event(&mut tx, id, unparking, now).await?;
        tx.commit().await?;
        Ok(unparked)
    }
}
