//! A process that can die between any two steps: at the database, at the gateway, at the answer to a notification.
//!
//! What dies never comes back to whoever waits for it, and takes no further step. What it had committed or sent before
//! stays so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Notify;
use tower::{BoxError, Service, ServiceExt as _};
use ucanpay_storefront::ledger::{Applied, Census, Command, History, Lease, PaymentView};
use ucanpay_storefront::store::{ClaimedEvent, Delivery, ParkedEvent, Signals, Unparking};
use ucanpay_storefront::{PaymentKey, PaymentStore, ProviderId, StoreError, Timestamp};

/// The life of one process. Clones are the same life.
#[derive(Clone, Debug)]
pub(crate) struct Life(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Steps until the end; below zero: none is near.
    fuse: AtomicI64,
    dead: AtomicBool,
    died: Notify,
    /// It died when a command had been committed and nobody had been told.
    after_a_commit: AtomicBool,
}

impl Life {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            fuse: AtomicI64::new(-1),
            dead: AtomicBool::new(false),
            died: Notify::new(),
            after_a_commit: AtomicBool::new(false),
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

    pub(crate) fn ended_after_a_commit(&self) -> bool {
        self.0.after_a_commit.load(SeqCst)
    }

    /// Comes back when it has died.
    pub(crate) async fn end(&self) {
        let died = self.0.died.notified();
        if !self.is_over() {
            died.await;
        }
    }

    /// One step. Whoever is dead, or dies here, takes no more.
    pub(crate) async fn step(&self, after_a_commit: bool) {
        let last = !self.is_over() && self.0.fuse.fetch_sub(1, SeqCst) == 0;
        if last {
            self.0.after_a_commit.store(after_a_commit, SeqCst);
            self.0.dead.store(true, SeqCst);
            self.0.died.notify_waiters();
        }
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }
}

/// A process's way to its ledger.
#[derive(Debug)]
pub(crate) struct MortalStore {
    pub(crate) inner: Arc<dyn PaymentStore>,
    pub(crate) life: Life,
}

impl MortalStore {
    async fn with<T>(&self, work: impl Future<Output = T>) -> T {
        self.life.step(false).await;
        let done = work.await;
        self.life.step(true).await;
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
        self.with(self.inner.apply(key, command, now)).await
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.with(self.inner.load(key)).await
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        self.with(self.inner.history(key)).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.with(self.inner.census(now)).await
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.with(self.inner.recent(limit)).await
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.with(self.inner.under_review(limit)).await
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        self.with(self.inner.blocked_until(account)).await
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        self.with(self.inner.claim_due(account, now, until, limit))
            .await
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.with(self.inner.claim_events(now, until, limit)).await
    }

    async fn settle_event(
        &self,
        event: &ClaimedEvent,
        delivery: Delivery,
    ) -> Result<(), StoreError> {
        self.with(self.inner.settle_event(event, delivery)).await
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        self.with(self.inner.parked_events(limit)).await
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        self.inner.signals()
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.with(self.inner.unpark_event(id, unparking, now)).await
    }
}

/// A process's way to the gateway.
#[derive(Clone, Debug)]
pub(crate) struct MortalService<S> {
    pub(crate) inner: S,
    pub(crate) life: Life,
}

impl<S> Service<Request<Bytes>> for MortalService<S>
where
    S: Service<Request<Bytes>, Response = Response<Bytes>, Error = BoxError>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Self { inner, life } = self.clone();
        Box::pin(async move {
            life.step(false).await;
            let answer = inner.oneshot(request).await;
            life.step(false).await;
            answer
        })
    }
}
