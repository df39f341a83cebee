//! What runs beside the shop.

pub mod gateway;
