//! Undoing an order whose outcome stays unclear. Reference: 撤销订单 / "Cancelling Orders".

use super::{Answer, Operation};
use crate::{
    fields::{Fields, ReadError},
    request::RequestFields,
    types::{OutTradeNo, TradeStatus, UcpOrderNo},
};

/// Asks the gateway to close an order if it is unpaid, and to give the money back if it is paid.
///
/// Within 7 days of the transaction, not before 15 s after the payment, and only after a query gave no clear result. The
/// reference also lists ORDERPAID as an answer: then query, and use a [`Refund`](crate::Refund).
///
/// ```
/// use ucanpay_core::{Nonce, OutTradeNo, Reverse};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let reverse = Reverse { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// let request = merchant.sign(&reverse, Nonce::random())?;
/// assert_eq!(request.path(), "/payment/reverse");
/// assert!(request.body().starts_with(br#"{"outTradeNo":"A20260301","merchantId":"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverse {
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of the order (`ucpOrderNo`); it has priority. Left out when the answer that would have
    /// brought it was lost.
    pub ucp_order_no: Option<UcpOrderNo>,
}

impl Operation for Reverse {
    const NAME: &'static str = "Reverse";
    const PATH: &'static str = "/payment/reverse";
    type Answer = ReverseAnswer;

    fn write(&self, fields: &mut RequestFields) {
        fields.text("outTradeNo", self.out_trade_no.as_str());
        if let Some(number) = &self.ucp_order_no {
            fields.text("ucpOrderNo", number.as_str());
        }
    }
}

/// What the order is now. Only [`TradeStatus::Revoked`] is a reversal; match it with the order before believing it.
///
/// ```
/// use ucanpay_core::{Reverse, TradeStatus};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"merchantId":"2000000010","outTradeNo":"A20260301","tradeStatus":"REVOKED"}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// // {"code":0,"data":{"merchantId":"2000000010","outTradeNo":"A20260301","tradeStatus":"REVOKED","sign":"…"}}
/// let answer = merchant.verify_answer::<Reverse>(body.as_bytes())?;
/// let is_mine = answer.merchant_id.as_deref() == Some(merchant.id().as_str());
/// assert!(is_mine && answer.out_trade_no.as_deref() == Some("A20260301"));
/// assert!(answer.trade_status == Some(TradeStatus::Revoked));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseAnswer {
    /// The merchant (`merchantId`).
    pub merchant_id: Option<String>,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: Option<String>,
    /// The gateway's number of the order (`ucpOrderNo`). In the reference's Chinese table only.
    pub ucp_order_no: Option<String>,
    /// What the order is now (`tradeStatus`).
    pub trade_status: Option<TradeStatus>,
}

impl Answer for ReverseAnswer {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            merchant_id: fields.text("merchantId"),
            out_trade_no: fields.text("outTradeNo"),
            ucp_order_no: fields.text("ucpOrderNo"),
            trade_status: fields.present("tradeStatus").map(TradeStatus::from),
        })
    }
}
