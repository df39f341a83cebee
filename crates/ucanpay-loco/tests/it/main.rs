//! A loco app with payments, started in this process, against the sandbox.

#![allow(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]

mod app;
mod guide;
mod migrations;
#[cfg(feature = "postgres")]
mod postgres;
mod settings;
mod start;
mod tasks;
