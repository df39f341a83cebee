//! One order, with all that the shop knows of its payment; and a button that asks the gateway for what it does not know.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_storefront::{RefreshError, TimelineEntry};

use super::Desk;
use super::entry::{self, Entry};
use crate::language;
use crate::pages::PageError;
use crate::pages::form::MerchantForm;
use crate::pages::login::LoggedIn;
use crate::shop::{OrderNumber, Shop};
use crate::visit::Visit;

/// How many entries of a timeline are shown.
const SHOWN: usize = 150;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/admin/orders/{order}", get(order))
        .route("/admin/orders/{order}/ask", post(ask))
}

#[derive(Deserialize)]
struct Shown {
    /// The gateway was asked just now.
    asked: Option<String>,
}

async fn order(
    login: LoggedIn,
    visit: Visit,
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
    shown: Result<Query<Shown>, QueryRejection>,
) -> Result<Markup, PageError> {
    let asked = shown.is_ok_and(|Query(shown)| shown.asked.is_some());
    let desk = Desk { visit, login };
    let view = shop.orders().find(&number).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let payments = shop.orders().payments();
    let key = payments.key(view.order.number.clone());
    let timeline = payments.timeline(&key).await;
    let timeline = timeline.map_err(|error| PageError::unavailable(&error))?;
    let entry = Entry::of(&shop, view).await?;
    let words = desk.words();
    let content = html! {
        @if asked { p.note role="status" { (words.timeline.asked) } }
        div.orders { (entry::entry(&desk, &entry, None)) }
        p { a href={ "/orders/" (number) } { (words.merchant.buyers_page) } }
        @if timeline.is_some() {
            form method="post" action={ "/admin/orders/" (number) "/ask" } {
                input type="hidden" name="csrf" value=(desk.login.csrf());
                button.quiet { (words.timeline.ask) }
            }
        }
        section aria-labelledby="timeline" {
            h2 id="timeline" { (words.timeline.title) }
            @match &timeline {
                Some(timeline) => (entries(&desk, &timeline.entries)),
                None => { p.hint { (words.timeline.none) } }
            }
        }
    };
    Ok(desk.page(words.order.number, &html! {}, &content))
}

#[derive(Deserialize)]
struct Ask {}

/// Of what ended long ago the gateway tells only who asks: a refund in the portal, say.
async fn ask(
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
    MerchantForm(_, Ask {}): MerchantForm<Ask>,
) -> Result<Redirect, PageError> {
    let view = shop.orders().find(&number).await?;
    let order = view.ok_or(PageError::NotFound)?.order.number;
    let payments = shop.orders().payments();
    match payments.refresh(&payments.key(order)).await {
        Ok(_) => Ok(Redirect::to(&format!("/admin/orders/{number}?asked=1"))),
        Err(RefreshError::NotFound) => Err(PageError::NotFound),
        Err(error) => Err(PageError::unavailable(&error)),
    }
}

/// What happened, oldest first; of a very long story the end. The ledger tells it in English.
fn entries(desk: &Desk, entries: &[TimelineEntry]) -> Markup {
    let left_out = entries.len().saturating_sub(SHOWN);
    html! {
        @if left_out > 0 { p.hint { ((desk.words().timeline.left_out)(left_out)) } }
        ol.timeline lang="en" { @for entry in &entries[left_out..] {
            li { time { (language::to_the_second(entry.at.as_millis())) } span { (entry.what) } }
        } }
    }
}
