//! Asking what became of an order. Reference: 查询订单 / "Querying Orders".

use super::{Answer, Operation};
use crate::{
    fields::{Fields, ReadError},
    request::RequestFields,
    types::{Amount, GatewayTime, OutTradeNo, TradeStatus, UcpOrderNo},
};

/// Asks for an order's status. It changes nothing and may be repeated at will.
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
