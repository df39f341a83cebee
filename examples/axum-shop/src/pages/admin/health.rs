//! How the payments do: what an operator should look into, and the ledger counted.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};
use ucanpay_storefront::Health;
use ucanpay_storefront::ledger::{Backlog, Unsettled};

use super::Desk;
use crate::pages::PageError;
use crate::pages::login::LoggedIn;
use crate::shop::Shop;
use crate::visit::Visit;

pub(super) fn routes() -> Router<Shop> {
    Router::new().route("/admin/health", get(health))
}

/// A ledger that cannot be read is the worst news: the page says so, with status 503.
async fn health(
    login: LoggedIn,
    visit: Visit,
    State(shop): State<Shop>,
) -> Result<Markup, PageError> {
    let desk = Desk { visit, login };
    let health = shop.orders().payments().health().await;
    let health = health.map_err(|error| PageError::unavailable(&error))?;
    let words = &desk.words().health;
    let concerns = health.concerns();
    let content = html! {
        @if concerns.is_empty() { p.note.good role="status" { (words.well) } }
        @else {
            div.note.bad role="status" {
                strong { (words.look_into) }
                ul lang="en" { @for concern in &concerns { li { (concern) } } }
            }
        }
        (counted(&desk, &health))
        p.hint { (desk.visit.language.time(health.at.as_millis())) }
    };
    // A page that is left open stays true.
    let head = html! { meta http-equiv="refresh" content="30"; };
    Ok(desk.page(words.title, &head, &content))
}

fn counted(desk: &Desk, health: &Health) -> Markup {
    let words = &desk.words().health;
    let census = &health.census;
    html! {
        div.sheet {
            table {
                thead { tr { th scope="col" { (words.what) } th scope="col" { (words.how_many) } } }
                tbody {
                    @for (account, of) in &census.accounts {
                        (unsettled(desk, words.payments, account.as_str(), &of.payments))
                        (unsettled(desk, words.refunds, account.as_str(), &of.refunds))
                    }
                    (backlog(desk, words.reviews, &census.reviews))
                    (backlog(desk, words.undelivered, &census.undelivered))
                    (backlog(desk, words.parked, &census.parked))
                    tr { th scope="row" { (words.paid) } td { (census.paid) } }
                    tr { th scope="row" { (words.recovered) } td { (census.recovered) } }
                }
            }
        }
    }
}

fn unsettled(desk: &Desk, what: &str, account: &str, rows: &Unsettled) -> Markup {
    html! {
        tr {
            th scope="row" { (what) " (" (account) ")" }
            td {
                (rows.total())
                @if rows.due.count > 0 { ", " ((desk.words().health.due)(rows.due.count)) }
                (since(desk, &rows.due))
            }
        }
    }
}

fn backlog(desk: &Desk, what: &str, backlog: &Backlog) -> Markup {
    html! {
        tr { th scope="row" { (what) } td { (backlog.count) (since(desk, backlog)) } }
    }
}

fn since(desk: &Desk, backlog: &Backlog) -> Markup {
    html! { @if let Some(since) = backlog.since { span.since { (desk.words().health.since) " " (desk.time(since.as_millis())) } } }
}
