//! Placing an order. Reference: 统一下单 / "Placing Unified Order".

use super::{Answer, Operation};
use crate::{
    fields::{Fields, ReadError},
    request::RequestFields,
    types::{
        Amount, Currency, Description, DeviceNo, GatewayTime, NotifyUrl, OutTradeNo, SceneType,
        Subject,
    },
};

/// Asks the gateway to take an order. The same order may be sent again byte for byte until its answer is known.
///
/// ```
/// use ucanpay_core::{
///     Amount, Currency, Description, DeviceNo, NotifyUrl, OutTradeNo, SceneType, Subject, UnifiedOrder,
/// };
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let order = UnifiedOrder {
///     subject: Subject::new("coffee")?,
///     description: Description::new("two flat whites")?,
///     device_no: DeviceNo::default(),
///     total_amount: Amount::new(450)?, // cents
///     scene: SceneType::Native,
///     out_trade_no: OutTradeNo::random(),
///     currency: Currency::CAD,
///     notify_url: NotifyUrl::new("https://shop.example/ucanpay/payment")?,
/// };
/// let request = merchant.sign(&order, Nonce::random())?;
/// let sent = Fields::parse(request.body())?;
/// assert_eq!(request.path(), "/payment/unifiedorder");
/// assert_eq!(sent.get("totalAmt"), Some(&Value::Number("450")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnifiedOrder {
    /// The order's title (`subject`).
    pub subject: Subject,
    /// What is bought (`body`).
    pub description: Description,
    /// Till or site (`deviceNo`); always sent, since the reference's two languages disagree whether it must be.
    pub device_no: DeviceNo,
    /// What the buyer pays, in cents (`totalAmt`).
    pub total_amount: Amount,
    /// How the buyer comes to the payment (`sceneType`).
    pub scene: SceneType,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: OutTradeNo,
    /// The amount's currency (`currency`).
    pub currency: Currency,
    /// Where the payment notification goes (`notifyUrl`).
    pub notify_url: NotifyUrl,
}

impl Operation for UnifiedOrder {
    const NAME: &'static str = "UnifiedOrder";
    const PATH: &'static str = "/payment/unifiedorder";
    type Answer = UnifiedOrderAnswer;

    fn write(&self, fields: &mut RequestFields) {
        fields.text("subject", self.subject.as_str());
        fields.text("body", self.description.as_str());
        fields.text("deviceNo", self.device_no.as_str());
        fields.amount("totalAmt", self.total_amount);
        fields.text("sceneType", self.scene.as_str());
        fields.text("outTradeNo", self.out_trade_no.as_str());
        fields.text("currency", self.currency.as_str());
        fields.text("notifyUrl", self.notify_url.as_str());
    }
}

/// The gateway has the order. Nothing is paid yet.
///
/// ```
/// use ucanpay_core::UnifiedOrder;
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"outTradeNo":"A20260301","ucpOrderNo":"377654578511872","totalAmt":450}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// // {"code":0,"data":{"outTradeNo":"A20260301","ucpOrderNo":"377654578511872","totalAmt":450,"sign":"…"}}
/// let answer = merchant.verify_answer::<UnifiedOrder>(body.as_bytes())?;
/// assert_eq!(answer.out_trade_no.as_deref(), Some("A20260301")); // is it the order that was placed?
/// assert_eq!(answer.ucp_order_no.as_deref(), Some("377654578511872")); // to be kept
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnifiedOrderAnswer {
    /// When the gateway took the order (`tranTime`).
    pub transaction_time: Option<GatewayTime>,
    /// The order's amount in cents (`totalAmt`).
    pub total_amount: Option<Amount>,
    /// The merchant (`merchantId`).
    pub merchant_id: Option<String>,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: Option<String>,
    /// The gateway's number of the order (`ucpOrderNo`); needed for pay links and refunds.
    pub ucp_order_no: Option<String>,
    /// The text of this answer's own signature (`sign`), which goes into pay links.
    pub sign: String,
}

impl Answer for UnifiedOrderAnswer {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            transaction_time: fields.time("tranTime"),
            total_amount: fields.amount("totalAmt")?,
            merchant_id: fields.text("merchantId"),
            out_trade_no: fields.text("outTradeNo"),
            ucp_order_no: fields.text("ucpOrderNo"),
            sign: fields.required_text("sign")?,
        })
    }
}
