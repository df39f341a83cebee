//! The calls the sandbox answers, and the name each one's error table has for a request that breaks the
//! field rules.

use crate::refusal::ErrorName;

/// One of the gateway's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    UnifiedOrder,
    OrderQuery,
    Refund,
    RefundQuery,
}

impl Call {
    pub(crate) const ALL: [Self; 4] = [
        Self::UnifiedOrder,
        Self::OrderQuery,
        Self::Refund,
        Self::RefundQuery,
    ];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::UnifiedOrder => "/payment/unifiedorder",
            Self::OrderQuery => "/payment/orderquery",
            Self::Refund => "/payment/refund",
            Self::RefundQuery => "/payment/refundquery",
        }
    }

    /// A mandatory member is missing. The refund tables know only PARAM_ERROR; the query of orders lists
    /// no such error at all and borrows the order's.
    pub(crate) fn missing(self) -> ErrorName {
        match self {
            Self::UnifiedOrder | Self::OrderQuery => ErrorName::LackParams,
            Self::Refund | Self::RefundQuery => ErrorName::ParamError,
        }
    }

    /// A member is there and breaks its rule.
    pub(crate) fn malformed(self) -> ErrorName {
        match self {
            Self::UnifiedOrder | Self::OrderQuery => ErrorName::InvalidRequest,
            Self::Refund | Self::RefundQuery => ErrorName::ParamError,
        }
    }
}
