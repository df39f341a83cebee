//! The client against a scripted gateway in this process, and its HTTP service against real sockets on loopback.

#![allow(clippy::unwrap_used, reason = "a test ends with a panic")]

#[cfg(feature = "reqwest")]
mod http_service;

mod answers;
mod knowledge;
mod retries;
mod scripted;
mod secrecy;
mod settings;
mod time;
