//! Who is looking at a page: what the browser brings along with every request, read once.
//!
//! [`meet`] stands around all routes: it reads the visit, leaves a new browser its form token, and turns a
//! [`PageError`] into a page in the visitor's language.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::admin_token;
use crate::cart::Cart;
use crate::cookie;
use crate::history::History;
use crate::language::Language;
use crate::pages::PageError;
use crate::words::Words;

/// The cookie of the form token.
const TOKEN: &str = "form";

/// How long a browser keeps its form token, in seconds: thirty days.
const MAX_AGE: u32 = 30 * 24 * 60 * 60;

/// A browser at one of the pages.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) language: Language,
    pub(crate) cart: Cart,
    pub(crate) history: History,
    /// Where the browser is, for a form that leads back.
    pub(crate) here: String,
    token: String,
    /// The browser brought no token.
    is_new: bool,
}

impl Visit {
    /// The visit of a request with these headers.
    pub(crate) fn new(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let kept = cookie::read(headers, TOKEN).filter(|token| admin_token::is_random(token));
        Self {
            language: Language::of(headers),
            cart: Cart::of(headers),
            history: History::of(headers),
            here: here(method, uri),
            is_new: kept.is_none(),
            token: kept.map_or_else(admin_token::random, str::to_owned),
        }
    }

    /// The texts of the visitor's language.
    pub(crate) fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// What every form that changes something has to carry: the browser has it as a cookie, and another site can neither
    /// read it nor send it.
    pub(crate) fn form_token(&self) -> &str {
        &self.token
    }

    /// Whether a form carried the token that this browser was left before.
    pub(crate) fn made(&self, token: &str) -> bool {
        !self.is_new && token == self.token
    }
}

/// What was asked for if it can be asked for again, or the page nearest to it.
fn here(method: &Method, uri: &Uri) -> String {
    let page = match uri.path_and_query() {
        Some(page) if matches!(*method, Method::GET | Method::HEAD) => page.as_str(),
        Some(page) if page.path().starts_with("/admin") => "/admin",
        _ => "/",
    };
    page.to_owned()
}

/// Makes the visit known to every handler behind it.
pub(crate) async fn meet(mut request: Request, next: Next) -> Response {
    let visit = Visit::new(request.method(), request.uri(), request.headers());
    // A form of another site comes without the token that the browser has; it must not cost the browser its token.
    let may_leave_token = visit.is_new && request.method() == Method::GET;
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        response = error.page(&visit).into_response();
    }
    let media_type = response.headers().get(CONTENT_TYPE);
    let is_page = media_type.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if may_leave_token && is_page {
        return (cookie::set(TOKEN, &visit.token, MAX_AGE), response).into_response();
    }
    response
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let met = parts.extensions.get::<Self>().cloned();
        Ok(met.unwrap_or_else(|| Self::new(&parts.method, &parts.uri, &parts.headers)))
    }
}
