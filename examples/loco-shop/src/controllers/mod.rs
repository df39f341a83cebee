//! What can be asked of the shop.

pub mod menu;
pub mod orders;
