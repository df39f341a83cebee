//! Refunds: giving one that is under way its result now.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::error::ControlError;
use super::view;
use crate::order::RefundEnd;
use crate::sandbox::Sandbox;

pub(super) async fn succeed(
    State(sandbox): State<Sandbox>,
    Path(number): Path<String>,
) -> Result<Json<Value>, ControlError> {
    end(sandbox, number, RefundEnd::Succeeds).await
}

pub(super) async fn fail(
    State(sandbox): State<Sandbox>,
    Path(number): Path<String>,
) -> Result<Json<Value>, ControlError> {
    end(sandbox, number, RefundEnd::Fails).await
}

pub(super) async fn close(
    State(sandbox): State<Sandbox>,
    Path(number): Path<String>,
) -> Result<Json<Value>, ControlError> {
    end(sandbox, number, RefundEnd::Closes).await
}

/// The answer is the refund's order.
async fn end(
    sandbox: Sandbox,
    out_refund_no: String,
    end: RefundEnd,
) -> Result<Json<Value>, ControlError> {
    let ended = sandbox.submit(move |gateway, now| gateway.end_refund(&out_refund_no, end, now));
    let order = ended.await??;
    Ok(Json(
        sandbox.look(|gateway| view::order(gateway, &order)).await,
    ))
}
