//! Orders: a look at them, and the buyer's part of them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ControlError;
use super::view;
use crate::duration::duration_ms;
use crate::gateway::{Decision, Gateway};
use crate::order::Order;
use crate::orders::{BuyerRefusal, Notify, PayInstruction};
use crate::rules::MAX_AMOUNT;
use crate::sandbox::Sandbox;

pub(super) async fn all(State(sandbox): State<Sandbox>) -> Json<Value> {
    let orders: Vec<_> = sandbox
        .look(|gateway| {
            gateway
                .orders()
                .map(|order| view::order(gateway, order))
                .collect()
        })
        .await;
    Json(json!({ "orders": orders }))
}

pub(super) async fn one(
    State(sandbox): State<Sandbox>,
    Path(out_trade_no): Path<String>,
) -> Result<Json<Value>, ControlError> {
    let view = sandbox
        .look(|gateway| {
            gateway
                .order(&out_trade_no)
                .map(|order| view::order(gateway, order))
        })
        .await;
    Ok(Json(view.ok_or(BuyerRefusal::UnknownOrder)?))
}

/// The optional body of `…/pay`. An unknown member is an error: a misspelt instruction must not pass for
/// none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayBody {
    /// Cents taken instead of the ordered ones.
    amount: Option<i64>,
    /// `false`: no notification about this order, ever.
    notify: Option<bool>,
    /// `"2s"`, `"500ms"`: when the first notification goes out.
    notify_after: Option<String>,
    notify_after_ms: Option<i64>,
    /// `true`: pay it even if the merchant has closed it meanwhile.
    late: Option<bool>,
}

impl PayBody {
    fn into_instruction(self) -> Result<PayInstruction, ControlError> {
        if self
            .amount
            .is_some_and(|amount| !(1..=MAX_AMOUNT).contains(&amount))
        {
            return Err(ControlError::invalid(
                "amount: whole cents from 1 to 2147483647",
            ));
        }
        let after = match (self.notify_after.as_deref(), self.notify_after_ms) {
            (None, None) => None,
            (Some(text), None) => Some(duration_ms(text).ok_or_else(|| {
                ControlError::invalid("notify_after: a duration such as 2s or 500ms")
            })?),
            (None, Some(ms)) if ms >= 0 => Some(ms),
            (None, Some(_)) => return Err(ControlError::invalid("notify_after_ms: not negative")),
            (Some(_), Some(_)) => {
                return Err(ControlError::invalid(
                    "notify_after or notify_after_ms, not both",
                ));
            }
        };
        let notify = match (self.notify, after) {
            (Some(false), None) => Notify::Never,
            (Some(false), Some(_)) => {
                return Err(ControlError::invalid(
                    "notify is false, so nothing can be delayed",
                ));
            }
            (_, Some(delay)) => Notify::After(delay),
            (_, None) => Notify::AsConfigured,
        };
        Ok(PayInstruction {
            amount: self.amount,
            notify,
            late: self.late.unwrap_or(false),
        })
    }
}

pub(super) async fn pay(
    State(sandbox): State<Sandbox>,
    Path(out_trade_no): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let instruction = if body.trim_ascii().is_empty() {
        PayInstruction::default()
    } else {
        serde_json::from_slice::<PayBody>(&body)
            .map_err(|error| ControlError::invalid(error.to_string()))?
            .into_instruction()?
    };
    act(&sandbox, move |gateway, now| {
        gateway.pay(&out_trade_no, instruction, now)
    })
    .await
}

pub(super) async fn decline(
    State(sandbox): State<Sandbox>,
    Path(out_trade_no): Path<String>,
) -> Result<Json<Value>, ControlError> {
    act(&sandbox, move |gateway, now| {
        gateway.decline(&out_trade_no, now)
    })
    .await
}

pub(super) async fn stall(
    State(sandbox): State<Sandbox>,
    Path(out_trade_no): Path<String>,
) -> Result<Json<Value>, ControlError> {
    act(&sandbox, move |gateway, now| {
        gateway.stall(&out_trade_no, now)
    })
    .await
}

pub(super) async fn fail_next_refund(
    State(sandbox): State<Sandbox>,
    Path(out_trade_no): Path<String>,
) -> Result<Json<Value>, ControlError> {
    act(&sandbox, move |gateway, _| {
        gateway.fail_next_refund(&out_trade_no)
    })
    .await
}

async fn act<F>(sandbox: &Sandbox, action: F) -> Result<Json<Value>, ControlError>
where
    F: FnOnce(&Gateway, i64) -> Decision<Result<Order, BuyerRefusal>> + Send + 'static,
{
    let order = sandbox.submit(action).await??;
    Ok(Json(
        sandbox.look(|gateway| view::order(gateway, &order)).await,
    ))
}
