//! The merchant's pages, behind the token: orders, one order with all that happened to it, refunds, what is to be looked
//! at, and how the payments do.

mod entry;
mod health;
mod list;
mod order;
mod parked;
mod refund;
mod review;

use axum::Router;
use maud::{Markup, html};

use super::layout;
use super::login::LoggedIn;
use crate::shop::Shop;
use crate::visit::Visit;
use crate::words::Words;

/// How many orders a page shows: with all their forms they weigh less than 50 KiB.
const SHOWN: u32 = 20;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .merge(list::routes())
        .merge(order::routes())
        .merge(refund::routes())
        .merge(review::routes())
        .merge(parked::routes())
        .merge(health::routes())
}

/// A merchant at one of these pages.
struct Desk {
    visit: Visit,
    login: LoggedIn,
}

impl Desk {
    fn words(&self) -> &'static Words {
        self.visit.words()
    }

    fn money(&self, cents: i64) -> String {
        self.visit.language.money(cents)
    }

    fn time(&self, millis: i64) -> Markup {
        html! { time { (self.visit.language.time(millis)) } }
    }

    /// A page with the way to the others above it.
    fn page(&self, title: &str, head: &Markup, content: &Markup) -> Markup {
        let words = self.words();
        let pages = [
            ("/admin", words.merchant.orders),
            ("/admin/refunds", words.refund.title),
            ("/admin/review", words.review.title),
            ("/admin/health", words.health.title),
        ];
        let content = html! {
            div.desk {
                nav aria-label=(words.merchant.pages) {
                    @for (path, name) in pages {
                        a href=(path) aria-current=[(name == title).then_some("page")] { (name) }
                    }
                }
                form method="post" action="/admin/logout" {
                    input type="hidden" name="csrf" value=(self.login.csrf());
                    button.quiet { (words.merchant.log_out) }
                }
            }
            h1 { (title) }
            (content)
        };
        layout::page_with(&self.visit, title, head, &content)
    }
}
