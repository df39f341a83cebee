//! The menu, and putting things into the cart.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::PageForm;
use super::{PageError, last_order, layout};
use crate::catalogue::{self, MENU, Product};
use crate::shop::Shop;
use crate::visit::Visit;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/", get(menu))
        .route("/cart/add", post(add))
}

async fn menu(visit: Visit) -> Markup {
    let words = visit.words();
    let [first, second] = words.menu.headline;
    let count = visit.cart.count();
    let content = html! {
        section.hero {
            p.eyebrow { (words.menu.open_until) }
            h1 { (first) br; (second) }
            p { (words.menu.invitation) }
            @if let Some(link) = last_order(&visit) { p.last { (link) } }
        }
        h2 id="menu" { (words.menu.title) }
        ul.menu { @for product in MENU { (card(&visit, product)) } }
        @if count > 0 {
            div.bar {
                span { ((words.frame.items)(count)) }
                a.button href="/cart" { (words.menu.view_cart) }
            }
        }
    };
    layout::page(&visit, words.menu.title, &content)
}

fn card(visit: &Visit, product: &Product) -> Markup {
    let words = &visit.words().menu;
    let (name, description) = visit.words().product(product);
    let in_cart = visit.cart.quantity(product.sku);
    html! {
        li.card id=(product.sku) {
            div.art {
                img src={ "/assets/art/" (product.sku) ".svg" } alt="" width="160" height="120";
                @if in_cart > 0 { span.in-cart { (in_cart) span.unseen { (words.in_the_cart) } } }
            }
            div.text {
                h3 { (name) }
                p { (description) }
            }
            form.buy method="post" action="/cart/add" {
                input type="hidden" name="csrf" value=(visit.form_token());
                input type="hidden" name="sku" value=(product.sku);
                span.price { (visit.language.money(product.price)) }
                button aria-label=((words.add_to_the_cart)(name)) { (words.add) }
            }
        }
    }
}

#[derive(Deserialize)]
struct Add {
    sku: String,
}

async fn add(visit: Visit, PageForm(add): PageForm<Add>) -> Result<Response, PageError> {
    let product = catalogue::find(&add.sku).ok_or(PageError::NotFound)?;
    let mut cart = visit.cart;
    cart.set(product.sku, cart.quantity(product.sku) + 1);
    let back = Redirect::to(&format!("/#{}", product.sku));
    Ok((cart.into_header(), back).into_response())
}
