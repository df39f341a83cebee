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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notification {
    /// About a payment: it has `tradeStatus`.
    Payment(PaymentNotification),
    /// About a refund: it has `refundStatus`.
    Refund(RefundNotification),
}

/// News of a payment. Reference: 支付结果通知 / "Payment Result Notification".
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
    #[must_use]
    pub fn into_payment(self) -> Option<Verified<PaymentNotification>> {
        self.filter_map(|notification| match notification {
            Notification::Payment(payment) => Some(payment),
            Notification::Refund(_) => None,
        })
    }

    /// The refund notification, if it is one; the proof goes along.
    #[must_use]
    pub fn into_refund(self) -> Option<Verified<RefundNotification>> {
        self.filter_map(|notification| match notification {
            Notification::Refund(refund) => Some(refund),
            Notification::Payment(_) => None,
        })
    }
}
