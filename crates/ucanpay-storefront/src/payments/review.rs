//! A person looks at what does not fit, and says what was found.

use std::sync::Arc;

use super::Payments;
use crate::id::PaymentKey;
use crate::ledger::{Command, Outcome, PaymentView};
use crate::store::StoreError;
use crate::wording::Wording;

/// Why a discrepancy was not closed. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// There is no such payment, or no discrepancy of this number in it.
    #[error("there is no such discrepancy")]
    NotFound,
    /// A review says what was found.
    #[error("say what was found; the note is empty")]
    EmptyNote,
    /// The ledger could not be written, or did not confirm that it was. Settle it again: twice is once.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Payments {
    /// The review queue: payments with an open discrepancy, the one open longest first.
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
    /// use ucanpay_storefront::ledger::DiscrepancyKind;
    ///
    /// let waiting = payments.under_review(10).await?; // it was paid after its close
    /// assert_eq!(waiting[0].payment.key, key);
    /// let row = waiting[0].open_discrepancies().next().expect("why it waits");
    /// assert_eq!(row.kind, DiscrepancyKind::LatePayment);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the ledger cannot be read.
    pub async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.store().under_review(limit).await
    }

    /// Closes a discrepancy: a person has looked, and `note` says who and what was found. It moves no money and no
    /// state; closing an [`UnexplainedReturn`](crate::ledger::DiscrepancyKind::UnexplainedReturn) allows refunds again,
    /// up to what the ledger knows of, so look up the sum in the merchant portal first. Closing the last open
    /// [`RefundClosed`](crate::ledger::DiscrepancyKind::RefundClosed) frees what the gateway closed likewise: make sure that
    /// nothing went back.
    ///
    /// Settled again, it keeps the first note.
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
    /// let view = payments.under_review(10).await?.remove(0);
    /// let row = view.open_discrepancies().next().expect("why it waits");
    ///
    /// let view = payments.settle_review(&key, row.number, "shipped after all, says the till").await?;
    /// assert!(!view.needs_review());
    /// assert!(payments.under_review(10).await?.is_empty());
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ReviewError`]: then nothing was written.
    pub async fn settle_review(
        &self,
        key: &PaymentKey,
        discrepancy: u32,
        note: impl Into<Wording>,
    ) -> Result<PaymentView, ReviewError> {
        let note = note.into();
        if note.trim().is_empty() {
            return Err(ReviewError::EmptyNote);
        }
        let applied = self
            .apply(key, Command::SettleReview { discrepancy, note })
            .await?;
        let settled = match applied.outcome {
            Outcome::Settled => applied.view,
            _ => None,
        };
        settled
            .map(Arc::unwrap_or_clone)
            .ok_or(ReviewError::NotFound)
    }
}
