//! The buyer's orders, as this browser remembers them.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};

use super::{PageError, layout, tone};
use crate::orders::OrderView;
use crate::shop::Shop;
use crate::visit::Visit;

pub(super) fn routes() -> Router<Shop> {
    Router::new().route("/orders", get(history))
}

async fn history(State(shop): State<Shop>, visit: Visit) -> Result<Markup, PageError> {
    let mut orders = Vec::new();
    for number in visit.history.numbers() {
        orders.extend(shop.orders().find(number).await?);
    }
    let words = &visit.words().history;
    let content = html! {
        h1 { (words.title) }
        @if orders.is_empty() {
            p { (words.none) }
            a.button href="/" { (visit.words().frame.to_the_menu) }
        } @else {
            ul.orders { @for view in &orders { li { (entry(&visit, view)) } } }
            p.hint { (words.kept) }
        }
    };
    Ok(layout::page(&visit, words.title, &content))
}

fn entry(visit: &Visit, view: &OrderView) -> Markup {
    let words = visit.words();
    let order = &view.order;
    html! {
        article.sheet.entry {
            header {
                strong.sum { (visit.language.money(order.total.cents())) }
                @if view.is_refunded() { span.pill { (words.order.refunded) } }
                @else { span class={ "pill " (tone(view.status())) } { ((words.payment_state)(view.status())) } }
                @if let Some(ticket) = order.ticket { span.pill { (words.merchant.ticket) " " (ticket) } }
                time { (visit.language.time(order.created_at)) }
            }
            p { @for (at, line) in order.lines.iter().enumerate() { @if at > 0 { ", " } (line.quantity) " × " (words.line(line)) } }
            p.number { a href={ "/orders/" (order.number) } { (words.history.open) span.unseen { " " } } " " code { (order.number) } }
        }
    }
}
