//! The ledger's promises, on every store, against a scripted gateway.

mod close_calls;
mod gateway;
mod invariants;
mod notifications;
mod outbox;
mod reconciler;
mod refunds;
mod shop;
mod start;
