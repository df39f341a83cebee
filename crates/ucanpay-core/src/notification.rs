//! What the gateway posts to a `notifyUrl`, after [`Merchant::verify_notification`](crate::Merchant::verify_notification).
//!
//! A message is refused unless every member that identifies the payment is there; which members those are is stricter than
//! "verified", and written out once, in the two `read` functions below.

use crate::{
    fields::{Fields, ReadError},
    types::{Amount, GatewayTime, RefundStatus, TradeStatus},
    verified::Verified,
};

/// A message the gateway sends by itself.
///
/// ```
/// use ucanpay_core::Notification;
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"refundAmt":100,"#,
/// #     r#""ucpOrderNo":"377654578511872","ucpRefundNo":"377654578511873","outTradeNo":"A20260301","#,
/// #     r#""outRefundNo":"R20260301","refundStatus":"SUCCESS"}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// fn about(notification: &Notification) -> String {
///     match notification {
///         Notification::Payment(payment) => format!("{} is {}", payment.out_trade_no, payment.trade_status),
///         Notification::Refund(refund) => format!("{} is {}", refund.out_refund_no, refund.refund_status),
///         _ => "something new".to_owned(),
///     }
/// }
/// let notification = merchant.verify_notification(body.as_bytes())?;
/// assert_eq!(about(&notification), "R20260301 is SUCCESS");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notification {
    /// About a payment: it has `tradeStatus`.
    Payment(PaymentNotification),
    /// About a refund: it has `refundStatus`.
    Refund(RefundNotification),
}

/// News of a payment. Reference: 支付结果通知 / "Payment Result Notification".
///
/// It is the gateway's word. Whether it is about your order, you say:
///
/// ```
/// use ucanpay_core::{Amount, Currency, TradeStatus};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"#,
/// #     r#""ucpOrderNo":"377654578511872","outTradeNo":"A20260301","tradeStatus":"SUCCESS","#,
/// #     r#""signType":"RSA"}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # let payment = merchant.verify_notification(body.as_bytes())?.into_payment().unwrap();
/// let (number, amount) = ("A20260301", Amount::new(450)?); // from your order
/// let is_mine = payment.merchant_id == merchant.id().as_str() && payment.out_trade_no == number;
/// let is_enough = payment.total_amount == amount && payment.currency == Currency::CAD.as_str();
/// assert!(is_mine && is_enough && payment.trade_status == TradeStatus::Success);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentNotification {
    /// The merchant (`merchantId`).
    pub merchant_id: String,
    /// The amount's currency (`currency`).
    pub currency: String,
    /// The order's amount in cents (`totalAmt`).
    pub total_amount: Amount,
    /// The gateway's number of the order (`ucpOrderNo`).
    pub ucp_order_no: String,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: String,
    /// Whether money moved (`tradeStatus`).
    pub trade_status: TradeStatus,
    /// Till or site (`deviceNo`).
    pub device_no: Option<String>,
    /// How the buyer paid (`sceneType`).
    pub scene: Option<String>,
    /// What was bought (`body`).
    pub description: Option<String>,
    /// When the buyer paid (`timeEnd`).
    pub time_end: Option<GatewayTime>,
}

/// News of a refund. Reference: 退款结果通知 / "Notification of Refund Result".
///
/// ```
/// use ucanpay_core::{Amount, Currency, RefundStatus};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"refundAmt":100,"#,
/// #     r#""ucpOrderNo":"377654578511872","ucpRefundNo":"377654578511873","outTradeNo":"A20260301","#,
/// #     r#""outRefundNo":"R20260301","refundStatus":"SUCCESS"}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # let refund = merchant.verify_notification(body.as_bytes())?.into_refund().unwrap();
/// let (order, number, amount) = ("A20260301", "R20260301", Amount::new(100)?); // from your refund
/// let is_mine = refund.merchant_id == merchant.id().as_str() && refund.out_trade_no == order;
/// let is_it = is_mine && refund.out_refund_no == number && refund.refund_amount == amount;
/// assert!(is_it && refund.currency == Currency::CAD.as_str() && refund.refund_status == RefundStatus::Success);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNotification {
    /// The merchant (`merchantId`).
    pub merchant_id: String,
    /// The amounts' currency (`currency`).
    pub currency: String,
    /// The order's amount in cents (`totalAmt`).
    pub total_amount: Amount,
    /// What goes back, in cents (`refundAmt`).
    pub refund_amount: Amount,
    /// The gateway's number of the order (`ucpOrderNo`).
    pub ucp_order_no: String,
    /// The gateway's number of the refund (`ucpRefundNo`).
    pub ucp_refund_no: String,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: String,
    /// The merchant's number of the refund (`outRefundNo`).
    pub out_refund_no: String,
    /// Whether money went back (`refundStatus`).
    pub refund_status: RefundStatus,
    /// Till or site (`deviceNo`).
    pub device_no: Option<String>,
    /// How the buyer paid (`sceneType`).
    pub scene: Option<String>,
    /// What was bought (`body`).
    pub description: Option<String>,
    /// When the money went back (`refundTime`).
    pub refund_time: Option<GatewayTime>,
}

impl Notification {
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        match (
            fields.present("tradeStatus"),
            fields.present("refundStatus"),
        ) {
            (Some(status), None) => PaymentNotification::read(fields, status).map(Self::Payment),
            (None, Some(status)) => RefundNotification::read(fields, status).map(Self::Refund),
            (Some(_), Some(_)) | (None, None) => Err(ReadError::UnclearStatus),
        }
    }
}

impl PaymentNotification {
    fn read(fields: &Fields<'_>, status: &str) -> Result<Self, ReadError> {
        Ok(Self {
            merchant_id: fields.required_text("merchantId")?,
            currency: fields.required_text("currency")?,
            total_amount: fields.required_amount("totalAmt")?,
            ucp_order_no: fields.required_text("ucpOrderNo")?,
            out_trade_no: fields.required_text("outTradeNo")?,
            trade_status: TradeStatus::from(status),
            device_no: fields.text("deviceNo"),
            scene: fields.text("sceneType"),
            description: fields.text("body"),
            time_end: fields.time("timeEnd"),
        })
    }
}

impl RefundNotification {
    fn read(fields: &Fields<'_>, status: &str) -> Result<Self, ReadError> {
        Ok(Self {
            merchant_id: fields.required_text("merchantId")?,
            currency: fields.required_text("currency")?,
            total_amount: fields.required_amount("totalAmt")?,
            refund_amount: fields.required_amount("refundAmt")?,
            ucp_order_no: fields.required_text("ucpOrderNo")?,
            ucp_refund_no: fields.required_text("ucpRefundNo")?,
            out_trade_no: fields.required_text("outTradeNo")?,
            out_refund_no: fields.required_text("outRefundNo")?,
            refund_status: RefundStatus::from(status),
            device_no: fields.text("deviceNo"),
            scene: fields.text("sceneType"),
            description: fields.text("body"),
            refund_time: fields.time("refundTime"),
        })
    }
}

impl Verified<Notification> {
    /// The payment notification, if it is one; the proof goes along.
    ///
    /// ```
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let data = concat!(
    /// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"#,
    /// #     r#""ucpOrderNo":"377654578511872","outTradeNo":"A20260301","tradeStatus":"SUCCESS","#,
    /// #     r#""signType":"RSA"}"#,
    /// # );
    /// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
    /// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// let notification = merchant.verify_notification(body.as_bytes())?;
    /// let payment = notification.into_payment().ok_or("no payment notification")?;
    /// assert_eq!(payment.total_amount.cents(), 450);
    /// assert!(payment.signed_text().contains("totalAmt=450"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_payment(self) -> Option<Verified<PaymentNotification>> {
        self.filter_map(|notification| match notification {
            Notification::Payment(payment) => Some(payment),
            Notification::Refund(_) => None,
        })
    }

    /// The refund notification, if it is one; the proof goes along.
    ///
    /// ```
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let data = concat!(
    /// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"refundAmt":100,"#,
    /// #     r#""ucpOrderNo":"377654578511872","ucpRefundNo":"377654578511873","outTradeNo":"A20260301","#,
    /// #     r#""outRefundNo":"R20260301","refundStatus":"SUCCESS"}"#,
    /// # );
    /// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
    /// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// let notification = merchant.verify_notification(body.as_bytes())?;
    /// let refund = notification.into_refund().ok_or("no refund notification")?;
    /// assert_eq!(refund.refund_amount.cents(), 100);
    /// assert!(refund.signed_text().contains("refundAmt=100"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_refund(self) -> Option<Verified<RefundNotification>> {
        self.filter_map(|notification| match notification {
            Notification::Refund(refund) => Some(refund),
            Notification::Payment(_) => None,
        })
    }
}
