//! An order is to be paid: the intent is committed, then the call goes out.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use ucanpay_core::{Amount, Currency};

use super::{Payments, words};
use crate::id::{PaymentKey, ProviderId, Reference};
use crate::ledger::{Command, Conflict, LEASE, NewPayment, Outcome, PaymentView};
use crate::provider::{PaymentIntent, PrepareError, Unsupported};
use crate::store::StoreError;
use crate::wording::Wording;

/// A payment to be started.
///
/// ```
/// use ucanpay_core::{Amount, Currency};
/// use ucanpay_storefront::{ProviderId, Reference, StartPayment};
///
/// let order = StartPayment {
///     provider: Some(ProviderId::new("terrace")?),
///     reference: Reference::new("A17")?,
///     amount: Amount::new(450)?,
///     currency: Currency::CAD,
///     subject: "coffee".into(),
///     description: "one latte".into(),
///     expires_after: None,
/// };
/// assert!(!format!("{order:?}").contains("latte"), "what is bought stays out of logs");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StartPayment {
    /// The account to be paid to; `None` for the default one.
    pub provider: Option<ProviderId>,
    /// The merchant's number. The same number is the same payment, however often it is started.
    pub reference: Reference,
    /// The amount in cents.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The title the buyer sees. UCanPay: 1 to 30 characters, none of `/ = &`.
    pub subject: Wording,
    /// What is bought. UCanPay: 1 to 64 characters, none of `/ = &`.
    pub description: Wording,
    /// How long the buyer has to pay; `None` for [`DEFAULT_EXPIRY`], or for less where the gateway itself closes payments
    /// sooner. When it is over, the reconciler asks the gateway to close the order. Started again, a payment keeps the expiry it has.
    pub expires_after: Option<Duration>,
}

impl StartPayment {
    /// A payment in Canadian dollars at the default account, described as it is titled. Whatever else is wanted stands
    /// beside it: `StartPayment { expires_after: Some(hour), ..StartPayment::new("A1", 450, "coffee")? }`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_core::Currency;
    /// use ucanpay_storefront::{StartError, StartPayment};
    ///
    /// let order = StartPayment {
    ///     expires_after: Some(Duration::from_secs(15 * 60)),
    ///     ..StartPayment::new("A17", 450, "one latte")?
    /// };
    /// assert_eq!((order.amount.cents(), order.currency), (450, Currency::CAD));
    /// assert!(matches!(StartPayment::new("A17", 0, "one latte"), Err(StartError::Invalid(_))));
    /// # Ok::<(), StartError>(())
    /// ```
    ///
    /// # Errors
    /// [`StartError::Invalid`] for a number that is no [`Reference`], and cents that are no [`Amount`]. What UCanPay does
    /// not take is told by [`Payments::start`].
    pub fn new(
        reference: impl Into<String>,
        cents: i64,
        subject: impl Into<Wording>,
    ) -> Result<Self, StartError> {
        let subject = subject.into();
        Ok(Self {
            provider: None,
            reference: Reference::new(reference).map_err(PrepareError::new)?,
            amount: Amount::new(cents).map_err(PrepareError::new)?,
            currency: Currency::CAD,
            description: subject.clone(),
            subject,
            expires_after: None,
        })
    }
}

/// How long a buyer has to pay, unless the shop says otherwise: two hours.
pub const DEFAULT_EXPIRY: Duration = Duration::from_secs(2 * 60 * 60);

/// Why a payment was not started. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No provider of this id is registered.
    #[error("no payment provider of this id is registered")]
    UnknownProvider,
    /// The account does not take it, by its capabilities; shown, it says what is allowed. Change what was asked for, or choose
    /// another account.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The gateway would refuse it as it stands; the source names the field and its rule.
    #[error(transparent)]
    Invalid(#[from] PrepareError),
    /// The number stands for another payment already.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The ledger could not be written, or did not confirm that it was. Start it again under the same number.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// For handlers that answer with a bare status: 409 for a number that stands for another payment, 503 for a ledger that
/// is not available, and 500 for what the shop should not have asked for.
impl From<StartError> for StatusCode {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Conflict(_) => Self::CONFLICT,
            StartError::Store(_) => Self::SERVICE_UNAVAILABLE,
            StartError::UnknownProvider | StartError::Unsupported(_) | StartError::Invalid(_) => {
                Self::INTERNAL_SERVER_ERROR
            }
        }
    }
}

impl Payments {
    /// Starts a payment: records it, places it at the gateway, and returns it with its pay link.
    ///
    /// Idempotent by number: started again with the same parameters it is the same payment, and what was left undone is
    /// done. If the gateway cannot be reached the payment is returned without a link, `trouble` says why, and the
    /// reconciler sends the same bytes again.
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
    /// use ucanpay_storefront::StartError;
    ///
    /// let order = StartPayment::new("A17", 450, "one latte")?;
    /// let view = payments.start(order.clone()).await?;
    /// let again = payments.start(order).await?; // the page was loaded anew
    /// assert_eq!(again.pay_link(), Some("https://pay.example/A17"));
    /// assert_eq!(again, view);
    ///
    /// let dearer = payments.start(StartPayment::new("A17", 500, "one latte")?).await;
    /// assert!(matches!(dearer, Err(StartError::Conflict(_))));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StartError`]: then nothing was sent. It stands in the log, too.
    pub async fn start(&self, start: StartPayment) -> Result<PaymentView, StartError> {
        let reference = start.reference.clone();
        self.record_and_place(start).await.inspect_err(|error| {
            tracing::error!(%reference, reason = words(error), "no payment was started");
        })
    }

    async fn record_and_place(&self, start: StartPayment) -> Result<PaymentView, StartError> {
        let provider = self
            .provider(start.provider.as_ref())
            .ok_or(StartError::UnknownProvider)?;
        let key = PaymentKey {
            provider: provider.id().clone(),
            reference: start.reference,
        };
        let intent = PaymentIntent {
            reference: key.reference.clone(),
            amount: start.amount,
            currency: start.currency,
            subject: start.subject,
            description: start.description,
        };
        let capabilities = provider.capabilities();
        let taken = capabilities.take_payment(
            &key.reference,
            intent.amount,
            intent.currency,
            start.expires_after,
        );
        if let Err(unsupported) = taken
            // What was recorded while it was taken is the same payment still.
            && self.store().load(&key).await?.is_none()
        {
            return Err(unsupported.into());
        }
        let request = provider.prepare_payment(&intent)?;
        let longest = capabilities.expires_by_itself.unwrap_or(DEFAULT_EXPIRY);
        let expires_after = start.expires_after.unwrap_or(DEFAULT_EXPIRY.min(longest));
        let new = NewPayment {
            merchant: provider.merchant().to_owned(),
            amount: intent.amount,
            currency: intent.currency,
            subject: intent.subject,
            description: intent.description,
            expires_at: self.now().after(expires_after),
            late_policy: self.shared.policies.late_payment,
            request,
        };
        let until = self.now().after(LEASE);
        let applied = self.apply(&key, Command::Create(new, until)).await?;
        let lease = match applied.outcome {
            Outcome::Recorded(lease) => lease,
            Outcome::Conflict(conflict) => return Err(conflict.into()),
            // Recorded before, by somebody who may have died before the call: do what is left, if it is free.
            _ => return self.take_up(&key, applied.view).await,
        };
        tracing::info!(payment = %key, "payment recorded");
        // From here on it is recorded, whatever happens: trouble with the database is not the caller's to repair.
        let placed = self.advance(&key, lease).await;
        let view = noted(&key, placed).or(applied.view);
        Ok(view.map(Arc::unwrap_or_clone).ok_or_else(vanished)?)
    }

    async fn take_up(
        &self,
        key: &PaymentKey,
        view: Option<Arc<PaymentView>>,
    ) -> Result<PaymentView, StartError> {
        let view = view.ok_or_else(vanished)?;
        if view.payment.pay_link.is_some() || view.payment.state.is_settled() {
            return Ok(Arc::unwrap_or_clone(view));
        }
        match self.refresh(key).await {
            Ok(view) => Ok(view),
            Err(super::RefreshError::Store(error)) => Err(error.into()),
            Err(super::RefreshError::NotFound) => Err(vanished().into()),
        }
    }
}

/// What a call after the commit brought, if the ledger could take it in.
pub(super) fn noted(
    key: &PaymentKey,
    called: Result<Option<Arc<PaymentView>>, StoreError>,
) -> Option<Arc<PaymentView>> {
    called.unwrap_or_else(|error| {
        tracing::error!(payment = %key, reason = words(&error), "the outcome of a call was not committed");
        None
    })
}

/// Rows are never deleted; a ledger that lost one was tampered with.
fn vanished() -> StoreError {
    StoreError::Corrupt {
        what: "payment that has just been recorded",
    }
}
