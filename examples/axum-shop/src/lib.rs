//! Maple & Bean: a small café that takes UCanPay payments. Run with `cargo run -p axum-shop`.
//!
//! Start here:
//!
//! - [`orders`]: the order is written, then its payment is started. The core that pages and API share.
//! - [`app`]: the routes, and the one line that lets the gateway's notifications in.
//! - [`program`]: settings, database, provider, ledger, server, put together.
//! - [`server`]: what a slow client may take, and the orderly end.
//! - [`fulfilment`]: what happens when an order is paid.
//! - [`events`]: how the buyer's page turns paid by itself.
//!
//! [`api`] is the JSON API, [`pages`] what people see. `local_gateway.rs` runs a gateway inside the shop when no account
//! is set; a real shop leaves it out.

pub mod admin_token;
pub mod api;
mod assets;
pub mod basket;
pub mod cart;
pub mod catalogue;
mod cookie;
pub mod events;
mod fingerprint;
pub mod fulfilment;
mod headers;
mod history;
mod language;
mod local_gateway;
pub mod money;
mod order_table;
pub mod orders;
pub mod pages;
mod private_file;
mod process;
pub mod program;
pub mod server;
mod sessions;
pub mod settings;
mod shop;
mod visit;
mod words;

use axum::extract::DefaultBodyLimit;
use axum::routing::any;
use axum::{Router, middleware};
use ucanpay_axum::UcanpayLayer;

pub use admin_token::AdminToken;
pub use process::main_with_env;
pub use program::{OpenError, Program};
pub use settings::{DatabaseUrl, SettingError, Settings};
pub use shop::Shop;

/// The longest form or JSON that is read, in bytes: 64 KiB, as for notifications.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The whole shop as one service.
pub fn app(shop: Shop) -> Router {
    let payments = shop.orders().payments().clone();
    Router::new()
        .merge(pages::routes())
        .merge(events::routes())
        .merge(assets::routes())
        .nest("/api", api::routes())
        .route("/api/", any(api::not_found))
        .fallback(pages::not_found)
        // The API's routes have one of their own.
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(visit::meet))
        .layer(middleware::map_response(headers::secure))
        .with_state(shop)
        // Last: a layer sees only what was added before it.
        .layer(UcanpayLayer::payments(payments))
}
