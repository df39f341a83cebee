//! A process that can die between any two steps: at the database, at the gateway, at the answer to a notification.
//!
//! What dies never comes back to whoever waits for it, and takes no further step. What it had committed or sent before
//! stays so. At each step others may go first, so that two instances meet in every order; and the database may fail, before
//! a command or after its commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};

use async_trait::async_trait;
use tokio::sync::Notify;
use ucanpay_storefront::ledger::{Applied, Census, Command, History, Lease, PaymentView};
use ucanpay_storefront::store::{ClaimedEvent, Delivery, ParkedEvent, Signals, Unparking};
use ucanpay_storefront::{PaymentKey, PaymentStore, ProviderId, StoreError, Timestamp};

use super::audit::Audit;
use super::dice::Dice;
use super::seen::Seen;

/// The life of one process. Clones are the same life.
#[derive(Clone, Debug)]
pub(crate) struct Life(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Steps until the end; below zero: none is near.
    fuse: AtomicI64,
    dead: AtomicBool,
    died: Notify,
    chance: Chance,
}

/// What may go wrong in any process.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    pub(crate) dice: Arc<Dice>,
    pub(crate) seen: Arc<Seen>,
    /// How many of a hundred commands the database fails.
    pub(crate) trouble: Arc<AtomicI64>,
}

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Before something is done.
    Before,
    /// Something was committed, and nobody has been told.
    Committed,
    /// A request has been answered, and the answer is on its way.
    Answered,
    /// A look that nothing may come between.
    Looked,
}

impl Life {
    pub(crate) fn new(chance: Chance) -> Self {
        Self(Arc::new(Inner {
            fuse: AtomicI64::new(-1),
            dead: AtomicBool::new(false),
            died: Notify::new(),
            chance,
        }))
    }

    /// It ends after so many steps.
    pub(crate) fn light_the_fuse(&self, steps: i64) {
        self.0.fuse.store(steps, SeqCst);
    }

    pub(crate) fn spare(&self) {
        self.0.fuse.store(-1, SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.dead.load(SeqCst)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Comes back when it has died.
    pub(crate) async fn end(&self) {
        let died = self.0.died.notified();
        if !self.is_over() {
            died.await;
        }
    }

    /// One step. Whoever is dead, or dies here, takes no more.
    pub(crate) async fn step(&self, at: Step) {
        let last = !self.is_over() && self.0.fuse.fetch_sub(1, SeqCst) == 0;
        if last {
            let seen = &self.0.chance.seen;
            seen.see("a process died");
            match at {
                Step::Committed => {
                    seen.see("a process died between a commit and what should have followed");
                }
                Step::Answered => seen.see("a process died between a call and its answer"),
                Step::Before | Step::Looked => {}
            }
            self.0.dead.store(true, SeqCst);
            self.0.died.notify_waiters();
        }
        if self.is_over() {
            std::future::pending::<()>().await;
        }
        if at != Step::Looked {
            for _ in 0..self.0.chance.dice.below(3) {
                tokio::task::yield_now().await;
            }
            // It may have died meanwhile.
            if self.is_over() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether the database fails now.
    fn troubled(&self) -> bool {
        let chance = usize::try_from(self.0.chance.trouble.load(SeqCst)).unwrap_or(0);
        chance > 0 && self.0.chance.dice.percent(chance)
    }
}

/// A process's way to its ledger.
#[derive(Debug)]
pub(crate) struct MortalStore {
    pub(crate) audit: Arc<Audit>,
    pub(crate) life: Life,
}

impl MortalStore {
    async fn with<T>(
        &self,
        after: Step,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.life.step(Step::Before).await;
        if self.life.troubled() {
            self.life.0.chance.seen.see("the database failed");
            return Err(StoreError::Unavailable("the disk is full".into()));
        }
        let done = work.await;
        self.life.step(after).await;
        if after == Step::Committed && self.life.troubled() {
            self.life
                .0
                .chance
                .seen
                .see("the database failed to say that it had committed");
            return Err(StoreError::Unavailable("the connection is lost".into()));
        }
        done
    }
}

#[async_trait]
impl PaymentStore for MortalStore {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        self.with(Step::Committed, self.audit.apply(key, command, now))
            .await
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.with(Step::Before, self.audit.ledger.load(key)).await
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        self.with(Step::Before, self.audit.ledger.history(key))
            .await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.with(Step::Before, self.audit.ledger.census(now)).await
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.with(Step::Before, self.audit.ledger.recent(limit))
            .await
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.with(Step::Before, self.audit.ledger.under_review(limit))
            .await
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        self.with(Step::Looked, self.audit.ledger.blocked_until(account))
            .await
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let claimed = self.audit.claim_due(account, now, until, limit);
        self.with(Step::Committed, claimed).await
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        let claimed = self.audit.ledger.claim_events(now, until, limit);
        self.with(Step::Committed, claimed).await
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        let settled = self.audit.ledger.settle_events(ended);
        self.with(Step::Committed, settled).await
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        self.with(Step::Before, self.audit.ledger.parked_events(limit))
            .await
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        self.audit.ledger.signals()
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let unparked = self.audit.ledger.unpark_event(id, unparking, now);
        self.with(Step::Committed, unparked).await
    }
}
