//! Futures dropped where they wait, and a store each of whose futures can be.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use ucanpay_storefront::ledger::{Applied, Census, Command, History, Lease};
use ucanpay_storefront::store::{ClaimedEvent, Delivery, ParkedEvent, Signals, Unparking};
use ucanpay_storefront::{
    PaymentKey, PaymentStore, PaymentView, ProviderId, StoreError, Timestamp,
};

/// Polls the future until it has waited so many times and waits once more; then it is dropped. `None`: it was.
pub(super) async fn dropped_after<T>(waits: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut waited = 0;
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if waited == waits => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

/// A store that drops one future of the store beneath it. Its caller is told that the store is not available.
#[derive(Debug)]
pub(crate) struct Cutting {
    inner: Arc<dyn PaymentStore>,
    cut: Mutex<Cut>,
    /// The methods whose futures were dropped so far.
    dropped: Mutex<BTreeSet<&'static str>>,
    /// Every call so far.
    calls: Mutex<Vec<&'static str>>,
}

/// Which future is dropped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// None.
    No,
    /// That of the call after so many others, once it has waited so many times.
    At { calls: usize, waits: usize },
    /// It was dropped.
    Done,
    /// It came to its end first.
    Ended,
}

impl Cutting {
    pub(crate) fn over(inner: &Arc<dyn PaymentStore>) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            cut: Mutex::new(Cut::No),
            dropped: Mutex::default(),
            calls: Mutex::default(),
        })
    }

    /// Plans a cut, and says what became of the last one.
    pub(super) fn plan(&self, cut: Cut) -> Cut {
        std::mem::replace(&mut *self.cut.lock().unwrap(), cut)
    }

    /// How often a method was called.
    pub(crate) fn calls(&self, method: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| **call == method).count()
    }

    pub(super) fn dropped(&self) -> BTreeSet<&'static str> {
        self.dropped.lock().unwrap().clone()
    }

    /// How often this call may wait.
    fn waits(&self) -> Option<usize> {
        let mut cut = self.cut.lock().unwrap();
        match *cut {
            Cut::At { calls: 0, waits } => {
                *cut = Cut::Ended;
                Some(waits)
            }
            Cut::At { calls, waits } => {
                let calls = calls - 1;
                *cut = Cut::At { calls, waits };
                None
            }
            _ => None,
        }
    }

    async fn call<T>(
        &self,
        method: &'static str,
        future: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.calls.lock().unwrap().push(method);
        let Some(waits) = self.waits() else {
            return future.await;
        };
        match dropped_after(waits, future).await {
            Some(result) => result,
            None => {
                *self.cut.lock().unwrap() = Cut::Done;
                self.dropped.lock().unwrap().insert(method);
                Err(StoreError::Unavailable("its future was dropped".into()))
            }
        }
    }
}

#[async_trait]
impl PaymentStore for Cutting {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        self.call("apply", self.inner.apply(key, command, now))
            .await
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.call("load", self.inner.load(key)).await
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        self.inner.signals()
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        self.call("history", self.inner.history(key)).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.call("census", self.inner.census(now)).await
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.call("recent", self.inner.recent(limit)).await
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let asked = self.inner.under_review(limit);
        self.call("under_review", asked).await
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        let asked = self.inner.blocked_until(account);
        self.call("blocked_until", asked).await
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let claimed = self.inner.claim_due(account, now, until, limit);
        self.call("claim_due", claimed).await
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        let claimed = self.inner.claim_events(now, until, limit);
        self.call("claim_events", claimed).await
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        let settled = self.inner.settle_events(ended);
        self.call("settle_events", settled).await
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        let asked = self.inner.parked_events(limit);
        self.call("parked_events", asked).await
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let unparked = self.inner.unpark_event(id, unparking, now);
        self.call("unpark_event", unparked).await
    }
}
