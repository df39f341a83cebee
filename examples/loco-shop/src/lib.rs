//! Maple & Bean as a loco app: a small café that takes UCanPay payments. Run with `cargo run -p loco-shop -- start`.
//!
//! Start here:
//!
//! - [`app`]: loco's hooks, and what the plug-in is given in each.
//! - [`models::orders`]: an order is written once, and gets its ticket once.
//! - [`controllers::orders`]: the order is placed, then its payment is started under the same number.
//! - [`workers::fulfilment`]: what happens when an order is paid.
//! - [`migrator`]: the shop's tables, and the ledger's beside them.
//!
//! [`views`] is what people see. [`initializers::gateway`] runs a gateway inside the shop, for development; a real shop
//! leaves it out.

pub mod app;
pub mod controllers;
pub mod initializers;
pub mod menu;
pub mod migrator;
pub mod models;
pub mod views;
pub mod workers;

pub use app::App;
pub use migrator::Migrator;
