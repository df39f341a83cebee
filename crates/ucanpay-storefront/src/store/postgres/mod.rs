//! The ledger in PostgreSQL: for a shop on several machines.
//!
//! Every command is one transaction at READ COMMITTED, the level that shops run at, and its rightness rests on row
//! locks alone. The payment is read `FOR UPDATE`, then its refunds, always in that order; at this level each statement
//! sees what was committed before it began, so what is read after the payment's lock was granted is what stands, and
//! stays so until the commit. (A stricter level would add nothing but failures to serialise, which must be tried again.)
//!
//! What does not exist yet cannot be locked: a payment, a refund's number, a gateway's number that two transactions
//! bring at once. There the unique indexes decide. The one that comes second is told so, rolls back, reads again and
//! decides anew on what the first one wrote; its caller sees an ordinary answer, not an error.
//!
//! Sweeps claim with `SKIP LOCKED`: they wait for nobody, so no two instances are given one row, and they can be part of
//! no deadlock.
//!
//! | file | story |
//! |---|---|
//! | `open.rs` | the server is fit, the tables are up to date |
//! | `pool.rs` | no connection is handed out inside somebody else's transaction |
//! | `read.rs` | what a command needs of the tables, under its locks |
//! | `write.rs` | values into rows |
//! | `signals.rs` | what one instance commits, the others hear |

mod open;
#[cfg(test)]
mod plans;
mod pool;
mod read;
mod signals;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, PgTransaction};

use super::{ClaimedEvent, Delivery, ParkedEvent, PaymentStore, Signals, StoreError, Unparking};
use crate::id::{PaymentKey, ProviderId, Reference};
use crate::ledger::{Applied, Census, Command, History, Lease, Loaded, PaymentView, decide};
use crate::time::Timestamp;

/// A ledger in PostgreSQL, shared by any number of instances of a shop. Cheap to clone; all clones share one pool.
///
/// ```no_run
/// use ucanpay_storefront::{PaymentStore, PostgresStore};
///
/// # async fn look() -> Result<(), ucanpay_storefront::StoreError> {
/// let store = PostgresStore::open("postgres://shop:secret@db.internal/shop").await?;
/// println!("{} payments under review", store.under_review(100).await?.len());
/// store.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
    /// Marks the signals of this store and its clones, so that they do not hear themselves.
    origin: Arc<str>,
}

/// Begins a transaction that is durable when its commit is answered, whatever the server, the role or a session of the
/// shop has as its default: `synchronous_commit = on`. A lock is waited for ten seconds; the gateway asks again after
/// fifteen. If our machine vanishes in the middle, the server frees the rows after thirty.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL synchronous_commit = on;
    SET LOCAL lock_timeout = '10s';
    SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// A payment and its refunds are read in two statements, which have to see the same moment.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// How often a command is tried that another transaction came in the way of.
const TRIES: u32 = 5;

#[async_trait]
impl PaymentStore for PostgresStore {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        for _ in 1..TRIES {
            match self.try_apply(key, command.clone(), now).await {
                Err(error) if collided(&error) => {
                    tracing::debug!(code = error.code(), "deciding again");
                }
                result => return result,
            }
        }
        self.try_apply(key, command, now).await
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        let mut tx = self.pool.begin_with(BEGIN_READING).await?;
        let view = read::view(&mut tx, key).await?;
        tx.commit().await?;
        Ok(view)
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        let mut tx = self.pool.begin_with(BEGIN_READING).await?;
        let Some(view) = read::view(&mut tx, key).await? else {
            return Ok(None);
        };
        let history = read::history(&mut tx, view).await?;
        tx.commit().await?;
        Ok(Some(history))
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        let mut tx = self.pool.begin_with(BEGIN_READING).await?;
        let census = read::census(&mut tx, now).await?;
        tx.commit().await?;
        Ok(census)
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let mut tx = self.pool.begin_with(BEGIN_READING).await?;
        let views = read::recent(&mut tx, limit).await?;
        tx.commit().await?;
        Ok(views)
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let mut tx = self.pool.begin_with(BEGIN_READING).await?;
        let views = read::under_review(&mut tx, limit).await?;
        tx.commit().await?;
        Ok(views)
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        let mut tx = self.pool.begin_with(BEGIN_READING).await?;
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
        let mut tx = self.begin().await?;
        let claimed = read::due(&mut tx, account, now, until, limit).await?;
        write::leases(&mut tx, &claimed, until).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        let mut tx = self.begin().await?;
        let claimed = read::waiting_events(&mut tx, now, until, limit).await?;
        write::lease_events(&mut tx, &claimed, until).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        for _ in 1..TRIES {
            match self.try_settle_events(ended).await {
                Err(error) if collided(&error) => {
                    tracing::debug!(code = error.code(), "noting deliveries again");
                }
                result => return result,
            }
        }
        self.try_settle_events(ended).await
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        let mut tx = self.pool.begin_with(BEGIN_READING).await?;
        let parked = read::parked_events(&mut tx, limit).await?;
        tx.commit().await?;
        Ok(parked)
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        Some(Arc::new(self.clone()))
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let unparked = write::unpark_event(&mut tx, id, unparking, now).await?;
        tx.commit().await?;
        Ok(unparked)
    }
}

impl PostgresStore {
    fn on(pool: PgPool) -> Self {
        Self {
            pool,
            origin: Reference::random().as_str().into(),
        }
    }

    async fn begin(&self) -> Result<PgTransaction<'static>, StoreError> {
        Ok(self.pool.begin_with(BEGIN).await?)
    }

    async fn try_apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let mut tx = self.begin().await?;
        let applied = decide_in(&mut tx, key, command, now).await?;
        tx.commit().await?;
        Ok(applied)
    }

    async fn try_settle_events(
        &self,
        ended: &[(ClaimedEvent, Delivery)],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        write::settle_events(&mut tx, ended).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Loads, decides and writes, in a transaction that somebody else began and will commit.
async fn decide_in(
    tx: &mut PgConnection,
    key: &PaymentKey,
    command: Command,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let loaded = load_for(tx, key, &command).await?;
    let known = loaded.view.is_some();
    let decision = decide(key, loaded, command, now);
    write::decision(tx, key, &decision, known).await?;
    Ok(Applied {
        outcome: decision.outcome,
        view: decision.view,
        events: !decision.events.is_empty(),
    })
}

/// A command in a transaction of the shop's own. Another transaction that comes in the way is an error here: what the
/// shop has done in this one cannot be done again for it.
pub(crate) async fn apply_in(
    tx: &mut PgConnection,
    key: &PaymentKey,
    command: Command,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    if !pool::inside_transaction(tx).await? {
        return Err(open::refused(
            "its connection is outside a transaction: begin one, and commit it before anything is acknowledged",
        ));
    }
    sqlx::query("SET LOCAL synchronous_commit = on")
        .execute(&mut *tx)
        .await?;
    decide_in(tx, key, command, now).await
}

/// Whether another transaction came in the way: it brought the same number (23505), the two waited for each other
/// (40P01), or they could not be put in an order (40001). All of it is rolled back, and worth another try.
fn collided(error: &StoreError) -> bool {
    matches!(error.code(), Some("23505" | "40P01" | "40001"))
}

/// Reads what the command concerns, under its locks. The owners of numbers are other payments' rows, and not locked:
/// nobody gives a number away, and one that is being taken at this moment is the unique indexes' affair.
async fn load_for(
    tx: &mut PgConnection,
    key: &PaymentKey,
    command: &Command,
) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded {
        view: read::view_for_update(tx, key).await?.map(Arc::new),
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
