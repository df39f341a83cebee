//! The menu, with the form that places an order.

use axum::response::Response;
use axum::routing::get;
use loco_rs::Result;
use loco_rs::controller::{Routes, format};
use ucanpay_storefront::Reference;

use crate::views;

/// `GET /`.
pub fn routes() -> Routes {
    Routes::new().add("/", get(menu))
}

/// Each menu that is shown carries the number of the order it may become: sent twice, it is one order.
async fn menu() -> Result<Response> {
    format::html(&views::menu(&Reference::random()))
}
