//! The suite for a store.

use std::sync::Arc;

use super::report::Report;
use crate::store::PaymentStore;

/// Tries a store.
pub async fn store<F: AsyncFn() -> Arc<dyn PaymentStore>>(open: F) -> Report {
    let _ = open().await;
    Report::new("store")
}
