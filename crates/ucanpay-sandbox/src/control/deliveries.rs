//! Notifications: a look at them, and sending one again.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::error::ControlError;
use super::view;
use crate::sandbox::Sandbox;

pub(super) async fn all(State(sandbox): State<Sandbox>) -> Json<Value> {
    let deliveries: Vec<_> = sandbox
        .look(|gateway| {
            gateway
                .deliveries()
                .map(|delivery| view::delivery(gateway, delivery))
                .collect()
        })
        .await;
    Json(json!({ "deliveries": deliveries }))
}

/// Sends a notification again, now, also one that was accepted.
pub(super) async fn resend(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ControlError> {
    let id = id.parse().map_err(|_| ControlError::unknown_delivery())?;
    let known = sandbox.submit(move |gateway, now| gateway.resend(id, now));
    if !known.await? {
        return Err(ControlError::unknown_delivery());
    }
    let shown = sandbox
        .look(|gateway| {
            gateway
                .delivery(id)
                .map(|found| view::delivery(gateway, found))
        })
        .await;
    Ok(Json(shown.ok_or_else(ControlError::unknown_delivery)?))
}
