//! How the pages look. Every page says that no real money moves.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::clock::{TimeForm, written};
use crate::delivery::{Attempt, Delivery, Outcome};
use crate::gateway::Gateway;
use crate::order::{Order, Payment, Refund};

const CSS: &str = include_str!("view.css");

/// Replaces the page's content with the current one every two seconds, where it has changed.
const REFRESH: &str = "setInterval(async () => {
  try {
    const text = await (await fetch(location.href)).text();
    const current = new DOMParser().parseFromString(text, 'text/html').querySelector('main');
    const shown = document.querySelector('main');
    if (current && current.innerHTML !== shown.innerHTML) shown.replaceWith(current);
  } catch { /* the sandbox is restarting */ }
}, 2000);";

/// The dashboard shows this many orders; the control API has them all.
const SHOWN_ORDERS: usize = 100;

fn page(title: &str, class: &str, content: &Markup, refresh: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · UCanPay sandbox" }
                link rel="icon" href="data:,";
                style { (PreEscaped(CSS)) }
            }
            body {
                div.notice role="note" { strong { "Local sandbox" } " — for development. No real money moves." }
                main class=(class) { (content) }
                @if refresh { script { (PreEscaped(REFRESH)) } }
            }
        }
    }
}

fn brand() -> Markup {
    html! { div.brand { span.dot aria-hidden="true" { "U" } h1 { "UCanPay sandbox" } } }
}

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

/// Every order with its refunds and what became of its notifications.
pub(crate) fn dashboard(gateway: &Gateway, now: i64) -> Markup {
    let mut orders = gateway.orders().peekable();
    let content = html! {
        (brand())
        @if orders.peek().is_none() {
            section.card {
                strong { "No orders yet." }
                p.lead { "Orders appear here as soon as the shop places one." }
            }
        }
        @for order in orders.take(SHOWN_ORDERS) { (order_card(gateway, order, now)) }
    };
    page("Orders", "wide", &content, true)
}

fn order_card(gateway: &Gateway, order: &Order, now: i64) -> Markup {
    let mut deliveries = gateway.deliveries_of(order).peekable();
    html! {
        article.card.order {
            header {
                strong { (dollars(order.amount())) " " (order.currency) }
                span { (order.subject) }
                (pill(tone(order.trade_status()), order.trade_status()))
                a href=(format!("/pay/{}", order.ucp_order_no)) { "Phone page" }
            }
            p.soft {
                (order.out_trade_no) " · " (order.ucp_order_no) " · " (order.scene)
                " · placed " (spaced(order.placed_at)) " UTC"
            }
            @if order.amount() != order.ordered_amount {
                p.soft { "Ordered for " (dollars(order.ordered_amount)) }
            }
            @if order.muted { p.soft { "Notifications about this order are switched off." } }
            @if !order.refunds.is_empty() {
                ul { @for refund in &order.refunds { (refund_line(refund)) } }
            }
            @if deliveries.peek().is_some() {
                ul {
                    @for delivery in deliveries {
                        (delivery_line(delivery, gateway.attempts(delivery.id), now))
                    }
                }
            }
        }
    }
}

fn refund_line(refund: &Refund) -> Markup {
    html! {
        li {
            (pill(tone(refund.status()), refund.status()))
            "refund of " strong { (dollars(refund.amount)) } " " span.soft { "· " (refund.out_refund_no) " · " (refund.reason) }
        }
    }
}

fn delivery_line(delivery: &Delivery, attempts: &[Attempt], now: i64) -> Markup {
    let last = attempts.last().map(|attempt| match &attempt.outcome {
        Outcome::Accepted { status, answer } | Outcome::Refused { status, answer } => {
            (format!("HTTP {status}"), answer)
        }
        Outcome::Failed { error } => ("no answer".to_owned(), error),
    });
    let (tone, state) = match delivery.next_attempt_at {
        None => ("good", "accepted"),
        Some(_) if attempts.is_empty() => ("wait", "waiting"),
        Some(_) => ("bad", "not accepted yet"),
    };
    html! {
        li {
            (pill(tone, state))
            (delivery.topic.as_str()) " notification → " (delivery.url) " "
            span.soft {
                span.keep { "· " (attempts.len()) @if attempts.len() == 1 { " attempt" } @else { " attempts" } }
                @match delivery.next_attempt_at {
                    Some(at) if at > now => { ", " span.keep { "next at " (spaced(at)) " UTC" } }
                    Some(_) => { ", sending now" }
                    None => {}
                }
            }
            @if let Some((status, text)) = last { p { span.soft { (status) } " " code { (text) } } }
        }
    }
}

/// An address that leads to no order.
pub(crate) fn not_found() -> Markup {
    let content = html! {
        (brand())
        section.card {
            div.sign.bad aria-hidden="true" { "?" }
            h2 { "No such order here" }
            p.soft {
                "This link belongs to no order of this sandbox. It may come from another sandbox, "
                "or from one whose state has been removed. Place a new order in the shop and use its link."
            }
        }
        footer { a href="/" { "All sandbox orders" } }
    };
    page("Not found", "phone", &content, false)
}

/// The sandbox could not write its state.
pub(crate) fn unavailable() -> Markup {
    let content = html! {
        (brand())
        section.card {
            div.sign.bad aria-hidden="true" { "!" }
            h2 { "That did not work" }
            p.soft {
                "The sandbox could not write its state, so nothing was changed. Its log says why."
            }
        }
    };
    page("Unavailable", "phone", &content, false)
}

fn pill(tone: &str, text: &str) -> Markup {
    html! { span class=(format!("pill {tone}")) { (text) } }
}

fn tone(status: &str) -> &'static str {
    match status {
        "SUCCESS" => "good",
        "PAYERROR" | "FAIL" | "CLOSED" | "REVOKED" => "bad",
        _ => "wait",
    }
}

/// `2021-01-29 03:55:10`
fn spaced(at: i64) -> String {
    written(at, TimeForm::Spaced)
}

/// `$4.50`
fn dollars(cents: i64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
