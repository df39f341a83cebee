//! The way back: UCanPay's notifications in axum.
//!
//! The gateway POSTs a signed message to the notify URL of an order or a refund, and repeats it every 15 s until it
//! is answered SUCCESS. This crate takes such a message in, byte for byte, and answers it.
//!
//! - **The layer.** [`UcanpayLayer`] in front of a shop's router answers `POST /ucanpay/payment` and
//!   `POST /ucanpay/refund` through a [`NotificationHandler`] and leaves every other request alone. It must be the
//!   **last** `.layer(..)`, after `.fallback(..)`, and around `.nest(..)` rather than inside.
#![cfg_attr(
    feature = "router",
    doc = "  Over the ledger of `ucanpay-storefront` it is one line: `.layer(UcanpayLayer::payments(payments))`. Or nest \
[`payments_router`], which also tells a payment page how its payment stands."
)]
//! - **The self-check.** [`self_check`] finds out, before the shop opens, whether notifications reach this crate.
//! - **The extractors.** [`PaymentNotification`], [`RefundNotification`] and [`Notification`] verify the body with
//!   the `Merchant` of the router's state. What fails never reaches the handler.
//! - **The answers.** [`Ack`] is the only type that renders SUCCESS: say it after the commit, never before.
//!   [`Nack`] and every rejection render FAIL.
//!
//! ```
//! use axum::{Router, routing::post};
//! use ucanpay_axum::{Ack, Nack, PaymentNotification};
//! use ucanpay_core::Merchant;
//!
//! async fn paid(PaymentNotification(message): PaymentNotification) -> Result<Ack, Nack> {
//!     // Verified is not matched: compare merchant, order, amount and currency with your own order, commit, then:
//!     if message.out_trade_no.is_empty() {
//!         return Err(Nack::unavailable("not stored, come again"));
//!     }
//!     Ok(Ack::i_have_committed())
//! }
//!
//! fn app(merchant: Merchant) -> Router {
//!     Router::new().route("/pay/notify", post(paid)).with_state(merchant)
//! }
//! ```
//!
//! # What it does not do
//!
//! It stores nothing and matches nothing, and it sets no time limit on a slow body: that is the server's
//! (`axum::serve` sets none).
//!
//! # Features
//!
//! - `router` (default): the handler and the routes over the ledger of `ucanpay-storefront`. Without it the crate needs `axum-core`,
//!   `http`, `tower` and `ucanpay-core` only.
//! - `sqlite`, `postgres`: the ledger's store, and the HTTP client, for a shop that names this crate alone.

mod answer;
mod body;
mod extract;
mod handler;
mod layer;
#[cfg(feature = "router")]
mod payments;
mod rejection;
mod route;
#[cfg(feature = "router")]
mod routes;
mod self_check;

pub use answer::{Ack, Nack};
pub use body::MAX_NOTIFICATION_BYTES;
pub use extract::{Notification, PaymentNotification, RefundNotification};
pub use handler::{Incoming, NotificationHandler, Topic};
pub use layer::{UcanpayLayer, UcanpayService};
pub use rejection::{
    BodyTooLarge, BodyUnreadable, MalformedNotification, NotificationRejection, OtherTopic,
    UntrustedNotification,
};
#[cfg(feature = "router")]
pub use routes::{PaymentStatus, payments_router, payments_routes};
pub use self_check::{Shadowed, self_check};
/// The ledger's crate, for a shop that names this one alone.
#[cfg(feature = "router")]
pub use ucanpay_storefront as storefront;
