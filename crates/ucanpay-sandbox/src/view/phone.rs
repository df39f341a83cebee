//! The page the buyer's phone shows for an order.

use maud::{Markup, html};

use super::{brand, dollars, page, spaced};
use crate::order::{Order, Payment};

/// The page the buyer's phone shows for an order.
pub(crate) fn phone(order: &Order, merchant_id: &str) -> Markup {
    let content = html! {
        (brand())
        section.card {
            @match &order.payment {
                _ if order.reversed_at.is_some() => {
                    div.sign aria-hidden="true" { "↩" }
                    p.lead role="status" { "Reversed by the merchant" }
                    p.soft {
                        @if matches!(order.payment, Payment::Paid { .. }) { "All of it went back to you." }
                        @else { "Nothing was paid." }
                    }
                }
                Payment::Closed { .. } => {
                    p.lead role="status" { "Closed by the merchant" }
                    p.soft { "Nothing was paid, and it can no longer be paid." }
                }
                Payment::Paying { .. } => {
                    p.lead role="status" { "Paying merchant " (merchant_id) " …" }
                    p.soft { "The payment has begun and not ended." }
                }
                Payment::Awaited => { p.lead { "Pay merchant " (merchant_id) } }
                Payment::Declined { .. } => {
                    p.message role="status" { "Declined. Nothing was paid; you can try again." }
                }
                Payment::Paid { .. } if order.refunded() > 0 => {
                    div.sign aria-hidden="true" { "↩" }
                    p.lead role="status" { "Paid, " (dollars(order.refunded())) " refunded" }
                }
                Payment::Paid { .. } => {
                    div.sign aria-hidden="true" { "✓" }
                    p.lead role="status" { "Paid to merchant " (merchant_id) }
                }
            }
            p.amount { (dollars(order.amount())) " " small { (order.currency) } }
            p.item { (order.subject) }
            @if order.is_payable() {
                form method="post" action=(format!("/pay/{}/approve", order.ucp_order_no)) {
                    button.approve { "Approve" }
                }
                form method="post" action=(format!("/pay/{}/decline", order.ucp_order_no)) {
                    button.decline { "Decline" }
                }
                @if !matches!(order.payment, Payment::Paying { .. }) {
                    form method="post" action=(format!("/pay/{}/stall", order.ucp_order_no)) {
                        button.decline { "Begin and do not end" }
                    }
                }
            }
            @if order.is_payable_late() {
                form method="post" action=(format!("/pay/{}/late", order.ucp_order_no)) {
                    button.decline { "Pay late" }
                }
                p.soft { "As if the payment had been under way when the merchant closed the order." }
            }
            dl {
                div { dt { "Merchant" } dd { (merchant_id) } }
                @if order.description != order.subject {
                    div { dt { "Description" } dd { (order.description) } }
                }
                div { dt { "Order" } dd { (order.out_trade_no) } }
                div { dt { "UCanPay order" } dd { (order.ucp_order_no) } }
                @if let Payment::Paid { at, .. } = order.payment {
                    div { dt { "Paid" } dd { (spaced(at)) " UTC" } }
                }
            }
        }
        footer {
            @if !order.is_payable() { p { "You can close this page." } }
            a href="/" { "All sandbox orders" }
        }
    };
    page(
        &format!("Pay {}", dollars(order.amount())),
        "phone",
        &content,
        true,
    )
}
