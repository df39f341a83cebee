//! What people see: pages that work without scripts, and follow a payment by themselves where scripts run.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use ucanpay_storefront::{PaymentState, PaymentView, Reference};

use crate::menu::{MENU, MOST};
use crate::models::orders::Model as Order;

const STYLE: &str = "
:root { color-scheme: light }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 1rem auto; padding: 0 1rem; color: #2b211a; background: #f6efe6 }
main { padding: .5rem 1.5rem 1rem; border: 1px solid #e3d6c6; border-radius: .8rem; background: #fffdfa }
label { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding: .6rem 0; border-bottom: 1px solid #e3d6c6 }
input { width: 5rem; border: 1px solid #8a7565; border-radius: .4rem; text-align: right }
input, button, .pay { box-sizing: border-box; font: inherit; padding: .6rem .8rem }
button, .pay { display: block; width: 100%; border: 0; border-radius: .4rem; background: #7a2e0e; color: #fff; font-weight: 600; text-align: center; text-decoration: none }
a { color: #7a2e0e }
:focus-visible { outline: 3px solid #1b6ac9; outline-offset: 2px }
img { display: block; width: 14rem; height: 14rem; margin: 1rem auto; background: #fff }
.ticket { display: block; font-size: 3rem; line-height: 1.2 }
";

/// Reloads the page when its payment is another than it was.
const FOLLOW: &str = "
const main = document.querySelector('main');
const news = new EventSource('/ucanpay/status/' + main.dataset.order + '/events');
news.onmessage = (event) => { if (JSON.parse(event.data).state !== main.dataset.state) location.reload(); };
";

fn page(title: &str, head: &Markup, main: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                (head)
                // No picture of its own, and no question after one.
                link rel="icon" href="data:,";
                title { (title) " · Maple & Bean" }
                style { (PreEscaped(STYLE)) }
            }
            body { (main) }
        }
    }
    .into_string()
}

/// The menu, as the form of an order that may be placed under this number.
pub fn menu(number: &Reference) -> String {
    page(
        "Menu",
        &html! {},
        &html! {
            main {
                h1 { "Maple & Bean" }
                form method="post" action="/orders" {
                    input type="hidden" name="number" value=(number);
                    @for product in MENU {
                        label {
                            span { (product.name) " · " (money(product.price)) }
                            input type="number" name=(product.sku) value="0" min="0" max=(MOST) inputmode="numeric";
                        }
                    }
                    p { button { "Order and pay" } }
                }
            }
        },
    )
}

/// One order, with its payment if that was started.
pub fn order(order: &Order, payment: Option<&PaymentView>) -> String {
    let state = payment.map_or(PaymentState::Created, |view| view.payment.state);
    let wait = payment.is_some() && !state.is_settled();
    let head = html! {
        @if wait { noscript { meta http-equiv="refresh" content="3"; } }
        // The ticket comes a moment after the payment, and no event tells a page of it.
        @if state == PaymentState::Paid && order.ticket.is_none() { meta http-equiv="refresh" content="1"; }
    };
    page(
        "Your order",
        &head,
        &html! {
            main data-order=(order.number) data-state=(state) {
                h1 { "Your order" }
                p { (order.items) ", " (money(order.cents)) }
                div role="status" { (standing(order, payment)) }
            }
            @if wait { script { (PreEscaped(FOLLOW)) } }
        },
    )
}

fn standing(order: &Order, payment: Option<&PaymentView>) -> Markup {
    let Some(view) = payment else {
        return html! {
            p { "The payment was not started." }
            form method="post" action=(format!("/orders/{}/payment", order.number)) {
                button { "Pay now" }
            }
        };
    };
    match (view.payment.state, &view.payment.pay_link) {
        (PaymentState::Paid, _) => html! {
            p { strong { "Paid. Thank you!" } }
            @match order.ticket {
                Some(ticket) => p { "Your ticket: " strong class="ticket" { (ticket) } },
                None => p { "Your ticket is being written." },
            }
            @if view.refunded() > 0 { p { "Refunded: " (money(view.refunded())) } }
        },
        // Money may have been taken, also for an order that has ended: neither "nothing is to be paid" nor "pay" is said.
        _ if view.needs_review() => html! {
            p { "This payment is being looked into. Please do not pay again; ask at the counter." }
        },
        // The gateway has not said yet that it is closed: a payment may still come through.
        (PaymentState::Expired, _) => html! {
            p { "The time for this order is up, and it is being closed. Please do not pay any more; if you have paid, wait here." }
        },
        (PaymentState::Closed, _) => html! {
            p { "This order was closed. Nothing is to be paid." }
            p { a href="/" { "Back to the menu" } }
        },
        (_, Some(link)) => html! {
            p { "Scan the code with your phone, or open the link." }
            img src=(format!("/ucanpay/status/{}/qr.svg", order.number)) alt="The pay link as a QR code";
            // In a tab of its own, so that this page is there when the buyer comes back.
            p { a class="pay" href=(&**link) target="_blank" { "Pay " (money(order.cents)) } }
        },
        (_, None) => html! {
            p { "The payment is on its way to the gateway. This page goes on by itself." }
        },
    }
}

/// What was wrong with what was sent, and the way back.
pub fn sorry(why: &str) -> String {
    page(
        "Sorry",
        &html! {},
        &html! {
            main {
                h1 { "Sorry" }
                p { (why) }
                p { a href="/" { "Back to the menu" } }
            }
        },
    )
}

fn money(cents: i64) -> String {
    format!("CAD {}.{:02}", cents / 100, cents % 100)
}
