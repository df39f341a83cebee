//! The fault plan: setting it, seeing what has come of it, and clearing it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::{Value, json};

use super::error::ControlError;
use crate::faults::{FaultPlan, Faults, Rule};
use crate::sandbox::Sandbox;

/// Another plan in place of the one before; it counts from zero.
pub(super) async fn set(
    State(sandbox): State<Sandbox>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let plan: FaultPlan =
        serde_json::from_slice(&body).map_err(|error| ControlError::invalid(error.to_string()))?;
    sandbox.set_faults(plan).await;
    Ok(all(State(sandbox)).await)
}

pub(super) async fn clear(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.set_faults(FaultPlan::default()).await;
    all(State(sandbox)).await
}

pub(super) async fn all(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(sandbox.look(|gateway| shown(&gateway.faults)).await)
}

fn shown(faults: &Faults) -> Value {
    let rules: Vec<_> = faults
        .rules()
        .map(|(rule, happened)| {
            let Rule {
                fault,
                order,
                on,
                chance,
                times,
                wait,
            } = rule;
            json!({
                "fault": fault,
                "order": order,
                "on": on,
                "chance": chance,
                "times": times,
                "for": (*wait > 0).then(|| format!("{wait}ms")),
                "happened": happened,
            })
        })
        .collect();
    json!({ "seed": faults.seed(), "faults": rules })
}
