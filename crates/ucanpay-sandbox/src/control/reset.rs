//! Beginning anew.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::error::ControlError;
use super::orders;
use crate::sandbox::Sandbox;

/// The answer is the orders that the seed brought.
pub(super) async fn reset(State(sandbox): State<Sandbox>) -> Result<Json<Value>, ControlError> {
    sandbox.reset().await?;
    Ok(orders::all(State(sandbox)).await)
}
