//! The gateway calls: verify, commit, and only then acknowledge.

use std::sync::Arc;

use super::{Payments, UnmatchedPolicy, words};
use crate::id::{PaymentKey, Reference};
use crate::ledger::{Command, Outcome, Verdict};
use crate::measure;
use crate::provider::{
    Acknowledgement, Fact, NotificationRefused, PaymentProvider, RawNotification, Reply,
};
use crate::store::StoreError;

/// Proof that a notification was committed. It cannot be made in any other way, so nothing can be acknowledged before.
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
/// # let came = gateway.notifications().remove(0);
/// let receipt = payments.handle_notification(came).await?;
/// assert_eq!(receipt.reply().content_type, "text/plain");
/// assert_eq!(receipt.into_reply().body, "taken"); // in the words of this gateway
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Debug)]
#[must_use = "answer the gateway with it, or the notification comes again"]
pub struct Receipt {
    reply: Reply,
}

impl Receipt {
    /// The acknowledgement, in the gateway's words.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The acknowledgement, to send off.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        self.reply
    }
}

/// Why a notification is not acknowledged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotificationError {
    /// It came for an account that is not registered. Nothing was written.
    #[error("no payment provider of this id is registered")]
    UnknownProvider,
    /// It cannot be read or trusted. Nothing was written. Answer 4xx with this reply.
    #[error("the notification was refused")]
    Refused {
        /// The refusal, in the gateway's words.
        reply: Reply,
        /// The reason, for the log. It is not told to the sender.
        #[source]
        source: NotificationRefused,
    },
    /// It is genuine and recorded, and speaks of no payment here; [`UnmatchedPolicy::Nack`] wants it again. Answer 503
    /// with this reply.
    #[error("the notification speaks of no payment of ours")]
    Unmatched {
        /// The refusal, in the gateway's words.
        reply: Reply,
    },
    /// It is genuine, and could not be committed. Answer 503 with this reply; it comes again.
    #[error("the notification could not be committed")]
    Unavailable {
        /// The refusal, in the gateway's words.
        reply: Reply,
        /// The trouble.
        #[source]
        source: StoreError,
    },
}

impl Payments {
    /// Takes in a notification: verifies it, matches it with the ledger, and commits evidence, transition and event in
    /// one transaction. The [`Receipt`] that comes back is the right to acknowledge.
    ///
    /// A copy has no further effect. One that does not match, or speaks of no payment of ours, is kept, flagged and
    /// acknowledged: sending it again would not change it.
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
    /// use ucanpay_storefront::{NotificationError, NotificationTopic, PaymentState, RawNotification};
    ///
    /// # gateway.pay(&key.reference)?;
    /// # let body = gateway.notifications().remove(0).body;
    /// let came = RawNotification::new(NotificationTopic::Payment, body); // the bytes as they were posted
    /// let receipt = payments.handle_notification(came).await?;
    /// assert_eq!(receipt.into_reply().body, "taken"); // the answer to send
    /// let view = payments.payment(&key).await?.expect("it was recorded");
    /// assert_eq!(view.payment.state, PaymentState::Paid);
    ///
    /// let forged = RawNotification::new(NotificationTopic::Payment, "A18 is paid");
    /// let refused = payments.handle_notification(forged).await;
    /// assert!(matches!(refused, Err(NotificationError::Refused { .. })));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`NotificationError`], with the reply to answer by.
    pub async fn handle_notification(
        &self,
        notification: RawNotification,
    ) -> Result<Receipt, NotificationError> {
        let taken = self.take_notification(notification).await;
        measure::notification(taken.as_ref().map(|_| ()));
        taken
    }

    async fn take_notification(
        &self,
        notification: RawNotification,
    ) -> Result<Receipt, NotificationError> {
        let (provider, key, fact) = self.verified(&notification)?;
        let observe = Command::Observe(Box::new(fact), None);
        match self.apply(&key, observe).await {
            Ok(applied) => self.receipt(&*provider, &key, applied.outcome),
            Err(error) => Err(unavailable(&*provider, &key, error)),
        }
    }

    /// The fact that a notification proves, and the payment it speaks of.
    pub(super) fn verified(
        &self,
        notification: &RawNotification,
    ) -> Result<(Arc<dyn PaymentProvider>, PaymentKey, Fact), NotificationError> {
        let provider = self
            .provider(notification.provider.as_ref())
            .ok_or(NotificationError::UnknownProvider)?;
        let fact = provider
            .parse_notification(notification)
            .map_err(|source| {
                tracing::warn!(provider = %provider.id(), reason = words(&source), "notification refused");
                NotificationError::Refused {
                    reply: provider.acknowledge(Acknowledgement::Refused("not verified")),
                    source,
                }
            })?;
        let key = PaymentKey {
            provider: provider.id().clone(),
            reference: Reference::stated(fact.reference.as_deref().unwrap_or_default()),
        };
        Ok((provider, key, fact))
    }

    /// What to answer, after the commit.
    pub(super) fn receipt(
        &self,
        provider: &dyn PaymentProvider,
        key: &PaymentKey,
        outcome: Outcome,
    ) -> Result<Receipt, NotificationError> {
        match outcome {
            Outcome::Observed(Verdict::Review(reason)) => {
                tracing::warn!(payment = %key, reason, "notification needs review");
                self.shared.wake.reconciler.notify_one();
            }
            Outcome::Observed(Verdict::Unmatched) => {
                tracing::warn!(payment = %key, "notification of no payment of ours");
                if self.shared.policies.unmatched == UnmatchedPolicy::Nack {
                    let reply = provider.acknowledge(Acknowledgement::Refused("no such order yet"));
                    return Err(NotificationError::Unmatched { reply });
                }
            }
            _ => tracing::info!(payment = %key, "notification committed"),
        }
        Ok(Receipt {
            reply: provider.acknowledge(Acknowledgement::Committed),
        })
    }
}

/// What to answer to a notification that could not be committed.
pub(super) fn unavailable(
    provider: &dyn PaymentProvider,
    key: &PaymentKey,
    source: StoreError,
) -> NotificationError {
    tracing::error!(payment = %key, reason = words(&source), "notification not committed");
    NotificationError::Unavailable {
        reply: provider.acknowledge(Acknowledgement::Refused("try again later")),
        source,
    }
}
