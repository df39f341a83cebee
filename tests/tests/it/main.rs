//! Shops and a gateway, in processes of their own, over real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]
#![allow(
    clippy::print_stdout,
    reason = "a proof prints its figures, which `cargo xtask prove` collects"
)]

mod canary;
mod copies;
mod crash;
mod documents;
mod empty_folder;
mod gateway_apart;
mod ledger_file;
mod processes;
mod sandbox_inside;
mod signed;
mod simulation;
mod slow_connections;
mod two_instances;
