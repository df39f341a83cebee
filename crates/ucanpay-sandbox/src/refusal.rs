//! The names of the reference's error tables, as far as the sandbox says them, and why it said one.

use std::fmt;

/// A documented error name: it goes out as the answer's `msg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorName {
    BizerrNeedRetry,
    Error,
    InvalidRequest,
    LackParams,
    NoAuth,
    NotUtf8,
    OrderClosed,
    OrderNotExist,
    OrderPaid,
    ParamError,
    PostDataEmpty,
    RefundFeeMismatch,
    RefundNotExist,
    RequirePostMethod,
    SignError,
    SystemError,
    TradeOverdue,
}

impl ErrorName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BizerrNeedRetry => "BIZERR_NEED_RETRY",
            Self::Error => "ERROR",
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::LackParams => "LACK_PARAMS",
            Self::NoAuth => "NOAUTH",
            Self::NotUtf8 => "NOT_UTF8",
            Self::OrderClosed => "ORDERCLOSED",
            Self::OrderNotExist => "ORDERNOTEXIST",
            Self::OrderPaid => "ORDERPAID",
            Self::ParamError => "PARAM_ERROR",
            Self::PostDataEmpty => "POST_DATA_EMPTY",
            Self::RefundFeeMismatch => "REFUND_FEE_MISMATCH",
            Self::RefundNotExist => "REFUNDNOTEXIST",
            Self::RequirePostMethod => "REQUIRE_POST_METHOD",
            Self::SignError => "SIGNERROR",
            Self::SystemError => "SYSTEMERROR",
            Self::TradeOverdue => "TRADE_OVERDUE",
        }
    }
}

/// A call refused: the documented name for the answer, and the reason for the sandbox's own log.
///
/// The reason names members and rules, never what a member held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) name: ErrorName,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(name: ErrorName, reason: impl Into<String>) -> Self {
        Self {
            name,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.as_str(), self.reason)
    }
}
