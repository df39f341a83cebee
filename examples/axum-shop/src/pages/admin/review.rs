//! What a person must look at: the queue, and the form that closes one thing of it.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_storefront::ReviewError;
use ucanpay_storefront::ledger::Discrepancy;

use super::entry::{self, Entry};
use super::{Desk, SHOWN, parked};
use crate::orders::{Note, OrderView};
use crate::pages::PageError;
use crate::pages::form::MerchantForm;
use crate::pages::login::LoggedIn;
use crate::shop::{OrderNumber, Shop};
use crate::visit::Visit;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/admin/review", get(queue))
        .route("/admin/orders/{order}/review", post(done))
}

/// The orders with something open, the one open longest first; the next ones follow as these are closed.
async fn queue(
    login: LoggedIn,
    visit: Visit,
    State(shop): State<Shop>,
) -> Result<Markup, PageError> {
    let desk = Desk { visit, login };
    page(&desk, &shop, None).await
}

pub(super) async fn page(
    desk: &Desk,
    shop: &Shop,
    note: Option<Markup>,
) -> Result<Markup, PageError> {
    let words = &desk.words().review;
    let waiting = shop.orders().under_review(SHOWN).await?;
    let entries = Entry::all(shop, waiting).await?;
    let parked = parked::waiting(desk, shop).await?;
    let content = html! {
        @if let Some(note) = note { (note) }
        @if let Some(parked) = &parked { (parked) }
        @if entries.is_empty() && parked.is_none() { p.hint { (words.none) } }
        div.orders { @for entry in &entries { (entry::entry(desk, entry, None)) } }
    };
    Ok(desk.page(words.title, &html! {}, &content))
}

#[derive(Deserialize)]
struct LookedAt {
    discrepancy: u32,
    note: String,
}

/// A person says what was found. Sent twice, the first words stay.
async fn done(
    State(shop): State<Shop>,
    visit: Visit,
    OrderNumber(order): OrderNumber,
    MerchantForm(login, form): MerchantForm<LookedAt>,
) -> Result<Response, PageError> {
    let view = shop.orders().find(&order).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let settled = shop
        .orders()
        .settle_review(&view.order, form.discrepancy, form.note.trim())
        .await;
    match settled {
        Ok(_) => {
            let back = format!("/admin/orders/{}", view.order.number);
            Ok(Redirect::to(&back).into_response())
        }
        Err(ReviewError::NotFound) => Err(PageError::NotFound),
        Err(ReviewError::EmptyNote) => {
            let desk = Desk { visit, login };
            let note = html! { p.note.bad role="alert" { (desk.words().review.say_what) } };
            let page = page(&desk, &shop, Some(note)).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(error) => Err(PageError::unavailable(&error)),
    }
}

/// Why somebody must look at an order, and what to do about it.
pub(super) fn block(desk: &Desk, view: &OrderView, notes: &[Note]) -> Markup {
    html! {
        div.review {
            @if !notes.is_empty() {
                ul { @for note in notes {
                    li {
                        strong { (heading(desk, note)) }
                        @if let Some(text) = &note.text { (desk.words().frame.colon) span lang="en" { (text) } }
                        " " (desk.time(note.at))
                    }
                } }
            }
            @for open in view.open_discrepancies() { (discrepancy(desk, view, open)) }
            @if view.needs_review() { p { (desk.words().review.compare) } }
        }
    }
}

/// One thing that does not fit, until somebody says what was found.
fn discrepancy(desk: &Desk, view: &OrderView, open: &Discrepancy) -> Markup {
    let words = &desk.words().review;
    html! {
        form method="post" action={ "/admin/orders/" (view.order.number) "/review" } {
            p { strong { (words.to_look_at) } (desk.words().frame.colon) span lang="en" { (open.note) } " " (desk.time(open.opened_at.as_millis())) }
            input type="hidden" name="csrf" value=(desk.login.csrf());
            input type="hidden" name="discrepancy" value=(open.number);
            div.found {
                label { (words.found) input name="note" required maxlength="200" autocomplete="off" placeholder=(words.example); }
                button.quiet { (words.done) }
            }
        }
    }
}

fn heading(desk: &Desk, note: &Note) -> &'static str {
    let words = &desk.words().review;
    match note.kind.as_str() {
        "money_returned" => words.money_went_back,
        "late_payment" => words.paid_late,
        _ => words.to_look_at,
    }
}
