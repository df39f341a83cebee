//! The gateway's error names: what each is known to mean for the money, and what a merchant does next.
//!
//! Reference: the tables 错误码 / "error codes" of each call. The words come in from `response.rs`; the retry table of the
//! transport and the ledger act on [`ErrorCode::class`].

use std::fmt;

/// What an error says about the effect of the call.
///
/// Closed on purpose: whoever handles money by it should be made to look again when a class is added.
///
/// ```
/// use ucanpay_core::{ErrorClass, ErrorCode};
///
/// fn may_have_happened(code: &ErrorCode) -> bool {
///     match code.class() {
///         ErrorClass::OutcomeUnknown | ErrorClass::AskFirst => true,
///         ErrorClass::NotDone | ErrorClass::NotDoneBusy | ErrorClass::Blocked => false,
///     }
/// }
/// assert!(may_have_happened(&ErrorCode::SystemError));
/// assert!(!may_have_happened(&ErrorCode::NotEnough));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Nobody knows whether it happened: send the same bytes again, or ask.
    OutcomeUnknown,
    /// Not done, because the gateway was busy with it: the same bytes again, later.
    NotDoneBusy,
    /// The gateway has shut the merchant out for a while: send nothing at all for 60 seconds.
    Blocked,
    /// It may have happened before. Only a signed query settles it.
    AskFirst,
    /// Not done, and repeating it changes nothing: act on the cause.
    NotDone,
}

/// Declares the names with their class, advice, and the descriptions the reference's tables give them.
macro_rules! error_codes {
    ($($variant:ident = $name:literal, $class:ident, $advice:literal, [$($text:literal),* $(,)?];)*) => {
        /// An error name of the gateway. An unknown one is kept as it came.
        ///
        /// ```
        /// use ucanpay_core::{ErrorClass, ErrorCode};
        ///
        /// let code = ErrorCode::OrderNotReady; // of `GatewayError::code`
        /// assert_eq!((code.name(), code.class()), ("ORDER_NOT_READY", ErrorClass::NotDoneBusy));
        /// assert!(code.advice().ends_with("send the same refund number again later"));
        ///
        /// // Nobody knows what happened after a name that is not in the reference.
        /// assert_eq!(ErrorCode::Other("E4711".to_owned()).class(), ErrorClass::OutcomeUnknown);
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $name, "`: ", $advice)] $variant,)*
            /// A name or number nobody documented; the outcome is unknown.
            Other(String),
        }

        impl ErrorCode {
            /// The name as documented, or as received when it is not.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// What the error says about the effect of the call.
            ///
            /// ```
            /// use ucanpay_core::{ErrorClass, ErrorCode};
            ///
            /// assert_eq!(ErrorCode::InvalidReqTooMuch.class(), ErrorClass::Blocked);
            /// assert_eq!(ErrorCode::OrderPaid.class(), ErrorClass::AskFirst);
            /// ```
            #[must_use]
            pub fn class(&self) -> ErrorClass {
                match self {
                    $(Self::$variant => ErrorClass::$class,)*
                    Self::Other(_) => ErrorClass::OutcomeUnknown,
                }
            }

            /// What a merchant does next, in one sentence.
            ///
            /// ```
            /// use ucanpay_core::ErrorCode;
            ///
            /// let code = ErrorCode::NoAuth;
            /// let report = format!("{code}: {}", code.advice());
            /// assert_eq!(report, "NOAUTH: the merchant may not use this call: ask UCanPay for permission");
            /// ```
            #[must_use]
            pub fn advice(&self) -> &'static str {
                match self {
                    $(Self::$variant => $advice,)*
                    Self::Other(_) => "undocumented: treat the outcome as unknown, and ask with a query",
                }
            }

            pub(crate) fn known(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name that belongs to a description of the tables, Chinese or English, in any letter case.
            pub(crate) fn described(text: &str) -> Option<Self> {
                let text = text.trim_end_matches(['.', '。']);
                $(if [$($text),*].iter().any(|known: &&str| known.eq_ignore_ascii_case(text)) {
                    return Some(Self::$variant);
                })*
                None
            }
        }
    };
}

// Where two names share a description, the one that asks for more care stands first and is taken.
error_codes! {
    SystemError = "SYSTEMERROR", OutcomeUnknown,
        "send the same request again, byte for byte",
        ["系统错误", "接口返回错误", "system error", "interface returns error"];
    BizerrNeedRetry = "BIZERR_NEED_RETRY", NotDoneBusy,
        "not done because of another call at the same time: send the same refund number again",
        ["退款业务流程错误，需要商户触发重试来解决",
         "The refund process is incorrect; the merchant needs to retry to resolve the issue"];
    OrderNotReady = "ORDER_NOT_READY", NotDoneBusy,
        "the order is still being processed: send the same refund number again later",
        ["订单处理中，暂时无法退款，请稍后再试",
         "The order is being processed. The refund cannot be processed at this time; please try again later"];
    InvalidReqTooMuch = "INVALID_REQ_TOO_MUCH", Blocked,
        "the gateway blocks the merchant: send nothing for 60 seconds, and find out which requests were invalid",
        ["无效请求过多", "too many invalid requests"];
    RefundFeeMismatch = "REFUND_FEE_MISMATCH", AskFirst,
        "the amounts differ from the first request of this refund number: stop and compare them",
        ["订单金额或退款金额与之前请求不一致，请核实后再试",
         "the order amount or refund amount is inconsistent with the previous request; please verify and try again"];
    FrequencyLimited = "FREQUENCY_LIMITED", Blocked,
        "too many calls: send nothing for 60 seconds; if it persists, compare the amounts with the first request",
        [];
    OrderPaid = "ORDERPAID", AskFirst,
        "said to be paid already: query, and take it as paid only on the signed answer",
        ["商户订单已支付", "订单已支付", "Merchant order is already paid"];
    OrderClosed = "ORDERCLOSED", AskFirst,
        "said to be closed already: query; a new order needs a new number",
        ["订单已关闭", "order closed"];
    OutTradeNoUsed = "OUT_TRADE_NO_USED", AskFirst,
        "the order number is taken: query it before concluding anything",
        ["商户订单号重复", "merchant order number duplicated"];
    InvalidRequest = "INVALID_REQUEST", AskFirst,
        "the request breaks a rule, or differs from the first one of its number: query, then correct it",
        ["参数错误", "请求参数符合参数格式，但不符合业务规则", "Parameter error",
         "The request parameters conform to the required format, but do not conform to the business rules"];
    Error = "ERROR", OutcomeUnknown,
        "a business error with its reason in the text: query, then act on the text",
        ["业务错误"];
    TradeOverdue = "TRADE_OVERDUE", AskFirst,
        "too late for this call: query; if money has to go back, do it in another way",
        ["订单已经超过撤销期限", "订单已经超过退款期限",
         "order has exceeded the cancellation period", "The order has passed the refund period limit"];
    NotEnough = "NOTENOUGH", NotDone,
        "the merchant's balance is too low: top it up, then send the same number again",
        ["余额不足", "insufficient balance"];
    UserAccountAbnormal = "USER_ACCOUNT_ABNORMAL", NotDone,
        "the buyer's account is closed: refund outside this API",
        ["退款请求失败", "Refund request failed"];
    OrderNotExist = "ORDERNOTEXIST", AskFirst,
        "never proof that the order does not exist or is unpaid: send the order's bytes again, or ask again",
        ["此交易订单号不存在", "order number does not exist"];
    RefundNotExist = "REFUNDNOTEXIST", AskFirst,
        "never proof that no refund exists: send the same refund bytes again",
        ["退款订单查询失败", "refund order query failed"];
    SignError = "SIGNERROR", NotDone,
        "check the merchant's key, the key registered at the gateway, and the signature scheme",
        ["签名错误", "签名失败", "signature error", "signature failed", "signature failure"];
    NoAuth = "NOAUTH", NotDone,
        "the merchant may not use this call: ask UCanPay for permission",
        ["商户无此接口权限", "Merchant does not have permission for this interface"];
    LackParams = "LACK_PARAMS", NotDone,
        "a required member is missing: correct the request",
        ["缺少参数", "missing parameters"];
    PostDataEmpty = "POST_DATA_EMPTY", NotDone,
        "the body arrived empty: look at what stands between the merchant and the gateway",
        ["post数据为空", "post data is empty"];
    NotUtf8 = "NOT_UTF8", NotDone,
        "the body arrived in another encoding: look at what stands between the merchant and the gateway",
        ["编码格式错误", "encoding format incorrect"];
    ParamError = "PARAM_ERROR", NotDone,
        "a member is not as the gateway wants it: correct the request",
        ["parameter incorrect"];
    RequirePostMethod = "REQUIRE_POST_METHOD", NotDone,
        "the call arrived with another method than POST: look at what stands between the merchant and the gateway",
        ["请使用post方法", "Please use the \"post\" method", "please use post method"];
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorClass, ErrorCode};

    /// The names of the reference, by what is known of the effect.
    const NAMES: [(ErrorClass, &[&str]); 5] = [
        (ErrorClass::OutcomeUnknown, &["SYSTEMERROR", "ERROR"]),
        (
            ErrorClass::NotDoneBusy,
            &["BIZERR_NEED_RETRY", "ORDER_NOT_READY"],
        ),
        (
            ErrorClass::Blocked,
            &["INVALID_REQ_TOO_MUCH", "FREQUENCY_LIMITED"],
        ),
        (
            ErrorClass::AskFirst,
            &[
                "ORDERPAID",
                "ORDERCLOSED",
                "OUT_TRADE_NO_USED",
                "INVALID_REQUEST",
                "TRADE_OVERDUE",
                "ORDERNOTEXIST",
                "REFUNDNOTEXIST",
                // The number stands for another refund: that one may have been done.
                "REFUND_FEE_MISMATCH",
            ],
        ),
        (
            ErrorClass::NotDone,
            &[
                "NOTENOUGH",
                "USER_ACCOUNT_ABNORMAL",
                "SIGNERROR",
                "NOAUTH",
                "LACK_PARAMS",
                "POST_DATA_EMPTY",
                "NOT_UTF8",
                "PARAM_ERROR",
                "REQUIRE_POST_METHOD",
            ],
        ),
    ];

    #[test]
    fn every_name_of_the_reference_is_known_and_classed() {
        for (class, names) in NAMES {
            for name in names {
                let code = ErrorCode::known(name).unwrap();
                assert_eq!((code.name(), code.class()), (*name, class));
            }
        }
        assert_eq!(ErrorCode::known("systemerror"), None);
    }

    #[test]
    fn a_shared_description_is_taken_as_the_name_that_asks_for_more_care() {
        assert_eq!(
            ErrorCode::described("参数错误"),
            Some(ErrorCode::InvalidRequest)
        );
        assert_eq!(
            ErrorCode::described("system error"),
            Some(ErrorCode::SystemError)
        );
        assert_eq!(ErrorCode::described(""), None);
        assert_eq!(ErrorCode::described("SUCCESS"), None);
    }
}
