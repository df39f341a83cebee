//! The cart, and the way from it to an order.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_core::OutTradeNo;
use ucanpay_storefront::Reference;

use super::form::PageForm;
use super::{PageError, layout};
use crate::basket::{Basket, Line, MAX_QUANTITY};
use crate::cart::Cart;
use crate::catalogue;
use crate::last_order::LastOrder;
use crate::money::dollars;
use crate::orders::PlaceError;
use crate::shop::Shop;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/cart", get(cart).post(set))
        .route("/checkout", post(checkout))
}

#[derive(Deserialize)]
struct Shown {
    /// The cart is no longer what the buyer saw when pressing the button.
    changed: Option<String>,
}

async fn cart(cart: Cart, last: LastOrder, shown: Result<Query<Shown>, QueryRejection>) -> Markup {
    let changed = shown.is_ok_and(|Query(shown)| shown.changed.is_some());
    let content = html! {
        h1 { "Your cart" }
        @match cart.basket() {
            None => {
                @if changed { p.note role="status" { "Nothing was ordered just now: this cart was ordered or emptied before." } }
                @match last.link() {
                    Some(link) => { p { "There is nothing in it. " (link) " is where you left it." } }
                    None => { p { "There is nothing in it yet." } }
                }
                a.button href="/" { "To the menu" }
            }
            Some(basket) => {
                @if changed { p.note role="status" { "Your cart has changed in the meantime. Please look at it again before you pay." } }
                (contents(&basket))
            }
        }
    };
    layout::page("Cart", &cart, &content)
}

fn contents(basket: &Basket) -> Markup {
    let total = basket.total().cents();
    html! {
        div.columns {
            section.sheet aria-label="Items" { ul.lines { @for line in basket.lines() { (row(line)) } } }
            section.sheet aria-label="Payment" {
                div.total { span { "Total" } strong { (dollars(total)) " " small { "CAD" } } }
                form method="post" action="/checkout" {
                    // One page, one order: pressing the button twice sends the same number twice.
                    input type="hidden" name="order" value=(Reference::random().as_str());
                    input type="hidden" name="total" value=(total);
                    button.primary { "Pay " (dollars(total)) " with UCanPay" }
                }
                p.aside { a href="/" { "Add something else" } }
            }
        }
    }
}

fn row(line: &Line) -> Markup {
    html! {
        li {
            img.thumb src={ "/assets/art/" (line.sku) ".svg" } alt="" width="64" height="48";
            div.what { strong { (line.name) } span { (dollars(line.price)) " each" } }
            form.stepper method="post" action="/cart" {
                input type="hidden" name="sku" value=(line.sku);
                button name="quantity" value=(line.quantity - 1) aria-label={ "One " (line.name) " less" } { "−" }
                span aria-label="Quantity" { (line.quantity) }
                button name="quantity" value=(line.quantity + 1) aria-label={ "One " (line.name) " more" } disabled[line.quantity >= MAX_QUANTITY] { "+" }
            }
            span.sum { (dollars(line.total())) }
        }
    }
}

#[derive(Deserialize)]
struct SetQuantity {
    sku: String,
    quantity: i64,
}

async fn set(
    mut cart: Cart,
    PageForm(wanted): PageForm<SetQuantity>,
) -> Result<Response, PageError> {
    let product = catalogue::find(&wanted.sku).ok_or(PageError::NotFound)?;
    cart.set(product.sku, wanted.quantity);
    Ok((cart.into_header(), Redirect::to("/cart")).into_response())
}

#[derive(Deserialize)]
struct Checkout {
    order: String,
    /// The cents that the buyer saw on the button. It is only compared: the price is the shop's.
    total: i64,
}

/// The cart comes with a SameSite cookie: a form on another site sends none, and orders nothing.
async fn checkout(
    State(shop): State<Shop>,
    cart: Cart,
    PageForm(wanted): PageForm<Checkout>,
) -> Result<Response, PageError> {
    let look_again = || Redirect::to("/cart?changed=1").into_response();
    let number = OutTradeNo::new(wanted.order).ok();
    let Some(number) = number.and_then(|number| Reference::new(number.as_str()).ok()) else {
        return Ok(look_again());
    };
    let page = Redirect::to(&format!("/orders/{number}"));
    let last = LastOrder::header(&number);
    let Some(basket) = cart.basket() else {
        // Pressed again after the first press had emptied the cart.
        let there = shop.orders().find(number.as_str()).await?;
        return Ok(there.map_or_else(look_again, |_| page.into_response()));
    };
    if basket.total().cents() != wanted.total {
        return Ok(look_again());
    }
    match shop.orders().place(number, &basket).await {
        Ok(_) => Ok((Cart::default().into_header(), last, page).into_response()),
        Err(PlaceError::Taken) => Ok(look_again()),
        Err(error) => Err(error.into()),
    }
}
