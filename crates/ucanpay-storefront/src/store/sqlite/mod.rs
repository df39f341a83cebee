//! The ledger in one SQLite file: the default for a shop on one machine.
//!
//! WAL with `synchronous=FULL`: a commit is on the disk before it is answered. One connection writes (SQLite has one
//! writer anyway; a queue is fairer than its busy loop), a few read. `BEGIN IMMEDIATE` takes the write lock before the
//! first read, so that a decision is never made on rows that somebody else is changing.

mod details;
mod open;
mod read;
mod write;

use async_trait::async_trait;
use sqlx::{SqliteConnection, SqlitePool};

use super::{ClaimedEvent, Delivery, PaymentStore, StoreError};
use crate::id::PaymentKey;
use crate::ledger::{Applied, Command, Lease, Loaded, PaymentView, decide};
use crate::time::Timestamp;

/// A ledger in one SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
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
        let mut tx = self.writer.begin_with(BEGIN).await?;
        let loaded = load_for(&mut tx, key, &command).await?;
        let decision = decide(key, loaded, command, now);
        write::decision(&mut tx, key, &decision).await?;
        tx.commit().await?;
        Ok(Applied {
            outcome: decision.outcome,
            view: decision.view,
            events: !decision.events.is_empty(),
        })
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        let mut tx = self.reader.begin().await?;
        read::view(&mut tx, key).await
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let mut tx = self.reader.begin().await?;
        let payments = read::recent(&mut tx, limit).await?;
        read::complete(&mut tx, payments).await
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let mut tx = self.reader.begin().await?;
        let payments = read::under_review(&mut tx, limit).await?;
        read::complete(&mut tx, payments).await
    }

    async fn claim_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let mut tx = self.writer.begin_with(BEGIN).await?;
        let mut claimed = Vec::new();
        for (key, target) in read::due(&mut tx, now, limit).await? {
            write::lease(&mut tx, &key, &target, until).await?;
            claimed.push((key, Lease { target, until }));
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

    async fn settle_event(
        &self,
        event: &ClaimedEvent,
        delivery: Delivery,
    ) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with(BEGIN).await?;
        write::settle_event(&mut tx, event, delivery).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Reads what the command concerns, under the write lock.
async fn load_for(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
    command: &Command,
) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded {
        view: read::view(tx, key).await?,
        ..Loaded::default()
    };
    if let Some(number) = command.gateway_number() {
        loaded.gateway_number_owner = read::gateway_number_owner(tx, &key.provider, number).await?;
    }
    if let Some(number) = command.refund_number() {
        loaded.refund_owner = read::refund_owner(tx, &key.provider, number).await?;
    }
    Ok(loaded)
}
