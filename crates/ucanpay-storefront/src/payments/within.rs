//! A notification taken in by a transaction of the shop's own, so that the shop's order and the ledger's payment change
//! together or not at all. For shops whose orders stand in the same PostgreSQL database as the ledger.

use std::sync::Arc;

use sqlx::PgConnection;

use super::notification::unavailable;
use super::{NotificationError, Payments, Receipt};
use crate::id::PaymentKey;
use crate::ledger::{Applied, Command, PaymentView};
use crate::measure;
use crate::provider::{PaymentProvider, RawNotification};
use crate::store::apply_in;

/// A notification that stands in a transaction which is not committed yet. Commit it, then turn this into a receipt.
///
/// ```no_run
/// # use sqlx::PgPool;
/// # use ucanpay_storefront::{NotificationError, Payments, RawNotification, Reply};
/// # async fn note(pool: PgPool, payments: Payments, note: RawNotification)
/// #     -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
/// let mut transaction = pool.begin().await?;
/// let taken = payments.handle_notification_in(&mut transaction, note).await?;
/// let paid = taken.payment().is_some_and(|view| view.payment.paid_at.is_some());
/// sqlx::query("INSERT INTO news (paid) VALUES ($1)").bind(paid).execute(&mut *transaction).await?;
/// transaction.commit().await?; // not committed: no answer, and it comes again
/// Ok(taken.committed()?.into_reply())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "commit the transaction, then answer the gateway with the receipt, or the notification comes again"]
pub struct Uncommitted {
    payments: Payments,
    provider: Arc<dyn PaymentProvider>,
    key: PaymentKey,
    applied: Applied,
}

impl Payments {
    /// [`handle_notification`](Self::handle_notification) within a transaction that the shop has begun and will commit:
    /// evidence, transition and event stand in it, beside whatever the shop writes there itself.
    ///
    /// `transaction` is a connection to the ledger's database, inside a transaction at READ COMMITTED or stricter; take it
    /// from a pool with [`PostgresStore::pool_options`](crate::PostgresStore::pool_options), and run all of it in a task
    /// of its own, since a dropped handler would leave it open. Its commit is made durable
    /// (`synchronous_commit = on`). The payment's row is locked until the transaction ends: keep it short, and make no
    /// calls meanwhile.
    ///
    /// ```no_run
    /// # use sqlx::PgPool;
    /// # use ucanpay_storefront::{Payments, PaymentState, RawNotification, Receipt};
    /// # async fn note(pool: PgPool, payments: Payments, note: RawNotification)
    /// #     -> Result<Receipt, Box<dyn std::error::Error + Send + Sync>> {
    /// tokio::spawn(async move {
    ///     let mut transaction = pool.begin().await?;
    ///     let taken = payments.handle_notification_in(&mut transaction, note).await?;
    ///     if let Some(view) = taken.payment().filter(|view| view.payment.state == PaymentState::Paid) {
    ///         sqlx::query("UPDATE coffee SET paid = true WHERE number = $1")
    ///             .bind(view.payment.key.reference.as_str())
    ///             .execute(&mut *transaction)
    ///             .await?;
    ///     }
    ///     transaction.commit().await?;
    ///     Ok(taken.committed()?)
    /// })
    /// .await?
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`NotificationError`], with the reply to answer by. Roll the transaction back: after
    /// [`Unavailable`](NotificationError::Unavailable) the server takes nothing more in it. Another transaction that came
    /// in the way is such an error, and the notification comes again.
    pub async fn handle_notification_in(
        &self,
        transaction: &mut PgConnection,
        notification: RawNotification,
    ) -> Result<Uncommitted, NotificationError> {
        let taken = self.take_in_transaction(transaction, notification).await;
        taken.inspect_err(|error| measure::notification(Err(error)))
    }

    async fn take_in_transaction(
        &self,
        transaction: &mut PgConnection,
        notification: RawNotification,
    ) -> Result<Uncommitted, NotificationError> {
        let (provider, key, fact) = self.verified(&notification)?;
        let observe = Command::Observe(Box::new(fact), None);
        match apply_in(transaction, &key, observe, self.now()).await {
            Ok(applied) => Ok(Uncommitted {
                payments: self.clone(),
                provider,
                key,
                applied,
            }),
            Err(error) => Err(unavailable(&*provider, &key, error)),
        }
    }
}

impl Uncommitted {
    /// The payment as it will stand; `None` if the notification speaks of no payment of ours.
    pub fn payment(&self) -> Option<&PaymentView> {
        self.applied.view.as_deref()
    }

    /// The right to acknowledge. Call it after the commit was answered, and never before: the gateway forgets what was
    /// acknowledged.
    ///
    /// # Errors
    /// [`NotificationError::Unmatched`] where [`UnmatchedPolicy::Nack`](crate::UnmatchedPolicy::Nack) wants it again.
    pub fn committed(self) -> Result<Receipt, NotificationError> {
        self.payments.tell(&self.key, &self.applied);
        let outcome = self.applied.outcome;
        let taken = self.payments.receipt(&*self.provider, &self.key, outcome);
        measure::notification(taken.as_ref().map(|_| ()));
        taken
    }
}
