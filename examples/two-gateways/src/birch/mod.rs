//! Birch, a gateway that does not exist.

mod gateway;
mod message;
mod provider;

pub use gateway::BirchGateway;
pub use message::Secret;
pub use provider::{Birch, BirchSettings};
