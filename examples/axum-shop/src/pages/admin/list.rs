//! The newest orders, and what became of their payments. The page follows them by itself.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::entry::{self, Entry};
use super::refund::Returned;
use super::{Desk, SHOWN};
use crate::fingerprint::fingerprint;
use crate::orders::ReadError;
use crate::pages::PageError;
use crate::pages::login::LoggedIn;
use crate::shop::Shop;
use crate::visit::Visit;

/// As far back as the list goes; an older order is found by its number.
const LAST_PAGE: u32 = 500;

pub(super) fn routes() -> Router<Shop> {
    Router::new().route("/admin", get(list))
}

/// One page of the list.
pub(super) struct List {
    entries: Vec<Entry>,
    /// From 1, the newest.
    number: u32,
}

impl List {
    /// The page of this number.
    pub(super) async fn of(shop: &Shop, number: u32) -> Result<Self, ReadError> {
        let number = number.clamp(1, LAST_PAGE);
        let views = shop.orders().recent(SHOWN, (number - 1) * SHOWN).await?;
        let entries = Entry::all(shop, views).await?;
        Ok(Self { entries, number })
    }

    /// Differs whenever the list looks different to this login.
    fn etag(&self, desk: &Desk) -> String {
        let mut whole = format!("{} {}", desk.login.csrf(), desk.visit.language.tag());
        for entry in &self.entries {
            let version = entry::version(entry);
            whole += &format!(" {}:{version}", entry.view.order.number);
        }
        format!("\"{}\"", fingerprint(&whole))
    }
}

#[derive(Deserialize)]
struct Asked {
    /// Which page; without it the first, which follows its orders.
    page: Option<u32>,
    /// The number of a refund that was just asked for.
    refund: Option<String>,
}

/// The page's script asks every two seconds with the `ETag` that it shows, and nearly always hears "not modified".
async fn list(
    login: LoggedIn,
    visit: Visit,
    State(shop): State<Shop>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let desk = Desk { visit, login };
    // What cannot be read asks for nothing in particular.
    let (number, refunded) = asked.map_or((None, None), |Query(asked)| (asked.page, asked.refund));
    let list = List::of(&shop, number.unwrap_or(1)).await?;
    let etag = list.etag(&desk);
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|shown| shown == etag.as_str())
    {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let mut refunds = list.entries.iter().flat_map(|entry| entry.view.refunds());
    let refund = refunds.find(|refund| Some(refund.number.as_str()) == refunded.as_deref());
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
    let mut entries = list.entries.iter();
    let under_way = entries.any(|entry| entry.view.refund_under_way());
    let head = html! {
        @if list.number == 1 { script src="/assets/admin.js" defer {} }
        @if under_way { noscript { meta http-equiv="refresh" content="5"; } }
    };
    let full = u32::try_from(list.entries.len()).is_ok_and(|count| count >= SHOWN);
    let content = html! {
        p.note.bad id="out" role="alert" hidden { (words.logged_out) " " a href="/admin/login" { (words.log_in_again) } }
        @if let Some(note) = note { (note) }
        p.hint id="none" hidden[!list.entries.is_empty()] { (words.none) }
        div.orders id="orders" data-etag=(list.etag(desk)) {
            @for entry in &list.entries { (entry::entry(desk, entry, returned)) }
        }
        nav.pages aria-label=(words.pages_of_list) {
            @if list.number > 1 { a rel="prev" href={ "/admin?page=" (list.number - 1) } { (words.newer) } }
            @if full && list.number < LAST_PAGE { a rel="next" href={ "/admin?page=" (list.number + 1) } { (words.older) } }
        }
    };
    desk.page(words.orders, &head, &content)
}
