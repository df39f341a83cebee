//! The program from outside: over all golden vectors, and used wrongly.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod calls;
mod doctoring;
mod endpoint;
mod explained;
mod explaining;
mod gateway;
mod json;
mod keys;
mod notifying;
mod pages;
mod pictures;
mod probing;
mod program;
mod settings;
mod shop;
mod signing;
mod snapshots;
mod switched;
mod usage;
mod verifying;
mod walk;
