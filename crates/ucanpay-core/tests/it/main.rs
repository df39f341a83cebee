//! The crate from outside: golden vectors by stage, messages, keys, and laws that hold for all inputs.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod allocations;
mod answers;
mod backends;
mod close_and_reverse;
mod corpus;
mod explain;
mod explain_sentences;
mod fixtures;
mod keyed_md5;
mod keys;
mod laws;
mod links;
mod notifications;
mod reader;
mod received;
mod renewal;
mod requests;
mod secrets;
mod signed_set;
mod signing;
mod suffix;
mod wycheproof;
