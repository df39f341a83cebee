//! The program from outside: over all golden vectors, and used wrongly.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod explaining;
mod keys;
mod program;
mod signing;
mod usage;
mod verifying;
