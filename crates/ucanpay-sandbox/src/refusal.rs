//! The names of the reference's error tables, and why the sandbox said one. What stands beside a name in the tables is in
//! `descriptions.rs`.

use std::fmt;

/// A documented error name. `docs/sandbox.md` has the situation that each is said in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ErrorName {
    BizerrNeedRetry,
    Error,
    FrequencyLimited,
    InvalidReqTooMuch,
    InvalidRequest,
    LackParams,
    NoAuth,
    NotEnough,
    NotUtf8,
    OrderClosed,
    OrderNotExist,
    OrderNotReady,
    OrderPaid,
    OutTradeNoUsed,
    ParamError,
    PostDataEmpty,
    RefundFeeMismatch,
    RefundNotExist,
    RequirePostMethod,
    SignError,
    SystemError,
    TradeOverdue,
    UserAccountAbnormal,
}

impl ErrorName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BizerrNeedRetry => "BIZERR_NEED_RETRY",
            Self::Error => "ERROR",
            Self::FrequencyLimited => "FREQUENCY_LIMITED",
            Self::InvalidReqTooMuch => "INVALID_REQ_TOO_MUCH",
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::LackParams => "LACK_PARAMS",
            Self::NoAuth => "NOAUTH",
            Self::NotEnough => "NOTENOUGH",
            Self::NotUtf8 => "NOT_UTF8",
            Self::OrderClosed => "ORDERCLOSED",
            Self::OrderNotExist => "ORDERNOTEXIST",
            Self::OrderNotReady => "ORDER_NOT_READY",
            Self::OrderPaid => "ORDERPAID",
            Self::OutTradeNoUsed => "OUT_TRADE_NO_USED",
            Self::ParamError => "PARAM_ERROR",
            Self::PostDataEmpty => "POST_DATA_EMPTY",
            Self::RefundFeeMismatch => "REFUND_FEE_MISMATCH",
            Self::RefundNotExist => "REFUNDNOTEXIST",
            Self::RequirePostMethod => "REQUIRE_POST_METHOD",
            Self::SignError => "SIGNERROR",
            Self::SystemError => "SYSTEMERROR",
            Self::TradeOverdue => "TRADE_OVERDUE",
            Self::UserAccountAbnormal => "USER_ACCOUNT_ABNORMAL",
        }
    }
}

impl ErrorName {
    /// Whether the name says that the request is wrong in itself, whatever the order's state: what too many in a row are
    /// blocked for. The tables of `orderquery` and `reverse` have no such name for a malformed request.
    pub(crate) fn is_the_request_s_own_fault(self) -> bool {
        matches!(
            self,
            Self::InvalidRequest
                | Self::LackParams
                | Self::NoAuth
                | Self::NotUtf8
                | Self::ParamError
                | Self::PostDataEmpty
                | Self::RequirePostMethod
                | Self::SignError
        )
    }
}

/// A call refused: the documented name for the answer, and the reason for the log, and for `msg` where a
/// switch puts the name elsewhere.
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
