//! The buyer's last order, remembered in a cookie: the way back to a page that was closed too early.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::AppendHeaders;
use maud::{Markup, html};
use ucanpay_core::OutTradeNo;
use ucanpay_storefront::Reference;

use crate::cart::cookie;

const NAME: &str = "last_order";

/// How long a browser remembers it, in seconds: a day.
const MAX_AGE: u32 = 24 * 60 * 60;

/// What the browser says was its last order. Only a link is made of it.
pub(crate) struct LastOrder(Option<String>);

impl LastOrder {
    /// The header that leaves this order's number with the browser.
    pub(crate) fn header(number: &Reference) -> AppendHeaders<[(HeaderName, String); 1]> {
        let cookie = format!("{NAME}={number}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax");
        AppendHeaders([(SET_COOKIE, cookie)])
    }

    /// A link to it, if there is one.
    pub(crate) fn link(&self) -> Option<Markup> {
        let number = self.0.as_ref()?;
        Some(html! { a href={ "/orders/" (number) } { "Your last order" } })
    }
}

impl<S: Sync> FromRequestParts<S> for LastOrder {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let number = cookie(&parts.headers, NAME).and_then(|number| OutTradeNo::new(number).ok());
        Ok(Self(number.map(|number| number.as_str().to_owned())))
    }
}
