//! [`PaymentProvider`]: what a gateway must be able to do for a shop.
//!
//! A provider is an adapter for one merchant account. It turns intents into calls and messages into facts; it never
//! touches the ledger. Next stop of a payment: [`crate::ledger`].

mod capabilities;
mod error;
mod fact;
mod factory;
mod registry;
#[cfg(feature = "mock")]
mod scripted;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use ucanpay_core::{Amount, Currency};

pub use capabilities::{Capabilities, Currencies, Flow, NumberRule, RefundLimits, Unsupported};
pub use error::{NotificationRefused, PrepareError, ProviderError, ProviderErrorKind};
pub use fact::{Claim, Evidence, Fact, PaymentStatus, RefundClaim, RefundStatus, Source};
pub use factory::ProviderFactory;
pub use registry::{PaymentRegistry, PaymentRegistryBuilder, RegistryError};
#[cfg(feature = "mock")]
pub use scripted::{NextCall, ScriptError, ScriptedProvider};
pub use ucanpay_transport::Effect;

use crate::id::{ProviderId, Reference, RefundNumber};
use crate::wording::Wording;

/// One merchant account at one gateway.
///
/// Preparing builds and signs without I/O. The ledger commits the resulting [`FrozenRequest`] before anything is sent,
/// and sends exactly those bytes, also after a restart: that is how a lost answer never becomes a second payment.
///
/// Every method is required, so that a wrapper cannot forget to forward one.
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
/// use ucanpay_core::{Amount, Currency};
/// use ucanpay_storefront::provider::{Claim, PaymentIntent};
/// use ucanpay_storefront::{PaymentProvider, Reference};
///
/// let intent = PaymentIntent {
///     reference: Reference::new("A17")?,
///     amount: Amount::new(450)?,
///     currency: Currency::CAD,
///     subject: "coffee".into(),
///     description: "one latte".into(),
/// };
/// let request = gateway.prepare_payment(&intent)?; // the ledger commits it, and then:
/// let placed = gateway.create_payment(&intent, &request).await?;
/// assert_eq!(placed.claim, Claim::Placed);
/// let again = gateway.create_payment(&intent, &request).await?; // had the answer been lost
/// assert_eq!(again.gateway_number, placed.gateway_number, "it is the same order");
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PaymentProvider: fmt::Debug + Send + Sync + 'static {
    /// The name of this account: in the ledger, and in notify URLs.
    fn id(&self) -> &ProviderId;

    /// The merchant's own identification at the gateway, matched against every message.
    fn merchant(&self) -> &str;

    /// What this gateway can and cannot do, as data.
    fn capabilities(&self) -> Capabilities;

    /// Builds and signs the call that places a payment. No I/O.
    ///
    /// # Errors
    /// [`PrepareError`] if the gateway would refuse a field. Nothing was sent.
    fn prepare_payment(&self, intent: &PaymentIntent) -> Result<FrozenRequest, PrepareError>;

    /// Sends a prepared payment: the frozen bytes, the first time and every time.
    ///
    /// # Errors
    /// [`ProviderError`], whose [`effect`](ProviderError::effect) says what is known.
    async fn create_payment(
        &self,
        intent: &PaymentIntent,
        request: &FrozenRequest,
    ) -> Result<Fact, ProviderError>;

    /// Asks for the state of a payment. `gateway_number` is left out of the call while it is unknown.
    ///
    /// # Errors
    /// [`ProviderError`]; "not found" is one, and proves nothing.
    async fn query_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
    ) -> Result<Fact, ProviderError>;

    /// Asks the gateway to end a payment. Safe to repeat. `gateway_number` is left out of the call while it is unknown.
    ///
    /// The fact says what the payment is now; only [`PaymentStatus::Closed`] and [`PaymentStatus::Reversed`] end one.
    ///
    /// # Errors
    /// [`ProviderError`]. Whatever it is, a query comes before any conclusion.
    async fn cancel_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
        how: Cancellation,
    ) -> Result<Fact, ProviderError>;

    /// Builds and signs the call that asks for a refund. No I/O.
    ///
    /// # Errors
    /// [`PrepareError`] if the gateway would refuse a field. Nothing was sent.
    fn prepare_refund(&self, intent: &RefundIntent) -> Result<FrozenRequest, PrepareError>;

    /// Sends a prepared refund: the frozen bytes, the first time and every time.
    ///
    /// # Errors
    /// [`ProviderError`], whose [`effect`](ProviderError::effect) says what is known.
    async fn refund_payment(&self, request: &FrozenRequest) -> Result<Fact, ProviderError>;

    /// Asks for the state of a refund.
    ///
    /// # Errors
    /// [`ProviderError`]; "not found" is one, and proves nothing.
    async fn query_refund(&self, refund: &RefundInquiry) -> Result<Fact, ProviderError>;

    /// Signs a frozen request anew: the same parameters, numbers included, under the merchant's present key. `None` if it
    /// was signed with that key already, so that a new signature would change nothing. No I/O.
    ///
    /// Asked only after the gateway has refused the old signature. The ledger commits the new bytes before they are sent.
    ///
    /// # Errors
    /// [`PrepareError`] if the bytes are no request of this account, or the key cannot sign. Nothing was sent.
    fn renew(&self, request: &FrozenRequest) -> Result<Option<FrozenRequest>, PrepareError>;

    /// Reads and verifies a notification.
    ///
    /// # Errors
    /// [`NotificationRefused`] if it cannot be read or trusted. It is answered with a refusal and changes nothing.
    fn parse_notification(
        &self,
        notification: &RawNotification,
    ) -> Result<Fact, NotificationRefused>;

    /// What to answer to a notification, in this gateway's words.
    fn acknowledge<'a>(&self, verdict: Acknowledgement<'a>) -> Reply;
}

/// How a payment is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It can no longer be paid. Moves no money.
    Close,
    /// Closed if it is unpaid; if it is paid, all of the money goes back.
    Reverse,
}

/// A payment about to be placed.
#[derive(Clone, Debug)]
pub struct PaymentIntent {
    /// The merchant's number.
    pub reference: Reference,
    /// The amount in cents.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// What the buyer sees as the title.
    pub subject: Wording,
    /// What is bought.
    pub description: Wording,
}

/// A refund about to be asked for.
#[derive(Clone, Debug)]
pub struct RefundIntent {
    /// The payment it belongs to.
    pub reference: Reference,
    /// The gateway's number of that payment.
    pub gateway_number: String,
    /// The amount of the payment.
    pub total: Amount,
    /// The merchant's number of the refund.
    pub number: RefundNumber,
    /// The amount to give back.
    pub amount: Amount,
    /// Why, in words the buyer may read.
    pub reason: Wording,
}

/// Which refund to ask about.
#[derive(Clone, Debug)]
pub struct RefundInquiry {
    /// The payment it belongs to.
    pub reference: Reference,
    /// The gateway's number of that payment, if known.
    pub gateway_number: Option<String>,
    /// The merchant's number of the refund.
    pub number: RefundNumber,
    /// The gateway's number of the refund, if known.
    pub refund_gateway_number: Option<String>,
}

/// A call as it was signed: committed before it is sent, sent unchanged ever after.
#[derive(Clone, PartialEq, Eq)]
pub struct FrozenRequest {
    /// The path it is sent to.
    pub path: String,
    /// The exact body.
    pub body: Arc<[u8]>,
    /// The fingerprint of the key that signed it.
    pub key: String,
}

/// The body holds what a buyer bought: it stays out of logs.
impl fmt::Debug for FrozenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrozenRequest")
            .field("path", &self.path)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A notification as it came in.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use ucanpay_storefront::{NotificationTopic, ProviderId, RawNotification};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("birch-signature", HeaderValue::from_static("t9x"));
/// let came = RawNotification::new(NotificationTopic::Payment, r#"{"order":"A17"}"#)
///     .with_provider(ProviderId::new("terrace")?)
///     .with_headers(headers);
/// assert_eq!(came.headers["birch-signature"], "t9x");
/// let shown = format!("{came:?}");
/// assert!(shown.contains("terrace") && !shown.contains("A17") && !shown.contains("t9x"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RawNotification {
    /// The account named in the URL; `None` for the default account.
    pub provider: Option<ProviderId>,
    /// Which of the notify URLs it came to.
    pub topic: NotificationTopic,
    /// The exact body.
    pub body: Bytes,
    /// The headers it came with, for gateways that sign in one. UCanPay signs in the body.
    pub headers: HeaderMap,
}

impl RawNotification {
    /// A body that came to the notify URL of the default account.
    pub fn new(topic: NotificationTopic, body: impl Into<Bytes>) -> Self {
        Self {
            provider: None,
            topic,
            body: body.into(),
            headers: HeaderMap::new(),
        }
    }

    /// It came for this account.
    #[must_use]
    pub fn with_provider(mut self, provider: ProviderId) -> Self {
        self.provider = Some(provider);
        self
    }

    /// It came with these headers.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }
}

/// A header may hold a signature, and the body holds what a buyer bought: they stay out of logs.
impl fmt::Debug for RawNotification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawNotification")
            .field("provider", &self.provider)
            .field("topic", &self.topic)
            .field("bytes", &self.body.len())
            .finish()
    }
}

/// Which notify URL a notification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationTopic {
    /// The URL named when the payment was placed.
    Payment,
    /// The URL named when the refund was asked for.
    Refund,
}

/// What a notification is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement<'a> {
    /// It was taken in and committed; it need not come again.
    Committed,
    /// It was not taken in, for this reason; it may come again.
    Refused(&'a str),
}

/// The body of an answer to a notification.
///
/// ```
/// # #[cfg(feature = "mock")]
/// # {
/// use ucanpay_storefront::PaymentProvider;
/// use ucanpay_storefront::provider::{Acknowledgement, ScriptedProvider};
///
/// let gateway = ScriptedProvider::new();
/// assert_eq!(gateway.acknowledge(Acknowledgement::Committed).body, "taken");
/// let refusal = gateway.acknowledge(Acknowledgement::Refused("try again later"));
/// assert_eq!((refusal.content_type, &*refusal.body), ("text/plain", "refused: try again later"));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub body: String,
}
