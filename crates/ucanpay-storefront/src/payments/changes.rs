//! Who waits for news of one payment in this process: a page that is open, mostly. Whoever waits costs nothing while there
//! is none, however many wait and whatever happens to other payments.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Payments;
use crate::id::PaymentKey;

/// Those who wait, by the payment.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<HashMap<PaymentKey, watch::Sender<()>>>);

/// News of one payment: that it has changed, not what. Made by [`Payments::changes_of`].
#[derive(Debug)]
pub struct Changes {
    key: PaymentKey,
    told: watch::Receiver<()>,
    listeners: Arc<Listeners>,
}

impl Listeners {
    fn map(&self) -> MutexGuard<'_, HashMap<PaymentKey, watch::Sender<()>>> {
        // The map is whole before and after each step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, key: &PaymentKey) {
        if let Some(listeners) = self.map().get(key) {
            listeners.send_replace(());
        }
    }

    /// Something may have been missed.
    pub(super) fn tell_all(&self) {
        for listeners in self.map().values() {
            listeners.send_replace(());
        }
    }
}

impl Payments {
    /// Tells when this payment changes, after the commit: what this ledger commits itself, an event of it that the shop's
    /// handler has taken, and where [`run`](Self::run) is at work on PostgreSQL, the same of other instances. What another
    /// instance does may also be missed without a word (on SQLite, what another process does always is), so look from time
    /// to time, every few minutes.
    ///
    /// Begin to listen before you first read, so that nothing falls in between.
    ///
    /// ```no_run
    /// # use ucanpay_storefront::{Payments, PaymentKey, StoreError};
    /// # async fn page(payments: Payments, key: PaymentKey) -> Result<(), StoreError> {
    /// let mut changes = payments.changes_of(&key);
    /// while let Some(view) = payments.payment(&key).await? {
    ///     println!("{}", view.payment.state);
    ///     changes.next().await;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn changes_of(&self, key: &PaymentKey) -> Changes {
        Changes::of(&self.shared.listeners, key.clone())
    }
}

impl Changes {
    fn of(listeners: &Arc<Listeners>, key: PaymentKey) -> Self {
        let mut map = listeners.map();
        let sender = map.entry(key.clone());
        let told = sender.or_insert_with(|| watch::Sender::new(())).subscribe();
        drop(map);
        Self {
            key,
            told,
            listeners: Arc::clone(listeners),
        }
    }

    /// Completes once the payment has changed since this was made, or since this last completed; several changes may be
    /// one. A future that is dropped loses nothing.
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
    /// let mut changes = payments.changes_of(&key); // a page is open
    /// gateway.pay(&key.reference)?;
    /// for notification in gateway.notifications() {
    ///     let _receipt = payments.handle_notification(notification).await?;
    /// }
    /// changes.next().await;
    /// let view = payments.payment(&key).await?.expect("it was recorded");
    /// assert_eq!(view.payment.state, PaymentState::Paid);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub async fn next(&mut self) {
        // The sender stays for as long as anybody listens.
        if self.told.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let mut map = self.listeners.map();
        let last = |listeners: &watch::Sender<()>| listeners.receiver_count() <= 1;
        if map.get(&self.key).is_some_and(last) {
            map.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ProviderId, Reference};

    fn key(reference: &str) -> PaymentKey {
        PaymentKey {
            provider: ProviderId::new("test").unwrap(),
            reference: Reference::new(reference).unwrap(),
        }
    }

    fn listen(listeners: &Arc<Listeners>, reference: &str) -> Changes {
        Changes::of(listeners, key(reference))
    }

    fn told(changes: &Changes) -> bool {
        changes.told.has_changed().unwrap()
    }

    #[test]
    fn each_hears_of_its_own_payment_and_nobody_is_kept_who_left() {
        let listeners = Arc::<Listeners>::default();
        let (one, two, other) = (
            listen(&listeners, "A1"),
            listen(&listeners, "A1"),
            listen(&listeners, "A2"),
        );
        listeners.tell(&key("A1"));
        assert!(told(&one) && told(&two) && !told(&other));
        drop(one);
        assert_eq!(listeners.map().len(), 2);
        drop(two);
        assert_eq!(listeners.map().len(), 1);
        listeners.tell(&key("A1"));
        listeners.tell_all();
        assert!(told(&other));
        drop(other);
        assert!(listeners.map().is_empty());
    }
}
