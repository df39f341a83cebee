//! Giving money back. Reference: 退款申请 / "Requesting Refund".

use super::{Answer, Operation};
use crate::{
    fields::{Fields, ReadError},
    request::RequestFields,
    types::{
        Amount, FieldError, NotifyUrl, OutRefundNo, OutTradeNo, Problem, RefundReason, UcpOrderNo,
    },
};

/// Asks the gateway to refund an order, wholly or in part. A refund that is tried again keeps its number and its bytes.
///
/// ```
/// use ucanpay_core::{Amount, Nonce, NotifyUrl, OutRefundNo, OutTradeNo, Refund, RefundReason, SignError, UcpOrderNo};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let refund = Refund {
///     ucp_order_no: UcpOrderNo::new("377654578511872")?,
///     out_trade_no: OutTradeNo::new("A20260301")?,
///     out_refund_no: OutRefundNo::random(), // kept, and the same on every attempt
///     total_amount: Amount::new(450)?,
///     refund_amount: Amount::new(100)?,
///     reason: RefundReason::new("one was cold")?,
///     notify_url: NotifyUrl::new("https://shop.example/ucanpay/refund")?,
/// };
/// assert_eq!(merchant.sign(&refund, Nonce::random())?.path(), "/payment/refund");
///
/// let too_much = Refund { refund_amount: Amount::new(451)?, ..refund };
/// assert!(matches!(merchant.sign(&too_much, Nonce::random()), Err(SignError::Field(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The gateway's number of the order (`ucpOrderNo`).
    pub ucp_order_no: UcpOrderNo,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: OutTradeNo,
    /// The merchant's number of this refund (`outRefundNo`).
    pub out_refund_no: OutRefundNo,
    /// The order's amount in cents (`totalAmt`).
    pub total_amount: Amount,
    /// What goes back, in cents (`refundAmt`); not more than `total_amount`, or signing refuses it.
    pub refund_amount: Amount,
    /// Why (`refundDesc`).
    pub reason: RefundReason,
    /// Where the refund notification goes (`notifyUrl`).
    pub notify_url: NotifyUrl,
}

impl Operation for Refund {
    const NAME: &'static str = "Refund";
    const PATH: &'static str = "/payment/refund";
    type Answer = RefundAnswer;

    fn write(&self, fields: &mut RequestFields) {
        if self.refund_amount > self.total_amount {
            let rule = "not more than totalAmt";
            let problem = Problem::Other("is more than the order's amount");
            fields.refuse(FieldError::new("refundAmt", rule, problem));
        }
        fields.text("ucpOrderNo", self.ucp_order_no.as_str());
        fields.text("outTradeNo", self.out_trade_no.as_str());
        fields.text("outRefundNo", self.out_refund_no.as_str());
        fields.amount("totalAmt", self.total_amount);
        fields.amount("refundAmt", self.refund_amount);
        fields.text("refundDesc", self.reason.as_str());
        fields.text("notifyUrl", self.notify_url.as_str());
    }
}

/// The gateway has accepted the application. Whether money goes back is told by the refund query or the notification only.
///
/// ```
/// use ucanpay_core::Refund;
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"outTradeNo":"A20260301","outRefundNo":"R20260301","ucpRefundNo":"377654578511873"}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// // {"code":0,"data":{"outTradeNo":"A20260301","outRefundNo":"R20260301","ucpRefundNo":"377654578511873","sign":"…"}}
/// let answer = merchant.verify_answer::<Refund>(body.as_bytes())?;
/// assert_eq!(answer.out_refund_no.as_deref(), Some("R20260301")); // is it the refund that was asked for?
/// assert_eq!(answer.ucp_refund_no.as_deref(), Some("377654578511873"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundAnswer {
    /// The merchant (`merchantId`).
    pub merchant_id: Option<String>,
    /// Till or site (`deviceNo`).
    pub device_no: Option<String>,
    /// How the buyer paid (`sceneType`).
    pub scene: Option<String>,
    /// The order's amount in cents (`totalAmt`).
    pub total_amount: Option<Amount>,
    /// The gateway's number of the order (`ucpOrderNo`).
    pub ucp_order_no: Option<String>,
    /// The gateway's number of the refund (`ucpRefundNo`).
    pub ucp_refund_no: Option<String>,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: Option<String>,
    /// The merchant's number of the refund (`outRefundNo`).
    pub out_refund_no: Option<String>,
    /// What was bought (`body`).
    pub description: Option<String>,
    /// What goes back, in cents (`refundAmt`).
    pub refund_amount: Option<Amount>,
    /// The amounts' currency (`currency`).
    pub currency: Option<String>,
}

impl Answer for RefundAnswer {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            merchant_id: fields.text("merchantId"),
            device_no: fields.text("deviceNo"),
            scene: fields.text("sceneType"),
            total_amount: fields.amount("totalAmt")?,
            ucp_order_no: fields.text("ucpOrderNo"),
            ucp_refund_no: fields.text("ucpRefundNo"),
            out_trade_no: fields.text("outTradeNo"),
            out_refund_no: fields.text("outRefundNo"),
            description: fields.text("body"),
            refund_amount: fields.amount("refundAmt")?,
            currency: fields.text("currency"),
        })
    }
}
