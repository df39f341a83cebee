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
use super::{PageError, last_order, layout};
use crate::basket::{Basket, Line, MAX_QUANTITY};
use crate::cart::Cart;
use crate::catalogue;
use crate::orders::PlaceError;
use crate::shop::Shop;
use crate::visit::Visit;

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

async fn cart(visit: Visit, shown: Result<Query<Shown>, QueryRejection>) -> Markup {
    let words = &visit.words().cart;
    let changed = shown.is_ok_and(|Query(shown)| shown.changed.is_some());
    let content = html! {
        h1 { (words.heading) }
        @match visit.cart.basket() {
            None => {
                @if changed { p.note role="status" { (words.ordered_before) } }
                p { (words.nothing_yet) }
                @if let Some(link) = last_order(&visit) { p { (link) } }
                a.button href="/" { (visit.words().frame.to_the_menu) }
            }
            Some(basket) => {
                @if changed { p.note role="status" { (words.changed) } }
                (contents(&visit, &basket))
            }
        }
    };
    layout::page(&visit, words.title, &content)
}

fn contents(visit: &Visit, basket: &Basket) -> Markup {
    let words = &visit.words().cart;
    let cents = basket.total().cents();
    let total = visit.language.money(cents);
    html! {
        div.columns {
            section.sheet aria-label=(words.items) { ul.lines { @for line in basket.lines() { (row(visit, line)) } } }
            section.sheet aria-label=(words.payment) {
                div.total { span { (words.total) } strong { (total) " " small { "CAD" } } }
                form method="post" action="/checkout" {
                    input type="hidden" name="csrf" value=(visit.form_token());
                    // One page, one order: pressing the button twice sends the same number twice.
                    input type="hidden" name="order" value=(Reference::random().as_str());
                    input type="hidden" name="total" value=(cents);
                    button.primary { ((words.pay)(&total)) }
                }
                p.aside { a href="/" { (words.add_something) } }
            }
        }
    }
}

fn row(visit: &Visit, line: &Line) -> Markup {
    let words = &visit.words().cart;
    let name = visit.words().line(line);
    let price = visit.language.money(line.price);
    html! {
        li {
            img.thumb src={ "/assets/art/" (line.sku) ".svg" } alt="" width="64" height="48";
            div.what { strong { (name) } span { ((words.each)(&price)) } }
            form.stepper method="post" action="/cart" {
                input type="hidden" name="csrf" value=(visit.form_token());
                input type="hidden" name="sku" value=(line.sku);
                button name="quantity" value=(line.quantity - 1) aria-label=((words.one_less)(name)) { "−" }
                span { span.unseen { (words.quantity) " " } (line.quantity) }
                button name="quantity" value=(line.quantity + 1) aria-label=((words.one_more)(name)) disabled[line.quantity >= MAX_QUANTITY] { "+" }
            }
            span.sum { (visit.language.money(line.total())) }
        }
    }
}

#[derive(Deserialize)]
struct SetQuantity {
    sku: String,
    quantity: i64,
}

async fn set(visit: Visit, PageForm(wanted): PageForm<SetQuantity>) -> Result<Response, PageError> {
    let product = catalogue::find(&wanted.sku).ok_or(PageError::NotFound)?;
    let mut cart = visit.cart;
    cart.set(product.sku, wanted.quantity);
    Ok((cart.into_header(), Redirect::to("/cart")).into_response())
}

#[derive(Deserialize)]
struct Checkout {
    order: String,
    /// The cents that the buyer saw on the button. It is only compared: the price is the shop's.
    total: i64,
}

async fn checkout(
    State(shop): State<Shop>,
    visit: Visit,
    PageForm(wanted): PageForm<Checkout>,
) -> Result<Response, PageError> {
    let look_again = || Redirect::to("/cart?changed=1").into_response();
    let number = OutTradeNo::new(wanted.order).ok();
    let Some(number) = number.and_then(|number| Reference::new(number.as_str()).ok()) else {
        return Ok(look_again());
    };
    let page = Redirect::to(&format!("/orders/{number}"));
    let Some(basket) = visit.cart.basket() else {
        // Pressed again after the first press had emptied the cart.
        let there = shop.orders().find(number.as_str()).await?;
        return Ok(there.map_or_else(look_again, |_| page.into_response()));
    };
    if basket.total().cents() != wanted.total {
        return Ok(look_again());
    }
    let history = visit.history.with(&number);
    match shop.orders().place(number, &basket).await {
        Ok(_) => Ok((Cart::default().into_header(), history, page).into_response()),
        Err(PlaceError::Taken) => Ok(look_again()),
        Err(error) => Err(error.into()),
    }
}
