//! [`ScriptedProvider`]: a whole gateway in memory, whose buyers do what a test says.
//!
//! A [`MockPaymentProvider`](crate::MockPaymentProvider) answers what it was told to expect; this one keeps orders and
//! refunds, sends notifications that have to be verified, and can lose an answer. Nothing leaves the process.
//!
//! | file | story |
//! |---|---|
//! | `script.rs` | what a test can make buyers, the network and the gateway do |
//! | `gateway.rs` | the gateway: orders, refunds, and what it says about them |
//! | `message.rs` | the signed text of every message, and what it says |

mod gateway;
mod message;
mod script;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::gateway::Gateway;
use self::message::{Key, Message};
pub use self::script::{NextCall, ScriptError};
use super::{
    Acknowledgement, Cancellation, Capabilities, Effect, Fact, FrozenRequest, NotificationRefused,
    PaymentIntent, PaymentProvider, PrepareError, ProviderError, ProviderErrorKind,
    RawNotification, RefundInquiry, RefundIntent, RefundLimits, Reply, Source,
};
use crate::id::ProviderId;

/// A gateway in memory, and one merchant account at it. A clone is the same gateway: register one, keep the other to say
/// what happens.
///
/// ```
/// use std::sync::Arc;
/// use ucanpay_core::{Amount, Currency};
/// use ucanpay_storefront::provider::{NextCall, ScriptedProvider};
/// use ucanpay_storefront::{
///     MemoryStore, PaymentRegistry, PaymentState, Payments, Reference, StartPayment,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = ScriptedProvider::new();
/// let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
/// let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
///
/// // The gateway takes the order, and its answer is lost on the way: the shop does not know.
/// gateway.next_call(NextCall::AnswerLost);
/// let view = payments
///     .start(StartPayment {
///         provider: None,
///         reference: Reference::new("A1")?,
///         amount: Amount::new(450)?,
///         currency: Currency::CAD,
///         subject: "coffee".into(),
///         description: "one latte".into(),
///         expires_after: None,
///     })
///     .await?;
/// assert_eq!(view.payment.state, PaymentState::Created);
///
/// // The buyer pays, and the gateway says so.
/// gateway.pay(&view.payment.key.reference)?;
/// for notification in gateway.notifications() {
///     let _receipt = payments.handle_notification(notification).await?;
/// }
/// let view = payments.payment(&view.payment.key).await?.expect("recorded");
/// assert_eq!(view.payment.state, PaymentState::Paid);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ScriptedProvider {
    id: ProviderId,
    key: Arc<Key>,
    gateway: Arc<Mutex<Gateway>>,
}

/// The merchant's identification at the gateway.
const MERCHANT: &str = "scripted-merchant";

impl ScriptedProvider {
    /// An empty gateway with a key of its own. The account is called `scripted`.
    pub fn new() -> Self {
        Self {
            id: ProviderId::new("scripted").expect("the literal keeps the rule of provider ids"),
            key: Arc::new(Key::random()),
            gateway: Arc::default(),
        }
    }

    /// The same gateway, with the account under another name.
    ///
    /// ```
    /// use ucanpay_storefront::provider::ScriptedProvider;
    /// use ucanpay_storefront::{PaymentRegistry, ProviderId};
    ///
    /// let terrace = ScriptedProvider::new().with_id(ProviderId::new("terrace")?);
    /// let registry = PaymentRegistry::builder().register(terrace).build()?;
    /// assert_eq!(registry.default_id().as_str(), "terrace");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_id(mut self, id: ProviderId) -> Self {
        self.id = id;
        self
    }

    fn gateway(&self) -> MutexGuard<'_, Gateway> {
        // Each call checks before it writes, so a poisoned lock guards nothing half-done.
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn freeze(&self, path: &str, message: &Message) -> FrozenRequest {
        FrozenRequest {
            path: path.to_owned(),
            body: message.signed(&self.key).into_bytes().into(),
            key: self.key.fingerprint(),
        }
    }

    /// One call: what the script says becomes of it, and around that what the gateway does.
    fn call(
        &self,
        source: Source,
        at_the_gateway: impl FnOnce(&mut Gateway) -> Result<Message, ProviderError>,
    ) -> Result<Fact, ProviderError> {
        let mut gateway = self.gateway();
        let next = gateway.next_call();
        match next {
            Some(NextCall::Unreachable) => {
                let error = ProviderError::new(ProviderErrorKind::Unreachable, "nobody listens");
                return Err(error.with_effect(Effect::None));
            }
            Some(NextCall::Says(kind)) => {
                return Err(
                    ProviderError::new(kind, "as the script says").with_effect(Effect::None)
                );
            }
            _ => {}
        }
        let answer = at_the_gateway(&mut gateway)?.signed(&self.key);
        match next {
            Some(NextCall::AnswerLost) => Err(ProviderError::new(
                ProviderErrorKind::Unclear,
                "the answer was lost",
            )),
            Some(NextCall::DoneButSays(kind)) => {
                Err(ProviderError::new(kind, "as the script says"))
            }
            _ => message::read(source, answer.as_bytes(), &self.key)
                .map_err(|error| ProviderError::new(ProviderErrorKind::Untrusted, error)),
        }
    }

    /// The signed members of a request, as they come to the gateway.
    fn received(&self, request: &FrozenRequest) -> Result<Message, ProviderError> {
        Message::verified(&request.body, &self.key).map_err(|error| {
            ProviderError::new(ProviderErrorKind::BadSignature, error).with_effect(Effect::None)
        })
    }
}

impl Default for ScriptedProvider {
    fn default() -> Self {
        Self::new()
    }
}

/// The key stays out of it.
impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedProvider")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl PaymentProvider for ScriptedProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn merchant(&self) -> &str {
        MERCHANT
    }

    /// Ten refunds within a year of the payment, reversals within a week.
    fn capabilities(&self) -> Capabilities {
        let day = Duration::from_secs(24 * 60 * 60);
        Capabilities::new(RefundLimits {
            count: 10,
            window: 365 * day,
        })
        .with_reversal_window(7 * day)
    }

    fn prepare_payment(&self, intent: &PaymentIntent) -> Result<FrozenRequest, PrepareError> {
        for (member, text) in [
            ("subject", &intent.subject),
            ("description", &intent.description),
        ] {
            if text.is_empty() || text.chars().any(char::is_control) {
                return Err(PrepareError::new(format!(
                    "the {member} must be one line, and not empty"
                )));
            }
        }
        let order = Message::new([
            ("reference", intent.reference.as_str()),
            ("amount", &intent.amount.cents().to_string()),
            ("currency", intent.currency.as_str()),
            ("subject", &intent.subject),
            ("description", &intent.description),
        ]);
        Ok(self.freeze("/order", &order))
    }

    async fn create_payment(
        &self,
        _: &PaymentIntent,
        request: &FrozenRequest,
    ) -> Result<Fact, ProviderError> {
        self.call(Source::Answer, |gateway| {
            gateway.place(&self.received(request)?)
        })
    }

    async fn query_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
    ) -> Result<Fact, ProviderError> {
        self.call(Source::Query, |gateway| {
            gateway.payment(&intent.reference, gateway_number)
        })
    }

    async fn cancel_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
        how: Cancellation,
    ) -> Result<Fact, ProviderError> {
        self.call(Source::Answer, |gateway| {
            gateway.cancel(&intent.reference, gateway_number, how)
        })
    }

    fn prepare_refund(&self, intent: &RefundIntent) -> Result<FrozenRequest, PrepareError> {
        let refund = Message::new([
            ("reference", intent.reference.as_str()),
            ("number", &intent.gateway_number),
            ("refund", intent.number.as_str()),
            ("refund_amount", &intent.amount.cents().to_string()),
        ]);
        Ok(self.freeze("/refund", &refund))
    }

    async fn refund_payment(&self, request: &FrozenRequest) -> Result<Fact, ProviderError> {
        self.call(Source::Answer, |gateway| {
            gateway.refund(&self.received(request)?)
        })
    }

    async fn query_refund(&self, refund: &RefundInquiry) -> Result<Fact, ProviderError> {
        self.call(Source::Query, |gateway| gateway.refund_state(refund))
    }

    /// The key never changes.
    fn renew(&self, _: &FrozenRequest) -> Result<Option<FrozenRequest>, PrepareError> {
        Ok(None)
    }

    fn parse_notification(
        &self,
        notification: &RawNotification,
    ) -> Result<Fact, NotificationRefused> {
        message::read(Source::Notification, &notification.body, &self.key)
            .map_err(NotificationRefused::new)
    }

    fn acknowledge<'a>(&self, verdict: Acknowledgement<'a>) -> Reply {
        let body = match verdict {
            Acknowledgement::Committed => "taken".to_owned(),
            Acknowledgement::Refused(reason) => format!("refused: {reason}"),
        };
        Reply {
            content_type: "text/plain",
            body,
        }
    }
}
