//! The order's page: pay here, and watch it turn paid.

use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use maud::{Markup, PreEscaped, html};
use ucanpay_core::qr;
use ucanpay_storefront::{PaymentState, Refund, RefundState};

use super::{PageError, layout};
use crate::cart::Cart;
use crate::events::News;
use crate::money::dollars;
use crate::orders::OrderView;
use crate::shop::{OrderNumber, Shop};

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/orders/{order}", get(order))
        .route("/orders/{order}/payment", post(start))
}

async fn order(
    State(shop): State<Shop>,
    cart: Cart,
    OrderNumber(number): OrderNumber,
) -> Result<Markup, PageError> {
    let view = shop.orders().find(&number).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let order = &view.order;
    let head = html! {
        script src="/assets/order.js" defer {}
        // Without scripts the page looks for itself.
        @if let Some(seconds) = looks_again_after(&view) { noscript { meta http-equiv="refresh" content=(seconds); } }
    };
    let news = News::of(&view);
    let content = html! {
        div.columns {
            section.panel id="panel" aria-live="polite" data-events={ "/orders/" (order.number) "/events" } data-status=(view.status()) data-version=(news.version()) {
                (PreEscaped(&news.html))
            }
            section.sheet.receipt {
                h2 { "Your order" }
                ul.lines { @for line in &order.lines {
                    li {
                        span.times { (line.quantity) " ×" }
                        div.what { strong { (line.name) } }
                        span.sum { (dollars(line.total())) }
                    }
                } }
                div.total { span { "Total" } strong { (dollars(order.total.cents())) " " small { "CAD" } } }
                p.number { "Order " code { (order.number) } }
            }
        }
    };
    Ok(layout::page_with(title(&view), &cart, &head, &content))
}

/// Seconds until a page without scripts looks again: soon while it is to be paid, at leisure while a ticket or a refund
/// is awaited, and never when nothing more comes by itself.
fn looks_again_after(view: &OrderView) -> Option<u32> {
    match view.status() {
        status if !status.is_settled() => Some(4),
        PaymentState::Paid if view.order.ticket.is_none() || view.refund_under_way() => Some(15),
        _ => None,
    }
}

/// What the page is called while it stands like this.
pub(crate) fn title(view: &OrderView) -> &'static str {
    match view.status() {
        PaymentState::Paid if view.is_refunded() => "Refunded",
        PaymentState::Paid => "Paid",
        _ => "Your order",
    }
}

/// An order whose payment was never started, because the shop stopped just then: start it.
async fn start(
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
) -> Result<Redirect, PageError> {
    let view = shop.orders().find(&number).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let page = format!("/orders/{}", view.order.number);
    if view.payment.is_none() {
        shop.orders().start(view.order).await?;
    }
    Ok(Redirect::to(&page))
}

/// The part of the page that changes: sent again by `events.rs` whenever it looks different.
pub(crate) fn panel(view: &OrderView) -> Markup {
    let total = dollars(view.order.total.cents());
    html! {
        @match view.status() {
            PaymentState::Paid if view.is_refunded() => (refunded(view, &total)),
            PaymentState::Paid => (paid(view, &total)),
            PaymentState::Closed | PaymentState::Expired => {
                h1 { "This order has ended" }
                p { "It can no longer be paid. Nothing was taken; order again whenever you like." }
                a.button href="/" { "To the menu" }
            }
            // Money may have been taken: paying again would be the wrong advice.
            _ if view.needs_review() => {
                h1 { "We are looking into it" }
                p { "Something about this payment needs a person's eye. Please do not pay again; ask at the counter." }
            }
            _ if view.payment.is_none() => {
                h1 { "Almost there" }
                p { "Your order is written down. Go on to its payment:" }
                form method="post" action={ "/orders/" (view.order.number) "/payment" } { button.primary { "Pay " (total) } }
            }
            status => @match view.pay_link() {
                Some(link) => (payable(status, link, &total)),
                None => {
                    div.spinner aria-hidden="true" {}
                    h1 { "Preparing your payment" }
                    p { "We are waiting for UCanPay. This page goes on by itself, and nothing is ordered twice." }
                }
            }
        }
    }
}

fn payable(status: PaymentState, link: &str, total: &str) -> Markup {
    html! {
        p.eyebrow { "To pay" }
        h1.amount { (total) " " small { "CAD" } }
        @match status {
            PaymentState::Paying => { p.note { "Payment in progress on your phone…" } }
            PaymentState::Failed => { p.note.bad { "That attempt did not go through. You can try again." } }
            _ => {}
        }
        div.ways {
            @if let Ok(svg) = qr::svg(link) {
                figure.qr {
                    div role="img" aria-label="QR code of the payment link" { (PreEscaped(svg)) }
                    figcaption { "Scan with the UCanPay app" }
                }
            }
            a.button.primary.pay href=(link) target="_blank" rel="noopener" { "Pay with UCanPay" }
        }
        p.waiting { span.dot aria-hidden="true" {} "Waiting for your payment. This page updates by itself." }
    }
}

fn paid(view: &OrderView, total: &str) -> Markup {
    html! {
        div.tick aria-hidden="true" { "✓" }
        h1 { "Paid, thank you!" }
        p { (total) " CAD received." }
        @match view.order.ticket {
            Some(ticket) => { div.ticket { span { "Your ticket" } strong { (ticket) } span { "We call it at the counter." } } }
            None => { p.waiting { span.dot aria-hidden="true" {} "On its way to the kitchen…" } }
        }
        (refund_lines(view))
    }
}

/// All of the money went back: nothing is called at the counter.
fn refunded(view: &OrderView, total: &str) -> Markup {
    html! {
        div.tick.back aria-hidden="true" { "↩" }
        h1 { "Refunded" }
        p { "You paid " (total) " CAD, and all of it went back to you. Nothing will be called at the counter." }
        (refund_lines(view))
    }
}

fn refund_lines(view: &OrderView) -> Markup {
    html! {
        @if !view.refunds().is_empty() {
            ul.refunds { @for refund in view.refunds() { li { (refund_line(refund)) } } }
        }
    }
}

fn refund_line(refund: &Refund) -> Markup {
    let amount = dollars(refund.amount.cents());
    html! {
        strong { (amount) }
        @match refund.state {
            RefundState::Succeeded => " refunded",
            RefundState::Failed | RefundState::Closed => " could not be refunded yet; we are looking into it",
            _ => " refund on its way",
        }
        span { (refund.reason) }
    }
}
