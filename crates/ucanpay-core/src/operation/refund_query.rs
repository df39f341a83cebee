//! Asking what became of a refund. Reference: 退款查询 / "Querying Refund".

use super::{Answer, Operation};
use crate::{
    fields::{Fields, ReadError},
    request::RequestFields,
    types::{Amount, GatewayTime, OutRefundNo, OutTradeNo, RefundStatus, UcpOrderNo, UcpRefundNo},
};

/// Asks for a refund's status. It changes nothing and may be repeated at will.
///
/// ```
/// use ucanpay_core::{Nonce, OutRefundNo, OutTradeNo, RefundQuery};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let query = RefundQuery {
///     out_trade_no: OutTradeNo::new("A20260301")?,
///     ucp_order_no: None,
///     ucp_refund_no: None,
///     out_refund_no: OutRefundNo::new("R20260301")?,
/// };
/// let request = merchant.sign(&query, Nonce::random())?;
/// assert_eq!(request.path(), "/payment/refundquery");
/// assert!(request.body().starts_with(br#"{"outTradeNo":"A20260301","outRefundNo":"R20260301","#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundQuery {
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of the order (`ucpOrderNo`), left out when unknown.
    pub ucp_order_no: Option<UcpOrderNo>,
    /// The gateway's number of the refund (`ucpRefundNo`), left out when the answer that would have brought it was lost.
    pub ucp_refund_no: Option<UcpRefundNo>,
    /// The merchant's number of the refund (`outRefundNo`).
    pub out_refund_no: OutRefundNo,
}

impl Operation for RefundQuery {
    const NAME: &'static str = "RefundQuery";
    const PATH: &'static str = "/payment/refundquery";
    type Answer = RefundQueryAnswer;

    fn write(&self, fields: &mut RequestFields) {
        fields.text("outTradeNo", self.out_trade_no.as_str());
        if let Some(number) = &self.ucp_order_no {
            fields.text("ucpOrderNo", number.as_str());
        }
        if let Some(number) = &self.ucp_refund_no {
            fields.text("ucpRefundNo", number.as_str());
        }
        fields.text("outRefundNo", self.out_refund_no.as_str());
    }
}

/// What the gateway knows about a refund. Match it with the refund before believing it.
///
/// ```
/// use ucanpay_core::{Amount, RefundQuery, RefundStatus};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"outRefundNo":"R20260301","refundAmt":100,"refundStatus":"PROCESSING","#,
/// #     r#""totalRefundAmt":0}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// // {"code":0,"data":{"outRefundNo":"R20260301","refundAmt":100,"refundStatus":"PROCESSING","totalRefundAmt":0,…}}
/// let answer = merchant.verify_answer::<RefundQuery>(body.as_bytes())?;
/// let (number, amount) = ("R20260301", Amount::new(100)?); // from your refund
/// assert!(answer.out_refund_no.as_deref() == Some(number) && answer.refund_amount == Some(amount));
/// assert!(answer.out_trade_no.as_deref().is_none_or(|order| order == "A20260301")); // it did not come
/// assert_eq!(answer.refund_status, Some(RefundStatus::Processing)); // ask again later
/// assert_eq!(answer.total_refund_amount, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundQueryAnswer {
    /// The merchant (`merchantId`).
    pub merchant_id: Option<String>,
    /// Till or site (`deviceNo`).
    pub device_no: Option<String>,
    /// The amounts' currency (`currency`).
    pub currency: Option<String>,
    /// The order's amount in cents (`totalAmt`).
    pub total_amount: Option<Amount>,
    /// This refund's amount in cents (`refundAmt`).
    pub refund_amount: Option<Amount>,
    /// When the money went back (`refundSuccesTime`, spelled so in the reference; the correct spelling is read too).
    pub refund_success_time: Option<GatewayTime>,
    /// All that went back for the order, in cents (`totalRefundAmt`). `None` also when the gateway writes 0: nothing yet.
    pub total_refund_amount: Option<Amount>,
    /// The gateway's number of the order (`ucpOrderNo`).
    pub ucp_order_no: Option<String>,
    /// The gateway's number of the refund (`ucpRefundNo`).
    pub ucp_refund_no: Option<String>,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: Option<String>,
    /// The merchant's number of the refund (`outRefundNo`).
    pub out_refund_no: Option<String>,
    /// Whether money went back (`refundStatus`).
    pub refund_status: Option<RefundStatus>,
}

impl Answer for RefundQueryAnswer {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        // A sum over refunds that are all still under way is 0, and no reason to refuse the rest of the answer.
        let total_refund_amount = match fields.present("totalRefundAmt") {
            Some("0") => None,
            _ => fields.amount("totalRefundAmt")?,
        };
        Ok(Self {
            merchant_id: fields.text("merchantId"),
            device_no: fields.text("deviceNo"),
            currency: fields.text("currency"),
            total_amount: fields.amount("totalAmt")?,
            refund_amount: fields.amount("refundAmt")?,
            refund_success_time: fields
                .time("refundSuccesTime")
                .or_else(|| fields.time("refundSuccessTime")),
            total_refund_amount,
            ucp_order_no: fields.text("ucpOrderNo"),
            ucp_refund_no: fields.text("ucpRefundNo"),
            out_trade_no: fields.text("outTradeNo"),
            out_refund_no: fields.text("outRefundNo"),
            refund_status: fields.present("refundStatus").map(RefundStatus::from),
        })
    }
}
