//! The switch between languages: what is chosen is kept in a cookie, and the page comes back in it.

use axum::Router;
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use serde::Deserialize;

use super::PageError;
use super::form::PageForm;
use crate::cookie;
use crate::language::{COOKIE, Language};
use crate::shop::Shop;

/// How long a browser keeps the choice, in seconds: a year.
const MAX_AGE: u32 = 365 * 24 * 60 * 60;

pub(super) fn routes() -> Router<Shop> {
    Router::new().route("/language", post(choose))
}

#[derive(Deserialize)]
struct Choice {
    language: String,
    back: String,
}

async fn choose(PageForm(choice): PageForm<Choice>) -> Result<Response, PageError> {
    let language = Language::read(&choice.language).ok_or(PageError::NotFound)?;
    let kept = cookie::set(COOKIE, language.tag(), MAX_AGE);
    Ok((kept, Redirect::to(own_page(&choice.back))).into_response())
}

/// The way back, if it stays in this shop.
fn own_page(back: &str) -> &str {
    let leads_away = back.starts_with("//") || back.contains('\\') || !back.starts_with('/');
    if leads_away || back.parse::<Uri>().is_err() {
        return "/";
    }
    back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leaves_the_shop() {
        for own in ["/", "/cart?changed=1", "/orders/N1"] {
            assert_eq!(own_page(own), own);
        }
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/a\r\nset-cookie: x",
        ] {
            assert_eq!(own_page(foreign), "/", "{foreign}");
        }
    }
}
