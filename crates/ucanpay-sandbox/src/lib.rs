//! The UCanPay gateway on this machine, for development and tests. **No real money moves.**
//!
//! It answers the reference's six calls as the reference says, checks every signature it receives, signs what it sends, and re-sends notifications until they are answered
//! SUCCESS. A phone page for each order lets a person approve or decline; `/` shows every order and what
//! became of its notifications; `/_sandbox/…` lets a program do the same:
//!
//! | control call | what it does |
//! |---|---|
//! | `POST /_sandbox/orders/{outTradeNo}/pay` | the buyer approves. Optional body: `{"notify_after":"2s"}` or `{"notify_after_ms":2000}` delays the first notification, `{"notify":false}` drops all notifications of this order, `{"amount":449}` takes and reports another amount, `{"late":true}` pays an order that the merchant has closed meanwhile |
//! | `POST /_sandbox/orders/{outTradeNo}/decline` | the buyer declines; the order can still be paid |
//! | `POST /_sandbox/orders/{outTradeNo}/fail_next_refund` | the next refund submitted for the order ends as FAIL |
//! | `GET /_sandbox/orders`, `GET /_sandbox/orders/{outTradeNo}` | orders, refunds and deliveries |
//! | `GET /_sandbox/deliveries` | every notification and every attempt to deliver it |
//!
//! It reads the protocol independently of `ucanpay-core`: from there come only keys and the raw RSA
//! operation, so that the two readings check each other.
//!
//! Anyone who can reach it may approve payments: keep it on a loopback address.
//!
//! ```no_run
//! use ucanpay_core::{PrivateKey, PublicKey};
//! use ucanpay_sandbox::{Sandbox, SandboxConfig};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let merchant_key = PublicKey::from_bytes(&std::fs::read("merchant.pub.pem")?)?;
//! let platform_key = PrivateKey::from_bytes(&std::fs::read("platform.pem")?)?;
//! let sandbox = Sandbox::open(SandboxConfig::new("2000000010", merchant_key, platform_key)).await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8090").await?;
//! sandbox.serve(listener, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Inside, `gateway` is a pure state machine; `sandbox` puts inputs to it one by one and writes their
//! changes before they count.

pub mod command;

mod answering;
mod api;
#[cfg(test)]
mod bench;
mod call;
mod clock;
mod config;
mod control;
mod courier;
mod delivery;
mod duration;
mod ending;
mod envelope;
mod error;
mod faults;
mod gateway;
mod guard;
mod link;
mod message;
mod notifier;
mod order;
mod orders;
mod pages;
mod refunds;
mod refusal;
mod router;
mod rules;
mod sandbox;
mod seal;
mod seed;
mod sending;
mod store;
mod switches;
mod view;

pub use clock::{Clock, SystemClock};
pub use config::{SandboxConfig, State};
pub use error::SandboxError;
pub use sandbox::Sandbox;
pub use seed::Seed;
pub use switches::{
    CodeAs, DataAs, NameIn, ReEntry, ReversingAPaidOrder, Scheme, StatusCase, SwitchError, Times,
};
