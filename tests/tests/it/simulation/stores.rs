//! The ledgers that the same histories are played on.
//!
//! A database answers in its own time, and the clock of a history stands still meanwhile: each command is carried to a
//! runtime of the database's, and waited for. So a history is the same on every store, and one seed can be compared.

use std::sync::{Arc, mpsc};

use async_trait::async_trait;
use tokio::runtime::Runtime;
use ucanpay_storefront::ledger::{Applied, Census, Command, History, Lease, PaymentView};
use ucanpay_storefront::store::{ClaimedEvent, Delivery, ParkedEvent, Signals, Unparking};
use ucanpay_storefront::{
    MemoryStore, PaymentKey, PaymentStore, PostgresStore, ProviderId, SqliteStore, StoreError,
    Timestamp,
};

/// Where histories are kept.
pub(crate) enum Stores {
    Memory,
    Sqlite(Apart),
    Postgres(Apart),
}

/// A database's own runtime.
pub(crate) struct Apart {
    runtime: Runtime,
    folder: tempfile::TempDir,
}

impl Apart {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        Self {
            runtime: runtime.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        wait(self.runtime.handle(), work)
    }
}

/// Waits for it, here and now: nothing else happens in the history meanwhile.
fn wait<T: Send + 'static>(
    on: &tokio::runtime::Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let (done, result) = mpsc::channel();
    on.spawn(async move {
        // Nobody waits any more only if the test has failed.
        let _ = done.send(work.await);
    });
    result.recv().expect("the database's runtime runs")
}

impl Stores {
    /// An empty ledger for the history of this seed.
    pub(crate) fn open(&self, seed: u64) -> Arc<dyn PaymentStore> {
        let (apart, store): (_, Arc<dyn PaymentStore>) = match self {
            Self::Memory => return Arc::new(MemoryStore::new()),
            Self::Sqlite(apart) => {
                let file = apart.folder.path().join(format!("{seed}.db"));
                let url = format!("sqlite://{}", file.display());
                let open = async move { SqliteStore::open(&url).await.unwrap() };
                (apart, Arc::new(apart.wait(open)))
            }
            Self::Postgres(apart) => {
                let open = async {
                    let url = private_postgres::database().await;
                    PostgresStore::open(&url).await.unwrap()
                };
                (apart, Arc::new(apart.wait(open)))
            }
        };
        let runtime = apart.runtime.handle().clone();
        Arc::new(Waited { store, runtime })
    }
}

#[derive(Debug)]
struct Waited {
    store: Arc<dyn PaymentStore>,
    runtime: tokio::runtime::Handle,
}

impl Waited {
    fn wait<T, F>(&self, work: impl FnOnce(Arc<dyn PaymentStore>) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        wait(&self.runtime, work(Arc::clone(&self.store)))
    }
}

#[async_trait]
impl PaymentStore for Waited {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let key = key.clone();
        self.wait(|store| async move { store.apply(&key, command, now).await })
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        let key = key.clone();
        self.wait(|store| async move { store.load(&key).await })
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        let key = key.clone();
        self.wait(|store| async move { store.history(&key).await })
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.wait(|store| async move { store.census(now).await })
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.wait(|store| async move { store.recent(limit).await })
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.wait(|store| async move { store.under_review(limit).await })
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        let account = account.clone();
        self.wait(|store| async move { store.blocked_until(&account).await })
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let account = account.clone();
        self.wait(|store| async move { store.claim_due(&account, now, until, limit).await })
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.wait(|store| async move { store.claim_events(now, until, limit).await })
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        let ended = ended.to_vec();
        self.wait(|store| async move { store.settle_events(&ended).await })
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        self.wait(|store| async move { store.parked_events(limit).await })
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.wait(|store| async move { store.unpark_event(&id, unparking, now).await })
    }

    /// None: its two instances are one process here, and what a signal would set off must not come between.
    fn signals(&self) -> Option<Arc<dyn Signals>> {
        None
    }
}
