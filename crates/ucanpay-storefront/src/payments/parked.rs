//! What the shop could not be told: a person sees it, and releases or skips each event.
//!
//! The order within a payment is a promise, so the later events of a payment wait behind a parked one until a person has
//! decided. Other payments go on.

use super::Payments;
use crate::store::{ParkedEvent, StoreError, Unparking};
use crate::wording::Wording;

/// Why a parked event was neither released nor skipped. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParkedError {
    /// No event of this id is parked: it never was, or somebody has decided already.
    #[error("no event of this id is parked; look at the parked events again")]
    NotParked,
    /// Who skips an event says why.
    #[error("say why the event is skipped; the note is empty")]
    EmptyNote,
    /// The ledger could not be written, or did not confirm that it was. Look at the parked events again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Payments {
    /// The events that a handler failed on too often, the one parked longest first. Each holds up the later events of its
    /// own payment.
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
    /// # let payments = payments.with_delivery_attempts(std::num::NonZeroU32::MIN);
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// # gateway.pay(&key.reference)?;
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// # use ucanpay_storefront::on_paid;
    /// let ledger = payments.spawn(on_paid(async |_| Err("the printer is out of paper")));
    /// # while payments.parked_events(1).await?.is_empty() { tokio::task::yield_now().await; }
    /// # ledger.stop().await;
    /// // The shop has tried often enough.
    /// let parked = payments.parked_events(10).await?;
    /// assert_eq!(parked[0].event.kind.as_str(), "payment_succeeded");
    /// assert_eq!(parked[0].trouble, "the printer is out of paper");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the ledger cannot be read.
    pub async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        self.store().parked_events(limit).await
    }

    /// Delivers a parked event again, from now on and with a fresh count of attempts: the handler was repaired.
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
    /// # let payments = payments.with_delivery_attempts(std::num::NonZeroU32::MIN);
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// # gateway.pay(&key.reference)?;
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// # use ucanpay_storefront::on_paid;
    /// # let ledger = payments.spawn(on_paid(async |_| Err("the printer is out of paper")));
    /// # while payments.parked_events(1).await?.is_empty() { tokio::task::yield_now().await; }
    /// # ledger.stop().await;
    /// use ucanpay_storefront::ParkedError;
    ///
    /// let parked = payments.parked_events(10).await?.remove(0);
    /// payments.release_event(&parked.event.id).await?; // there is paper again
    /// assert!(payments.parked_events(10).await?.is_empty());
    ///
    /// let twice = payments.release_event(&parked.event.id).await;
    /// assert!(matches!(twice, Err(ParkedError::NotParked)));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ParkedError`].
    pub async fn release_event(&self, id: &str) -> Result<(), ParkedError> {
        self.unpark(id, Unparking::Release).await
    }

    /// Never delivers a parked event: a person has seen to it otherwise, and `note` says who and how. The event stays in
    /// the outbox with the note; the later events of its payment go on.
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
    /// # let payments = payments.with_delivery_attempts(std::num::NonZeroU32::MIN);
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// # gateway.pay(&key.reference)?;
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// # use ucanpay_storefront::on_paid;
    /// # let ledger = payments.spawn(on_paid(async |_| Err("the printer is out of paper")));
    /// # while payments.parked_events(1).await?.is_empty() { tokio::task::yield_now().await; }
    /// # ledger.stop().await;
    /// let parked = payments.parked_events(10).await?.remove(0);
    /// payments.skip_event(&parked.event.id, "written by hand, says the till").await?;
    /// assert!(payments.parked_events(10).await?.is_empty());
    ///
    /// let timeline = payments.timeline(&key).await?.expect("it was recorded");
    /// let last = timeline.entries.last().expect("something happened").to_string();
    /// assert!(last.ends_with("written by hand, says the till"));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ParkedError`].
    pub async fn skip_event(&self, id: &str, note: impl Into<Wording>) -> Result<(), ParkedError> {
        let note = note.into();
        if note.trim().is_empty() {
            return Err(ParkedError::EmptyNote);
        }
        self.unpark(id, Unparking::Skip(note)).await
    }

    async fn unpark(&self, id: &str, unparking: Unparking) -> Result<(), ParkedError> {
        let skipped = matches!(unparking, Unparking::Skip(_));
        if !self.store().unpark_event(id, unparking, self.now()).await? {
            return Err(ParkedError::NotParked);
        }
        tracing::info!(event = id, skipped, "a person decided about a parked event");
        self.shared.wake.outbox.notify_one();
        Ok(())
    }
}
