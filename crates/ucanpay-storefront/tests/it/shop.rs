//! A shop on a driven clock: its ledger on one of the stores, and the scripted gateway behind it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::ledger::Event;
use ucanpay_storefront::{
    ManualClock, MemoryStore, NotificationError, NotificationTopic, PaymentKey, PaymentRegistry,
    PaymentStore, PaymentView, Payments, PostgresStore, RawNotification, Receipt, Reference,
    Refund, RefundError, RefundNumber, RefundRequest, SqliteStore, StartError, StartPayment,
    Timestamp,
};

use crate::gateway::Gateway;
use crate::invariants;

/// In seconds.
pub(crate) const HOUR: u64 = 3_600;

pub(crate) struct Shop {
    pub(crate) payments: Payments,
    pub(crate) gateway: Gateway,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn PaymentStore>,
    pub(crate) database: Option<Database>,
}

/// What is left of a shop when its process ends.
pub(crate) enum Database {
    Sqlite { url: String, _folder: TempDir },
    Postgres { url: String },
}

/// A shop on each store there is. Where there is no PostgreSQL, `postgres::on_postgres::every_test` is listed as
/// ignored, with the reason.
pub(crate) async fn shops() -> Vec<Shop> {
    let mut shops = vec![Shop::in_memory()];
    if memory_alone() {
        return shops;
    }
    shops.push(Shop::on_sqlite().await);
    if private_postgres::WANTED {
        shops.push(Shop::on_postgres().await);
    }
    shops
}

/// Whether `UCANPAY_TEST_STORES=memory` asks for the memory store alone: for `cargo mutants` over what decides, which is the
/// same on every store. Where everything is checked, in CI, nobody may ask for that.
pub(crate) fn memory_alone() -> bool {
    let stores = std::env::var("UCANPAY_TEST_STORES").unwrap_or_default();
    assert!(
        stores.is_empty() || (stores == "memory" && std::env::var_os("CI").is_none()),
        "UCANPAY_TEST_STORES is {stores:?}: `memory`, and nothing in CI"
    );
    !stores.is_empty()
}

impl Shop {
    pub(crate) fn in_memory() -> Self {
        Self::with(Arc::new(MemoryStore::new()), Gateway::new(), clock(), None)
    }

    pub(crate) async fn on_sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
        let store = Arc::new(SqliteStore::open(&url).await.unwrap());
        let database = Database::Sqlite {
            url,
            _folder: folder,
        };
        Self::with(store, Gateway::new(), clock(), Some(database))
    }

    pub(crate) async fn on_postgres() -> Self {
        let url = private_postgres::database().await;
        let store = Arc::new(PostgresStore::open(&url).await.unwrap());
        let database = Database::Postgres { url };
        Self::with(store, Gateway::new(), clock(), Some(database))
    }

    pub(crate) fn with(
        store: Arc<dyn PaymentStore>,
        gateway: Gateway,
        clock: Arc<ManualClock>,
        database: Option<Database>,
    ) -> Self {
        let registry = PaymentRegistry::builder()
            .register(gateway.clone())
            .build()
            .unwrap();
        let payments = Payments::new(Arc::clone(&store), registry).with_clock(clock.clone());
        Self {
            payments,
            gateway,
            clock,
            store,
            database,
        }
    }

    /// The same shop after its process ended and started anew. The memory store does not survive that; it stays.
    pub(crate) async fn restarted(self) -> Self {
        let store: Arc<dyn PaymentStore> = match &self.database {
            Some(Database::Sqlite { url, .. }) => Arc::new(SqliteStore::open(url).await.unwrap()),
            Some(Database::Postgres { url }) => Arc::new(PostgresStore::open(url).await.unwrap()),
            None => self.store,
        };
        Self::with(store, self.gateway, self.clock, self.database)
    }

    pub(crate) fn key(&self, reference: &str) -> PaymentKey {
        self.payments.key(Reference::new(reference).unwrap())
    }

    pub(crate) async fn start(
        &self,
        reference: &str,
        cents: i64,
    ) -> Result<PaymentView, StartError> {
        self.payments.start(start(reference, cents)).await
    }

    pub(crate) async fn view(&self, reference: &str) -> PaymentView {
        let key = self.key(reference);
        self.payments.payment(&key).await.unwrap().expect("payment")
    }

    pub(crate) async fn note(&self, body: Vec<u8>) -> Result<Receipt, NotificationError> {
        self.payments
            .handle_notification(RawNotification::new(NotificationTopic::Payment, body))
            .await
    }

    /// A payment that is paid.
    pub(crate) async fn paid(&self, reference: &str, cents: i64) {
        self.start(reference, cents).await.unwrap();
        let note = self.gateway.payment_note(reference, &json!({}));
        let _receipt = self.note(note).await.unwrap();
    }

    pub(crate) async fn refund(
        &self,
        reference: &str,
        number: &str,
        cents: i64,
    ) -> Result<Refund, RefundError> {
        let request = RefundRequest {
            number: Some(RefundNumber::new(number).unwrap()),
            amount: Amount::new(cents).unwrap(),
            reason: "spilt".into(),
        };
        self.payments.refund(&self.key(reference), request).await
    }

    /// A refund notification of this status for a refund of ours.
    pub(crate) async fn refund_note(&self, reference: &str, number: &str, alter: &Value) {
        let note = self.gateway.refund_note(reference, number, alter);
        let _receipt = self.note(note).await.unwrap();
    }

    /// Lets time pass, second by second, with the reconciler running.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.pass_by(1, seconds).await;
    }

    /// Likewise, in larger steps.
    pub(crate) async fn pass_by(&self, seconds: u64, steps: u64) {
        for _ in 0..steps {
            self.clock.advance(Duration::from_secs(seconds));
            self.payments.reconcile().await.unwrap();
        }
    }

    /// Every event so far, taken from the outbox in delivery order. Each is taken once.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let now = ucanpay_storefront::Clock::now(&*self.clock);
            let claimed = self
                .store
                .claim_events(now, now.after(Duration::from_secs(1)), 100)
                .await
                .unwrap();
            if claimed.is_empty() {
                return events;
            }
            let delivered = |event| (event, ucanpay_storefront::store::Delivery::Delivered(now));
            let ended: Vec<_> = claimed.into_iter().map(delivered).collect();
            self.store.settle_events(&ended).await.unwrap();
            events.extend(ended.into_iter().map(|(claimed, _)| claimed.event));
        }
    }

    pub(crate) async fn event_words(&self) -> Vec<&'static str> {
        let events = self.events().await;
        events.iter().map(|event| event.kind.as_str()).collect()
    }

    /// Ends a test: whatever happened, the ledger must be consistent.
    pub(crate) async fn check(self) {
        match &self.database {
            Some(Database::Sqlite { url, .. }) => invariants::check_sqlite(url).await,
            Some(Database::Postgres { url }) => invariants::check_postgres(url).await,
            None => {}
        }
    }
}

pub(crate) fn start(reference: &str, cents: i64) -> StartPayment {
    StartPayment {
        provider: None,
        reference: Reference::new(reference).unwrap(),
        amount: Amount::new(cents).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "one latte".into(),
        expires_after: None,
    }
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)))
}
