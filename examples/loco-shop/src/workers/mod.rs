//! What the shop does when something has happened.

pub mod fulfilment;
