//! Money is to go back: the budget is reserved and the intent committed, then the call goes out.

use ucanpay_core::Amount;

use super::Payments;
use super::start::noted;
use crate::id::{PaymentKey, RefundNumber};
use crate::ledger::{
    Applied, Command, Conflict, LEASE, Lease, NewRefund, Outcome, Refund, RefundRefusal,
    refund_refusal,
};
use crate::provider::{PrepareError, RefundIntent, Unsupported};
use crate::store::StoreError;
use crate::time::Timestamp;
use crate::wording::Wording;

/// A refund to be made.
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
/// # gateway.pay(&key.reference)?;
/// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
/// use ucanpay_core::Amount;
/// use ucanpay_storefront::{RefundNumber, RefundRequest};
///
/// let request = RefundRequest {
///     number: Some(RefundNumber::new("A17R1")?),
///     amount: Amount::new(150)?,
///     reason: "the milk was cold".into(),
/// };
/// payments.refund(&key, request.clone()).await?;
/// payments.refund(&key, request).await?; // pressed twice
/// let view = payments.payment(&key).await?.expect("it was recorded");
/// assert_eq!((view.refunds.len(), view.refundable()), (1, 300));
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RefundRequest {
    /// The merchant's number, which makes it idempotent: asked for again under the same number, it is the same refund.
    /// `None` takes a fresh one, and then a repeated request is a second refund.
    pub number: Option<RefundNumber>,
    /// The cents to give back.
    pub amount: Amount,
    /// Why, in words the buyer may read. UCanPay: 1 to 64 characters, none of `= &`.
    pub reason: Wording,
}

/// Why a refund was not made. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefundError {
    /// There is no such payment.
    #[error("there is no such payment")]
    NotFound,
    /// The payment's provider is not registered any more.
    #[error("the provider of this payment is not registered")]
    UnknownProvider,
    /// The account takes no refunds, or not under this number, by its capabilities; shown, it says what is allowed.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The payment cannot be refunded so.
    #[error(transparent)]
    Refused(#[from] RefundRefusal),
    /// The number stands for another refund already.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The gateway would refuse it as it stands; the source names the field and its rule.
    #[error(transparent)]
    Invalid(#[from] PrepareError),
    /// The ledger could not be written, or did not confirm that it was: the refund may stand, and goes out then. Ask again
    /// under the same number, never under a fresh one; without a number of your own
    /// ([`RefundRequest::number`]) look at [`PaymentView::refunds`](crate::PaymentView::refunds) first.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Payments {
    /// Gives money back: reserves it, records the refund, and asks the gateway for it.
    ///
    /// The refund comes back as it stands: usually `Processing`. Its result follows by notification or query, as an
    /// event. If the gateway cannot be reached it stays `Requested`, and the reconciler sends the same bytes again.
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
    /// # gateway.pay(&key.reference)?;
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// # use ucanpay_core::Amount;
    /// use ucanpay_storefront::{RefundError, RefundRequest, RefundState};
    ///
    /// let back = |cents| Ok::<_, ucanpay_core::FieldError>(RefundRequest {
    ///     number: None, // a fresh one
    ///     amount: Amount::new(cents)?,
    ///     reason: "the milk was cold".into(),
    /// });
    /// let refund = payments.refund(&key, back(150)?).await?;
    /// assert_eq!(refund.state, RefundState::Processing);
    ///
    /// let too_much = payments.refund(&key, back(450)?).await;
    /// assert!(matches!(too_much, Err(RefundError::Refused(_))), "300 cents are left");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RefundError`]: then nothing was sent, unless it is [`RefundError::Store`].
    pub async fn refund(
        &self,
        key: &PaymentKey,
        request: RefundRequest,
    ) -> Result<Refund, RefundError> {
        let number = request.number.clone().unwrap_or_else(RefundNumber::random);
        let until = self.now().after(LEASE);
        let applied = self
            .record_refund(key, number.clone(), request, until, None)
            .await?;
        let view = match applied.outcome {
            Outcome::Recorded(lease) => {
                // From here on it is recorded, whatever happens: trouble with the database is not the caller's to repair.
                let called = self.advance(key, lease).await;
                noted(key, called).or(applied.view)
            }
            _ => applied.view,
        };
        view.and_then(|view| view.refund(&number).cloned())
            .ok_or(RefundError::NotFound)
    }

    /// Reserves the amount and records the intent, leased until then for the call that follows. `under`: as in
    /// [`NewRefund`].
    pub(super) async fn record_refund(
        &self,
        key: &PaymentKey,
        number: RefundNumber,
        request: RefundRequest,
        until: Timestamp,
        under: Option<Lease>,
    ) -> Result<Applied, RefundError> {
        let provider = self
            .provider(Some(&key.provider))
            .ok_or(RefundError::UnknownProvider)?;
        let view = self.store().load(key).await?.ok_or(RefundError::NotFound)?;
        let capabilities = provider.capabilities();
        let limits = capabilities.refunds;
        if view.refund(&number).is_none() {
            capabilities.take_refund(&number)?;
            if let Some(refusal) =
                refund_refusal(&view, &number, request.amount, limits, self.now())
            {
                return Err(refusal.into());
            }
        }
        let intent = RefundIntent {
            reference: key.reference.clone(),
            gateway_number: view.payment.gateway_number.ok_or(RefundRefusal::NotPaid)?,
            total: view.payment.amount,
            number: number.clone(),
            amount: request.amount,
            reason: request.reason,
        };
        let new = NewRefund {
            number: number.clone(),
            amount: request.amount,
            request: provider.prepare_refund(&intent)?,
            reason: intent.reason,
            limits,
            under,
        };
        let applied = self.apply(key, Command::RequestRefund(new, until)).await?;
        match applied.outcome {
            Outcome::RefundRefused(refusal) => Err(refusal.into()),
            Outcome::Conflict(conflict) => Err(conflict.into()),
            Outcome::Recorded(_) => {
                tracing::info!(payment = %key, refund = %number, "refund recorded");
                Ok(applied)
            }
            _ => Ok(applied),
        }
    }
}
