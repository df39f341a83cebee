//! One order, with all that the shop knows of its payment.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};

use super::{Desk, SHOWN, entry};
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
    let notes = shop.orders().notes(SHOWN).await;
    let notes = notes.map_err(|error| PageError::unavailable(&error))?;
    let notes = notes.get(&number).map_or(&[][..], Vec::as_slice);
    let words = desk.words();
    let content = html! {
        div.orders { (entry::entry(&desk, &view, notes, None)) }
        p { a href={ "/orders/" (number) } { (words.merchant.buyers_page) } }
    };
    Ok(desk.page(words.order.number, &html! {}, &content))
}
