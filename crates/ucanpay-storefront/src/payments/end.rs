//! A payment is to end: the buyer's time is up, the cart has changed, the outcome stays unclear.
//!
//! The wish is committed first. Then, under a lease: query, close (or reverse), query. Whatever breaks off, the row
//! stands as expired or as to be reversed, and the reconciler goes on. Only a signed answer ends anything: ORDERPAID and
//! ORDERCLOSED are hints to ask.

use std::sync::Arc;

use super::advance::{LEFT_OPEN, is_to_wait, telling};
use super::gate::Gate;
use super::{Payments, words};
use crate::id::PaymentKey;
use crate::ledger::{
    Command, LEASE, Lease, Outcome, PaymentState, PaymentView, Reversal, ReversalRefusal, Tell,
};
use crate::provider::{Cancellation, Fact, ProviderError, ProviderErrorKind as Kind};
use crate::store::StoreError;

/// What is known after a close. Require the proof where stock is released or goods are shipped.
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
/// use ucanpay_storefront::{ClosedProof, Closing, PaidProof};
///
/// fn back_on_the_shelf(order: &ClosedProof) -> String {
///     format!("{} goes back", order.view().payment.key.reference)
/// }
/// fn ship(order: &PaidProof) -> String {
///     format!("{} is shipped", order.view().payment.key.reference)
/// }
///
/// let told = match payments.close(&key).await? {
///     Closing::Closed(proof) => back_on_the_shelf(&proof),
///     Closing::Paid(proof) => ship(&proof), // they paid at this very moment
///     Closing::StillOpen(_) => "an event tells it later".to_owned(),
/// };
/// assert_eq!(told, "A17 goes back");
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a payment that is still open may yet be paid"]
pub enum Closing {
    /// The gateway has signed that it can no longer be paid.
    Closed(ClosedProof),
    /// The gateway has signed that it was paid.
    Paid(PaidProof),
    /// Neither is known yet. The wish stands: the reconciler goes on, and an event tells the end.
    StillOpen(PaymentView),
}

/// Proof that the gateway has signed the end of a payment that was not paid. It cannot be made in any other way.
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
/// use ucanpay_storefront::{Closing, PaymentState};
///
/// let Closing::Closed(proof) = payments.close(&key).await? else {
///     return Err("it is not closed".into());
/// };
/// assert_eq!(proof.view().payment.state, PaymentState::Closed);
/// assert_eq!(proof.view().pay_link(), None);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClosedProof(PaymentView);

/// Proof that the gateway has signed that a payment was paid. It cannot be made in any other way. A reversal later does
/// not undo it: see [`Payment::reversal`](crate::Payment::reversal).
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
/// use ucanpay_storefront::Closing;
///
/// gateway.pay(&key.reference)?; // and the notification is still on its way
/// let Closing::Paid(proof) = payments.close(&key).await? else {
///     return Err("it was paid".into());
/// };
/// assert_eq!(proof.view().refundable(), 450);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PaidProof(PaymentView);

impl ClosedProof {
    /// The payment as it stood then.
    pub fn view(&self) -> &PaymentView {
        &self.0
    }
}

impl PaidProof {
    /// The payment as it stood then.
    pub fn view(&self) -> &PaymentView {
        &self.0
    }
}

impl Closing {
    fn of(view: PaymentView) -> Self {
        match view.payment.state {
            PaymentState::Closed => Self::Closed(ClosedProof(view)),
            PaymentState::Paid => Self::Paid(PaidProof(view)),
            _ => Self::StillOpen(view),
        }
    }

    /// The payment as it stood then.
    pub fn view(&self) -> &PaymentView {
        match self {
            Self::Closed(ClosedProof(view))
            | Self::Paid(PaidProof(view))
            | Self::StillOpen(view) => view,
        }
    }
}

/// Why the end of a payment was not recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndError {
    /// There is no such payment.
    #[error("there is no such payment")]
    NotFound,
    /// The payment's provider is not registered, or does not reverse payments. Nothing was sent; close or refund it.
    #[error("the provider of this payment is not registered or does not reverse payments")]
    NoReversals,
    /// The payment cannot be reversed. Nothing was sent.
    #[error(transparent)]
    Refused(#[from] ReversalRefusal),
    /// The ledger could not be written, or did not confirm that it was. Ask again: twice is once.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Payments {
    /// Ends a payment that is not to be paid any more: commits that our time for it is up, then asks the gateway to close
    /// it. While that is left open the reconciler goes on, and after half an hour a person is told.
    ///
    /// Before stock is released, or the cart gets a new number, require the [`ClosedProof`].
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
    /// use ucanpay_storefront::Closing;
    /// use ucanpay_storefront::provider::NextCall;
    ///
    /// gateway.next_call(NextCall::Unreachable);
    /// let closing = payments.close(&key).await?;
    /// assert!(matches!(closing, Closing::StillOpen(_)), "nobody knows, so nothing is released");
    ///
    /// let closing = payments.close(&key).await?; // asked again, as the reconciler does by itself
    /// assert!(matches!(closing, Closing::Closed(_)));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`EndError`]. A gateway that does not answer is not an error: the payment is still open then.
    pub async fn close(&self, key: &PaymentKey) -> Result<Closing, EndError> {
        let until = self.now().after(LEASE);
        self.end_by(key, Command::Close(None, until))
            .await
            .map(Closing::of)
    }

    /// Undoes a payment whose outcome stays unclear: commits the wish, then asks the gateway to reverse it. Then
    /// [`reversal`](crate::Payment::reversal) is `Done`. A payment that was not seen paid is `Closed`; one that was stays
    /// `Paid`, and `MoneyReturned` is told.
    ///
    /// If the gateway does not reverse it, `reversal` is `Refused` and `trouble` says so: use a refund. Of a payment that is
    /// paid a person is told ([`Refused`](crate::ledger::DiscrepancyKind::Refused)). While it is `Requested`, the reconciler
    /// goes on, and nothing can be refunded. Where that lasts for half an hour a person is told; closing that discrepancy
    /// withdraws the wish.
    ///
    /// A payment that proves to be paid is told as paid, and then returned: ship nothing of an order that is being reversed,
    /// whatever an event says ([`is_to_end`](PaymentView::is_to_end)).
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
    /// use ucanpay_storefront::{PaymentState, Reversal};
    ///
    /// let view = payments.reverse(&key).await?;
    /// assert_eq!(view.payment.reversal, Some(Reversal::Done));
    /// assert_eq!(view.payment.state, PaymentState::Paid);
    /// assert!(view.was_reversed());
    /// assert_eq!(view.refundable(), 0);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`EndError`]: then nothing was sent, unless it is [`EndError::Store`].
    pub async fn reverse(&self, key: &PaymentKey) -> Result<PaymentView, EndError> {
        let window = self
            .provider(Some(&key.provider))
            .and_then(|provider| provider.capabilities().reversal_window)
            .ok_or(EndError::NoReversals)?;
        let until = self.now().after(LEASE);
        self.end_by(key, Command::Reverse { window, until }).await
    }

    async fn end_by(&self, key: &PaymentKey, command: Command) -> Result<PaymentView, EndError> {
        let applied = self.apply(key, command).await?;
        let view = match applied.outcome {
            Outcome::Claimed(lease) => {
                tracing::info!(payment = %key, "the end of the payment is asked for");
                // It is committed, whatever becomes of the calls.
                super::start::noted(key, self.advance(key, lease).await).or(applied.view)
            }
            Outcome::ReversalRefused(refusal) => return Err(refusal.into()),
            _ => applied.view,
        };
        view.map(Arc::unwrap_or_clone).ok_or(EndError::NotFound)
    }

    /// Query, close or reverse, query: under the lease, which is renewed with each answer.
    pub(super) async fn end(
        &self,
        key: &PaymentKey,
        view: Arc<PaymentView>,
        lease: Lease,
        gate: Gate<'_>,
    ) -> Result<Option<Arc<PaymentView>>, StoreError> {
        let (mut view, mut lease) = (view, lease);
        if !matches!(
            view.payment.state,
            PaymentState::Expired | PaymentState::Paid
        ) {
            let close = Command::Close(Some(lease), self.now().after(LEASE));
            match self.held(key, close).await? {
                Held::On(now, then) => (view, lease) = (now, then),
                Held::Over(view) => return Ok(view),
            }
        }
        let intent = view.payment.intent();
        if view.payment.gateway_number.is_none() {
            // The answer that would have brought the number was lost, or never asked for: the same bytes bring it.
            let mut placed = place(gate, &view).await;
            match self.signed_anew(key, &view, &lease, gate, &placed).await? {
                None => {}
                Some(Held::On(now, then)) => {
                    (view, lease) = (now, then);
                    placed = place(gate, &view).await;
                }
                Some(Held::Over(view)) => return Ok(view),
            }
            match placed {
                Ok(fact) => match self.take_in(key, fact, lease).await? {
                    Held::On(now, then) => (view, lease) = (now, then),
                    Held::Over(view) => return Ok(view),
                },
                Err(error) if error.kind() == Kind::Blocked => {
                    return self.not_yet(key, lease, &error, false).await;
                }
                Err(_) => {}
            }
        }
        let number = view.payment.gateway_number.clone();
        // The stock waits for the end, or the buyer for their money; and it may be paid, where nobody can be asked.
        let left_open = self.now().since(view.payment.expires_at) > LEFT_OPEN;
        let query =
            async |number: Option<&str>| gate.open().await?.query_payment(&intent, number).await;
        match query(number.as_deref()).await {
            Ok(fact) => match self.take_in(key, fact, lease).await? {
                Held::On(now, then) => (view, lease) = (now, then),
                Held::Over(view) => return Ok(view),
            },
            // The gateway spoke, and said nothing clear: one that tells no unpaid order says ORDERNOTEXIST. A reversal is for
            // just this, and what is paid it does not close. The row is read again: it may have moved meanwhile.
            Err(error) if error.kind() == Kind::AskFirst => {
                let go_on = Command::Close(Some(lease), self.now().after(LEASE));
                match self.held(key, go_on).await? {
                    Held::On(now, then) => (view, lease) = (now, then),
                    Held::Over(view) => return Ok(view),
                }
            }
            // An answer came, and cannot be used: it will not mend itself. (Where none came, the next one may.)
            Err(error) => {
                let came = matches!(
                    error.kind(),
                    Kind::Untrusted | Kind::BadSignature | Kind::Later | Kind::Config
                );
                let left_open = left_open && came && !is_to_wait(&error);
                return self.not_yet(key, lease, &error, left_open).await;
            }
        }
        let how = how_to_end(&view);
        if how == Cancellation::Reverse && view.money_went_back() {
            let trouble = "money of this payment went back already; it is not reversed".to_owned();
            return Ok(self
                .apply(key, Command::RefuseReversal(lease, trouble))
                .await?
                .view);
        }
        let number = view.payment.gateway_number.clone();
        let cancelled = async {
            let provider = gate.open_under(&lease).await?;
            let number = number.as_deref();
            provider.cancel_payment(&intent, number, how).await
        };
        let doubt = match cancelled.await {
            Ok(fact) => match self.take_in(key, fact, lease).await? {
                Held::On(now, then) => {
                    (view, lease) = (now, then);
                    None
                }
                Held::Over(view) => return Ok(view),
            },
            Err(error)
                if matches!(
                    error.kind(),
                    Kind::Unreachable | Kind::Later | Kind::Blocked | Kind::Config
                ) =>
            {
                let came = matches!(error.kind(), Kind::Later | Kind::Config);
                let left_open = left_open && came && !is_to_wait(&error);
                return self.not_yet(key, lease, &error, left_open).await;
            }
            Err(error) => Some(error),
        };
        // Of another wish than this call was for nobody is told yet.
        let left_open = |view: &PaymentView| left_open && how_to_end(view) == how;
        match query(number.as_deref()).await {
            Ok(fact) => match (self.take_in(key, fact, lease).await?, doubt) {
                (Held::Over(view), _) => Ok(view),
                (Held::On(view, lease), Some(error)) => {
                    let left_open = left_open(&view);
                    self.still_open(key, &view, lease, how, left_open, &error)
                        .await
                }
                (Held::On(view, lease), None) => {
                    let trouble = "the gateway has not ended the payment yet".to_owned();
                    let tell = match left_open(&view) {
                        true => Tell::Once,
                        false => Tell::Nobody,
                    };
                    self.give_up(key, lease, trouble, tell, None).await
                }
            },
            Err(error) => {
                let heard = error.kind() == Kind::AskFirst;
                let error = match doubt {
                    Some(doubt) => telling(doubt, error),
                    None => error,
                };
                self.not_yet(key, lease, &error, heard && left_open(&view))
                    .await
            }
        }
    }

    /// The call was refused, and a signed answer shows that the payment has not ended.
    async fn still_open(
        &self,
        key: &PaymentKey,
        view: &PaymentView,
        lease: Lease,
        how: Cancellation,
        left_open: bool,
        error: &ProviderError,
    ) -> Result<Option<Arc<PaymentView>>, StoreError> {
        if how == Cancellation::Reverse && error.kind() == Kind::NotThisWay {
            let next = match view.payment.state {
                PaymentState::Paid => "refund it instead",
                _ => "it is closed instead",
            };
            let trouble = format!("{}; {next}", words(error));
            return Ok(self
                .apply(key, Command::RefuseReversal(lease, trouble))
                .await?
                .view);
        }
        self.not_yet(key, lease, error, left_open).await
    }

    /// The end is asked for again. A person is told of what the gateway refuses, and of what it was heard to leave open for
    /// too long.
    async fn not_yet(
        &self,
        key: &PaymentKey,
        lease: Lease,
        error: &ProviderError,
        left_open: bool,
    ) -> Result<Option<Arc<PaymentView>>, StoreError> {
        tracing::warn!(payment = %key, reason = words(error), "the payment could not be ended yet");
        let tell = match error.kind() {
            Kind::Refused => Tell::Again,
            _ if left_open => Tell::Once,
            _ => Tell::Nobody,
        };
        self.give_up_on(key, lease, error, tell).await
    }

    async fn take_in(
        &self,
        key: &PaymentKey,
        fact: Fact,
        lease: Lease,
    ) -> Result<Held, StoreError> {
        let until = self.now().after(LEASE);
        self.held(key, Command::ObserveAndHold(Box::new(fact), lease, until))
            .await
    }

    pub(super) async fn held(
        &self,
        key: &PaymentKey,
        command: Command,
    ) -> Result<Held, StoreError> {
        let applied = self.apply(key, command).await?;
        Ok(match (applied.outcome, applied.view) {
            (Outcome::Claimed(lease), Some(view)) => Held::On(view, lease),
            (_, view) => Held::Over(view),
        })
    }
}

/// The wish that stands.
fn how_to_end(view: &PaymentView) -> Cancellation {
    match view.payment.reversal {
        Some(Reversal::Requested) => Cancellation::Reverse,
        _ => Cancellation::Close,
    }
}

/// Sends the bytes that place the payment.
async fn place(gate: Gate<'_>, view: &PaymentView) -> Result<Fact, ProviderError> {
    let (intent, request) = (view.payment.intent(), &view.payment.request);
    gate.open().await?.create_payment(&intent, request).await
}

/// Whether the row is still ours, for the next call.
pub(super) enum Held {
    On(Arc<PaymentView>, Lease),
    Over(Option<Arc<PaymentView>>),
}
