//! The shop, bought from through HTTP, with the sandbox it runs inside.

#![allow(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]

mod buying;
mod guide;

mod shop;
