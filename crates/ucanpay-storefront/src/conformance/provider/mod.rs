//! The suite for a provider: what the ledger relies on, tried with whole payments.
//!
//! | file | story |
//! |---|---|
//! | `subject.rs` | the provider as the checks use it |
//! | `placing.rs` | preparing, placing, asking |
//! | `declared.rs` | what the capabilities say is so |
//! | `notification.rs` | genuine ones are taken, altered ones are not |
//! | `refund.rs` | money goes back once |
//! | `ending.rs` | close and reverse |
//! | `whole.rs` | one payment through the ledger |

mod declared;
mod ending;
mod notification;
mod placing;
mod refund;
mod subject;
mod whole;

use std::sync::Arc;

use async_trait::async_trait;
use ucanpay_core::{Amount, Currency};

use self::subject::Subject;
use super::report::Report;
use crate::id::{Reference, RefundNumber};
use crate::provider::{PaymentIntent, PaymentProvider, RawNotification};

/// What the author's side of a suite fails with.
pub type TestError = Box<dyn std::error::Error + Send + Sync>;

/// A provider, and someone at the other end of its gateway.
///
/// The suite runs its expectations one after the other, each with payments of its own; payments that stand there already
/// are no hindrance.
///
/// ```
/// # #[cfg(feature = "mock")]
/// # {
/// # use std::sync::Arc;
/// # use async_trait::async_trait;
/// use ucanpay_storefront::conformance::{self, ProviderUnderTest, TestError};
/// use ucanpay_storefront::provider::{NextCall, PaymentIntent, ScriptedProvider};
/// use ucanpay_storefront::{PaymentProvider, RawNotification, RefundNumber};
///
/// struct Scripted(ScriptedProvider);
///
/// #[async_trait]
/// impl ProviderUnderTest for Scripted {
///     fn provider(&self) -> Arc<dyn PaymentProvider> {
///         Arc::new(self.0.clone())
///     }
///
///     async fn pay(&self, payment: &PaymentIntent) -> Result<(), TestError> {
///         Ok(self.0.pay(&payment.reference)?)
///     }
///
///     async fn notifications(&self) -> Result<Vec<RawNotification>, TestError> {
///         Ok(self.0.notifications())
///     }
///
///     async fn settle_refund(&self, refund: &RefundNumber) -> Result<(), TestError> {
///         Ok(self.0.succeed_refund(refund)?)
///     }
///
///     async fn lose_next_answer(&self) -> bool {
///         self.0.next_call(NextCall::AnswerLost);
///         true
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let report = conformance::provider(&Scripted(ScriptedProvider::new())).await;
/// report.assert_met();
/// # }
/// # main();
/// # }
/// ```
#[async_trait]
pub trait ProviderUnderTest: Send + Sync {
    /// The provider. The same account at every call.
    fn provider(&self) -> Arc<dyn PaymentProvider>;

    /// A payment that the gateway would take, under a number it has never seen. At least one cent for each refund that a
    /// payment may have.
    fn intent(&self) -> PaymentIntent {
        PaymentIntent {
            reference: Reference::random(),
            amount: Amount::new(450).expect("the literal is an amount"),
            currency: Currency::CAD,
            subject: "coffee".into(),
            description: "one latte".into(),
        }
    }

    /// The buyer pays this payment, which was placed before.
    async fn pay(&self, payment: &PaymentIntent) -> Result<(), TestError>;

    /// What came to the notify URLs since this was last asked, as it came. Asked again for some seconds while something is
    /// missing.
    async fn notifications(&self) -> Result<Vec<RawNotification>, TestError>;

    /// A refund that was asked for before ends well, if it has not by itself.
    async fn settle_refund(&self, refund: &RefundNumber) -> Result<(), TestError>;

    /// The next call takes effect at the gateway, and its answer does not come. `false` if that cannot be arranged: the
    /// expectations that need it are then not tried.
    async fn lose_next_answer(&self) -> bool {
        false
    }
}

/// Tries a provider.
pub async fn provider(under_test: &dyn ProviderUnderTest) -> Report {
    let subject = Subject::new(under_test);
    let mut report = Report::new(format!("provider {}", subject.provider.id()));
    placing::expectations(&subject, &mut report).await;
    declared::expectations(&subject, &mut report).await;
    notification::expectations(&subject, &mut report).await;
    refund::expectations(&subject, &mut report).await;
    ending::expectations(&subject, &mut report).await;
    whole::expectations(&subject, &mut report).await;
    report
}
