//! The ledger in the app's database: opened at its first use, which is after the app's migrations.
//!
//! loco calls `after_context` before it migrates (and, where a configuration says so, drops every table), and a second time
//! within `start`. So what is put into the shared store there may not touch the database yet.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use ucanpay_storefront::ledger::{Applied, Census, Command, History, Lease, PaymentView};
use ucanpay_storefront::store::{ClaimedEvent, Delivery, ParkedEvent, Signals, Unparking};
use ucanpay_storefront::{PaymentKey, PaymentStore, ProviderId, StoreError, Timestamp};

/// A ledger that is opened when it is first asked.
pub(crate) struct Ledger {
    uri: String,
    store: OnceCell<Arc<dyn PaymentStore>>,
}

/// Without the URI, which may hold a password.
impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("store", &self.store.get())
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// The ledger in the database at `uri`, not opened yet.
    pub(crate) fn at(uri: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            store: OnceCell::new(),
        }
    }

    /// Opens it, unless it is open. What fails is tried again by the next who asks.
    pub(crate) async fn open(&self) -> Result<&Arc<dyn PaymentStore>, StoreError> {
        self.store.get_or_try_init(|| open(&self.uri)).await
    }
}

async fn open(uri: &str) -> Result<Arc<dyn PaymentStore>, StoreError> {
    #[cfg(feature = "sqlite")]
    if uri.starts_with("sqlite:") {
        let store = ucanpay_storefront::SqliteStore::open_migrated(uri).await?;
        return Ok(Arc::new(store));
    }
    #[cfg(feature = "postgres")]
    if uri.starts_with("postgres://") || uri.starts_with("postgresql://") {
        let store = ucanpay_storefront::PostgresStore::open_migrated(uri).await?;
        return Ok(Arc::new(store));
    }
    let scheme = uri.split(':').next().unwrap_or_default();
    Err(StoreError::Setup {
        reason: format!(
            "database.uri begins with {scheme:?}, and ucanpay-loco was built without the feature for it; SQLite needs \
             `sqlite`, PostgreSQL needs `postgres`, and there is no other"
        ),
        source: None,
    })
}

#[async_trait]
impl PaymentStore for Ledger {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        self.open().await?.apply(key, command, now).await
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.open().await?.load(key).await
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        self.open().await?.history(key).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.open().await?.census(now).await
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.open().await?.recent(limit).await
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.open().await?.under_review(limit).await
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        self.open().await?.blocked_until(account).await
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        self.open()
            .await?
            .claim_due(account, now, until, limit)
            .await
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.open().await?.claim_events(now, until, limit).await
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        self.open().await?.settle_events(ended).await
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        self.open().await?.parked_events(limit).await
    }

    /// Those of the store, once it is open; nobody is told of anything before.
    fn signals(&self) -> Option<Arc<dyn Signals>> {
        self.store.get()?.signals()
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.open().await?.unpark_event(id, unparking, now).await
    }
}
