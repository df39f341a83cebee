//! Asking what became of an order. Reference: 查询订单 / "Querying Orders".

use super::{Answer, Operation};
use crate::{
    fields::{Fields, ReadError},
    request::RequestFields,
    types::{Amount, GatewayTime, OutTradeNo, TradeStatus, UcpOrderNo},
};

/// Asks for an order's status. It changes nothing and may be repeated at will.
///
/// ```
/// use ucanpay_core::{Nonce, OrderQuery, OutTradeNo};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// let request = merchant.sign(&query, Nonce::random())?;
/// assert_eq!(request.path(), "/payment/orderquery");
/// assert!(request.body().starts_with(br#"{"outTradeNo":"A20260301","merchantId":"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderQuery {
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of the order (`ucpOrderNo`). Left out when the answer that would have brought it was lost.
    pub ucp_order_no: Option<UcpOrderNo>,
}

impl Operation for OrderQuery {
    const NAME: &'static str = "OrderQuery";
    const PATH: &'static str = "/payment/orderquery";
    type Answer = OrderQueryAnswer;

    fn write(&self, fields: &mut RequestFields) {
        fields.text("outTradeNo", self.out_trade_no.as_str());
        if let Some(number) = &self.ucp_order_no {
            fields.text("ucpOrderNo", number.as_str());
        }
    }
}

/// What the gateway knows about an order. Match it with the order before believing it.
///
/// ```
/// use ucanpay_core::{Amount, OrderQuery, TradeStatus};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"outTradeNo":"A20260301","totalAmt":450,"tradeStatus":"SUCCESS"}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// // {"code":0,"data":{"outTradeNo":"A20260301","totalAmt":450,"tradeStatus":"SUCCESS","sign":"…"}}
/// let answer = merchant.verify_answer::<OrderQuery>(body.as_bytes())?;
/// let (number, amount) = ("A20260301", Amount::new(450)?); // from your order
/// assert!(answer.out_trade_no.as_deref() == Some(number) && answer.total_amount == Some(amount));
/// assert!(answer.currency.as_deref().is_none_or(|currency| currency == "CAD")); // it did not come
/// assert_eq!(answer.trade_status, Some(TradeStatus::Success));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderQueryAnswer {
    /// When the order was placed (`tranTime`).
    pub transaction_time: Option<GatewayTime>,
    /// The order's amount in cents (`totalAmt`).
    pub total_amount: Option<Amount>,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: Option<String>,
    /// The gateway's number of the order (`ucpOrderNo`).
    pub ucp_order_no: Option<String>,
    /// Whether money moved (`tradeStatus`).
    pub trade_status: Option<TradeStatus>,
    /// The merchant (`merchantId`). Not in the table; compared when present.
    pub merchant_id: Option<String>,
    /// The amount's currency (`currency`). Not in the table; compared when present.
    pub currency: Option<String>,
}

impl Answer for OrderQueryAnswer {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            transaction_time: fields.time("tranTime"),
            total_amount: fields.amount("totalAmt")?,
            out_trade_no: fields.text("outTradeNo"),
            ucp_order_no: fields.text("ucpOrderNo"),
            trade_status: fields.present("tradeStatus").map(TradeStatus::from),
            merchant_id: fields.text("merchantId"),
            currency: fields.text("currency"),
        })
    }
}
