//! Notifications through a real axum router: the vectors, the limits, and everything that must stay untouched.

#![allow(clippy::unwrap_used, reason = "a test ends with a panic")]

#[cfg(feature = "router")]
mod corpus;
mod extractors;
#[cfg(feature = "router")]
mod guide;
#[cfg(feature = "router")]
mod http;
mod layer;
#[cfg(feature = "router")]
mod ledger;
mod logs;
mod nesting;
#[cfg(feature = "router")]
mod routes;
mod self_check;
mod vectors;
