//! The client against a scripted gateway in this process, and its HTTP service against real sockets on loopback.

#![allow(clippy::unwrap_used, reason = "a test ends with a panic")]

#[cfg(feature = "reqwest")]
mod faults;
#[cfg(feature = "reqwest")]
mod http_service;
#[cfg(feature = "reqwest")]
mod http_settings;
#[cfg(feature = "reqwest")]
mod listener;
#[cfg(feature = "reqwest")]
mod tls;

#[cfg(feature = "metrics")]
mod metrics;

mod answers;
mod budget;
mod cancellation;
mod gate;
mod in_process;
mod knowledge;
mod rate_limit;
mod retries;
mod retry_table;
mod scripted;
mod secrecy;
mod settings;
mod shared_gate;
mod time;
