//! What the shop keeps. Payments are the ledger's.

mod _entities;
pub mod orders;
