//! [`Payments`]: the shop's whole interface to its ledger.
//!
//! Every change goes through one door, [`Payments::apply`]: the store decides and commits, then the waiting are told.
//!
//! | file | story |
//! |---|---|
//! | `start.rs` | an order is to be paid |
//! | `notification.rs` | the gateway calls |
//! | `within.rs` | a notification taken in by a transaction of the shop's own |
//! | `refund.rs` | money is to go back |
//! | `end.rs` | a payment is to end: close, reverse |
//! | `late.rs` | a payment came after its close |
//! | `policy.rs` | what a merchant may decide |
//! | `review.rs` | a person looks at what does not fit |
//! | `advance.rs` | the next call for one row, under its lease |
//! | `gate.rs` | no call while the account is blocked |
//! | `reconcile.rs` | rows nobody called about are asked for |
//! | `budget.rs` | how many of them in a second |
//! | `outbox.rs` | the shop is told |
//! | `parked.rs` | what the shop could not be told, and a person decides |
//! | `check.rs` | does each gateway take our calls? |
//! | `timeline.rs` | what happened to one payment |
//! | `health.rs` | how the ledger does |
//! | `changes.rs` | pages that are open hear of their payment |
//! | `news.rs` | other instances are told, and heard |
//! | `run.rs` | what happens by itself, until shutdown |
//! | `background.rs` | the same in a task of its own |
//! | `open.rs` | a ledger as the environment describes it |

mod advance;
mod background;
mod budget;
mod changes;
mod check;
mod end;
mod gate;
mod health;
mod late;
mod news;
mod notification;
#[cfg(all(feature = "reqwest", any(feature = "postgres", feature = "sqlite")))]
mod open;
mod outbox;
mod parked;
mod policy;
mod reconcile;
mod refund;
mod review;
mod run;
mod start;
mod timeline;
#[cfg(feature = "postgres")]
mod within;

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

pub use background::{Running, on_paid};
use budget::Budget;
pub use changes::Changes;
use changes::Listeners;
pub use end::{ClosedProof, Closing, EndError, PaidProof};
pub use health::{Concern, Health};
use news::Unsaid;
pub use notification::{NotificationError, Receipt};
#[cfg(all(feature = "reqwest", any(feature = "postgres", feature = "sqlite")))]
pub use open::OpenError;
pub use outbox::{EventHandler, HandlerError};
pub use parked::ParkedError;
pub use policy::{Policies, UnmatchedPolicy};
pub use reconcile::ReconcileReport;
pub use refund::{RefundError, RefundRequest};
pub use review::ReviewError;
pub use start::{DEFAULT_EXPIRY, StartError, StartPayment};
pub use timeline::{Timeline, TimelineEntry, TimelineItem};
#[cfg(feature = "postgres")]
pub use within::Uncommitted;

use crate::id::{PaymentKey, ProviderId};
use crate::ledger::{Applied, Command, LEASE, Outcome, PaymentView, Target, Verdict};
use crate::provider::{PaymentProvider, PaymentRegistry};
use crate::store::{PaymentStore, StoreError};
use crate::time::{Clock, SystemClock, Timestamp};

/// The ledger of a shop. Cheap to clone; all clones are one.
///
/// Futures of its methods may be dropped at any point: what was begun is finished by a task of its own, and what was
/// not yet begun is not.
///
/// In the examples of its methods `gateway` is a `provider::ScriptedProvider`, a gateway in memory; `payments` is a ledger
/// for it, and `key` is that of a payment A17 of 450 cents.
///
/// ```
/// # #[cfg(feature = "mock")]
/// # {
/// # use std::sync::Arc;
/// # use ucanpay_storefront::provider::ScriptedProvider;
/// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::Amount;
/// # let gateway = ScriptedProvider::new();
/// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
/// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
/// use ucanpay_storefront::{PaymentState, RefundRequest};
///
/// let view = payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
/// let key = view.payment.key; // the buyer is sent to view.pay_link()
/// gateway.pay(&key.reference)?; // what buyers do; and the gateway notifies:
/// for notification in gateway.notifications() {
///     let _receipt = payments.handle_notification(notification).await?;
/// }
/// let view = payments.payment(&key).await?.expect("it was recorded");
/// assert_eq!(view.payment.state, PaymentState::Paid);
///
/// let request = RefundRequest { number: None, amount: Amount::new(150)?, reason: "cold milk".into() };
/// payments.refund(&key, request).await?;
/// let view = payments.payment(&key).await?.expect("it was recorded");
/// assert_eq!(view.refundable(), 300);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Payments {
    shared: Arc<Shared>,
}

/// What all clones have in common.
#[derive(Clone, Debug)]
struct Shared {
    store: Arc<dyn PaymentStore>,
    registry: PaymentRegistry,
    clock: Arc<dyn Clock>,
    policies: Policies,
    delivery_attempts: NonZeroU32,
    budget: Arc<Budget>,
    listeners: Arc<Listeners>,
    wake: Arc<Wake>,
    unsaid: Arc<Unsaid>,
}

/// Rouses the two loops of [`Payments::run`] before their next tick.
#[derive(Debug, Default)]
struct Wake {
    outbox: Notify,
    reconciler: Notify,
}

impl Payments {
    /// A ledger kept in `store`, for the providers of `registry`.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = PaymentRegistry::builder().register(ScriptedProvider::new()).build()?;
    /// let payments = Payments::new(Arc::new(MemoryStore::new()), registry); // a shop opens an SqliteStore
    ///
    /// let order = StartPayment::new("A17", 450, "one latte")?;
    /// let view = payments.clone().start(order).await?;
    /// assert_eq!(payments.payment(&view.payment.key).await?, Some(view)); // all clones are one
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn new(store: Arc<dyn PaymentStore>, registry: PaymentRegistry) -> Self {
        let shared = Shared {
            store,
            registry,
            clock: Arc::new(SystemClock),
            policies: Policies::default(),
            delivery_attempts: outbox::ATTEMPTS,
            budget: Arc::new(Budget::new(budget::CALLS)),
            listeners: Arc::default(),
            wake: Arc::default(),
            unsaid: Arc::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The same ledger on another clock.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// use std::time::Duration;
    /// use ucanpay_storefront::{ManualClock, PaymentState, Timestamp};
    ///
    /// let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_509_000_000)));
    /// let payments = payments.with_clock(clock.clone());
    /// let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    ///
    /// clock.advance(Duration::from_secs(2 * 60 * 60)); // the buyer's two hours are over
    /// payments.reconcile().await?;
    /// let view = payments.payment(&key).await?.expect("it was recorded");
    /// assert_eq!(view.payment.state, PaymentState::Closed);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        Arc::make_mut(&mut self.shared).clock = clock;
        self
    }

    /// The same ledger, whose reconciler asks about so many rows of one account in a second at most, counted over all
    /// clones made from here on. Unless set here, 20. A question about a row is one call, or two where the gateway left the
    /// first one open; a payment whose time is up takes three, or four where its number was lost. What the shop itself asks
    /// for does not wait.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// # use std::time::Duration;
    /// # use ucanpay_storefront::{ManualClock, Timestamp};
    /// # let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_509_000_000)));
    /// # let payments = payments.with_clock(clock.clone());
    /// use std::num::NonZeroU32;
    ///
    /// let five = NonZeroU32::new(5).expect("it is not 0");
    /// let payments = payments.with_call_budget(five);
    /// for order in 1..=8 {
    ///     payments.start(StartPayment::new(format!("A{order}"), 450, "one latte")?).await?;
    /// }
    /// clock.advance(Duration::from_secs(60)); // all eight are due
    /// assert_eq!(payments.reconcile().await?.asked, 5);
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(payments.reconcile().await?.asked, 3);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn with_call_budget(mut self, per_second: NonZeroU32) -> Self {
        Arc::make_mut(&mut self.shared).budget = Arc::new(Budget::new(per_second));
        self
    }

    /// The same ledger, where an event is parked after so many failed deliveries in a row. Unless set here, 20: about two
    /// hours.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// use std::num::NonZeroU32;
    /// use ucanpay_storefront::on_paid;
    ///
    /// let payments = payments.with_delivery_attempts(NonZeroU32::MIN); // parked at the first failure
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// # gateway.pay(&key.reference)?;
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    ///
    /// // An order is paid, and its ticket cannot be printed.
    /// let ledger = payments.spawn(on_paid(async |_| Err("the printer is out of paper")));
    /// # while payments.parked_events(1).await?.is_empty() { tokio::task::yield_now().await; }
    /// ledger.stop().await;
    /// let parked = payments.parked_events(10).await?;
    /// assert_eq!((parked.len(), parked[0].attempts), (1, 1));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn with_delivery_attempts(mut self, attempts: NonZeroU32) -> Self {
        Arc::make_mut(&mut self.shared).delivery_attempts = attempts;
        self
    }

    /// The providers.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// use ucanpay_storefront::ProviderId;
    ///
    /// let registry = payments.registry();
    /// assert_eq!(registry.default_id().as_str(), "scripted");
    /// let terrace = ProviderId::new("terrace")?;
    /// assert!(registry.get(Some(&terrace)).is_none(), "this shop has one account");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn registry(&self) -> &PaymentRegistry {
        &self.shared.registry
    }

    /// The key of a payment at the default provider.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// use ucanpay_storefront::Reference;
    ///
    /// payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
    /// let key = payments.key(Reference::new("A17")?); // from the address of a page, say
    /// assert_eq!(key.to_string(), "scripted/A17");
    /// assert!(payments.payment(&key).await?.is_some());
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn key(&self, reference: crate::Reference) -> PaymentKey {
        PaymentKey {
            provider: self.shared.registry.default_id().clone(),
            reference,
        }
    }

    /// A payment with its refunds, as the ledger knows it; asks no gateway.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// use ucanpay_storefront::{PaymentState, Reference};
    ///
    /// let view = payments.payment(&key).await?.ok_or("there is no such order")?;
    /// assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
    /// let other = payments.key(Reference::new("A18")?);
    /// assert!(payments.payment(&other).await?.is_none());
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the ledger cannot be read.
    pub async fn payment(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.store().load(key).await
    }

    /// The newest payments first.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// # use std::time::Duration;
    /// # use ucanpay_storefront::{ManualClock, Timestamp};
    /// # let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_509_000_000)));
    /// # let payments = payments.with_clock(clock.clone());
    /// for order in ["A17", "A18", "A19"] {
    ///     payments.start(StartPayment::new(order, 450, "one latte")?).await?;
    /// #     clock.advance(Duration::from_secs(1));
    /// }
    /// let newest = payments.payments(2).await?;
    /// let numbers: Vec<_> = newest.iter().map(|view| view.payment.key.reference.as_str()).collect();
    /// assert_eq!(numbers, ["A19", "A18"]);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the ledger cannot be read.
    pub async fn payments(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.store().recent(limit).await
    }

    /// Asks the gateway about a payment now, also where nothing is expected of it any more, and about each of its refunds of
    /// which something is, or which failed and may still go through. A row that somebody else is asking about is left to
    /// them. Meant for a person's question: a page that follows a payment wants [`changes_of`](Self::changes_of).
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// use ucanpay_storefront::PaymentState;
    ///
    /// gateway.pay(&key.reference)?; // and the notification does not come
    /// let view = payments.refresh(&key).await?; // the buyer came back to the page
    /// assert_eq!(view.payment.state, PaymentState::Paid);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RefreshError`]. A gateway that does not answer is not an error: the view then is as old as it was.
    pub async fn refresh(&self, key: &PaymentKey) -> Result<PaymentView, RefreshError> {
        let view = self
            .store()
            .load(key)
            .await?
            .ok_or(RefreshError::NotFound)?;
        let refunds = view
            .refunds
            .iter()
            .filter(|refund| !refund.state.is_settled() || refund.may_still_go_through())
            .map(|refund| Target::Refund(refund.number.clone()));
        for target in std::iter::once(Target::Payment).chain(refunds) {
            let until = self.now().after(LEASE);
            let applied = self.apply(key, Command::Claim(target, until)).await?;
            if let Outcome::Claimed(lease) = applied.outcome {
                self.advance(key, lease).await?;
            }
        }
        self.store().load(key).await?.ok_or(RefreshError::NotFound)
    }

    fn store(&self) -> &dyn PaymentStore {
        &*self.shared.store
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn provider(&self, id: Option<&ProviderId>) -> Option<Arc<dyn PaymentProvider>> {
        self.shared.registry.get(id).cloned()
    }

    /// The one door: decide and commit, then tell the waiting. Runs to its end even if the caller goes away.
    async fn apply(&self, key: &PaymentKey, command: Command) -> Result<Applied, StoreError> {
        let (this, key) = (self.clone(), key.clone());
        detached(async move {
            let applied = this.store().apply(&key, command, this.now()).await?;
            this.tell(&key, &applied);
            Ok(applied)
        })
        .await
    }

    /// Tells those who wait for changes, after the commit.
    fn tell(&self, key: &PaymentKey, applied: &Applied) {
        if applied.events {
            self.shared.wake.outbox.notify_one();
            self.signal(key);
        }
        let changed = match &applied.outcome {
            Outcome::Recorded(_) | Outcome::Noted | Outcome::Settled => true,
            Outcome::Observed(verdict) => *verdict != Verdict::NothingNew,
            _ => applied.events,
        };
        if changed {
            self.shared.listeners.tell(key);
        }
    }
}

/// Why a payment could not be refreshed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// There is no such payment.
    #[error("there is no such payment")]
    NotFound,
    /// The ledger could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs a future to its end. Frameworks drop a handler when its client hangs up; a payment must not depend on that.
///
/// What can be finished without waiting is finished here and now: nobody can drop it meanwhile. As soon as it has to wait,
/// it moves into a task of its own, before anything else is awaited.
async fn detached<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let mut future = Box::pin(future);
    // A future wakes whoever polled it last. That is the task below, which polls it again at once; so nobody here.
    let first = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    if let Poll::Ready(value) = first {
        return value;
    }
    match tokio::spawn(future).await {
        Ok(value) => value,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down, and this task with it: there is nobody left to answer.
        Err(_) => std::future::pending().await,
    }
}

/// An error with its causes, in one line for a merchant.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;

    /// Polls once, as a server does before it learns that the client has hung up.
    fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
        std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn what_has_to_wait_is_finished_though_its_caller_goes_away() {
        let (come, coming) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let mut call = Box::pin(detached(async move {
            let word: &str = coming.await.unwrap();
            tell.send(word).unwrap();
        }));
        assert!(poll_once(&mut call).is_pending());
        drop(call);
        come.send("done").unwrap();
        let told = tokio::time::timeout(Duration::from_secs(30), told).await;
        assert_eq!(told.expect("it goes on"), Ok("done"));
    }

    #[test]
    fn what_need_not_wait_needs_no_task() {
        // There is no runtime here that a task could be spawned on.
        let mut call = Box::pin(detached(async { 450 }));
        assert_eq!(poll_once(&mut call), Poll::Ready(450));
    }
}
