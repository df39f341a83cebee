//! What the gateway decides when a merchant ends an order: closing, and reversing.

use crate::faults::{Fault, Occasion, Place};
use crate::gateway::{CallAnswer, Decision, Gateway};
use crate::message::Members;
use crate::order::{Order, Payment, Refund};
use crate::refunds::refused_by;
use crate::refusal::{ErrorName, Refusal};
use crate::rules::Rules;
use crate::switches::{ReversalWindow, ReversingAPaidOrder};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Gateway {
    /// `/payment/closeorder` (reference: "Closing Orders"). Only an unpaid order is closed.
    pub(crate) fn close_order(
        &self,
        rules: &Rules<'_>,
        now: i64,
    ) -> Result<Decision<CallAnswer>, Refusal> {
        let order = self.named(rules, ErrorName::OrderNotExist)?;
        not_ended(order)?;
        if matches!(order.payment, Payment::Paid { .. }) {
            return Err(paid());
        }
        let draw = self.faults.draw(
            Occasion {
                place: Place::Buyer,
                on: "",
                out_trade_no: order.out_trade_no.clone(),
            },
            |_| true,
        );
        let mut order = order.clone();
        order.payment = Payment::Closed { at: now };
        order.happened(now, "closed by the merchant");
        order.pays_late_at = draw.strike().map(|strike| now.saturating_add(strike.wait));
        let mut decision = Decision::changed(Ok(self.ended_answer(&order)), order);
        decision.draws.push(draw);
        Ok(decision)
    }

    /// `/payment/reverse` (reference: "Cancelling Orders"). An unpaid order is closed, a paid one returned to the buyer,
    /// says the prose; its table lists ORDERPAID. A setting decides.
    pub(crate) fn reverse(
        &self,
        rules: &Rules<'_>,
        now: i64,
    ) -> Result<Decision<CallAnswer>, Refusal> {
        let order = self.named(rules, ErrorName::Error)?;
        not_ended(order)?;
        let days = match self.terms.switches.reversal_window {
            ReversalWindow::SevenDays => 7,
            ReversalWindow::Year => 365,
        };
        if now - order.placed_at > days * DAY_MS {
            let reason = format!("the order is over {days} days old");
            return Err(Refusal::new(ErrorName::TradeOverdue, reason));
        }
        let mut draws = Vec::new();
        if matches!(order.payment, Payment::Paid { .. }) {
            if self.terms.switches.reversing_a_paid_order == ReversingAPaidOrder::IsRefused {
                return Err(paid());
            }
            if order.refunds.iter().any(Refund::counts) {
                let reason = "the order has refunds; what is left of it can be refunded";
                return Err(Refusal::new(ErrorName::Error, reason));
            }
            let draw = self.faults.draw(
                Occasion {
                    place: Place::Refund,
                    on: "reverse",
                    out_trade_no: order.out_trade_no.clone(),
                },
                // The table of reverse has no other.
                |fault| fault == Fault::RefundNotEnough,
            );
            let refusal = draw.strike().and_then(|strike| refused_by(strike.fault));
            draws.push(draw);
            if let Some(refusal) = refusal {
                let mut decision = Decision::refused(refusal);
                decision.draws = draws;
                return Ok(decision);
            }
        }
        let mut order = order.clone();
        order.reversed_at = Some(now);
        order.happened(now, "reversed by the merchant");
        let mut decision = Decision::changed(Ok(self.ended_answer(&order)), order);
        decision.draws = draws;
        Ok(decision)
    }

    fn ended_answer(&self, order: &Order) -> Members {
        Members::default()
            .with("merchantId", &self.terms.merchant_id)
            .with("outTradeNo", &order.out_trade_no)
            .with(
                "tradeStatus",
                self.terms.switches.status(order.trade_status()),
            )
            .with("ucpOrderNo", order.ucp_order_no.to_string())
    }
}

fn not_ended(order: &Order) -> Result<(), Refusal> {
    if order.has_ended() {
        let reason = "this order is closed or reversed already";
        return Err(Refusal::new(ErrorName::OrderClosed, reason));
    }
    Ok(())
}

fn paid() -> Refusal {
    Refusal::new(ErrorName::OrderPaid, "this order is paid")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bench::{Bench, DAY, order, with};
    use crate::call::Call;
    use crate::orders::{BuyerRefusal, PayInstruction};

    fn named() -> Value {
        json!({ "outTradeNo": "A1", "nonceStr": "n", "signType": "RSA" })
    }

    fn placed() -> Bench {
        let mut bench = Bench::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        bench
    }

    #[test]
    fn a_closed_order_cannot_be_paid_placed_or_closed_again() {
        let mut bench = placed();
        let answer = bench.call(Call::CloseOrder, &named()).unwrap();
        let expected = json!({
            "merchantId": "2000000010", "outTradeNo": "A1", "tradeStatus": "CLOSED", "ucpOrderNo": bench.ucp_order_no(),
        });
        assert_eq!(answer, expected);
        assert_eq!(bench.status(), "CLOSED");
        let paid = bench.pay(PayInstruction::default());
        assert_eq!(paid, Err(BuyerRefusal::Ended));
        assert_eq!(bench.decline(), Err(BuyerRefusal::Ended));
        for (call, request) in [
            (Call::CloseOrder, named()),
            (Call::Reverse, named()),
            (Call::UnifiedOrder, order()),
        ] {
            let again = bench.call(call, &request);
            assert_eq!(again, Err(ErrorName::OrderClosed), "{call:?}");
        }
        assert!(bench.notices.is_empty());
    }

    #[test]
    fn a_declined_order_can_be_closed_and_a_paid_one_cannot() {
        let mut bench = placed();
        bench.decline().unwrap();
        assert!(bench.call(Call::CloseOrder, &named()).is_ok());
        let mut bench = Bench::with_paid_order();
        let closed = bench.call(Call::CloseOrder, &named());
        assert_eq!(closed, Err(ErrorName::OrderPaid));
        assert_eq!(bench.status(), "SUCCESS");
    }

    #[test]
    fn a_payment_under_way_at_the_close_may_still_come_through() {
        let mut bench = placed();
        bench.call(Call::CloseOrder, &named()).unwrap();
        let late = PayInstruction {
            late: true,
            ..PayInstruction::default()
        };
        bench.pay(late).unwrap();
        assert_eq!(bench.status(), "SUCCESS");
        assert_eq!(bench.notices[0].data.text("tradeStatus"), Some("SUCCESS"));
    }

    #[test]
    fn reversing_ends_an_unpaid_order_for_good() {
        let mut bench = placed();
        let answer = bench.call(Call::Reverse, &named()).unwrap();
        assert_eq!(answer["tradeStatus"], "REVOKED");
        assert_eq!(bench.status(), "REVOKED");
        let late = PayInstruction {
            late: true,
            ..PayInstruction::default()
        };
        assert_eq!(bench.pay(late), Err(BuyerRefusal::Ended));
        let again = bench.call(Call::CloseOrder, &named());
        assert_eq!(again, Err(ErrorName::OrderClosed));
    }

    #[test]
    fn reversing_returns_a_paid_order_and_leaves_nothing_to_refund() {
        let mut bench = Bench::with_paid_order();
        bench.call(Call::Reverse, &named()).unwrap();
        assert_eq!(bench.status(), "REVOKED");
        let refund = bench.refund("R1", 100);
        let refused = bench.call(Call::Refund, &refund);
        assert_eq!(refused, Err(ErrorName::InvalidRequest));
    }

    #[test]
    fn a_setting_refuses_to_reverse_what_is_paid() {
        let mut bench = Bench::with_paid_order();
        bench.gateway.terms.switches.reversing_a_paid_order = ReversingAPaidOrder::IsRefused;
        let refused = bench.call(Call::Reverse, &named());
        assert_eq!(refused, Err(ErrorName::OrderPaid));
        assert_eq!(bench.status(), "SUCCESS");
    }

    #[test]
    fn an_order_with_a_refund_is_not_reversed() {
        let mut bench = Bench::with_paid_order();
        let refund = bench.refund("R1", 100);
        bench.call(Call::Refund, &refund).unwrap();
        let refused = bench.call(Call::Reverse, &named());
        assert_eq!(refused, Err(ErrorName::Error));
    }

    #[test]
    fn an_order_can_be_reversed_for_seven_days() {
        let mut bench = placed();
        bench.wait(7 * DAY + 1);
        let refused = bench.call(Call::Reverse, &named());
        assert_eq!(refused, Err(ErrorName::TradeOverdue));
        let mut bench = placed();
        bench.wait(7 * DAY);
        assert!(bench.call(Call::Reverse, &named()).is_ok());
    }

    #[test]
    fn an_unknown_order_and_a_broken_request_have_the_names_of_each_table() {
        let mut bench = placed();
        let unknown = with(named(), "outTradeNo", "A2");
        let other = with(named(), "ucpOrderNo", "1");
        let broken = with(named(), "outTradeNo", "A-1");
        for request in [unknown, other] {
            let refused = bench.call(Call::CloseOrder, &request);
            assert_eq!(refused, Err(ErrorName::OrderNotExist));
            assert_eq!(bench.call(Call::Reverse, &request), Err(ErrorName::Error));
        }
        let refused = bench.call(Call::CloseOrder, &broken);
        assert_eq!(refused, Err(ErrorName::ParamError));
        assert_eq!(bench.call(Call::Reverse, &broken), Err(ErrorName::Error));
        assert_eq!(bench.status(), "NOTPAY");
    }
}
