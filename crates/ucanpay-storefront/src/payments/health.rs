//! How the ledger does: what waits, for how long, and what an operator should look into.

use std::fmt;
use std::time::Duration;

use super::Payments;
use crate::id::ProviderId;
use crate::ledger::{Backlog, Block, Census};
use crate::store::StoreError;
use crate::time::Timestamp;

/// What waits longer than this has been forgotten: rows to be asked for, events to be delivered.
const FORGOTTEN: Duration = Duration::from_secs(10 * 60);

/// A share of missed notifications is taken for a fault from so many payments in a day.
const ENOUGH: u64 = 10;

/// How a ledger does, at one moment.
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
/// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
/// let health = payments.health().await?;
/// assert_eq!(health.census.undelivered.count, 2); // it was recorded, and there is a link
/// assert!(health.concerns().is_empty(), "all this is new");
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// That moment.
    pub at: Timestamp,
    /// The ledger counted. Every registered account has a row in it.
    pub census: Census,
    /// Accounts with unsettled rows that are not registered here: nobody asks for these.
    pub unregistered: Vec<ProviderId>,
}

/// Something an operator should look into. Shown, it says what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concern {
    /// Payments, refunds, or what ended and is watched have been due for more than ten minutes, the first since this
    /// moment: no reconciler runs, or its [call budget](Payments::with_call_budget) is too small.
    NotReconciled(ProviderId, Backlog),
    /// An account has unsettled rows and no provider.
    NotRegistered(ProviderId),
    /// The gateway takes no calls of an account for so long.
    Blocked(ProviderId, Duration),
    /// Discrepancies wait for a person.
    Reviews(Backlog),
    /// Events have waited for more than ten minutes: nobody delivers them, or the handler fails.
    NotDelivered(Backlog),
    /// Events are parked.
    Parked(Backlog),
    /// Of the payments of the last day, these were found paid by asking, and so many were paid at all: at least half of
    /// at least ten.
    NotificationsMissed {
        /// Found paid by asking.
        recovered: u64,
        /// Paid.
        paid: u64,
    },
}

impl Payments {
    /// How the ledger does, over all instances of the shop. Cheap enough for a look every few seconds: it reads indexes
    /// of what is unsettled, waits, or was paid within a day.
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
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// clock.advance(Duration::from_secs(30 * 60)); // and nobody has called Payments::run
    /// let health = payments.health().await?;
    /// for concern in health.concerns() {
    ///     eprintln!("{concern}");
    /// }
    /// let worst = health.concerns()[0].to_string();
    /// assert!(worst.starts_with("1 row of account scripted overdue, the first since 2026-11-24T08:30:15Z"));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the ledger cannot be read. That, too, is worth an alarm: notifications are then refused.
    pub async fn health(&self) -> Result<Health, StoreError> {
        let at = self.now();
        let mut census = self.store().census(at).await?;
        for id in self.shared.registry.ids() {
            census.account(id);
        }
        let unregistered = census.accounts.iter().filter(|(id, account)| {
            let rows = [account.payments, account.watched, account.refunds];
            rows.iter().any(|rows| rows.total() > 0) && self.shared.registry.get(Some(id)).is_none()
        });
        Ok(Health {
            at,
            unregistered: unregistered.map(|(id, _)| id.clone()).collect(),
            census,
        })
    }
}

impl Health {
    /// How long the gateway takes no calls of an account yet; `None` if it takes them.
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
    /// use ucanpay_storefront::provider::{NextCall, ProviderErrorKind};
    ///
    /// gateway.next_call(NextCall::Says(ProviderErrorKind::Blocked)); // too many requests
    /// payments.start(StartPayment::new("A17", 450, "one latte")?).await?; // recorded, and placed later
    ///
    /// let account = payments.registry().default_id();
    /// let rest = payments.health().await?.blocked_for(account);
    /// assert!(rest.is_some_and(|rest| rest <= Duration::from_secs(60)));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn blocked_for(&self, account: &ProviderId) -> Option<Duration> {
        let until = self.census.accounts.get(account)?.blocked_until?;
        Block::rest(until, self.at)
    }

    /// The share of payments that were found paid by asking, of those paid within the last day: 0 is best. 1 says that
    /// no notification comes. `None` if nothing was paid.
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
    /// let lost = payments.start(StartPayment::new("A18", 450, "one latte")?).await?.payment.key;
    /// gateway.pay(&key.reference)?;
    /// for notification in gateway.notifications() {
    ///     let _receipt = payments.handle_notification(notification).await?;
    /// }
    /// gateway.pay(&lost.reference)?; // its notification does not come: it is found by asking
    /// payments.refresh(&lost).await?;
    /// assert_eq!(payments.health().await?.missed_notifications(), Some(0.5));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn missed_notifications(&self) -> Option<f64> {
        let Census {
            paid, recovered, ..
        } = self.census;
        // A day's payments are far from where an f64 becomes coarse.
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let share = || recovered.min(paid) as f64 / paid as f64;
        (paid > 0).then(share)
    }

    /// What to look into, the most urgent first; empty if all is well.
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
    /// # let _closed = payments.close(&key).await?;
    /// # gateway.pay(&key.reference)?; // it was under way
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// use ucanpay_storefront::Concern;
    ///
    /// let concerns = payments.health().await?.concerns(); // one was paid after it was closed
    /// let [Concern::Reviews(waiting)] = &concerns[..] else {
    ///     return Err(format!("{concerns:?}").into());
    /// };
    /// assert_eq!(waiting.count, 1);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn concerns(&self) -> Vec<Concern> {
        let census = &self.census;
        let mut concerns = Vec::new();
        let late = |backlog: &Backlog| {
            let waited = backlog.since.map(|since| self.at.since(since));
            waited.is_some_and(|waited| waited > FORGOTTEN)
        };
        for (id, account) in &census.accounts {
            if self.unregistered.contains(id) {
                concerns.push(Concern::NotRegistered(id.clone()));
                continue;
            }
            if let Some(rest) = self.blocked_for(id) {
                concerns.push(Concern::Blocked(id.clone(), rest));
            } else {
                let rows = [account.payments, account.watched, account.refunds];
                let late = rows.map(|rows| rows.due).into_iter().filter(late);
                concerns.extend(late.map(|due| Concern::NotReconciled(id.clone(), due)));
            }
        }
        if late(&census.undelivered) {
            concerns.push(Concern::NotDelivered(census.undelivered));
        }
        if census.parked.count > 0 {
            concerns.push(Concern::Parked(census.parked));
        }
        let (recovered, paid) = (census.recovered, census.paid);
        if paid >= ENOUGH && recovered.saturating_mul(2) >= paid {
            concerns.push(Concern::NotificationsMissed { recovered, paid });
        }
        if census.reviews.count > 0 {
            concerns.push(Concern::Reviews(census.reviews));
        }
        concerns
    }
}

/// How many, with the word that goes with one and with more.
struct Counted<'a>(&'a Backlog, &'static str, &'static str);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = if self.0.count == 1 { self.1 } else { self.2 };
        write!(f, "{} {words}", self.0.count)
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReconciled(id, due) => write!(
                f,
                "{} of account {id} overdue{}: see that Payments::run runs, and that its call budget is large enough",
                Counted(due, "row", "rows"),
                Since(*due)
            ),
            Self::NotRegistered(id) => write!(
                f,
                "account {id} has unsettled rows and is not registered: register its provider until they are settled"
            ),
            Self::Blocked(id, rest) => write!(
                f,
                "the gateway takes no calls of account {id} for {} s more: look in the log for what was asked too often",
                rest.as_secs() + 1
            ),
            Self::Reviews(open) => write!(
                f,
                "{} for a person{}: see the review queue",
                Counted(open, "discrepancy waits", "discrepancies wait"),
                Since(*open)
            ),
            Self::NotDelivered(waiting) => write!(
                f,
                "{} for delivery{}: see that Payments::run runs, and look in the log for what the handler fails with",
                Counted(waiting, "event waits", "events wait"),
                Since(*waiting)
            ),
            Self::Parked(parked) => write!(
                f,
                "{} parked{}: mend what the handler fails with, then release it, or skip it",
                Counted(parked, "event is", "events are"),
                Since(*parked)
            ),
            Self::NotificationsMissed { recovered, paid } => write!(
                f,
                "{recovered} of {paid} payments of the last day were found paid by asking: see that the notify URL is \
                 reached from outside"
            ),
        }
    }
}

struct Since(Backlog);

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .since
            .map_or(Ok(()), |since| write!(f, ", the first since {since}"))
    }
}
