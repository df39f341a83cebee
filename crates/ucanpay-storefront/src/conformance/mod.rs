//! Two suites that say whether a provider or a store of your own keeps what the ledger relies on. They are the ones that
//! ours are held to.
//!
//! - [`provider`] takes a gateway's test account, or its stand-in in your process, through whole payments. Implement
//!   [`ProviderUnderTest`]: the provider, a buyer who pays, the notifications that came.
//! - [`store`] gives the same commands to your store and to a [`MemoryStore`](crate::MemoryStore), which is the model, and
//!   compares all that can be read; then it lets many come at once. It needs only a function that opens an empty store.
//!
//! Each returns a [`Report`]. In a test of your crate, with the feature `conformance`:
//!
//! ```
//! # use ucanpay_storefront::MemoryStore;
//! use ucanpay_storefront::conformance;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let report = conformance::store(async || MemoryStore::new()).await;
//! report.assert_met();
//! # }
//! ```
//!
//! What the suites cannot see: whether a commit survives a power cut, whether the gateway's own books agree, and what a
//! gateway does that its stand-in does not. Run the provider's suite against the real test account before you go live.
//!
//! Do not pause tokio's clock while they run: each expectation has three minutes of real time.

mod provider;
mod report;
mod store;

pub use provider::{ProviderUnderTest, TestError, provider};
pub use report::{Expectation, Report, Standing};
pub use store::store;
