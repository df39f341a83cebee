//! The newest orders, and what became of their payments. The page follows them by itself.

use std::collections::HashMap;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::refund::Returned;
use super::{Desk, SHOWN, entry};
use crate::fingerprint::fingerprint;
use crate::orders::{Note, OrderView, ReadError};
use crate::pages::PageError;
use crate::pages::login::LoggedIn;
use crate::shop::Shop;
use crate::visit::Visit;

pub(super) fn routes() -> Router<Shop> {
    Router::new().route("/admin", get(list))
}

/// The orders that are shown, with what is told about them.
pub(super) struct List {
    orders: Vec<OrderView>,
    notes: HashMap<String, Vec<Note>>,
}

impl List {
    pub(super) async fn of(shop: &Shop) -> Result<Self, ReadError> {
        Ok(Self {
            orders: shop.orders().recent(SHOWN).await?,
            notes: shop.orders().notes(SHOWN).await?,
        })
    }

    fn notes(&self, view: &OrderView) -> &[Note] {
        let notes = self.notes.get(view.order.number.as_str());
        notes.map_or(&[], Vec::as_slice)
    }

    /// Differs whenever the list looks different to this login.
    fn etag(&self, desk: &Desk) -> String {
        let mut whole = format!("{} {}", desk.login.csrf(), desk.visit.language.tag());
        for view in &self.orders {
            let version = entry::version(view, self.notes(view));
            whole += &format!(" {}:{version}", view.order.number);
        }
        format!("\"{}\"", fingerprint(&whole))
    }
}

#[derive(Deserialize)]
struct Done {
    /// The number of a refund that was just asked for.
    refund: Option<String>,
}

/// The page's script asks every two seconds with the `ETag` that it shows, and nearly always hears "not modified".
async fn list(
    login: LoggedIn,
    visit: Visit,
    State(shop): State<Shop>,
    done: Result<Query<Done>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let desk = Desk { visit, login };
    let list = List::of(&shop).await?;
    let etag = list.etag(&desk);
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|shown| shown == etag.as_str())
    {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let number = done.ok().and_then(|Query(done)| done.refund);
    let refund = list
        .orders
        .iter()
        .flat_map(OrderView::refunds)
        .find(|refund| Some(refund.number.as_str()) == number.as_deref());
    let note = refund.map(|refund| {
        let amount = desk.money(refund.amount.cents());
        html! { p.note role="status" { ((desk.words().refund.recorded)(&amount)) } }
    });
    let page = page(&desk, &list, note, None);
    Ok(([(ETAG, etag)], page).into_response())
}

pub(super) fn page(
    desk: &Desk,
    list: &List,
    note: Option<Markup>,
    returned: Option<&Returned<'_>>,
) -> Markup {
    let words = &desk.words().merchant;
    let mut orders = list.orders.iter();
    let under_way = orders.any(OrderView::refund_under_way);
    let head = html! {
        script src="/assets/admin.js" defer {}
        @if under_way { noscript { meta http-equiv="refresh" content="5"; } }
    };
    let content = html! {
        p.note.bad id="out" role="alert" hidden { (words.logged_out) " " a href="/admin/login" { (words.log_in_again) } }
        @if let Some(note) = note { (note) }
        p.hint id="none" hidden[!list.orders.is_empty()] { (words.none) }
        div.orders id="orders" data-etag=(list.etag(desk)) {
            @for view in &list.orders {
                @let number = view.order.number.as_str();
                (entry::entry(desk, view, list.notes(view), returned.filter(|form| form.order == number)))
            }
        }
    };
    desk.page(words.orders, &head, &content)
}
