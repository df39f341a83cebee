//! The order's page: pay here, and watch it turn paid.

use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use ucanpay_core::qr;
use ucanpay_storefront::{PaymentState, Refund, RefundState};

use super::form::PageForm;
use super::{PageError, layout};
use crate::events::News;
use crate::language::Language;
use crate::orders::OrderView;
use crate::shop::{OrderNumber, Shop};
use crate::visit::Visit;
use crate::words::Message;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/orders/{order}", get(order))
        .route("/orders/{order}/payment", post(start))
}

async fn order(
    State(shop): State<Shop>,
    visit: Visit,
    OrderNumber(number): OrderNumber,
) -> Result<Markup, PageError> {
    let view = shop.orders().find(&number).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let order = &view.order;
    let words = visit.words();
    let head = html! {
        script src="/assets/order.js" defer {}
        // Without scripts the page looks for itself.
        @if let Some(seconds) = looks_again_after(&view) { noscript { meta http-equiv="refresh" content=(seconds); } }
    };
    let news = News::of(&view, &visit);
    let content = html! {
        div.columns {
            section.panel id="panel" aria-live="polite" data-events={ "/orders/" (order.number) "/events" } data-status=(view.status()) data-version=(news.version()) {
                (PreEscaped(&news.html))
            }
            section.sheet.receipt {
                h2 { (words.order.title) }
                ul.lines { @for line in &order.lines {
                    li {
                        span.times { (line.quantity) " ×" }
                        div.what { strong { (words.line(line)) } }
                        span.sum { (visit.language.money(line.total())) }
                    }
                } }
                div.total { span { (words.cart.total) } strong { (visit.language.money(order.total.cents())) " " small { "CAD" } } }
                p.number { (words.order.number) " " code { (order.number) } }
            }
        }
    };
    Ok(layout::page_with(
        &visit,
        title(&view, visit.language),
        &head,
        &content,
    ))
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
pub(crate) fn title(view: &OrderView, language: Language) -> &'static str {
    let words = &language.words().order;
    match view.status() {
        PaymentState::Paid if view.is_refunded() => words.refunded,
        PaymentState::Paid => words.paid,
        _ => words.title,
    }
}

/// The button's number is in its address.
#[derive(Deserialize)]
struct Start {}

/// An order whose payment was never started, because the shop stopped just then: start it.
async fn start(
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
    PageForm(Start {}): PageForm<Start>,
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
pub(crate) fn panel(view: &OrderView, visit: &Visit) -> Markup {
    let words = &visit.words().order;
    let total = visit.language.money(view.order.total.cents());
    html! {
        @match view.status() {
            PaymentState::Paid if view.is_refunded() => (refunded(view, visit, &total)),
            PaymentState::Paid => (paid(view, visit, &total)),
            // Money may have been taken, also for an order that has ended: neither "nothing was taken" nor "pay" is said.
            _ if view.needs_review() => (said(words.looked_into)),
            // Our time for it is up, and the gateway has yet to say that nothing was taken.
            PaymentState::Expired => (said(words.ending)),
            PaymentState::Closed => {
                (said(if view.was_reviewed() { words.ended_after_review } else { words.ended }))
                a.button href="/" { (visit.words().frame.to_the_menu) }
            }
            _ if view.payment.is_none() => {
                (said(words.almost_there))
                form method="post" action={ "/orders/" (view.order.number) "/payment" } {
                    input type="hidden" name="csrf" value=(visit.form_token());
                    button.primary { ((words.pay_now)(&total)) }
                }
            }
            status => @match view.pay_link() {
                Some(link) => (payable(status, link, visit, &total)),
                None => {
                    div.spinner aria-hidden="true" {}
                    (said(words.preparing))
                }
            }
        }
    }
}

fn said((title, text): Message) -> Markup {
    html! { h1 { (title) } p { (text) } }
}

fn payable(status: PaymentState, link: &str, visit: &Visit, total: &str) -> Markup {
    let words = &visit.words().order;
    html! {
        p.eyebrow { (words.to_pay) }
        h1.amount { (total) " " small { "CAD" } }
        @match status {
            PaymentState::Paying => { p.note { (words.in_progress) } }
            PaymentState::Failed => { p.note.bad { (words.declined) } }
            _ => {}
        }
        div.ways {
            @if let Ok(svg) = qr::svg(link) {
                figure.qr {
                    div role="img" aria-label=(words.code) { (PreEscaped(svg)) }
                    figcaption { (words.scan) }
                }
            }
            a.button.primary.pay href=(link) target="_blank" rel="noopener" { (words.pay) }
        }
        p.waiting { span.dot aria-hidden="true" {} (words.waiting) }
    }
}

fn paid(view: &OrderView, visit: &Visit, total: &str) -> Markup {
    let words = &visit.words().order;
    html! {
        div.tick aria-hidden="true" { "✓" }
        h1 { (words.thanks) }
        p { ((words.received)(total)) }
        @match view.order.ticket {
            Some(ticket) => { div.ticket { span { (words.ticket) } strong { (ticket) } span { (words.called) } } }
            None => { p.waiting { span.dot aria-hidden="true" {} (words.to_the_kitchen) } }
        }
        (refund_lines(view, visit))
    }
}

/// All of the money went back: nothing is called at the counter.
fn refunded(view: &OrderView, visit: &Visit, total: &str) -> Markup {
    let words = &visit.words().order;
    html! {
        div.tick.back aria-hidden="true" { "↩" }
        h1 { (words.refunded) }
        p { ((words.all_went_back)(total)) }
        (refund_lines(view, visit))
    }
}

fn refund_lines(view: &OrderView, visit: &Visit) -> Markup {
    html! {
        @if !view.refunds().is_empty() {
            ul.refunds { @for refund in view.refunds() { li { (refund_line(refund, visit)) } } }
        }
    }
}

fn refund_line(refund: &Refund, visit: &Visit) -> Markup {
    let words = &visit.words().order;
    let amount = visit.language.money(refund.amount.cents());
    html! {
        strong { (amount) } " "
        @match refund.state {
            RefundState::Succeeded => (words.refund_done),
            RefundState::Failed | RefundState::Closed => (words.refund_failed),
            _ => (words.refund_coming),
        }
        span { (refund.reason) }
    }
}
