//! Verified messages of UCanPay as facts. `missing` follows the members that the reference's tables list.

use ucanpay_core as core;
use ucanpay_core::{
    CloseOrderAnswer, Notification, OrderQueryAnswer, RefundAnswer, RefundQueryAnswer,
    ReverseAnswer, UnifiedOrderAnswer, Verified,
};

use crate::provider::{
    Claim, Evidence, Fact, NotificationRefused, PaymentStatus, RefundClaim, RefundStatus, Source,
};
use crate::wording::Wording;

pub(super) fn placed(answer: &Verified<UnifiedOrderAnswer>, pay_link: Option<Wording>) -> Fact {
    Fact {
        source: Source::Answer,
        merchant: answer.merchant_id.clone(),
        reference: answer.out_trade_no.clone(),
        gateway_number: answer.ucp_order_no.clone(),
        amount: answer.total_amount,
        currency: None,
        pay_link,
        claim: Claim::Placed,
        missing: missing(&[
            ("merchantId", answer.merchant_id.is_none()),
            ("outTradeNo", answer.out_trade_no.is_none()),
            ("ucpOrderNo", answer.ucp_order_no.is_none()),
            ("totalAmt", answer.total_amount.is_none()),
        ]),
        evidence: evidence(answer),
    }
}

pub(super) fn queried_payment(
    answer: &Verified<OrderQueryAnswer>,
    pay_link: Option<Wording>,
) -> Fact {
    let status = answer.trade_status.as_ref();
    Fact {
        source: Source::Query,
        merchant: answer.merchant_id.clone(),
        reference: answer.out_trade_no.clone(),
        gateway_number: answer.ucp_order_no.clone(),
        amount: answer.total_amount,
        currency: answer.currency.clone(),
        pay_link,
        claim: Claim::Payment(
            status.map_or_else(|| PaymentStatus::Other(String::new()), payment_status),
        ),
        missing: missing(&[
            ("outTradeNo", answer.out_trade_no.is_none()),
            ("ucpOrderNo", answer.ucp_order_no.is_none()),
            ("totalAmt", answer.total_amount.is_none()),
            ("tradeStatus", status.is_none()),
        ]),
        evidence: evidence(answer),
    }
}

pub(super) fn closed(answer: &Verified<CloseOrderAnswer>) -> Fact {
    let mut fact = ended(
        answer.merchant_id.as_ref(),
        answer.out_trade_no.as_ref(),
        answer.ucp_order_no.as_ref(),
        answer.trade_status.as_ref(),
        evidence(answer),
    );
    if answer.ucp_order_no.is_none() {
        fact.missing.push("ucpOrderNo");
    }
    fact
}

/// `ucpOrderNo` stands in the Chinese table only: it may be missing, and is compared when present.
pub(super) fn reversed(answer: &Verified<ReverseAnswer>) -> Fact {
    ended(
        answer.merchant_id.as_ref(),
        answer.out_trade_no.as_ref(),
        answer.ucp_order_no.as_ref(),
        answer.trade_status.as_ref(),
        evidence(answer),
    )
}

/// Neither table lists the amount: such an answer can end a payment, never pay it.
fn ended(
    merchant: Option<&String>,
    reference: Option<&String>,
    gateway_number: Option<&String>,
    status: Option<&core::TradeStatus>,
    evidence: Evidence,
) -> Fact {
    Fact {
        source: Source::Answer,
        merchant: merchant.cloned(),
        reference: reference.cloned(),
        gateway_number: gateway_number.cloned(),
        amount: None,
        currency: None,
        pay_link: None,
        claim: Claim::Payment(
            status.map_or_else(|| PaymentStatus::Other(String::new()), payment_status),
        ),
        missing: missing(&[
            ("merchantId", merchant.is_none()),
            ("outTradeNo", reference.is_none()),
            ("tradeStatus", status.is_none()),
        ]),
        evidence,
    }
}

pub(super) fn refund_accepted(answer: &Verified<RefundAnswer>) -> Fact {
    Fact {
        source: Source::Answer,
        merchant: answer.merchant_id.clone(),
        reference: answer.out_trade_no.clone(),
        gateway_number: answer.ucp_order_no.clone(),
        amount: answer.total_amount,
        currency: answer.currency.clone(),
        pay_link: None,
        claim: Claim::RefundAccepted(RefundClaim {
            number: answer.out_refund_no.clone(),
            gateway_number: answer.ucp_refund_no.clone(),
            amount: answer.refund_amount,
        }),
        missing: missing(&[
            ("merchantId", answer.merchant_id.is_none()),
            ("outTradeNo", answer.out_trade_no.is_none()),
            ("ucpOrderNo", answer.ucp_order_no.is_none()),
            ("totalAmt", answer.total_amount.is_none()),
            ("currency", answer.currency.is_none()),
            ("outRefundNo", answer.out_refund_no.is_none()),
            ("ucpRefundNo", answer.ucp_refund_no.is_none()),
            ("refundAmt", answer.refund_amount.is_none()),
        ]),
        evidence: evidence(answer),
    }
}

pub(super) fn queried_refund(answer: &Verified<RefundQueryAnswer>) -> Fact {
    let status = answer.refund_status.as_ref();
    let claim = RefundClaim {
        number: answer.out_refund_no.clone(),
        gateway_number: answer.ucp_refund_no.clone(),
        amount: answer.refund_amount,
    };
    Fact {
        source: Source::Query,
        merchant: answer.merchant_id.clone(),
        reference: answer.out_trade_no.clone(),
        gateway_number: answer.ucp_order_no.clone(),
        amount: answer.total_amount,
        currency: answer.currency.clone(),
        pay_link: None,
        claim: Claim::Refund(
            claim,
            status.map_or_else(|| RefundStatus::Other(String::new()), refund_status),
        ),
        missing: missing(&[
            ("merchantId", answer.merchant_id.is_none()),
            ("outTradeNo", answer.out_trade_no.is_none()),
            ("ucpOrderNo", answer.ucp_order_no.is_none()),
            ("totalAmt", answer.total_amount.is_none()),
            ("currency", answer.currency.is_none()),
            ("outRefundNo", answer.out_refund_no.is_none()),
            ("ucpRefundNo", answer.ucp_refund_no.is_none()),
            ("refundAmt", answer.refund_amount.is_none()),
            ("refundStatus", status.is_none()),
        ]),
        evidence: evidence(answer),
    }
}

/// The reader of notifications requires every member that is matched, so nothing can be missing.
pub(super) fn notified(message: Verified<Notification>) -> Result<Fact, NotificationRefused> {
    let (message, proof) = message.into_parts();
    let evidence = Evidence {
        signed_text: proof.signed_text,
        signature: proof.signature,
        key: proof.key.to_string(),
    };
    match message {
        Notification::Payment(payment) => Ok(Fact {
            source: Source::Notification,
            merchant: Some(payment.merchant_id),
            reference: Some(payment.out_trade_no),
            gateway_number: Some(payment.ucp_order_no),
            amount: Some(payment.total_amount),
            currency: Some(payment.currency),
            pay_link: None,
            claim: Claim::Payment(payment_status(&payment.trade_status)),
            missing: Vec::new(),
            evidence,
        }),
        Notification::Refund(refund) => Ok(Fact {
            source: Source::Notification,
            merchant: Some(refund.merchant_id),
            reference: Some(refund.out_trade_no),
            gateway_number: Some(refund.ucp_order_no),
            amount: Some(refund.total_amount),
            currency: Some(refund.currency),
            pay_link: None,
            claim: Claim::Refund(
                RefundClaim {
                    number: Some(refund.out_refund_no),
                    gateway_number: Some(refund.ucp_refund_no),
                    amount: Some(refund.refund_amount),
                },
                refund_status(&refund.refund_status),
            ),
            missing: Vec::new(),
            evidence,
        }),
        _ => Err(NotificationRefused::new(
            "a kind of notification that this version does not know",
        )),
    }
}

fn payment_status(status: &core::TradeStatus) -> PaymentStatus {
    use core::TradeStatus as T;
    match status {
        T::Success => PaymentStatus::Paid,
        T::Refund => PaymentStatus::PaidAndReturned,
        T::NotPay => PaymentStatus::NotPaid,
        T::UserPaying => PaymentStatus::Paying,
        T::PayError => PaymentStatus::Failed,
        T::Closed => PaymentStatus::Closed,
        T::Revoked => PaymentStatus::Reversed,
        other => PaymentStatus::Other(other.as_str().to_owned()),
    }
}

fn refund_status(status: &core::RefundStatus) -> RefundStatus {
    use core::RefundStatus as R;
    match status {
        R::Success => RefundStatus::Succeeded,
        R::Processing => RefundStatus::Processing,
        R::Fail => RefundStatus::Failed,
        R::RefundClose => RefundStatus::Closed,
        other => RefundStatus::Other(other.as_str().to_owned()),
    }
}

fn missing(members: &[(&'static str, bool)]) -> Vec<&'static str> {
    members
        .iter()
        .filter(|(_, absent)| *absent)
        .map(|(member, _)| *member)
        .collect()
}

fn evidence<T>(message: &Verified<T>) -> Evidence {
    Evidence {
        signed_text: message.signed_text().to_owned(),
        signature: message.signature().to_owned(),
        key: message.key().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended_as(status: Option<&core::TradeStatus>) -> Fact {
        let (merchant, reference) = (String::from("2000000010"), String::from("A1"));
        let evidence = Evidence {
            signed_text: String::new(),
            signature: String::new(),
            key: String::new(),
        };
        ended(Some(&merchant), Some(&reference), None, status, evidence)
    }

    #[test]
    fn what_ends_an_order_says_so_and_states_no_amount() {
        for (status, says) in [
            (core::TradeStatus::Closed, PaymentStatus::Closed),
            (core::TradeStatus::Revoked, PaymentStatus::Reversed),
            (core::TradeStatus::Success, PaymentStatus::Paid),
        ] {
            let fact = ended_as(Some(&status));
            assert_eq!(fact.claim, Claim::Payment(says));
            assert_eq!(fact.source, Source::Answer);
            assert!(fact.amount.is_none() && fact.missing.is_empty());
        }
    }

    #[test]
    fn an_answer_without_a_status_never_matches() {
        assert_eq!(ended_as(None).missing, ["tradeStatus"]);
    }
}
