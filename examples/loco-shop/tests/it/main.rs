//! The shop, bought from through HTTP, with the sandbox it runs inside.

#![allow(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]

mod browser;
mod buying;
#[path = "../../../../tests/tests/browser/chromium.rs"]
#[expect(dead_code, reason = "the other test program needs the rest")]
mod chromium;
mod shop;
