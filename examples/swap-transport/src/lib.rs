//! The payment client over three HTTP services. Each module's `run` places an order and says in a sentence what happened.

mod local_gateway;
pub mod over_a_mock;
pub mod over_hyper;
pub mod through_a_proxy;

pub use local_gateway::LocalGateway;
