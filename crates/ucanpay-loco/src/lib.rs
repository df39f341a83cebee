//! UCanPay payments in a [loco](https://loco.rs) app, in loco's own ways.
//!
//! | of loco | what the app writes there |
//! |---|---|
//! | `config/*.yaml` | `settings.ucanpay`, see [`Settings`]; each has an environment variable that overrides it |
//! | `Migrator` | [`migrations`] beside the app's own |
//! | `Hooks::after_context` | [`after_context`]: the settings are checked, [`Payments`] stands in the shared store |
//! | `Hooks::routes` | [`routes`]: notify addresses, and what a payment page asks for |
//! | `Hooks::initializers` | [`UcanpayInitializer`]: the reconciler, the events, the check of `cargo loco doctor` |
//! | `Hooks::register_tasks` | [`register_tasks`]: `ucanpay:health`, `ucanpay:reconcile`, `ucanpay:refund`, `ucanpay:review`, `ucanpay:timeline` |
//! | `Hooks::on_shutdown` | [`on_shutdown`]: the reconciler ends what it has begun |
//!
//! A controller takes `SharedStore(payments): SharedStore<Payments>`; a worker or a task asks [`payments`]. A
//! [`BackgroundWorker`](loco_rs::bgworker::BackgroundWorker) of [`PaymentEvent`] fulfils what was paid. The guide,
//! `docs/loco.md`, goes the whole way from `loco new` to a paid order.
//!
//! # Where the ledger is
//!
//! In the app's own database, `database.uri`, on a few connections of its own: loco's pool may answer a commit before it is
//! on the disk (`synchronous = NORMAL`), and a ledger may not. The connections are opened at the first use, after the
//! migrations.
//!
//! # What it does not do
//!
//! It keeps no orders and has no pages: those are the app's.
//!
//! # Features
//!
//! - `sqlite` (default): the ledger in the app's SQLite file.
//! - `postgres`: the ledger in the app's PostgreSQL database.

mod event;
mod initializer;
mod ledger;
mod migration;
mod one_line;
mod plugin;
mod routes;
mod settings;
mod tasks;

pub use event::PaymentEvent;
pub use initializer::UcanpayInitializer;
pub use migration::migrations;
pub use plugin::{after_context, install, on_shutdown, payments};
pub use routes::routes;
pub use settings::Settings;
pub use tasks::register_tasks;
pub use ucanpay_storefront::{Payments, SettingError};
