//! Closing an order that nobody will pay any more. Reference: 关闭订单 / "Closing Orders".

use super::{Answer, Operation};
use crate::{
    fields::{Fields, ReadError},
    request::RequestFields,
    types::{OutTradeNo, TradeStatus, UcpOrderNo},
};

/// Asks the gateway to take no payment for an order any more. Query the order first: it may have been paid meanwhile.
///
/// The gateway has no expiry, so this is also how an order ends whose buyer ran out of time.
///
/// ```
/// use ucanpay_core::{CloseOrder, Nonce, OutTradeNo, UcpOrderNo};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let close = CloseOrder {
///     out_trade_no: OutTradeNo::new("A20260301")?,
///     ucp_order_no: Some(UcpOrderNo::new("377654578511872")?), // from the order's answer
/// };
/// let request = merchant.sign(&close, Nonce::random())?;
/// assert_eq!(request.path(), "/payment/closeorder");
/// assert!(request.body().starts_with(br#"{"outTradeNo":"A20260301","ucpOrderNo":"377654578511872","#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseOrder {
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of the order (`ucpOrderNo`). Left out when the answer that would have brought it was lost.
    pub ucp_order_no: Option<UcpOrderNo>,
}

impl Operation for CloseOrder {
    const NAME: &'static str = "CloseOrder";
    const PATH: &'static str = "/payment/closeorder";
    type Answer = CloseOrderAnswer;

    fn write(&self, fields: &mut RequestFields) {
        fields.text("outTradeNo", self.out_trade_no.as_str());
        if let Some(number) = &self.ucp_order_no {
            fields.text("ucpOrderNo", number.as_str());
        }
    }
}

/// What the order is now. Only [`TradeStatus::Closed`] says that it is closed; match it with the order before believing it.
///
/// ```
/// use ucanpay_core::{CloseOrder, TradeStatus};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"merchantId":"2000000010","outTradeNo":"A20260301","tradeStatus":"CLOSED"}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// // {"code":0,"data":{"merchantId":"2000000010","outTradeNo":"A20260301","tradeStatus":"CLOSED","sign":"…"}}
/// let answer = merchant.verify_answer::<CloseOrder>(body.as_bytes())?;
/// let is_mine = answer.merchant_id.as_deref() == Some(merchant.id().as_str());
/// assert!(is_mine && answer.out_trade_no.as_deref() == Some("A20260301"));
/// assert!(answer.trade_status == Some(TradeStatus::Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseOrderAnswer {
    /// The merchant (`merchantId`).
    pub merchant_id: Option<String>,
    /// The merchant's number of the order (`outTradeNo`).
    pub out_trade_no: Option<String>,
    /// The gateway's number of the order (`ucpOrderNo`).
    pub ucp_order_no: Option<String>,
    /// What the order is now (`tradeStatus`).
    pub trade_status: Option<TradeStatus>,
}

impl Answer for CloseOrderAnswer {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            merchant_id: fields.text("merchantId"),
            out_trade_no: fields.text("outTradeNo"),
            ucp_order_no: fields.text("ucpOrderNo"),
            trade_status: fields.present("tradeStatus").map(TradeStatus::from),
        })
    }
}
