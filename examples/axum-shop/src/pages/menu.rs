//! The menu, and putting things into the cart.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::PageForm;
use super::{PageError, layout};
use crate::cart::Cart;
use crate::catalogue::{self, MENU, Product};
use crate::last_order::LastOrder;
use crate::money::dollars;
use crate::shop::Shop;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/", get(menu))
        .route("/cart/add", post(add))
}

async fn menu(cart: Cart, last: LastOrder) -> Markup {
    let content = html! {
        section.hero {
            p.eyebrow { "Open until six" }
            h1 { "Good coffee, " br; "a little maple." }
            p { "Order here, pay with UCanPay on your phone, and pick it up at the counter." }
            @if let Some(link) = last.link() { p.last { (link) } }
        }
        h2 id="menu" { "Menu" }
        ul.menu { @for product in MENU { (card(product, cart.quantity(product.sku))) } }
        @if cart.count() > 0 {
            div.bar {
                span { (cart.count()) @if cart.count() == 1 { " item" } @else { " items" } }
                a.button href="/cart" { "View cart" }
            }
        }
    };
    layout::page("Menu", &cart, &content)
}

fn card(product: &Product, in_cart: i64) -> Markup {
    html! {
        li.card id=(product.sku) {
            div.art {
                img src={ "/assets/art/" (product.sku) ".svg" } alt="" width="160" height="120";
                @if in_cart > 0 { span.in-cart { (in_cart) span.unseen { " in the cart" } } }
            }
            div.text {
                h3 { (product.name) }
                p { (product.description) }
            }
            form.buy method="post" action="/cart/add" {
                input type="hidden" name="sku" value=(product.sku);
                span.price { (dollars(product.price)) }
                button aria-label={ "Add " (product.name) " to the cart" } { "Add" }
            }
        }
    }
}

#[derive(Deserialize)]
struct Add {
    sku: String,
}

async fn add(mut cart: Cart, PageForm(add): PageForm<Add>) -> Result<Response, PageError> {
    let product = catalogue::find(&add.sku).ok_or(PageError::NotFound)?;
    cart.set(product.sku, cart.quantity(product.sku) + 1);
    let back = Redirect::to(&format!("/#{}", product.sku));
    Ok((cart.into_header(), back).into_response())
}
