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

mod answers;
mod in_process;
mod knowledge;
mod retries;
mod scripted;
mod secrecy;
mod settings;
mod time;
