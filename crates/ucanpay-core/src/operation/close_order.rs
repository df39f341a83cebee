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
