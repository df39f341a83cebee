//! One order, with all that the shop knows of its payment.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};
use ucanpay_storefront::TimelineEntry;

use super::Desk;
use super::entry::{self, Entry};
use crate::language;
use crate::pages::PageError;
use crate::pages::login::LoggedIn;
use crate::shop::{OrderNumber, Shop};
use crate::visit::Visit;

/// How many entries of a timeline are shown.
const SHOWN: usize = 150;

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
    let payments = shop.orders().payments();
    let key = payments.key(view.order.number.clone());
    let timeline = payments.timeline(&key).await;
    let timeline = timeline.map_err(|error| PageError::unavailable(&error))?;
    let entry = Entry::of(&shop, view).await?;
    let words = desk.words();
    let content = html! {
        div.orders { (entry::entry(&desk, &entry, None)) }
        p { a href={ "/orders/" (number) } { (words.merchant.buyers_page) } }
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
