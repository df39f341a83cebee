//! What people see. Handlers and markup of a page stand in one file; the frame around all of them is `layout.rs`.

mod admin;
mod cart;
mod form;
mod history;
mod language;
mod layout;
mod login;
mod menu;
mod order;

use axum::extract::Extension;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use maud::{Markup, html};
use ucanpay_storefront::PaymentState;

use crate::orders::{PlaceError, ReadError};
use crate::settings::in_one_line;
use crate::shop::Shop;
use crate::visit::Visit;

pub(crate) use layout::title;
pub(crate) use order::{panel as order_panel, title as order_title};

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .merge(menu::routes())
        .merge(cart::routes())
        .merge(order::routes())
        .merge(history::routes())
        .merge(language::routes())
        .merge(login::routes())
        .merge(admin::routes())
        .layer(middleware::from_fn(form::from_own_site))
}

/// The page for an address that leads nowhere.
pub(crate) async fn not_found() -> PageError {
    PageError::NotFound
}

/// The page for an address that takes no such request.
pub(crate) async fn method_not_allowed() -> PageError {
    PageError::Method
}

/// The way back to the order that this browser made last.
fn last_order(visit: &Visit) -> Option<Markup> {
    let number = visit.history.numbers().first()?;
    Some(html! { a href={ "/orders/" (number) } { (visit.words().history.last) } })
}

/// The colour of a payment's state.
fn tone(status: PaymentState) -> &'static str {
    match status {
        PaymentState::Paid => "good",
        PaymentState::Failed | PaymentState::Unknown => "bad",
        PaymentState::Closed | PaymentState::Expired => "",
        _ => "wait",
    }
}

/// A page that cannot be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PageError {
    /// There is no such page or order.
    NotFound,
    /// A form did not come from one of the shop's own pages.
    Foreign,
    /// Another site made the browser send a form.
    OtherSite,
    /// The address takes no request of this method.
    Method,
    /// A form's fields cannot be read.
    Unreadable(StatusCode),
    /// Our own trouble.
    Unavailable,
}

impl PageError {
    fn unavailable(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = in_one_line(error), "a page could not be shown");
        Self::Unavailable
    }
}

impl From<ReadError> for PageError {
    fn from(error: ReadError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<PlaceError> for PageError {
    fn from(error: PlaceError) -> Self {
        Self::unavailable(&error)
    }
}

/// The status alone, with the error for [`meet`](crate::visit::meet), which knows the visitor's language.
impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        (self.status(), Extension(self)).into_response()
    }
}

impl PageError {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Foreign | Self::OtherSite => StatusCode::FORBIDDEN,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable(status) => status,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What the visitor reads.
    pub(crate) fn page(self, visit: &Visit) -> (StatusCode, Markup) {
        let words = &visit.words().errors;
        let (title, advice) = match self {
            Self::NotFound => words.not_found,
            Self::Foreign => words.foreign,
            Self::OtherSite => words.other_site,
            Self::Method => words.method,
            Self::Unreadable(_) => words.unreadable,
            Self::Unavailable => words.unavailable,
        };
        let content = html! {
            section.message {
                h1 { (title) }
                p { (advice) }
                a.button href="/" { (visit.words().frame.to_the_menu) }
            }
        };
        (self.status(), layout::page(visit, title, &content))
    }
}
