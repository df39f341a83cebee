//! `ucanpay link`: the address that a buyer opens to pay an order. Nothing is sent.

use ucanpay_core::LinkOrder;

use crate::{
    args::LinkArguments,
    outcome::{Done, Failure},
    settings::Settings,
};

pub(crate) fn link(arguments: &LinkArguments, settings: &Settings<'_>) -> Result<Done, Failure> {
    let links = settings.pay_links()?;
    let order = LinkOrder {
        ucp_order_no: arguments.ucp_order_no.as_str(),
        out_trade_no: arguments.order.as_str(),
        amount: arguments.amount,
        item: arguments.item.as_str(),
    };
    let link = match &arguments.app {
        Some(sign) => links.app(&order, sign),
        None => links.dynamic_qr(&order),
    };
    Ok(Done::new(format!("{link}\n")))
}
