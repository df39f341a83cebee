//! Whole-system tests. The programs they start are this crate's binaries: `test-shop` is `axum-shop`, `test-sandbox` is
//! `ucanpay-sandbox`; cargo builds them before the tests run.

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The guide's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/swap-transport.md")]
struct SwapTransport;

/// Likewise.
#[cfg(doctest)]
#[doc = include_str!("../../docs/providers.md")]
struct Providers;

/// Likewise.
#[cfg(doctest)]
#[doc = include_str!("../../docs/core-only.md")]
struct CoreOnly;

/// Likewise.
#[cfg(doctest)]
#[doc = include_str!("../../docs/refunds.md")]
struct Refunds;

/// Likewise.
#[cfg(doctest)]
#[doc = include_str!("../../docs/several-machines.md")]
struct SeveralMachines;
