//! Payments for a shop: each order paid at most once, every paid order known to be paid, no refund doubled.
//!
//! A shop registers a [`PaymentProvider`], opens a store and talks to [`Payments`]:
//!
//! ```
//! # #[cfg(all(feature = "mock", feature = "sqlite"))]
//! # {
//! use std::sync::Arc;
//! use ucanpay_storefront::provider::ScriptedProvider;
//! use ucanpay_storefront::{PaymentRegistry, Payments, SqliteStore, StartPayment};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let database = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
//! let store = SqliteStore::open(&database).await?; // such as sqlite://data/shop.sqlite
//! let gateway = ScriptedProvider::new(); // a gateway in memory; a shop registers a UcanpayProvider
//! let registry = PaymentRegistry::builder().register(gateway).build()?;
//! let payments = Payments::new(Arc::new(store), registry);
//!
//! let order = StartPayment::new("A17", 450, "one latte")?; // its number, its cents
//! let view = payments.start(order).await?;
//! let link = view.pay_link().expect("the gateway took the order");
//! println!("pay here: {link}");
//! # Ok(()) }
//! # main().unwrap();
//! # }
//! ```
//!
//! [`Payments::from_env`] opens it by the environment. Then [`Payments::spawn`] keeps it at work, and [`on_paid`] tells of
//! each order that is paid. Let the notifications in: with `ucanpay-axum` that is one line.
//!
//! - [`Payments`] is the shop's whole interface: start, refund, refresh, handle a notification.
//! - [`PaymentProvider`] is one merchant account at one gateway; [`UcanpayProvider`] is ours.
//! - [`UcanpayAccount`] is that account as the environment or a document sets it; [`ProviderFactory`] makes providers of a
//!   list of accounts.
//! - [`store`] keeps the ledger: [`SqliteStore`], `PostgresStore`, [`MemoryStore`], or your own [`PaymentStore`].
//! - [`ledger`] holds the rules: plain functions of values.
//! - [`EventHandler`] is told what happened, at least once: fulfil on
//!   [`PaymentSucceeded`](ledger::EventKind::PaymentSucceeded).
//!
//! What it does not do: it keeps no orders, stock or customers. Those are the shop's, under the same number.
//!
//! # Features
//!
//! - `reqwest` (default): the ready HTTP client, for accounts that are made of settings.
//! - `sqlite` (default): [`SqliteStore`], for a shop on one machine.
//! - `postgres`: `PostgresStore`, for a shop on several.
//! - `postgres-tls`: the same over TLS (rustls, with the public certificate authorities).
//! - `metrics`: notifications, deliveries, and what waits, through the `metrics` facade.
//! - `mock`: `MockPaymentProvider` and `provider::ScriptedProvider`, a gateway in memory, for tests of code that talks to
//!   a provider.
//! - `conformance`: the suites that every provider and every store must pass.

#[cfg(feature = "conformance")]
pub mod conformance;
mod id;
pub mod ledger;
mod measure;
mod payments;
pub mod provider;
mod settings;
pub mod store;
mod time;
mod ucanpay;
mod wording;

pub use id::{IdError, PaymentKey, ProviderId, Reference, RefundNumber};
pub use ledger::{LatePolicy, Payment, PaymentState, PaymentView, Refund, RefundState, Reversal};
#[cfg(all(feature = "reqwest", any(feature = "postgres", feature = "sqlite")))]
pub use payments::OpenError;
#[cfg(feature = "postgres")]
pub use payments::Uncommitted;
pub use payments::{
    Changes, ClosedProof, Closing, Concern, DEFAULT_EXPIRY, EndError, EventHandler, HandlerError,
    Health, NotificationError, PaidProof, ParkedError, Payments, Policies, Receipt,
    ReconcileReport, RefreshError, RefundError, RefundRequest, ReviewError, Running, StartError,
    StartPayment, Timeline, TimelineEntry, TimelineItem, UnmatchedPolicy, on_paid,
};
#[cfg(feature = "mock")]
pub use provider::MockPaymentProvider;
pub use provider::{
    NotificationTopic, PaymentProvider, PaymentRegistry, ProviderFactory, RawNotification,
    RegistryError, Reply,
};
pub use settings::{AccountSettings, Setting, SettingError};
#[cfg(feature = "postgres")]
pub use store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::{MemoryStore, PaymentStore, StoreError};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use ucanpay::{
    UcanpayAccount, UcanpayFactory, UcanpayProvider, UcanpaySettings, UcanpaySettingsError,
};
pub use wording::Wording;
