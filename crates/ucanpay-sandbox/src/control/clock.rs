//! The clock: what it shows, and driving it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ControlError;
use crate::clock::rfc3339;
use crate::duration::duration;
use crate::sandbox::Sandbox;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// `"15s"`, `"2m"`, `"7d"`.
    advance: String,
}

pub(super) async fn read(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(shown(&sandbox))
}

/// Answers when refunds that became due have their results. Deliveries that became due are under way.
pub(super) async fn advance(
    State(sandbox): State<Sandbox>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let Advance { advance } =
        serde_json::from_slice(&body).map_err(|error| ControlError::invalid(error.to_string()))?;
    let by = duration(&advance)
        .ok_or_else(|| ControlError::invalid("advance: a duration such as 15s, 2m or 7d"))?;
    sandbox.advance(by).await?;
    Ok(Json(shown(&sandbox)))
}

fn shown(sandbox: &Sandbox) -> Value {
    let now = sandbox.now();
    let runs = if sandbox.is_driven() {
        "driven"
    } else {
        "real"
    };
    json!({ "now": rfc3339(now), "ms": now, "clock": runs })
}
