//! Where the ledger is kept. Each method of a [`PaymentStore`] is one whole command in one transaction; the rules are
//! in [`crate::ledger`], the same for every store.
//!
//! Next stop of a payment, after the commit: the [`Receipt`](crate::Receipt), and the outbox.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod census;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod delivery;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod details;
mod error;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod history;
mod memory;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod migration;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use error::StoreError;
pub use memory::MemoryStore;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use open::open;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "postgres")]
pub(crate) use postgres::apply_in;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

use crate::id::{PaymentKey, ProviderId};
use crate::ledger::{Applied, Census, Command, Event, History, Lease, PaymentView};
use crate::time::Timestamp;
use crate::wording::Wording;

/// A durable ledger.
///
/// When a method returns `Ok`, its effect is committed and survives the end of the process. When it returns `Err` or
/// its future is dropped, the effect is there either wholly or not at all.
///
/// Rows are plain structs that anybody can build: a store has to keep every member, and the compiler names the one that
/// was added since.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// # use ucanpay_core::{Amount, Currency};
/// # use ucanpay_storefront::provider::FrozenRequest;
/// # use ucanpay_storefront::{LatePolicy, PaymentKey, ProviderId, Reference, Timestamp};
/// use ucanpay_storefront::ledger::{Command, NewPayment, Outcome};
/// use ucanpay_storefront::{MemoryStore, PaymentStore};
///
/// # let key = PaymentKey { provider: ProviderId::new("ucanpay")?, reference: Reference::new("A17")? };
/// # let now = Timestamp::from_millis(1_795_509_000_000);
/// # let until = now.after(Duration::from_secs(60));
/// # let new = NewPayment {
/// #     merchant: "2000000010".into(), amount: Amount::new(450)?, currency: Currency::CAD,
/// #     subject: "coffee".into(), description: "one latte".into(),
/// #     expires_at: now.after(Duration::from_secs(7200)), late_policy: LatePolicy::Review,
/// #     request: FrozenRequest { path: "/order".into(), body: b"signed"[..].into(), key: "k1".into() },
/// # };
/// let store = MemoryStore::new();
/// let applied = store.apply(&key, Command::Create(new.clone(), until), now).await?;
/// assert!(matches!(applied.outcome, Outcome::Recorded(_)));
/// assert_eq!(store.load(&key).await?.as_ref(), applied.view.as_deref());
///
/// let again = store.apply(&key, Command::Create(new, until), now).await?;
/// assert_eq!(again.outcome, Outcome::AlreadyRecorded);
/// # Ok(()) }
/// ```
#[async_trait]
pub trait PaymentStore: fmt::Debug + Send + Sync + 'static {
    /// Loads what the command concerns, decides, and writes: one transaction.
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError>;

    /// A payment with its refunds.
    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError>;

    /// A payment with everything that is kept about it.
    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError>;

    /// The ledger counted, as it stands at `now`. Reads indexes only, of what is unsettled, waits, or was paid
    /// [lately](crate::ledger::LATELY).
    async fn census(&self, now: Timestamp) -> Result<Census, StoreError>;

    /// The newest payments first.
    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError>;

    /// Payments with an open discrepancy, the one open longest first.
    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError>;

    /// Until when the gateway takes no calls of an account, as it was last noted; `None` if it never was.
    /// [`Block::rest`](crate::ledger::Block::rest) says whether that still counts.
    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError>;

    /// Takes up to `limit` unsettled rows of an account whose time has come and that nobody else has, until `until`; the
    /// payment due longest first.
    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError>;

    /// Takes up to `limit` events that wait for delivery, until `until`, the oldest first; for each payment only the first
    /// one waiting.
    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError>;

    /// Says how deliveries ended, all of them in one transaction; none stands in it twice. Does nothing for an event that
    /// has passed to somebody else meanwhile.
    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError>;

    /// Events that were parked, the one parked longest first.
    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError>;

    /// The way to other processes at this ledger, and from them; `None` if there is none, and then what they commit is
    /// found by looking. Asked after each commit that has something to tell, so it does not wait.
    fn signals(&self) -> Option<Arc<dyn Signals>>;

    /// Takes an event out of parking. `false`: no event of this id is parked, and nothing was written.
    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

/// Signals between processes at one ledger. They are hints: one that is lost is made up for by looking.
#[async_trait]
pub trait Signals: Send + Sync {
    /// Tells the others that something has happened to these payments, after it was committed.
    async fn send(&self, changed: &[PaymentKey]) -> Result<(), StoreError>;

    /// Hears the others from now on.
    async fn listen(&self) -> Result<Box<dyn Listener>, StoreError>;
}

/// Hears the other processes at one ledger.
#[async_trait]
pub trait Listener: Send {
    /// The next payment that another process tells of. After an error nothing is heard any more: listen anew.
    async fn next(&mut self) -> Result<PaymentKey, StoreError>;
}

/// An event taken for delivery.
#[derive(Clone, Debug)]
pub struct ClaimedEvent {
    /// The event.
    pub event: Event,
    /// How often its delivery has been tried before.
    pub attempts: u32,
    /// Until when it is ours.
    pub lease_until: Timestamp,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The handler took it, at this moment.
    Delivered(Timestamp),
    /// The handler failed; it is tried again, not before this moment.
    Later(Timestamp),
    /// The handler has failed too often; from this moment it waits for a person, who reads why.
    Parked(Timestamp, String),
}

/// An event that the handler failed on too often. It waits for a person, and the later events of its payment wait behind
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEvent {
    /// The event.
    pub event: Event,
    /// How often its delivery was tried.
    pub attempts: u32,
    /// Since when it waits.
    pub parked_at: Timestamp,
    /// What the handler failed with last.
    pub trouble: String,
}

/// What a person decides about a parked event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unparking {
    /// Try again now, with a fresh count of attempts.
    Release,
    /// Never deliver it, for the reason noted; the payment's later events go on.
    Skip(Wording),
}

impl ClaimedEvent {
    /// The wait after a failed delivery: one second, doubling, at most ten minutes.
    pub(crate) fn back_off(&self) -> Duration {
        Duration::from_secs(1_u64 << self.attempts.min(10)).min(Duration::from_secs(600))
    }
}
