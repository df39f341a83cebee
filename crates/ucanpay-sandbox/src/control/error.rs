//! Why a control call was not done: `{"error":{"code","message"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::error;

use crate::error::SandboxError;
use crate::orders::BuyerRefusal;
use crate::results::RefundRefusal;

/// Why a control call was not done.
#[derive(Debug)]
pub(super) struct ControlError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ControlError {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_instruction",
            message: message.into(),
        }
    }

    pub(super) fn unknown_delivery() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "unknown_delivery",
            message: "no delivery has this id".to_owned(),
        }
    }
}

impl From<RefundRefusal> for ControlError {
    fn from(refusal: RefundRefusal) -> Self {
        match refusal {
            RefundRefusal::UnknownRefund => Self {
                status: StatusCode::NOT_FOUND,
                code: "unknown_refund",
                message: "no refund has this outRefundNo".to_owned(),
            },
            RefundRefusal::NotUnderWay => Self {
                status: StatusCode::CONFLICT,
                code: "refund_not_under_way",
                message: "the refund has its result already; nothing was changed".to_owned(),
            },
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
        if matches!(error, SandboxError::ClockNotDriven) {
            return Self {
                status: StatusCode::CONFLICT,
                code: "clock_not_driven",
                message: "the clock runs by itself; start the sandbox with --clock driven"
                    .to_owned(),
            };
        }
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
