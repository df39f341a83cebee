//! The control API: what a person does on the phone page, for programs; and a look inside.
//!
//! JSON in, JSON out; errors are `{"error":{"code","message"}}`. Members carry the gateway's own names.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::error;

use crate::clock::rfc3339;
use crate::delivery::{Attempt, Delivery, Outcome};
use crate::duration::duration_ms;
use crate::error::SandboxError;
use crate::gateway::{Decision, Gateway};
use crate::order::{Order, Payment};
use crate::orders::{BuyerRefusal, Notify, PayInstruction};
use crate::rules::MAX_AMOUNT;
use crate::sandbox::Sandbox;

pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/_sandbox/orders", get(orders))
        .route("/_sandbox/orders/{out_trade_no}", get(order))
        .route("/_sandbox/orders/{out_trade_no}/pay", post(pay))
        .route("/_sandbox/orders/{out_trade_no}/decline", post(decline))
        .route(
            "/_sandbox/orders/{out_trade_no}/fail_next_refund",
            post(fail_next_refund),
        )
        .route("/_sandbox/deliveries", get(deliveries))
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

async fn orders(State(sandbox): State<Sandbox>) -> Json<Value> {
    let orders: Vec<_> = sandbox
        .look(|gateway| {
            gateway
                .orders()
                .map(|order| order_view(gateway, order))
                .collect()
        })
        .await;
    Json(json!({ "orders": orders }))
}

async fn order(
    State(sandbox): State<Sandbox>,
    Path(out_trade_no): Path<String>,
) -> Result<Json<Value>, ControlError> {
    let view = sandbox
        .look(|gateway| {
            gateway
                .order(&out_trade_no)
                .map(|order| order_view(gateway, order))
        })
        .await;
    Ok(Json(view.ok_or(BuyerRefusal::UnknownOrder)?))
}

async fn deliveries(State(sandbox): State<Sandbox>) -> Json<Value> {
    let deliveries: Vec<_> = sandbox
        .look(|gateway| {
            gateway
                .deliveries()
                .map(|delivery| delivery_view(gateway, delivery))
                .collect()
        })
        .await;
    Json(json!({ "deliveries": deliveries }))
}

async fn pay(
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

async fn decline(
    State(sandbox): State<Sandbox>,
    Path(out_trade_no): Path<String>,
) -> Result<Json<Value>, ControlError> {
    act(&sandbox, move |gateway, now| {
        gateway.decline(&out_trade_no, now)
    })
    .await
}

async fn fail_next_refund(
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
        sandbox.look(|gateway| order_view(gateway, &order)).await,
    ))
}

fn order_view(gateway: &Gateway, order: &Order) -> Value {
    let paid_at = match order.payment {
        Payment::Paid { at, .. } => Some(rfc3339(at)),
        Payment::Awaited | Payment::Declined { .. } | Payment::Closed { .. } => None,
    };
    let refunds: Vec<_> = order
        .refunds
        .iter()
        .map(|refund| {
            json!({
                "outRefundNo": refund.out_refund_no,
                "ucpRefundNo": refund.ucp_refund_no.to_string(),
                "refundAmt": refund.amount,
                "refundDesc": refund.reason,
                "refundStatus": refund.status(),
            })
        })
        .collect();
    let deliveries: Vec<_> = gateway
        .deliveries_of(order)
        .map(|delivery| delivery_view(gateway, delivery))
        .collect();
    json!({
        "outTradeNo": order.out_trade_no,
        "ucpOrderNo": order.ucp_order_no.to_string(),
        "tradeStatus": order.trade_status(),
        "totalAmt": order.amount(),
        "currency": order.currency,
        "subject": order.subject,
        "body": order.description,
        "sceneType": order.scene,
        "notifyUrl": order.notify_url,
        "tranTime": rfc3339(order.placed_at),
        "paidTime": paid_at,
        "page": format!("/pay/{}", order.ucp_order_no),
        "refunds": refunds,
        "deliveries": deliveries,
    })
}

fn delivery_view(gateway: &Gateway, delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "outTradeNo": delivery.out_trade_no,
        "topic": delivery.topic,
        "url": delivery.url,
        "accepted": delivery.next_attempt_at.is_none(),
        "nextAttempt": delivery.next_attempt_at.map(rfc3339),
        "attempts": gateway.attempts(delivery.id).iter().map(attempt_view).collect::<Vec<_>>(),
    })
}

fn attempt_view(attempt: &Attempt) -> Value {
    let (status, answer, error) = match &attempt.outcome {
        Outcome::Accepted { status, answer } | Outcome::Refused { status, answer } => {
            (Some(status), Some(answer), None)
        }
        Outcome::Failed { error } => (None, None, Some(error)),
    };
    json!({
        "number": attempt.number,
        "at": rfc3339(attempt.at),
        "status": status,
        "answer": answer,
        "error": error,
        "nextAttempt": attempt.next_attempt_at.map(rfc3339),
    })
}

/// Why a control call was not done.
#[derive(Debug)]
struct ControlError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ControlError {
    fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_instruction",
            message: message.into(),
        }
    }
}

impl From<BuyerRefusal> for ControlError {
    fn from(refusal: BuyerRefusal) -> Self {
        match refusal {
            BuyerRefusal::UnknownOrder => Self {
                status: StatusCode::NOT_FOUND,
                code: "unknown_order",
                message: "no order has this outTradeNo".to_owned(),
            },
            BuyerRefusal::Ended => Self {
                status: StatusCode::CONFLICT,
                code: "order_ended",
                message: "the merchant closed or reversed the order; nothing was changed (a payment that comes \
                          too late is made with {\"late\":true})"
                    .to_owned(),
            },
            BuyerRefusal::AlreadyPaid => Self {
                status: StatusCode::CONFLICT,
                code: "already_paid",
                message: "the order is paid already; nothing was changed".to_owned(),
            },
        }
    }
}

impl From<SandboxError> for ControlError {
    fn from(error: SandboxError) -> Self {
        error!(
            error = &error as &dyn std::error::Error,
            "the sandbox could not do its own work"
        );
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "unavailable",
            message: error.to_string(),
        }
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (
            self.status,
            Json(json!({ "error": { "code": self.code, "message": self.message } })),
        )
            .into_response()
    }
}
