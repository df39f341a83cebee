//! The ledger's promises, on every store, against a scripted gateway.

#![allow(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]

mod account;
mod adapter;
mod await_points;
mod between;
mod block;
mod books;
mod capabilities;
mod close_calls;
mod ending;
mod gateway;
mod instances;
mod invariants;
mod mock;
mod new_key;
mod news;
mod notifications;
mod operations;
mod outbox;
mod overtaken;
mod own_migrations;
mod postgres;
mod provider_conformance;
mod random_histories;
mod reconciler;
mod records;
mod refunds;
mod review;
mod shared_commits;
mod shop;
mod start;
mod store_conformance;
