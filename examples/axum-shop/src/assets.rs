//! Style, scripts and pictures, compiled in: the shop is one file, and needs no other server.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::shop::Shop;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path under `/assets/`, media type, content.
const FILES: &[(&str, &str, &str)] = &[
    ("shop.css", CSS, include_str!("../assets/shop.css")),
    ("order.js", SCRIPT, include_str!("../assets/order.js")),
    ("admin.js", SCRIPT, include_str!("../assets/admin.js")),
    ("icon.svg", SVG, include_str!("../assets/icon.svg")),
    (
        "art/espresso.svg",
        SVG,
        include_str!("../assets/art/espresso.svg"),
    ),
    (
        "art/latte.svg",
        SVG,
        include_str!("../assets/art/latte.svg"),
    ),
    (
        "art/maple-latte.svg",
        SVG,
        include_str!("../assets/art/maple-latte.svg"),
    ),
    (
        "art/cold-brew.svg",
        SVG,
        include_str!("../assets/art/cold-brew.svg"),
    ),
    ("art/chai.svg", SVG, include_str!("../assets/art/chai.svg")),
    (
        "art/croissant.svg",
        SVG,
        include_str!("../assets/art/croissant.svg"),
    ),
    (
        "art/butter-tart.svg",
        SVG,
        include_str!("../assets/art/butter-tart.svg"),
    ),
    (
        "art/cookie.svg",
        SVG,
        include_str!("../assets/art/cookie.svg"),
    ),
];

pub(crate) fn routes() -> Router<Shop> {
    Router::new().route("/assets/{*path}", get(asset))
}

async fn asset(Path(path): Path<String>) -> Response {
    match FILES.iter().find(|(name, ..)| *name == path) {
        Some((_, media_type, content)) => {
            let headers = [(CONTENT_TYPE, *media_type), (CACHE_CONTROL, "max-age=300")];
            (headers, *content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_on_the_menu_has_a_picture() {
        for product in crate::catalogue::MENU {
            let path = format!("art/{}.svg", product.sku);
            assert!(FILES.iter().any(|(name, ..)| *name == path), "{path}");
        }
    }
}
