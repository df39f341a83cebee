//! What a test can make buyers, the network and the gateway do.

use super::ScriptedProvider;
use crate::id::{Reference, RefundNumber};
use crate::provider::{
    NotificationTopic, PaymentStatus, ProviderErrorKind, RawNotification, RefundStatus,
};

/// What becomes of a call that would otherwise go well.
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
    pub fn next_call(&self, next: NextCall) {
        self.gateway().script.push_back(next);
    }

    /// The buyer pays, and the gateway notifies. An order that was closed is paid all the same: the payment was under way,
    /// and comes late.
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such order, or it was paid or reversed already.
    pub fn pay(&self, reference: &Reference) -> Result<(), ScriptError> {
        self.becomes(reference, &PaymentStatus::Paid)
    }

    /// The buyer tries to pay and fails, and the gateway notifies. They may try again.
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such order, or it has ended.
    pub fn fail(&self, reference: &Reference) -> Result<(), ScriptError> {
        self.becomes(reference, &PaymentStatus::Failed)
    }

    /// The gateway closes an order by itself, and notifies.
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such order, or it has ended.
    pub fn close(&self, reference: &Reference) -> Result<(), ScriptError> {
        self.becomes(reference, &PaymentStatus::Closed)
    }

    /// A refund ends well, and the gateway notifies. Until one of these two is called, a refund stays under way.
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such refund, or it has succeeded already.
    pub fn succeed_refund(&self, number: &RefundNumber) -> Result<(), ScriptError> {
        self.refund_becomes(number, &RefundStatus::Succeeded)
    }

    /// A refund fails, and the gateway notifies. It may be submitted again.
    ///
    /// # Errors
    /// [`ScriptError`] if there is no such refund, or it has succeeded already.
    pub fn fail_refund(&self, number: &RefundNumber) -> Result<(), ScriptError> {
        self.refund_becomes(number, &RefundStatus::Failed)
    }

    /// The notifications that the gateway has sent since this was last asked, oldest first. Hand them to
    /// [`Payments::handle_notification`](crate::Payments::handle_notification): once, twice, in another order, or not at
    /// all.
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
