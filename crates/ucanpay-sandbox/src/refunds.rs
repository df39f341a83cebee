//! What the gateway decides about refunds: submitting and asking. How they end is in `results.rs`.

use crate::clock::TimeForm;
use crate::faults::{Fault, Occasion, Place};
use crate::gateway::{CallAnswer, Decision, Gateway};
use crate::message::Members;
use crate::order::{Order, Payment, Refund, RefundEnd, RefundState};
use crate::refusal::{ErrorName, Refusal};
use crate::rules::Rules;
use crate::switches::{AmountsDiffer, FailedRefunds};

/// At most this many partial refunds of one order; failed ones do not count.
const MAX_REFUNDS: usize = 10;

/// Refunds are accepted within a year of payment.
const REFUND_WINDOW_MS: i64 = 365 * 24 * 60 * 60 * 1000;

impl Gateway {
    /// `/payment/refund` (reference: "Requesting Refund"). The answer says that the refund was accepted,
    /// not that it succeeded.
    pub(crate) fn submit_refund(
        &self,
        rules: &Rules<'_>,
        members: &Members,
        now: i64,
    ) -> Result<Decision<CallAnswer>, Refusal> {
        let ucp_order_no = rules.number("ucpOrderNo")?;
        let out_trade_no = rules.number("outTradeNo")?;
        let out_refund_no = rules.number("outRefundNo")?;
        let total_amount = rules.amount("totalAmt")?;
        let amount = rules.amount("refundAmt")?;
        let reason = rules.refund_reason()?;
        let notify_url = rules.notify_url()?;
        let parameters = members.canonical(&["nonceStr", "sign"]);

        let order = self
            .order(&out_trade_no)
            .filter(|order| order.ucp_order_no.to_string() == ucp_order_no)
            .ok_or_else(|| broken_rule("no order has these numbers"))?;
        if self
            .order_by_refund_no(&out_refund_no)
            .is_some_and(|other| other.out_trade_no != out_trade_no)
        {
            return Err(broken_rule("outRefundNo was used for another order"));
        }
        let earlier = order.refund(&out_refund_no);
        if total_amount != order.amount() || earlier.is_some_and(|earlier| earlier.amount != amount)
        {
            let name = match self.terms.switches.amounts_differ {
                AmountsDiffer::FeeMismatch => ErrorName::RefundFeeMismatch,
                AmountsDiffer::FrequencyLimited => ErrorName::FrequencyLimited,
            };
            return Err(Refusal::new(
                name,
                "totalAmt or refundAmt is not the earlier one",
            ));
        }
        if let Some(earlier) = earlier {
            if earlier.parameters != parameters {
                return Err(broken_rule("outRefundNo was used with other parameters"));
            }
            // Only a failed one is tried again.
            if !matches!(earlier.state, RefundState::Failed { .. }) {
                let answer = order.refund_answer(earlier, &self.terms);
                return Ok(Decision::unchanged(Ok(answer)));
            }
        }
        self.refundable(order, earlier, amount, now)?;

        // A failed refund is submitted again under its own numbers.
        let ucp_refund_no =
            earlier.map_or_else(|| self.next_number(now), |earlier| earlier.ucp_refund_no);
        let draw = self.faults.draw(
            Occasion {
                place: Place::Refund,
                on: "",
                out_trade_no,
            },
            // What was asked for by the control API comes first.
            |_| !order.next_refund_fails,
        );
        if let Some(refusal) = draw.strike().and_then(|strike| refused_by(strike.fault)) {
            let mut decision = Decision::refused(refusal);
            decision.draws.push(draw);
            return Ok(decision);
        }
        let in_time = now.saturating_add(self.terms.refund_delay);
        let (settles_at, end) = match draw.strike().map(|strike| strike.fault) {
            _ if order.next_refund_fails => (in_time, RefundEnd::Fails),
            Some(Fault::RefundStuck) => (i64::MAX, RefundEnd::Succeeds),
            Some(Fault::RefundFail) => (in_time, RefundEnd::Fails),
            Some(Fault::RefundClose) => (in_time, RefundEnd::Closes),
            _ => (in_time, RefundEnd::Succeeds),
        };
        let state = RefundState::Processing { settles_at, end };
        let refund = Refund {
            out_refund_no,
            ucp_refund_no,
            amount,
            reason,
            notify_url,
            parameters,
            state,
        };
        let answer = order.refund_answer(&refund, &self.terms);
        let mut order = order.clone();
        order.next_refund_fails = false;
        order
            .refunds
            .retain(|other| other.out_refund_no != refund.out_refund_no);
        order.happened(now, format!("refund {} accepted", refund.out_refund_no));
        order.refunds.push(refund);
        let mut decision = Decision::changed(Ok(answer), order);
        decision.draws.push(draw);
        Ok(decision)
    }

    /// `/payment/refundquery` (reference: "Querying Refund").
    pub(crate) fn refund_query(&self, rules: &Rules<'_>) -> CallAnswer {
        let out_trade_no = rules.number("outTradeNo")?;
        let out_refund_no = rules.number("outRefundNo")?;
        let ucp_order_no = rules.own_number("ucpOrderNo")?;
        let ucp_refund_no = rules.own_number("ucpRefundNo")?;
        let unknown = || Refusal::new(ErrorName::RefundNotExist, "no refund has these numbers");

        let order = self
            .order(&out_trade_no)
            .filter(|order| {
                ucp_order_no.is_none_or(|number| number == order.ucp_order_no.to_string())
            })
            .ok_or_else(unknown)?;
        let refund = order
            .refund(&out_refund_no)
            .filter(|refund| {
                ucp_refund_no.is_none_or(|number| number == refund.ucp_refund_no.to_string())
            })
            .ok_or_else(unknown)?;
        let success_time = match refund.state {
            RefundState::Succeeded { at } => self.terms.switches.time(at, TimeForm::Digits),
            RefundState::Processing { .. }
            | RefundState::Failed { .. }
            | RefundState::Closed { .. } => String::new(),
        };
        let mut answer = Members::default();
        for (name, cents) in [
            ("totalAmt", order.amount()),
            ("refundAmt", refund.amount),
            ("totalRefundAmt", order.refunded()),
        ] {
            answer = self.terms.switches.with_amount(answer, name, cents);
        }
        Ok(answer
            .with("merchantId", &self.terms.merchant_id)
            .with("deviceNo", order.device_no.as_deref().unwrap_or_default())
            .with("currency", &order.currency)
            .with("refundSuccesTime", success_time)
            .with("ucpOrderNo", order.ucp_order_no.to_string())
            .with("ucpRefundNo", refund.ucp_refund_no.to_string())
            .with("outTradeNo", &order.out_trade_no)
            .with("outRefundNo", &refund.out_refund_no)
            .with("refundStatus", self.terms.switches.status(refund.status())))
    }

    /// Whether a refund of this amount may be submitted now.
    fn refundable(
        &self,
        order: &Order,
        earlier: Option<&Refund>,
        amount: i64,
        now: i64,
    ) -> Result<(), Refusal> {
        if order.reversed_at.is_some() {
            return Err(broken_rule("the order was reversed"));
        }
        let paid_at = match order.payment {
            Payment::Paid { at, .. } => at,
            Payment::Paying { .. } => {
                let reason = "the buyer is paying the order";
                return Err(Refusal::new(ErrorName::OrderNotReady, reason));
            }
            _ => return Err(broken_rule("the order is not paid")),
        };
        if now - paid_at > REFUND_WINDOW_MS {
            return Err(Refusal::new(
                ErrorName::TradeOverdue,
                "the payment is over a year old",
            ));
        }
        if order.processing().is_some() {
            return Err(Refusal::new(
                ErrorName::BizerrNeedRetry,
                "another refund of this order is under way",
            ));
        }
        let counted = || order.refunds.iter().filter(|refund| refund.counts());
        let submitted = match self.terms.switches.failed_refunds {
            FailedRefunds::DoNotCount => counted().count(),
            // Not the one that is tried again.
            FailedRefunds::Count => order.refunds.len() - usize::from(earlier.is_some()),
        };
        if submitted >= MAX_REFUNDS {
            return Err(broken_rule("the order has ten refunds already"));
        }
        let refunded: i64 = counted().map(|refund| refund.amount).sum();
        if refunded + amount > order.amount() {
            return Err(broken_rule("the refunds would exceed the order"));
        }
        Ok(())
    }
}

/// The refusal that a fault makes of an application that is in order.
pub(crate) fn refused_by(fault: Fault) -> Option<Refusal> {
    let (name, reason) = match fault {
        Fault::RefundNotEnough => (
            ErrorName::NotEnough,
            "the merchant's balance is less than what is to go back",
        ),
        Fault::RefundAccountClosed => (
            ErrorName::UserAccountAbnormal,
            "the buyer has closed the account that paid",
        ),
        Fault::RefundLimited => (ErrorName::FrequencyLimited, "too many refunds at once"),
        Fault::RefundError => (ErrorName::Error, "the fault plan wants it so"),
        _ => return None,
    };
    Some(Refusal::new(name, reason))
}

/// Well-formed, but against a business rule: INVALID_REQUEST in the refund's table.
fn broken_rule(reason: &str) -> Refusal {
    Refusal::new(ErrorName::InvalidRequest, reason)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bench::{Bench, DAY, order, with};
    use crate::call::Call;
    use crate::orders::PayInstruction;

    fn submit(bench: &mut Bench, number: &str, cents: i64) -> Result<Value, ErrorName> {
        let request = bench.refund(number, cents);
        bench.call(Call::Refund, &request)
    }

    fn query(bench: &mut Bench, number: &str) -> Result<Value, ErrorName> {
        bench.call(Call::RefundQuery, &json!({ "outTradeNo": "A1", "outRefundNo": number, "nonceStr": "n", "signType": "RSA" }))
    }

    #[test]
    fn an_accepted_refund_is_processing_and_then_succeeds_and_is_notified() {
        let mut bench = Bench::with_paid_order();
        let answer = submit(&mut bench, "R1", 100).unwrap();
        assert_eq!(
            answer,
            json!({
                "merchantId": "2000000010", "deviceNo": "web", "sceneType": "NATIVE", "totalAmt": 450, "ucpOrderNo": bench.ucp_order_no(),
                "ucpRefundNo": answer["ucpRefundNo"], "outTradeNo": "A1", "outRefundNo": "R1", "body": "two coffees", "refundAmt": 100, "currency": "CAD",
            })
        );
        assert_eq!(
            query(&mut bench, "R1").unwrap()["refundStatus"],
            "PROCESSING"
        );
        assert_eq!(bench.status(), "SUCCESS");

        bench.wait(2000);
        assert_eq!(
            query(&mut bench, "R1").unwrap(),
            json!({
                "merchantId": "2000000010", "deviceNo": "web", "currency": "CAD", "totalAmt": 450, "refundAmt": 100, "totalRefundAmt": 100,
                "refundSuccesTime": "20260301120002", "ucpOrderNo": bench.ucp_order_no(), "ucpRefundNo": answer["ucpRefundNo"], "outTradeNo": "A1",
                "outRefundNo": "R1", "refundStatus": "SUCCESS",
            })
        );
        assert_eq!(bench.status(), "REFUND");
        let notice = serde_json::to_value(&bench.notices[1].data).unwrap();
        assert_eq!(
            (
                &notice["refundStatus"],
                &notice["refundAmt"],
                &notice["refundTime"]
            ),
            (
                &json!("SUCCESS"),
                &json!(100),
                &json!("2026-03-01 12:00:02")
            )
        );
        assert_eq!(bench.notices[1].first_attempt_at, bench.now + 300);
    }

    #[test]
    fn the_same_refund_again_is_answered_the_same_and_done_once() {
        let mut bench = Bench::with_paid_order();
        let first = submit(&mut bench, "R1", 450).unwrap();
        assert_eq!(submit(&mut bench, "R1", 450).unwrap(), first);
        bench.wait(2000);
        assert_eq!(submit(&mut bench, "R1", 450).unwrap(), first);
        bench.wait(2000);
        assert_eq!(query(&mut bench, "R1").unwrap()["totalRefundAmt"], 450);
        assert_eq!(bench.notices.len(), 2);
    }

    #[test]
    fn a_failed_refund_is_submitted_again_under_its_numbers() {
        let mut bench = Bench::with_paid_order();
        bench.fail_next_refund();
        let first = submit(&mut bench, "R1", 450).unwrap();
        bench.wait(2000);
        assert_eq!(query(&mut bench, "R1").unwrap()["refundStatus"], "FAIL");
        assert_eq!(bench.notices[1].data.text("refundStatus"), Some("FAIL"));
        assert_eq!(bench.status(), "SUCCESS");
        assert_eq!(submit(&mut bench, "R1", 450).unwrap(), first);
        bench.wait(2000);
        assert_eq!(query(&mut bench, "R1").unwrap()["refundStatus"], "SUCCESS");
    }

    #[test]
    fn other_amounts_under_the_same_number_are_a_fee_mismatch() {
        let mut bench = Bench::with_paid_order();
        submit(&mut bench, "R1", 100).unwrap();
        assert_eq!(
            submit(&mut bench, "R1", 101),
            Err(ErrorName::RefundFeeMismatch)
        );
        let request = with(bench.refund("R2", 100), "totalAmt", 451);
        assert_eq!(
            bench.call(Call::Refund, &request),
            Err(ErrorName::RefundFeeMismatch)
        );
    }

    #[test]
    fn a_refund_number_with_other_parameters_is_an_invalid_request() {
        let mut bench = Bench::with_paid_order();
        submit(&mut bench, "R1", 100).unwrap();
        let request = with(bench.refund("R1", 100), "refundDesc", "another reason");
        assert_eq!(
            bench.call(Call::Refund, &request),
            Err(ErrorName::InvalidRequest)
        );

        let other = bench
            .call(Call::UnifiedOrder, &with(order(), "outTradeNo", "A2"))
            .unwrap();
        let request = with(
            with(bench.refund("R1", 100), "outTradeNo", "A2"),
            "ucpOrderNo",
            other["ucpOrderNo"].clone(),
        );
        assert_eq!(
            bench.call(Call::Refund, &request),
            Err(ErrorName::InvalidRequest),
            "the number belongs to another order"
        );
    }

    #[test]
    fn refunds_of_one_order_go_one_at_a_time() {
        let mut bench = Bench::with_paid_order();
        submit(&mut bench, "R1", 100).unwrap();
        assert_eq!(
            submit(&mut bench, "R2", 100),
            Err(ErrorName::BizerrNeedRetry)
        );
        bench.wait(2000);
        assert!(submit(&mut bench, "R2", 100).is_ok());
    }

    #[test]
    fn refunds_never_exceed_the_order() {
        let mut bench = Bench::with_paid_order();
        assert_eq!(
            submit(&mut bench, "R1", 451),
            Err(ErrorName::InvalidRequest)
        );
        submit(&mut bench, "R2", 400).unwrap();
        bench.wait(2000);
        assert_eq!(submit(&mut bench, "R3", 51), Err(ErrorName::InvalidRequest));
        assert!(submit(&mut bench, "R4", 50).is_ok());
    }

    #[test]
    fn an_order_has_at_most_ten_refunds_not_counting_failed_ones() {
        let mut bench = Bench::with_paid_order();
        bench.fail_next_refund();
        submit(&mut bench, "F", 1).unwrap();
        for number in 0..10 {
            bench.wait(2000);
            submit(&mut bench, &format!("R{number}"), 1).unwrap();
        }
        bench.wait(2000);
        assert_eq!(submit(&mut bench, "R10", 1), Err(ErrorName::InvalidRequest));
    }

    #[test]
    fn the_last_of_ten_that_count_though_failed_can_be_tried_again() {
        let mut bench = Bench::with_paid_order();
        bench.gateway.terms.switches.failed_refunds = FailedRefunds::Count;
        for number in 0..10 {
            bench.fail_next_refund();
            submit(&mut bench, &format!("R{number}"), 1).unwrap();
            bench.wait(2000);
        }
        assert_eq!(submit(&mut bench, "R10", 1), Err(ErrorName::InvalidRequest));
        assert!(submit(&mut bench, "R9", 1).is_ok());
    }

    #[test]
    fn an_order_that_is_being_paid_is_not_ready() {
        let mut bench = Bench::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        let stalled = bench.gateway.stall("A1", bench.now);
        bench.gateway.apply(stalled.changes);
        assert_eq!(submit(&mut bench, "R1", 1), Err(ErrorName::OrderNotReady));
    }

    #[test]
    fn an_unpaid_order_cannot_be_refunded() {
        let mut bench = Bench::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        assert_eq!(
            submit(&mut bench, "R1", 100),
            Err(ErrorName::InvalidRequest)
        );
        bench.decline().unwrap();
        assert_eq!(
            submit(&mut bench, "R1", 100),
            Err(ErrorName::InvalidRequest)
        );
        bench.pay(PayInstruction::default()).unwrap();
        assert!(submit(&mut bench, "R1", 100).is_ok());
    }

    #[test]
    fn a_year_after_payment_a_refund_is_overdue() {
        let mut bench = Bench::with_paid_order();
        bench.wait(365 * DAY);
        assert!(submit(&mut bench, "R1", 100).is_ok());
        bench.wait(DAY);
        assert_eq!(submit(&mut bench, "R2", 100), Err(ErrorName::TradeOverdue));
    }

    #[test]
    fn a_refund_of_an_unknown_order_is_an_invalid_request() {
        let mut bench = Bench::with_paid_order();
        for (member, value) in [("outTradeNo", "A2"), ("ucpOrderNo", "1")] {
            let request = with(bench.refund("R1", 100), member, value);
            assert_eq!(
                bench.call(Call::Refund, &request),
                Err(ErrorName::InvalidRequest),
                "{member}"
            );
        }
    }

    #[test]
    fn a_query_for_an_unknown_refund_is_refundnotexist() {
        let mut bench = Bench::with_paid_order();
        assert_eq!(query(&mut bench, "R1"), Err(ErrorName::RefundNotExist));
        submit(&mut bench, "R1", 100).unwrap();
        let known =
            json!({ "outTradeNo": "A1", "outRefundNo": "R1", "nonceStr": "n", "signType": "RSA" });
        for (member, value) in [
            ("outTradeNo", "A2"),
            ("ucpOrderNo", "1"),
            ("ucpRefundNo", "1"),
        ] {
            let request = with(known.clone(), member, value);
            assert_eq!(
                bench.call(Call::RefundQuery, &request),
                Err(ErrorName::RefundNotExist),
                "{member}"
            );
        }
    }
}
