//! What a test can make buyers, the network and the gateway do.

use super::ScriptedProvider;
use crate::id::{Reference, RefundNumber};
use crate::provider::{
    NotificationTopic, PaymentStatus, ProviderErrorKind, RawNotification, RefundStatus,
};

/// What becomes of a call that would otherwise go well.
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
/// use ucanpay_storefront::PaymentState;
/// use ucanpay_storefront::provider::NextCall;
///
/// gateway.next_call(NextCall::Unreachable); // the first call
/// gateway.next_call(NextCall::Works); // the second one; and later ones, of which nothing is said
/// let order = StartPayment::new("A17", 450, "one latte")?;
/// let view = payments.start(order.clone()).await?;
/// assert_eq!(view.payment.trouble.as_deref(), Some("no connection: nobody listens"));
/// let view = payments.start(order).await?;
/// assert_eq!(view.payment.state, PaymentState::AwaitingPayment);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextCall {
    /// All goes well: it is a later call that does not.
    Works,
    /// It does not reach the gateway.
    Unreachable,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// An error of this kind comes back; nothing takes effect.
    Says(ProviderErrorKind),
    /// It takes effect, and an error of this kind comes back.
    DoneButSays(ProviderErrorKind),
}

/// What the script asks for cannot happen at this gateway.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The gateway knows no order, or no refund, of this number.
    #[error("the scripted gateway knows no order or refund {0}; was it placed?")]
    Unknown(String),
    /// It has ended in another way already.
    #[error("{0} has ended already")]
    Ended(String),
}

impl ScriptedProvider {
    /// Says what becomes of the next call that nothing has been said about yet. Every call counts, queries too.
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
    /// use ucanpay_storefront::provider::{NextCall, ProviderErrorKind};
    ///
    /// gateway.next_call(NextCall::Says(ProviderErrorKind::Later)); // the gateway is busy
    /// let view = payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
    /// assert_eq!(view.pay_link(), None);
    /// let view = payments.refresh(&view.payment.key).await?;
    /// assert!(view.pay_link().is_some());
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn next_call(&self, next: NextCall) {
        self.gateway().script.push_back(next);
    }

    /// The buyer pays, and the gateway notifies. An order that was closed is paid all the same: the payment was under way,
    /// and comes late.
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
    /// use ucanpay_storefront::Reference;
    ///
    /// gateway.pay(&key.reference)?;
    /// assert_eq!(gateway.notifications().len(), 1);
    /// assert!(gateway.pay(&key.reference).is_err(), "it is paid");
    /// assert!(gateway.pay(&Reference::new("A18")?).is_err(), "it was never placed");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such order, or it was paid or reversed already.
    pub fn pay(&self, reference: &Reference) -> Result<(), ScriptError> {
        self.becomes(reference, &PaymentStatus::Paid)
    }

    /// The buyer tries to pay and fails, and the gateway notifies. They may try again.
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
    /// gateway.fail(&key.reference)?; // the card was refused
    /// let view = payments.refresh(&key).await?;
    /// assert_eq!(view.payment.state, PaymentState::Failed);
    /// gateway.pay(&key.reference)?; // another card
    /// let view = payments.refresh(&key).await?;
    /// assert_eq!(view.payment.state, PaymentState::Paid);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such order, or it has ended.
    pub fn fail(&self, reference: &Reference) -> Result<(), ScriptError> {
        self.becomes(reference, &PaymentStatus::Failed)
    }

    /// The gateway closes an order by itself, and notifies.
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
    /// gateway.close(&key.reference)?;
    /// let view = payments.refresh(&key).await?;
    /// assert_eq!(view.payment.state, PaymentState::Closed);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such order, or it has ended.
    pub fn close(&self, reference: &Reference) -> Result<(), ScriptError> {
        self.becomes(reference, &PaymentStatus::Closed)
    }

    /// A refund ends well, and the gateway notifies. Until one of these two is called, a refund stays under way.
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
    /// # use ucanpay_storefront::RefundRequest;
    /// # let request = RefundRequest { number: None, amount: Amount::new(150)?, reason: "cold milk".into() };
    /// use ucanpay_storefront::RefundState;
    ///
    /// let refund = payments.refund(&key, request).await?;
    /// assert_eq!(refund.state, RefundState::Processing);
    /// gateway.succeed_refund(&refund.number)?;
    /// let view = payments.refresh(&key).await?;
    /// assert_eq!(view.refunded(), 150);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such refund, or it has succeeded already.
    pub fn succeed_refund(&self, number: &RefundNumber) -> Result<(), ScriptError> {
        self.refund_becomes(number, &RefundStatus::Succeeded)
    }

    /// A refund fails, and the gateway notifies. It may be submitted again.
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
    /// # use ucanpay_storefront::RefundRequest;
    /// # let request = RefundRequest { number: None, amount: Amount::new(150)?, reason: "cold milk".into() };
    /// use ucanpay_storefront::RefundState;
    ///
    /// let refund = payments.refund(&key, request).await?;
    /// gateway.fail_refund(&refund.number)?;
    /// let view = payments.refresh(&key).await?;
    /// assert_eq!(view.refunds[0].state, RefundState::Failed);
    /// assert_eq!(view.refundable(), 450, "it may be asked for again");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such refund, or it has succeeded already.
    pub fn fail_refund(&self, number: &RefundNumber) -> Result<(), ScriptError> {
        self.refund_becomes(number, &RefundStatus::Failed)
    }

    /// The notifications that the gateway has sent since this was last asked, oldest first. Hand them to
    /// [`Payments::handle_notification`](crate::Payments::handle_notification): once, twice, in another order, or not at
    /// all.
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
    /// gateway.pay(&key.reference)?;
    /// let came = gateway.notifications().remove(0);
    /// for _ in 0..2 {
    ///     let _receipt = payments.handle_notification(came.clone()).await?; // the second one changes nothing
    /// }
    /// assert!(gateway.notifications().is_empty(), "each is handed out once");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn notifications(&self) -> Vec<RawNotification> {
        let told = std::mem::take(&mut self.gateway().told);
        told.into_iter()
            .map(|(topic, message)| {
                RawNotification::new(topic, message.signed(&self.key))
                    .with_provider(self.id.clone())
            })
            .collect()
    }

    /// How many calls were made, those included that the script spoilt.
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
    /// assert_eq!(gateway.calls(), 1); // it was placed
    /// payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
    /// assert_eq!(gateway.calls(), 1, "there is a link already");
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn calls(&self) -> usize {
        self.gateway().calls
    }

    fn becomes(&self, reference: &Reference, status: &PaymentStatus) -> Result<(), ScriptError> {
        let mut gateway = self.gateway();
        let number = reference.as_str();
        let unknown = || ScriptError::Unknown(number.to_owned());
        let order = gateway.orders.get_mut(number).ok_or_else(unknown)?;
        let ended = match order.status {
            PaymentStatus::Paid | PaymentStatus::PaidAndReturned | PaymentStatus::Reversed => true,
            PaymentStatus::Closed => *status != PaymentStatus::Paid,
            _ => false,
        };
        if ended {
            return Err(ScriptError::Ended(number.to_owned()));
        }
        order.status = status.clone();
        let message = gateway
            .payment_message(number, status)
            .map_err(|_| unknown())?;
        gateway.told.push((NotificationTopic::Payment, message));
        Ok(())
    }

    fn refund_becomes(
        &self,
        number: &RefundNumber,
        status: &RefundStatus,
    ) -> Result<(), ScriptError> {
        let mut gateway = self.gateway();
        let number = number.as_str();
        let unknown = || ScriptError::Unknown(number.to_owned());
        let refund = gateway.refunds.get_mut(number).ok_or_else(unknown)?;
        if refund.status == RefundStatus::Succeeded {
            return Err(ScriptError::Ended(number.to_owned()));
        }
        refund.status = status.clone();
        let reference = refund.reference.clone();
        let message = gateway.refund_message(number).map_err(|_| unknown())?;
        gateway.told.push((NotificationTopic::Refund, message));
        if *status == RefundStatus::Succeeded
            && let Some(order) = gateway.orders.get_mut(&reference)
        {
            order.status = PaymentStatus::PaidAndReturned;
        }
        Ok(())
    }
}
