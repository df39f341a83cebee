//! Orders, refunds and deliveries as the control API shows them. Members carry the gateway's own names.

use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::delivery::{Attempt, Delivery, Outcome};
use crate::gateway::Gateway;
use crate::order::{Order, Payment};

pub(super) fn order(gateway: &Gateway, order: &Order) -> Value {
    let paid_at = match order.payment {
        Payment::Paid { at, .. } => Some(rfc3339(at)),
        _ => None,
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
        .map(|delivery| self::delivery(gateway, delivery))
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

pub(super) fn delivery(gateway: &Gateway, delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "outTradeNo": delivery.out_trade_no,
        "topic": delivery.topic,
        "url": delivery.url,
        "request": delivery.body,
        "accepted": delivery.next_attempt_at.is_none(),
        "nextAttempt": next(delivery.next_attempt_at),
        "attempts": gateway.attempts(delivery.id).iter().map(attempt).collect::<Vec<_>>(),
    })
}

/// `None` also where there will be no next one, although it was not accepted.
fn next(at: Option<i64>) -> Option<String> {
    at.filter(|at| *at < i64::MAX).map(rfc3339)
}

fn attempt(attempt: &Attempt) -> Value {
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
        "fault": attempt.fault,
        "nextAttempt": next(attempt.next_attempt_at),
    })
}
