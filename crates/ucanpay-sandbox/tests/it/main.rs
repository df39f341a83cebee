//! The sandbox over real HTTP, with real keys, on free loopback ports.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by panicking"
)]

mod binary;
mod calls;
mod clock;
mod control;
mod deliveries;
mod faults;
mod merchant;
mod names;
mod openapi;
mod pages;
mod peers;
mod restart;
mod shop;
mod switches;
