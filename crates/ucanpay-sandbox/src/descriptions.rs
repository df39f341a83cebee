//! What stands beside each error name in the reference's tables, in both languages: the one error answer that is printed there
//! has such a description in `msg`, and no name. A name that a call borrows from another's table is described as there.

use crate::call::Call;
use crate::refusal::ErrorName;

/// Column 描述 of the Chinese table of this call.
pub(crate) fn chinese(name: ErrorName, call: Call) -> &'static str {
    let of_the_order = call == Call::UnifiedOrder;
    let of_refunds = matches!(call, Call::Refund | Call::RefundQuery);
    match name {
        ErrorName::BizerrNeedRetry => "退款业务流程错误，需要商户触发重试来解决",
        ErrorName::Error => "业务错误",
        ErrorName::FrequencyLimited => "订单金额或退款金额与之前请求不一致，请核实后再试",
        ErrorName::InvalidReqTooMuch => "无效请求过多",
        ErrorName::InvalidRequest if of_the_order => "参数错误",
        ErrorName::InvalidRequest => "请求参数符合参数格式，但不符合业务规则",
        ErrorName::LackParams => "缺少参数",
        ErrorName::NoAuth => "商户无此接口权限",
        ErrorName::NotEnough => "余额不足",
        ErrorName::NotUtf8 => "编码格式错误",
        ErrorName::OrderClosed => "订单已关闭",
        ErrorName::OrderNotExist => "此交易订单号不存在",
        ErrorName::OrderNotReady => "订单处理中，暂时无法退款，请稍后再试",
        ErrorName::OrderPaid if of_the_order => "商户订单已支付",
        ErrorName::OrderPaid => "订单已支付",
        ErrorName::OutTradeNoUsed => "商户订单号重复",
        ErrorName::ParamError => "参数错误",
        ErrorName::PostDataEmpty => "post数据为空",
        ErrorName::RefundFeeMismatch => "订单金额或退款金额与之前请求不一致，请核实后再试",
        ErrorName::RefundNotExist => "退款订单查询失败",
        ErrorName::RequirePostMethod => "请使用post方法",
        ErrorName::SignError => "签名错误",
        ErrorName::SystemError if of_refunds => "接口返回错误",
        ErrorName::SystemError => "系统错误",
        ErrorName::TradeOverdue if of_refunds => "订单已经超过退款期限",
        ErrorName::TradeOverdue => "订单已经超过撤销期限",
        ErrorName::UserAccountAbnormal => "退款请求失败",
    }
}

/// Column "description" of the English table of this call.
pub(crate) fn english(name: ErrorName, call: Call) -> &'static str {
    let of_the_order = call == Call::UnifiedOrder;
    let of_refunds = matches!(call, Call::Refund | Call::RefundQuery);
    match name {
        ErrorName::BizerrNeedRetry => {
            "The refund process is incorrect; the merchant needs to retry to resolve the issue."
        }
        ErrorName::Error => "system error",
        ErrorName::FrequencyLimited => {
            "the order amount or refund amount is inconsistent with the previous request; please verify and try again"
        }
        ErrorName::InvalidReqTooMuch => "too many invalid requests",
        ErrorName::InvalidRequest if of_the_order => "Parameter error",
        ErrorName::InvalidRequest => {
            "The request parameters conform to the required format, but do not conform to the business rules"
        }
        ErrorName::LackParams => "missing parameters",
        ErrorName::NoAuth => "Merchant does not have permission for this interface",
        ErrorName::NotEnough => "insufficient balance",
        ErrorName::NotUtf8 => "encoding format incorrect",
        ErrorName::OrderClosed => "order closed",
        ErrorName::OrderNotExist => "order number does not exist",
        ErrorName::OrderNotReady => {
            "The order is being processed. The refund cannot be processed at this time; please try again later"
        }
        ErrorName::OrderPaid => "Merchant order is already paid",
        ErrorName::OutTradeNoUsed => "merchant order number duplicated",
        ErrorName::ParamError => "parameter incorrect",
        ErrorName::PostDataEmpty => "post data is empty",
        ErrorName::RefundFeeMismatch => {
            "the order amount or refund amount is inconsistent with the previous request; please verify and try again"
        }
        ErrorName::RefundNotExist => "refund order query failed",
        ErrorName::RequirePostMethod if of_the_order => "Please use the \"post\" method",
        ErrorName::RequirePostMethod => "please use post method",
        ErrorName::SignError => "signature error",
        ErrorName::SystemError if of_refunds => "interface returns error",
        ErrorName::SystemError => "system error",
        ErrorName::TradeOverdue if of_refunds => "The order has passed the refund period limit",
        ErrorName::TradeOverdue => "order has exceeded the cancellation period",
        ErrorName::UserAccountAbnormal => "Refund request failed",
    }
}
