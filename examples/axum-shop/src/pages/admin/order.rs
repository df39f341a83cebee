//! One order, with all that the shop knows of its payment.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};

use super::Desk;
use super::entry::{self, Entry};
use crate::pages::PageError;
use crate::pages::login::LoggedIn;
use crate::shop::{OrderNumber, Shop};
use crate::visit::Visit;

pub(super) fn routes() -> Router<Shop> {
    Router::new().route("/admin/orders/{order}", get(order))
}

async fn order(
    login: LoggedIn,
    visit: Visit,
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
) -> Result<Markup, PageError> {
    let desk = Desk { visit, login };
    let view = shop.orders().find(&number).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let entry = Entry::of(&shop, view).await?;
    let words = desk.words();
    let content = html! {
        div.orders { (entry::entry(&desk, &entry, None)) }
        p { a href={ "/orders/" (number) } { (words.merchant.buyers_page) } }
    };
    Ok(desk.page(words.order.number, &html! {}, &content))
}
