//! What the API answers when it does not do what it was asked.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use ucanpay_storefront::{RefundError, StartError};

use crate::basket::BasketError;
use crate::orders::{PlaceError, ReadError};
use crate::settings::in_one_line;

/// A status, a word for programs, a sentence for people.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn no_such_path() -> Self {
        let message = "the API has no such path; the README lists what it has";
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "this path does not take this method";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        )
    }

    pub(super) fn no_such_order() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "order_not_found",
            "there is no order of this number",
        )
    }

    pub(super) fn unauthorized() -> Self {
        let message = "this needs the header Authorization: Bearer, with the shop's admin token";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(super) fn order_number() -> Self {
        let message = "order must be 1 to 32 letters and digits, or left out";
        Self::unprocessable("invalid_order_number", message)
    }

    pub(super) fn refund_amount() -> Self {
        Self::unprocessable("invalid_amount", "amount must be whole cents, at least 1")
    }

    pub(super) fn refund(error: &dyn std::error::Error) -> Self {
        Self::unprocessable("invalid_refund", in_one_line(error))
    }

    fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    fn conflict(code: &'static str, error: &dyn std::error::Error) -> Self {
        Self::new(StatusCode::CONFLICT, code, in_one_line(error))
    }

    /// Our own trouble: the log knows more than the caller is told.
    fn unavailable(error: &dyn std::error::Error) -> Self {
        tracing::error!(
            error = in_one_line(error),
            "a request could not be answered"
        );
        let message = "the shop cannot do this at the moment; try again, with the same numbers";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = axum::http::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl From<BasketError> for ApiError {
    fn from(error: BasketError) -> Self {
        match error {
            BasketError::Empty => Self::unprocessable("empty_order", error.to_string()),
            BasketError::UnknownSku(_) => Self::unprocessable("unknown_sku", error.to_string()),
            BasketError::Quantity { .. } => {
                Self::unprocessable("invalid_quantity", error.to_string())
            }
        }
    }
}

impl From<PlaceError> for ApiError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Taken | PlaceError::Start(StartError::Conflict(_)) => {
                Self::conflict("order_number_taken", &error)
            }
            PlaceError::Start(StartError::Invalid(_) | StartError::Unsupported(_)) => {
                Self::unprocessable("invalid_order", in_one_line(&error))
            }
            error => Self::unavailable(&error),
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<RefundError> for ApiError {
    fn from(error: RefundError) -> Self {
        match error {
            RefundError::NotFound | RefundError::Refused(_) => {
                Self::conflict("refund_not_possible", &error)
            }
            RefundError::Conflict(_) => Self::conflict("refund_number_taken", &error),
            RefundError::Invalid(_) | RefundError::Unsupported(_) => Self::refund(&error),
            error => Self::unavailable(&error),
        }
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection {
            JsonRejection::JsonDataError(_) => "invalid_request",
            JsonRejection::JsonSyntaxError(_) => "invalid_json",
            JsonRejection::MissingJsonContentType(_) => "unsupported_media_type",
            _ => "unreadable_body",
        };
        Self::new(rejection.status(), code, rejection.body_text())
    }
}
