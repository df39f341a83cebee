//! The UCanPay gateway on this machine, for development and tests. **No real money moves.**
//!
//! It answers the reference's six calls as the reference says, checks every signature it receives, signs what it sends,
//! and re-sends notifications until they are answered SUCCESS. A phone page for each order lets a person approve, decline,
//! or leave it hanging; `/` shows every order with what became of its notifications; `/_sandbox/…` lets a program do the
//! same, drive the clock ([`with_driven_clock`](SandboxConfig::with_driven_clock)) and make things go wrong by a seeded
//! plan. What the reference leaves open is [a switch](SandboxConfig::with_setting).
//!
//! `docs/sandbox.md` has the tables: switches, faults, control calls, the seed file. `GET /_sandbox/openapi.json`
//! describes the control API.
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
//! # In a test
//!
//! [`router`](Sandbox::router) is the whole gateway without a port, and time goes by when the test says so:
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use axum::{body::{Body, to_bytes}, http::Request};
//! use tower::ServiceExt as _;
//! # use ucanpay_core::*;
//! use ucanpay_sandbox::{Sandbox, SandboxConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
//! # let merchant = Merchant::new(MerchantId::new("2000000010")?, key.clone(), [platform_key.public_key().clone()])?;
//! # let order = UnifiedOrder {
//! #     subject: Subject::new("coffee")?, description: Description::new("two flat whites")?, device_no: DeviceNo::default(),
//! #     total_amount: Amount::new(450)?, scene: SceneType::Native, out_trade_no: OutTradeNo::new("A1")?,
//! #     currency: Currency::CAD, notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/payment")?,
//! # };
//! let config = SandboxConfig::new("2000000010", key.public_key().clone(), platform_key)
//!     .with_driven_clock(SystemTime::now());
//! let sandbox = Sandbox::open(config).await?;
//! let post = async |path: &str, body: Vec<u8>| {
//!     let request = Request::post(path).body(Body::from(body)).unwrap();
//!     let answer = sandbox.router().oneshot(request).await.unwrap();
//!     to_bytes(answer.into_body(), usize::MAX).await.unwrap()
//! };
//!
//! // Your app places an order; here it is core that signs it.
//! let request = merchant.sign(&order, Nonce::random())?;
//! let answer = post(request.path(), request.body().to_vec()).await;
//! let placed = merchant.verify_answer::<UnifiedOrder>(&answer)?;
//! assert_eq!(placed.out_trade_no.as_deref(), Some("A1"));
//!
//! // The buyer approves, and a second later your notify URL has been called.
//! post("/_sandbox/orders/A1/pay", vec![]).await;
//! sandbox.advance(Duration::from_secs(1)).await?;
//! assert_eq!(sandbox.deliver_due().await?, 1);
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
mod descriptions;
mod duration;
mod ending;
mod envelope;
mod error;
mod faults;
mod gateway;
mod guard;
mod keyed_md5;
mod link;
mod message;
mod notifier;
mod order;
mod orders;
mod pages;
mod refunds;
mod refusal;
mod results;
mod router;
mod rules;
mod sandbox;
mod seal;
mod seed;
mod sending;
mod signed_set;
mod store;
mod switches;
mod view;

pub use clock::{Clock, SystemClock};
pub use config::{SandboxConfig, State};
pub use error::SandboxError;
pub use sandbox::Sandbox;
pub use seed::Seed;
pub use switches::{
    Amounts, AmountsDiffer, AnswerSuffix, CodeAs, DataAs, FailedRefunds, Mweb, NameIn, Nonces,
    OwnNumbers, ReEntry, ReversalWindow, ReversingAPaidOrder, Scheme, StatusCase, SwitchError,
    Times, UnpaidOrders,
};
