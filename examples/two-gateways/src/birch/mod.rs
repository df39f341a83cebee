//! Birch, a gateway that does not exist.

mod factory;
mod gateway;
mod message;
mod provider;

pub use factory::BirchFactory;
pub use gateway::BirchGateway;
pub use message::Secret;
pub use provider::{Birch, BirchSettings};
