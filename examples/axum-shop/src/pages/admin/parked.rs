//! News that the shop could not be told, however often it was tried: a person has them tried again, or sees to them.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_storefront::ParkedError;
use ucanpay_storefront::store::ParkedEvent;

use super::{Desk, SHOWN, review};
use crate::pages::PageError;
use crate::pages::form::MerchantForm;
use crate::shop::Shop;
use crate::visit::Visit;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/admin/parked/release", post(release))
        .route("/admin/parked/skip", post(skip))
}

#[derive(Deserialize)]
struct Release {
    event: String,
}

/// Whatever kept it from being delivered was repaired.
async fn release(
    State(shop): State<Shop>,
    MerchantForm(_, form): MerchantForm<Release>,
) -> Result<Redirect, PageError> {
    let released = shop.orders().payments().release_event(&form.event).await;
    decided(released)
}

#[derive(Deserialize)]
struct Skip {
    event: String,
    note: String,
}

/// It was seen to otherwise, and the note says how.
async fn skip(
    State(shop): State<Shop>,
    visit: Visit,
    MerchantForm(login, form): MerchantForm<Skip>,
) -> Result<Response, PageError> {
    let payments = shop.orders().payments();
    match payments.skip_event(&form.event, form.note.trim()).await {
        Err(ParkedError::EmptyNote) => {
            let desk = Desk { visit, login };
            let note = html! { p.note.bad role="alert" { (desk.words().review.say_what) } };
            let page = review::page(&desk, &shop, Some(note)).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        skipped => decided(skipped).map(IntoResponse::into_response),
    }
}

/// What somebody else has decided about meanwhile is not there any more, and the queue shows it.
fn decided(result: Result<(), ParkedError>) -> Result<Redirect, PageError> {
    match result {
        Ok(()) | Err(ParkedError::NotParked) => Ok(Redirect::to("/admin/review")),
        Err(error) => Err(PageError::unavailable(&error)),
    }
}

/// The news that wait for a person, the one parked longest first.
pub(super) async fn waiting(desk: &Desk, shop: &Shop) -> Result<Option<Markup>, PageError> {
    let parked = shop.orders().payments().parked_events(SHOWN).await;
    let parked = parked.map_err(|error| PageError::unavailable(&error))?;
    let some = !parked.is_empty();
    Ok(some.then(|| {
        html! {
            section.sheet.review {
                h2 { (desk.words().health.parked) }
                p.hint { (desk.words().review.parked) }
                @for event in &parked { (one(desk, event)) }
            }
        }
    }))
}

fn one(desk: &Desk, parked: &ParkedEvent) -> Markup {
    let words = &desk.words().review;
    let event = &parked.event;
    let fields = html! {
        input type="hidden" name="csrf" value=(desk.login.csrf());
        input type="hidden" name="event" value=(event.id);
    };
    html! {
        p {
            strong lang="en" { (event.kind) }
            @if let Some(order) = &event.reference { " " a href={ "/admin/orders/" (order) } { code { (order) } } }
            (desk.words().frame.colon) span.trouble lang="en" { (parked.trouble) } " " (desk.time(parked.parked_at.as_millis()))
        }
        form method="post" action="/admin/parked/release" {
            (fields)
            button.quiet { (words.try_again) }
        }
        form method="post" action="/admin/parked/skip" {
            (fields)
            div.found {
                label { (words.seen_to) input name="note" required maxlength="200" autocomplete="off"; }
                button.quiet { (words.skip) }
            }
        }
    }
}
