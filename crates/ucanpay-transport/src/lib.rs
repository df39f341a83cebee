//! One UCanPay call as a [`tower`] stack.
//!
//! ```text
//! call(op) = trace -> total time-out -> retry -> gate -> attempt time-out -> HTTP service -> verify -> classify
//! ```
//!
//! Verify and classify are met on the way back: one layer, between gate and attempt time-out.
//!
//! A [`Client`] takes an operation of `ucanpay-core`, signs it **once**, and sends those bytes until it has a
//! verified answer or knows why there is none. What goes out is an `http::Request<Bytes>` to any
//! `tower::Service`; what comes back is a `Verified<O::Answer>` or an [`Error`] that says, in
//! [`Error::effect`], what is known about the money.
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example(merchant: ucanpay_core::Merchant) -> Result<(), Box<dyn std::error::Error>> {
//! use ucanpay_core::{OrderQuery, OutTradeNo};
//! use ucanpay_transport::{Client, Effect};
//!
//! let client = Client::builder(merchant).build()?;
//! let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
//! match client.call(&query).await {
//!     Ok(answer) => println!("{:?}", answer.trade_status),
//!     Err(error) if error.effect() == Effect::None => println!("nothing happened: {error}"),
//!     Err(error) => println!("ask again before concluding anything: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms
//!
//! | room | what it is for |
//! |---|---|
//! | [`Client`], [`ClientBuilder`] | the whole stack, ready made |
//! | [`RetryPolicy`], [`RETRY_TABLE`] | which outcomes are followed by the same bytes again, when, and how often |
//! | [`FreshNonceLayer`] | signs each repeat anew, for a gateway that refuses a nonce it has seen |
//! | [`Gate`], [`GateLayer`] | holds everything back while the gateway wants to be left alone; keeps a steady rate |
//! | [`GateState`], [`Clock`] | where a gate keeps its block for other machines, and has its time from |
//! | [`VerifyLayer`], [`Attempts`] | one attempt judged, and what all attempts together leave known |
//! | [`Error`], [`Effect`], [`Lost`], [`HeldBack`] | why there is no answer, and what that means for the money |
//! | [`ConnectError`], [`AnswerTooLarge`] | how an HTTP service tells the stack that nothing was sent, or too much came back |
//! | [`InProcess`] | an HTTP service without a network, over an axum `Router` or any other server in this process |
#![cfg_attr(
    feature = "reqwest",
    doc = "| [`ReqwestService`], [`ReqwestServiceBuilder`] | the ready HTTP service, and its settings |"
)]
//!
//! The layers are public, so that a team may build its own `tower::ServiceBuilder` from them.
//!
//! # What it does not do
//!
//! It keeps nothing but the gate's block. A caller that must survive a restart commits its intent and the signed bytes first and sends
//! them with [`Client::send`]. Dropping a call is safe at every await: the caller learns nothing, as after a crash.
//!
//! # Features
//!
//! - `reqwest` (default): the ready HTTP service over reqwest and rustls.
//! - `metrics`: calls, attempts, outcomes, latencies and waits before the gate, through the `metrics` facade;
//!   `docs/transport.md` has the names.

mod attempts;
mod base_url;
mod builder;
mod classify;
mod client;
mod error;
mod fresh_nonce;
mod gate;
mod hint;
mod http_date;
mod in_process;
mod limited;
mod measure;
mod retry;
#[cfg(feature = "reqwest")]
mod service;
mod service_error;
mod trace;
mod verify;

pub use attempts::Attempts;
pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{ConfigError, Effect, Error, Lost};
pub use fresh_nonce::{FreshNonce, FreshNonceLayer};
pub use gate::{
    Clock, Gate, GateBuilder, GateLayer, GateState, Gated, HeldBack, LONGEST_BLOCK, RateLimit,
    WhenClosed,
};
pub use in_process::{InProcess, ServerPanicked};
pub use limited::MAX_ANSWER_BYTES;
pub use retry::{Again, Outcome, RETRY_TABLE, RetryPolicy, RetryRule};
#[cfg(feature = "reqwest")]
pub use service::{ReqwestService, ReqwestServiceBuilder};
pub use service_error::{AnswerTooLarge, ConnectError};
pub use verify::{Verify, VerifyLayer};

/// Any error of an HTTP service, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
