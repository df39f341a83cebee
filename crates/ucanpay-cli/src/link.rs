//! `ucanpay link`: the address that a buyer opens to pay an order. Nothing is sent.

use ucanpay_core::LinkOrder;
use ucanpay_storefront::UcanpayAccount;

use crate::{
    args::LinkArguments,
    outcome::{Done, Failure},
};

pub(crate) fn link(arguments: &LinkArguments, account: &UcanpayAccount) -> Result<Done, Failure> {
    let links = account.pay_links()?;
    let order = LinkOrder {
        ucp_order_no: arguments.ucp_order_no.as_str(),
        out_trade_no: arguments.order.as_str(),
        amount: arguments.amount,
        item: arguments.item.as_str(),
    };
    if let Some(sign) = &arguments.app {
        return Ok(Done::new(format!("{}\n", links.app(&order, sign))));
    }
    let scene = arguments.scene.map_or_else(|| account.scene(), Ok)?;
    match links.in_scene(scene, &order, None) {
        Some(link) => Ok(Done::new(format!("{link}\n"))),
        None => Err(Failure::NotDone(format!(
            "an order of the scene {scene} is paid by the app's link, which holds the `sign` of the order's answer: give it with \
             --app, or --scene NATIVE for the link of a QR code"
        ))),
    }
}
