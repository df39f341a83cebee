//! What only PostgreSQL has: several instances of a shop on one ledger.

use crate::shop::shops;

private_postgres::tests! {
    every_test;
}

/// Stands in the list for the PostgreSQL part of all the others: ignored where they run on two stores only.
async fn every_test() {
    assert_eq!(shops().await.len(), 3);
}
