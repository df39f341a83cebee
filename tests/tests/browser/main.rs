//! The shop as people see it, in a real browser: Chromium without a window, told what to do through chromedriver.
//!
//! Where one of them is not installed the tests are listed as ignored, with the reason; in CI (`CI` is set) they fail.
//! What was seen lies in `target/screenshots`. Nothing but this machine is spoken to.

#![allow(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]

mod accessible;
mod chromium;
#[path = "../it/processes.rs"]
#[expect(dead_code, reason = "the other test program needs the rest")]
mod processes;
mod shop;
mod trouble;
mod visit;
