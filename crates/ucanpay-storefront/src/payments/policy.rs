//! What a merchant may decide otherwise than we do.

use std::sync::Arc;

use super::Payments;
use crate::ledger::LatePolicy;

/// What a merchant may decide. A message whose amount differs is always for review: there is no policy for that.
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
/// use ucanpay_storefront::{LatePolicy, Policies, UnmatchedPolicy};
///
/// let policies = Policies::default()
///     .with_late_payment(LatePolicy::AutoRefund)
///     .with_unmatched(UnmatchedPolicy::Nack);
/// let payments = payments.with_policies(policies);
///
/// let view = payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
/// assert_eq!(view.payment.late_policy, LatePolicy::AutoRefund);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policies {
    /// A payment comes after it was closed. Default: [`LatePolicy::Review`]. Fixed for each payment when it is started.
    pub late_payment: LatePolicy,
    /// A genuine notification speaks of no payment here. Default: [`UnmatchedPolicy::AckAndRecord`].
    pub unmatched: UnmatchedPolicy,
}

/// What a genuine notification about no payment of ours is answered. It is recorded and told in either case.
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
/// # let elsewhere = Payments::new(Arc::new(MemoryStore::new()), payments.registry().clone());
/// # let key = elsewhere.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
/// # gateway.pay(&key.reference)?;
/// # let came = gateway.notifications().remove(0);
/// use ucanpay_storefront::{NotificationError, Policies, UnmatchedPolicy};
///
/// // It speaks of a payment that this ledger does not know.
/// assert!(payments.handle_notification(came.clone()).await.is_ok());
///
/// let strict = payments.with_policies(Policies::default().with_unmatched(UnmatchedPolicy::Nack));
/// let refused = strict.handle_notification(came).await;
/// assert!(matches!(refused, Err(NotificationError::Unmatched { .. })));
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnmatchedPolicy {
    /// Acknowledged: sending it again would not change it.
    #[default]
    AckAndRecord,
    /// Refused, so that it comes again: for a ledger that may learn of its payments after the gateway.
    Nack,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            late_payment: LatePolicy::Review,
            unmatched: UnmatchedPolicy::default(),
        }
    }
}

impl Policies {
    /// The same with this policy for late payments.
    #[must_use]
    pub fn with_late_payment(mut self, policy: LatePolicy) -> Self {
        self.late_payment = policy;
        self
    }

    /// The same with this policy for unmatched notifications.
    #[must_use]
    pub fn with_unmatched(mut self, policy: UnmatchedPolicy) -> Self {
        self.unmatched = policy;
        self
    }
}

impl Payments {
    /// The same ledger with these policies.
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
    /// use ucanpay_storefront::{LatePolicy, Policies, RefundNumber};
    ///
    /// let back = Policies::default().with_late_payment(LatePolicy::AutoRefund);
    /// let payments = payments.with_policies(back);
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// # let _closed = payments.close(&key).await?;
    /// # gateway.pay(&key.reference)?; // it was under way
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// // It was paid after its close; the reconciler sees to it, or whoever looks.
    /// let view = payments.refresh(&key).await?;
    /// assert_eq!(view.refunds[0].number, RefundNumber::of_late_payment(&key));
    /// assert_eq!(view.refunds[0].amount.cents(), 450);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn with_policies(mut self, policies: Policies) -> Self {
        Arc::make_mut(&mut self.shared).policies = policies;
        self
    }
}
