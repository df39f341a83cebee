//! What people see. Handlers and markup of a page stand in one file; the frame around all of them is `layout.rs`.

mod admin;
mod cart;
mod form;
mod layout;
mod login;
mod menu;
mod order;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use maud::{Markup, html};

use crate::cart::Cart;
use crate::orders::{PlaceError, ReadError};
use crate::settings::in_one_line;
use crate::shop::Shop;

pub(crate) use layout::title;
pub(crate) use order::{panel as order_panel, title as order_title};

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .merge(menu::routes())
        .merge(cart::routes())
        .merge(order::routes())
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

/// A page that cannot be shown.
#[derive(Debug)]
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

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, advice) = match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Nothing here",
                "This page does not exist, or the order's number was cut off on the way.",
            ),
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                "That form is too old",
                "Nothing was changed. Go back, reload the page and try again.",
            ),
            Self::OtherSite => (
                StatusCode::FORBIDDEN,
                "That came from another site",
                "Nothing was changed. Use the shop's own pages for what you want to do.",
            ),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "Not this way",
                "This address is used by the shop's own forms and links. Nothing was changed.",
            ),
            Self::Unreadable(status) => (
                status,
                "That form is not complete",
                "Nothing was changed. Go back, reload the page and try again.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "One moment, please",
                "Something went wrong on our side. Reload the page: nothing is ordered or paid twice.",
            ),
        };
        (status, message(title, advice)).into_response()
    }
}

fn message(title: &str, advice: &str) -> Markup {
    layout::page(
        title,
        &Cart::default(),
        &html! {
            section.message {
                h1 { (title) }
                p { (advice) }
                a.button href="/" { "To the menu" }
            }
        },
    )
}
