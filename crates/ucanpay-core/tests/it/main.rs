//! The crate from outside: golden vectors by stage, messages, keys, and laws that hold for all inputs.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod answers;
mod fixtures;
mod keys;
mod laws;
mod links;
mod notifications;
mod reader;
mod requests;
mod signing;
