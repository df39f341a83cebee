//! [`UcanpayProvider`]: one UCanPay merchant account as a [`PaymentProvider`].
//!
//! Intents become signed calls of `ucanpay-core`, sent by the client of `ucanpay-transport`; verified messages become
//! facts (`facts.rs`), and errors say what is known about the money (`errors.rs`). An account is made of its settings
//! (`account.rs`), one for a shop or a list of them (`factory.rs`).

mod account;
mod errors;
mod factory;
mod facts;
mod key_file;
mod merchant;
mod orders;
mod table;

use std::time::Duration;

pub use self::account::UcanpayAccount;
pub use self::factory::UcanpayFactory;

use async_trait::async_trait;
use ucanpay_core::{
    CloseOrder, Description, DeviceNo, FieldError, LinkOrder, Nonce, Notification,
    NotificationReply, NotifyUrl, Operation, OrderQuery, OutRefundNo, OutTradeNo, PayLinks, Refund,
    RefundQuery, RefundReason, Reverse, SceneType, SignedRequest, Subject, UcpOrderNo, UcpRefundNo,
    UnifiedOrder,
};
use ucanpay_transport::Client;

use crate::id::{ProviderId, RefundNumber};
use crate::provider::{
    Acknowledgement, Cancellation, Capabilities, Effect, Fact, Flow, FrozenRequest,
    NotificationRefused, NotificationTopic, NumberRule, PaymentIntent, PaymentProvider,
    PrepareError, ProviderError, ProviderErrorKind, RawNotification, RefundInquiry, RefundIntent,
    RefundLimits, Reply,
};
use crate::wording::Wording;

/// What a merchant chooses about an account, beside the keys.
///
/// ```
/// use ucanpay_core::DeviceNo;
/// use ucanpay_storefront::UcanpaySettings;
///
/// let mut settings = UcanpaySettings::new("https://shop.example")?;
/// settings.device = DeviceNo::new("counter")?; // everything else as it is documented
/// assert_eq!(settings.payment_notify_url.as_str(), "https://shop.example/ucanpay/payment");
/// assert_eq!(settings.refund_notify_url.as_str(), "https://shop.example/ucanpay/refund");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UcanpaySettings {
    id: ProviderId,
    /// Where payment notifications go: at most 64 characters, no query. The shop's address and `/ucanpay/payment`.
    pub payment_notify_url: NotifyUrl,
    /// Where refund notifications go, likewise: `/ucanpay/refund`.
    pub refund_notify_url: NotifyUrl,
    /// How the buyer comes to the payment. One order has one scene: `NATIVE`, a link that is also shown as QR code.
    pub scene: SceneType,
    /// The till or site named in every order (`deviceNo`): 1 to 32 characters.
    pub device: DeviceNo,
    /// How pay links are built.
    pub links: PayLinks,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("notifications cannot come to {base:?} with {path} behind it: the URL {}", source.rule())]
pub struct UcanpaySettingsError {
    base: String,
    path: String,
    #[source]
    source: FieldError,
}

impl UcanpaySettings {
    /// The shop's only account, called `ucanpay`, or the first one registered: its notifications come to
    /// `/ucanpay/payment` and `/ucanpay/refund` under `notify_base_url`, the shop's address as the gateway reaches it
    /// (`https://shop.example`). Everything else has its documented default.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpaySettings;
    ///
    /// assert!(UcanpaySettings::new("https://shop.example").is_ok());
    /// let error = UcanpaySettings::new("https://shop.example/?shop=1").unwrap_err();
    /// assert!(error.to_string().contains("with /ucanpay/payment behind it"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`UcanpaySettingsError`] if the notify URLs break the gateway's rule: absolute http or https, no query, no
    /// fragment, at most 64 characters with `/ucanpay/payment` behind it.
    pub fn new(notify_base_url: &str) -> Result<Self, UcanpaySettingsError> {
        let id = ProviderId::new("ucanpay").expect("the literal keeps the rule of provider ids");
        Self::at(id, notify_base_url, "/ucanpay")
    }

    /// A further account, beside the first: its notifications come to `/ucanpay/{id}/payment` and
    /// `/ucanpay/{id}/refund`, so that they reach it and no other.
    ///
    /// ```
    /// use ucanpay_storefront::{ProviderId, UcanpaySettings};
    ///
    /// let terrace = UcanpaySettings::further(ProviderId::new("terrace")?, "https://shop.example")?;
    /// assert_eq!(terrace.payment_notify_url.as_str(), "https://shop.example/ucanpay/terrace/payment");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`new`](Self::new), with the longer path.
    pub fn further(id: ProviderId, notify_base_url: &str) -> Result<Self, UcanpaySettingsError> {
        let prefix = format!("/ucanpay/{id}");
        Self::at(id, notify_base_url, &prefix)
    }

    fn at(
        id: ProviderId,
        notify_base_url: &str,
        prefix: &str,
    ) -> Result<Self, UcanpaySettingsError> {
        let base = notify_base_url.trim_end_matches('/');
        let url = |topic: &str| {
            let path = format!("{prefix}/{topic}");
            NotifyUrl::new(format!("{base}{path}")).map_err(|source| UcanpaySettingsError {
                base: base.chars().take(100).collect(),
                path,
                source,
            })
        };
        Ok(Self {
            id,
            payment_notify_url: url("payment")?,
            refund_notify_url: url("refund")?,
            scene: SceneType::Native,
            device: DeviceNo::default(),
            links: PayLinks::default(),
        })
    }
}

/// One UCanPay merchant account.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # {
/// # use ucanpay_core::{Merchant, MerchantId, PrivateKey};
/// use ucanpay_storefront::{PaymentProvider, PaymentRegistry, UcanpayProvider, UcanpaySettings};
/// use ucanpay_transport::Client;
///
/// # let (own, platform) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, own, [platform.public_key().clone()])?;
/// let client = Client::builder(merchant).build()?; // a `Merchant` of ucanpay-core: its number and the keys
/// let provider = UcanpayProvider::new(client, UcanpaySettings::new("https://shop.example")?);
/// assert_eq!((provider.id().as_str(), provider.merchant()), ("ucanpay", "2000000010"));
/// assert_eq!(provider.capabilities().refunds.count, 10);
/// let registry = PaymentRegistry::builder().register(provider).build()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UcanpayProvider {
    client: Client,
    settings: UcanpaySettings,
}

/// Reference: 退款申请 / "Requesting Refund": at most ten, within one year of the payment.
const REFUNDS: RefundLimits = RefundLimits {
    count: 10,
    window: Duration::from_secs(365 * 24 * 60 * 60),
};

/// Reference: `outTradeNo`, `outRefundNo`: 1 to 32 of 0-9, A-Z and a-z.
const NUMBERS: NumberRule = NumberRule::alphanumeric(32);

/// Reference: 撤销订单 / "Cancelling Orders": within 7 days of the transaction, counted from the order. (TRADE_OVERDUE's own
/// text says one year; the shorter is safe.)
const REVERSAL_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl UcanpayProvider {
    /// The account that `client` signs for.
    pub fn new(client: Client, settings: UcanpaySettings) -> Self {
        Self { client, settings }
    }

    fn freeze<O: Operation>(&self, operation: &O) -> Result<FrozenRequest, PrepareError> {
        let merchant = self.client.merchant();
        let request = merchant
            .sign(operation, Nonce::random())
            .map_err(PrepareError::new)?;
        Ok(FrozenRequest {
            path: request.path().to_owned(),
            body: request.into_body().into(),
            key: merchant.key_fingerprint().to_string(),
        })
    }

    fn sign_again<O: Operation>(
        &self,
        request: &FrozenRequest,
    ) -> Result<FrozenRequest, PrepareError> {
        let merchant = self.client.merchant();
        let renewed = merchant
            .sign_again(&thaw::<O>(request), Nonce::random())
            .map_err(PrepareError::new)?;
        Ok(FrozenRequest {
            path: renewed.path().to_owned(),
            body: renewed.into_body().into(),
            key: merchant.key_fingerprint().to_string(),
        })
    }

    /// The kept bytes, to be sent. Where the gateway wants a nonce of its own in whatever it is sent, they are signed anew:
    /// a repeat after a restart is one, too, and nobody here knows which is the first.
    fn thawed<O: Operation>(
        &self,
        request: &FrozenRequest,
    ) -> Result<SignedRequest<O>, ProviderError> {
        let kept = thaw::<O>(request);
        if !self.client.signs_repeats_anew() {
            return Ok(kept);
        }
        let merchant = self.client.merchant();
        merchant
            .sign_again(&kept, Nonce::random())
            .map_err(|error| {
                ProviderError::new(ProviderErrorKind::Config, error).with_effect(Effect::None)
            })
    }

    /// The link by which the buyer pays. In the app's scene it needs the signature of the order's answer.
    fn pay_link(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&str>,
        sign: Option<&str>,
    ) -> Option<Wording> {
        let order = LinkOrder {
            ucp_order_no: gateway_number?,
            out_trade_no: intent.reference.as_str(),
            amount: intent.amount,
            item: &intent.subject,
        };
        let settings = &self.settings;
        let link = settings.links.in_scene(settings.scene, &order, sign)?;
        Some(link.into())
    }
}

#[async_trait]
impl PaymentProvider for UcanpayProvider {
    fn id(&self) -> &ProviderId {
        &self.settings.id
    }

    fn merchant(&self) -> &str {
        self.client.merchant().id().as_str()
    }

    /// Any currency of ISO 4217, 1 to 2147483647 cents; it never expires by itself. How a buyer comes to it is the account's
    /// scene.
    fn capabilities(&self) -> Capabilities {
        let flows: &[Flow] = match self.settings.scene {
            SceneType::Native => &[Flow::QrCode, Flow::Link],
            _ => &[Flow::Link],
        };
        Capabilities::new(REFUNDS)
            .with_flows(flows.iter().copied())
            .with_numbers(NUMBERS)
            .with_reversal_window(REVERSAL_WINDOW)
    }

    fn prepare_payment(&self, intent: &PaymentIntent) -> Result<FrozenRequest, PrepareError> {
        let order = || -> Result<UnifiedOrder, FieldError> {
            Ok(UnifiedOrder {
                subject: Subject::new(&*intent.subject)?,
                description: Description::new(&*intent.description)?,
                device_no: self.settings.device.clone(),
                total_amount: intent.amount,
                scene: self.settings.scene,
                out_trade_no: OutTradeNo::new(intent.reference.as_str())?,
                currency: intent.currency,
                notify_url: self.settings.payment_notify_url.clone(),
            })
        };
        self.freeze(&order().map_err(PrepareError::new)?)
    }

    async fn create_payment(
        &self,
        intent: &PaymentIntent,
        request: &FrozenRequest,
    ) -> Result<Fact, ProviderError> {
        let order = self.thawed::<UnifiedOrder>(request)?;
        let answer = self.client.send(&order).await?;
        let link = self.pay_link(intent, answer.ucp_order_no.as_deref(), Some(&answer.sign));
        Ok(facts::placed(&answer, link))
    }

    async fn query_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
    ) -> Result<Fact, ProviderError> {
        let query = OrderQuery {
            out_trade_no: OutTradeNo::new(intent.reference.as_str())?,
            ucp_order_no: gateway_number.map(UcpOrderNo::new).transpose()?,
        };
        let answer = self.client.call(&query).await?;
        let link = self.pay_link(intent, answer.ucp_order_no.as_deref(), None);
        Ok(facts::queried_payment(&answer, link))
    }

    async fn cancel_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
        how: Cancellation,
    ) -> Result<Fact, ProviderError> {
        let out_trade_no = OutTradeNo::new(intent.reference.as_str())?;
        let ucp_order_no = gateway_number.map(UcpOrderNo::new).transpose()?;
        match how {
            Cancellation::Close => {
                let close = CloseOrder {
                    out_trade_no,
                    ucp_order_no,
                };
                let answer = self.client.call(&close).await;
                answer.map(|answer| facts::closed(&answer))
            }
            Cancellation::Reverse => {
                let reverse = Reverse {
                    out_trade_no,
                    ucp_order_no,
                };
                let answer = self.client.call(&reverse).await;
                answer.map(|answer| facts::reversed(&answer))
            }
        }
        .map_err(errors::cancelling)
    }

    fn prepare_refund(&self, intent: &RefundIntent) -> Result<FrozenRequest, PrepareError> {
        let refund = || -> Result<Refund, FieldError> {
            Ok(Refund {
                ucp_order_no: UcpOrderNo::new(&*intent.gateway_number)?,
                out_trade_no: OutTradeNo::new(intent.reference.as_str())?,
                out_refund_no: refund_number(&intent.number)?,
                total_amount: intent.total,
                refund_amount: intent.amount,
                reason: RefundReason::new(&*intent.reason)?,
                notify_url: self.settings.refund_notify_url.clone(),
            })
        };
        self.freeze(&refund().map_err(PrepareError::new)?)
    }

    fn renew(&self, request: &FrozenRequest) -> Result<Option<FrozenRequest>, PrepareError> {
        if request.key == self.client.merchant().key_fingerprint().to_string() {
            return Ok(None);
        }
        match request.path.as_str() {
            UnifiedOrder::PATH => self.sign_again::<UnifiedOrder>(request).map(Some),
            Refund::PATH => self.sign_again::<Refund>(request).map(Some),
            _ => Err(PrepareError::new(
                "the kept request is neither an order nor a refund",
            )),
        }
    }

    async fn refund_payment(&self, request: &FrozenRequest) -> Result<Fact, ProviderError> {
        let refund = self.thawed::<Refund>(request)?;
        let answer = self.client.send(&refund).await;
        let answer = answer.map_err(errors::refunding)?;
        Ok(facts::refund_accepted(&answer))
    }

    async fn query_refund(&self, refund: &RefundInquiry) -> Result<Fact, ProviderError> {
        let query = RefundQuery {
            out_trade_no: OutTradeNo::new(refund.reference.as_str())?,
            ucp_order_no: refund
                .gateway_number
                .as_deref()
                .map(UcpOrderNo::new)
                .transpose()?,
            ucp_refund_no: refund
                .refund_gateway_number
                .as_deref()
                .map(UcpRefundNo::new)
                .transpose()?,
            out_refund_no: refund_number(&refund.number)?,
        };
        let answer = self.client.call(&query).await?;
        Ok(facts::queried_refund(&answer))
    }

    /// Takes a payment notification and a refund notification at either URL: the signed members say which it is, the
    /// URL is not signed.
    fn parse_notification(
        &self,
        notification: &RawNotification,
    ) -> Result<Fact, NotificationRefused> {
        let verified = self
            .client
            .merchant()
            .verify_notification(&notification.body)
            .map_err(NotificationRefused::new)?;
        let topic = match &*verified {
            Notification::Refund(_) => NotificationTopic::Refund,
            _ => NotificationTopic::Payment,
        };
        if topic != notification.topic {
            tracing::debug!(?topic, "notification at the other notify URL");
        }
        facts::notified(verified)
    }

    fn acknowledge<'a>(&self, verdict: Acknowledgement<'a>) -> Reply {
        let reply = match verdict {
            Acknowledgement::Committed => NotificationReply::Success,
            Acknowledgement::Refused(reason) => NotificationReply::Fail(reason),
        };
        Reply {
            content_type: "application/json",
            body: reply.to_json(),
        }
    }
}

fn thaw<O: Operation>(request: &FrozenRequest) -> SignedRequest<O> {
    SignedRequest::frozen(request.body.to_vec())
}

fn refund_number(number: &RefundNumber) -> Result<OutRefundNo, FieldError> {
    OutRefundNo::new(number.as_str())
}
