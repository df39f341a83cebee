//! The calls the sandbox answers, and the name each one's error table has for a request that is not taken.
//!
//! NOAUTH, LACK_PARAMS, POST_DATA_EMPTY and NOT_UTF8 stand in the order's table alone. Those of refund and refund
//! query have PARAM_ERROR for all that is wrong with a request.
//!
//! The table of `closeorder` names neither an unknown order nor a request that is wrong in itself: an open point. The
//! sandbox borrows ORDERNOTEXIST and PARAM_ERROR for them. That of `reverse` has ERROR, "the specific reason will be
//! returned", for both.
//!
//! The table of `orderquery` is an open point: it has ORDERNOTEXIST and SYSTEMERROR only, and the reference does not
//! say what a query that is wrong in itself is answered. The sandbox takes it for a query that finds no order. Two
//! names it borrows, because every other call has them: SIGNERROR for a bad signature, so that a wrong key does not
//! look like a missing order, and REQUIRE_POST_METHOD.

use crate::refusal::ErrorName;

/// One of the gateway's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    UnifiedOrder,
    OrderQuery,
    CloseOrder,
    Reverse,
    Refund,
    RefundQuery,
}

impl Call {
    pub(crate) const ALL: [Self; 6] = [
        Self::UnifiedOrder,
        Self::OrderQuery,
        Self::CloseOrder,
        Self::Reverse,
        Self::Refund,
        Self::RefundQuery,
    ];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::UnifiedOrder => "/payment/unifiedorder",
            Self::OrderQuery => "/payment/orderquery",
            Self::CloseOrder => "/payment/closeorder",
            Self::Reverse => "/payment/reverse",
            Self::Refund => "/payment/refund",
            Self::RefundQuery => "/payment/refundquery",
        }
    }

    /// The last part of the path: `unifiedorder`.
    pub(crate) fn name(self) -> &'static str {
        self.path().trim_start_matches("/payment/")
    }

    /// A mandatory member is missing.
    pub(crate) fn missing(self) -> ErrorName {
        self.or_listed(ErrorName::LackParams)
    }

    /// A member is there and breaks its rule, or the body is no request at all.
    pub(crate) fn malformed(self) -> ErrorName {
        self.or_listed(ErrorName::InvalidRequest)
    }

    /// The body is empty.
    pub(crate) fn empty(self) -> ErrorName {
        self.or_listed(ErrorName::PostDataEmpty)
    }

    /// The body is not UTF-8.
    pub(crate) fn not_utf8(self) -> ErrorName {
        self.or_listed(ErrorName::NotUtf8)
    }

    /// The merchant is not one that may call.
    pub(crate) fn no_authority(self) -> ErrorName {
        self.or_listed(ErrorName::NoAuth)
    }

    /// The order's name for it, or what another call's table has in its place.
    fn or_listed(self, of_the_order: ErrorName) -> ErrorName {
        match self {
            Self::UnifiedOrder => of_the_order,
            Self::OrderQuery => ErrorName::OrderNotExist,
            Self::Reverse => ErrorName::Error,
            Self::CloseOrder | Self::Refund | Self::RefundQuery => ErrorName::ParamError,
        }
    }
}
