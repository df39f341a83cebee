//! What the gateway decides about orders: placing, asking, and the buyer's approval or refusal.

use crate::clock::TimeForm;
use crate::delivery::{Notice, Topic};
use crate::gateway::{CallAnswer, Decision, Gateway};
use crate::message::Members;
use crate::order::{Order, Payment};
use crate::refusal::{ErrorName, Refusal};
use crate::rules::Rules;
use crate::switches::{ReEntry, UnpaidOrders};

/// How the buyer pays: as asked, unless a test wants it otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PayInstruction {
    /// Cents taken instead of the ordered ones.
    pub(crate) amount: Option<i64>,
    pub(crate) notify: Notify,
    /// Pay even an order that the merchant has closed: the payment was under way when the close came.
    pub(crate) late: bool,
}

/// Whether and when a payment's notification goes out first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Notify {
    /// After the configured delay.
    #[default]
    AsConfigured,
    /// After this many milliseconds.
    After(i64),
    /// Never, and neither for this order's refunds.
    Never,
}

/// Why the buyer cannot do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuyerRefusal {
    UnknownOrder,
    AlreadyPaid,
    /// The merchant closed or reversed it.
    Ended,
}

impl Gateway {
    /// `/payment/unifiedorder` (reference: "Placing Unified Order").
    pub(crate) fn unified_order(
        &self,
        rules: &Rules<'_>,
        members: &Members,
        now: i64,
    ) -> Result<Decision<CallAnswer>, Refusal> {
        let mut order = Order {
            out_trade_no: rules.number("outTradeNo")?,
            ucp_order_no: self.next_number(now),
            subject: rules.subject()?,
            description: rules.description()?,
            device_no: rules.device_no()?,
            scene: rules.scene()?,
            currency: rules.currency()?,
            ordered_amount: rules.amount("totalAmt")?,
            notify_url: rules.notify_url()?,
            parameters: members.canonical(&["nonceStr", "sign"]),
            placed_at: now,
            payment: Payment::Awaited,
            refunds: Vec::new(),
            muted: false,
            next_refund_fails: false,
            reversed_at: None,
            pays_late_at: None,
            history: Vec::new(),
        };
        order.happened(now, "placed");
        let Some(placed) = self.order(&order.out_trade_no) else {
            return Ok(Decision::changed(Ok(self.order_answer(&order)), order));
        };
        if placed.has_ended() {
            return Err(Refusal::new(
                ErrorName::OrderClosed,
                "this order is closed or reversed",
            ));
        }
        if matches!(placed.payment, Payment::Paid { .. }) {
            return Err(Refusal::new(
                ErrorName::OrderPaid,
                "this order is paid already",
            ));
        }
        if self.terms.switches.re_entry == ReEntry::Refuse {
            return Err(Refusal::new(
                ErrorName::OutTradeNoUsed,
                "outTradeNo was used before",
            ));
        }
        if placed.parameters != order.parameters {
            return Err(Refusal::new(
                ErrorName::InvalidRequest,
                "outTradeNo was used with other parameters",
            ));
        }
        Ok(Decision::unchanged(Ok(self.order_answer(placed))))
    }

    fn order_answer(&self, order: &Order) -> Members {
        let answer = Members::default()
            .with(
                "tranTime",
                self.terms
                    .switches
                    .time(order.placed_at, TimeForm::WithoutOffset),
            )
            .with("merchantId", &self.terms.merchant_id)
            .with("outTradeNo", &order.out_trade_no)
            .with("ucpOrderNo", order.ucp_order_no.to_string());
        self.terms
            .switches
            .with_amount(answer, "totalAmt", order.ordered_amount)
    }

    /// `/payment/orderquery` (reference: "Querying Orders"). Its table makes `totalAmt` a string.
    pub(crate) fn order_query(&self, rules: &Rules<'_>) -> CallAnswer {
        let order = self.named(rules, ErrorName::OrderNotExist)?;
        let switches = self.terms.switches;
        if switches.unpaid_orders == UnpaidOrders::DoNotExist
            && !matches!(order.payment, Payment::Paid { .. })
        {
            return Err(Refusal::new(
                ErrorName::OrderNotExist,
                "the order is not paid",
            ));
        }
        let answer = Members::default()
            .with(
                "tranTime",
                self.terms
                    .switches
                    .time(order.placed_at, TimeForm::WithOffset),
            )
            .with("outTradeNo", &order.out_trade_no)
            .with("tradeStatus", switches.status(order.trade_status()))
            .with("ucpOrderNo", order.ucp_order_no.to_string());
        Ok(switches.with_amount_in_a_string(answer, "totalAmt", order.amount()))
    }

    /// The order of `outTradeNo`, and of `ucpOrderNo` where that is given.
    pub(crate) fn named(&self, rules: &Rules<'_>, unknown: ErrorName) -> Result<&Order, Refusal> {
        let out_trade_no = rules.number("outTradeNo")?;
        let ucp_order_no = rules.own_number("ucpOrderNo")?;
        self.order(&out_trade_no)
            .filter(|order| {
                ucp_order_no.is_none_or(|number| number == order.ucp_order_no.to_string())
            })
            .ok_or_else(|| Refusal::new(unknown, "no order has these numbers"))
    }

    /// The buyer approves.
    pub(crate) fn pay(
        &self,
        out_trade_no: &str,
        instruction: PayInstruction,
        now: i64,
    ) -> Decision<Result<Order, BuyerRefusal>> {
        let mut order = match self.payable(out_trade_no, instruction.late) {
            Ok(order) => order,
            Err(refusal) => return Decision::refused(refusal),
        };
        order.payment = Payment::Paid {
            at: now,
            amount: instruction.amount.unwrap_or(order.ordered_amount),
        };
        order.happened(now, "paid by the buyer");
        order.muted = instruction.notify == Notify::Never;
        let delay = match instruction.notify {
            Notify::After(delay) => delay,
            Notify::AsConfigured | Notify::Never => self.terms.first_notification_delay,
        };
        let notice = self.payment_notice(&order, now.saturating_add(delay));
        Decision::changed(Ok(order.clone()), order).notifying(notice)
    }

    /// The buyer declines, or the attempt fails. The order can still be paid.
    pub(crate) fn decline(
        &self,
        out_trade_no: &str,
        now: i64,
    ) -> Decision<Result<Order, BuyerRefusal>> {
        let mut order = match self.payable(out_trade_no, false) {
            Ok(order) => order,
            Err(refusal) => return Decision::refused(refusal),
        };
        order.payment = Payment::Declined { at: now };
        order.happened(now, "declined by the buyer");
        let notice = self.payment_notice(
            &order,
            now.saturating_add(self.terms.first_notification_delay),
        );
        Decision::changed(Ok(order.clone()), order).notifying(notice)
    }

    /// The buyer begins to pay and does not end it. Nobody is notified.
    pub(crate) fn stall(
        &self,
        out_trade_no: &str,
        now: i64,
    ) -> Decision<Result<Order, BuyerRefusal>> {
        let mut order = match self.payable(out_trade_no, false) {
            Ok(order) => order,
            Err(refusal) => return Decision::refused(refusal),
        };
        order.payment = Payment::Paying { since: now };
        order.happened(now, "payment begun by the buyer");
        Decision::changed(Ok(order.clone()), order)
    }

    /// A payment that was under way when the order was closed comes through, unless it has been paid meanwhile.
    pub(crate) fn paid_late(&self, order: &Order, now: i64) -> (Order, Option<Notice>) {
        let mut order = order.clone();
        order.pays_late_at = None;
        if !matches!(order.payment, Payment::Closed { .. }) {
            return (order, None);
        }
        order.payment = Payment::Paid {
            at: now,
            amount: order.ordered_amount,
        };
        order.happened(now, "paid by the buyer, after the close");
        let first = now.saturating_add(self.terms.first_notification_delay);
        let notice = self.payment_notice(&order, first);
        (order, notice)
    }

    fn payable(&self, out_trade_no: &str, late: bool) -> Result<Order, BuyerRefusal> {
        let order = self.order(out_trade_no).ok_or(BuyerRefusal::UnknownOrder)?;
        if matches!(order.payment, Payment::Paid { .. }) {
            return Err(BuyerRefusal::AlreadyPaid);
        }
        if order.is_payable() || (late && order.is_payable_late()) {
            return Ok(order.clone());
        }
        Err(BuyerRefusal::Ended)
    }

    fn payment_notice(&self, order: &Order, first_attempt_at: i64) -> Option<Notice> {
        (!order.muted).then(|| Notice {
            out_trade_no: order.out_trade_no.clone(),
            topic: Topic::Payment,
            url: order.notify_url.clone(),
            data: order.payment_notification(&self.terms),
            first_attempt_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bench::{Bench, order, with};
    use crate::call::Call;
    use crate::delivery::Topic;

    #[test]
    fn a_placed_order_is_unpaid_and_answered_with_the_gateway_s_number() {
        let mut bench = Bench::new();
        let answer = bench.call(Call::UnifiedOrder, &order()).unwrap();
        assert_eq!(
            answer,
            json!({
                "tranTime": "2026-03-01T12:00:00", "totalAmt": 450, "merchantId": "2000000010", "outTradeNo": "A1", "ucpOrderNo": bench.ucp_order_no(),
            })
        );
        assert_eq!(bench.status(), "NOTPAY");
        assert!(bench.notices.is_empty());
    }

    #[test]
    fn re_entry_with_the_same_parameters_is_answered_the_same() {
        let mut bench = Bench::new();
        let first = bench.call(Call::UnifiedOrder, &order()).unwrap();
        bench.wait(5000);
        let again = with(with(order(), "nonceStr", "another"), "sign", "another");
        assert_eq!(bench.call(Call::UnifiedOrder, &again).unwrap(), first);
        bench.decline().unwrap();
        assert_eq!(
            bench.call(Call::UnifiedOrder, &again).unwrap(),
            first,
            "a declined order can still be paid"
        );
        assert_eq!(bench.gateway.orders().count(), 1);
    }

    #[test]
    fn re_entry_with_other_parameters_is_an_invalid_request() {
        let mut bench = Bench::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        for (member, value) in [
            ("totalAmt", json!(449)),
            ("subject", json!("tea")),
            ("deviceNo", Value::Null),
            ("extra", json!("x")),
        ] {
            let again = with(order(), member, value);
            assert_eq!(
                bench.call(Call::UnifiedOrder, &again),
                Err(ErrorName::InvalidRequest),
                "{member}"
            );
        }
    }

    #[test]
    fn re_entry_of_a_paid_order_is_orderpaid() {
        let mut bench = Bench::with_paid_order();
        assert_eq!(
            bench.call(Call::UnifiedOrder, &order()),
            Err(ErrorName::OrderPaid)
        );
    }

    #[test]
    fn numbers_have_sixteen_digits_and_differ_within_a_millisecond() {
        let mut bench = Bench::new();
        let mut numbers: Vec<String> = Vec::new();
        for index in 0..50 {
            let answer = bench
                .call(
                    Call::UnifiedOrder,
                    &with(order(), "outTradeNo", format!("N{index}")),
                )
                .unwrap();
            numbers.push(answer["ucpOrderNo"].as_str().unwrap().to_owned());
        }
        assert!(numbers.iter().all(|number| number.len() == 16));
        assert!(numbers.is_sorted());
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
    }

    #[test]
    fn a_query_finds_the_order_with_and_without_the_gateway_s_number() {
        let mut bench = Bench::with_paid_order();
        let query = json!({ "outTradeNo": "A1", "nonceStr": "n", "signType": "RSA" });
        let answer = bench.call(Call::OrderQuery, &query).unwrap();
        assert_eq!(
            answer,
            json!({
                "tranTime": "2026-03-01T12:00:00Z", "totalAmt": "450", "outTradeNo": "A1", "tradeStatus": "SUCCESS", "ucpOrderNo": bench.ucp_order_no(),
            })
        );
        let by_both = with(query, "ucpOrderNo", bench.ucp_order_no());
        assert_eq!(bench.call(Call::OrderQuery, &by_both).unwrap(), answer);
    }

    #[test]
    fn a_query_for_an_unknown_order_is_ordernotexist() {
        let mut bench = Bench::with_paid_order();
        for (member, value) in [("outTradeNo", "A2"), ("ucpOrderNo", "1")] {
            let query = with(
                json!({ "outTradeNo": "A1", "nonceStr": "n", "signType": "RSA" }),
                member,
                value,
            );
            assert_eq!(
                bench.call(Call::OrderQuery, &query),
                Err(ErrorName::OrderNotExist),
                "{member}"
            );
        }
    }

    #[test]
    fn approval_pays_and_is_notified_after_the_delay() {
        let bench = Bench::with_paid_order();
        let [notice] = &bench.notices[..] else {
            panic!("one notice")
        };
        assert_eq!(
            (notice.topic, notice.first_attempt_at),
            (Topic::Payment, bench.now + 300)
        );
        assert_eq!(notice.url, "http://127.0.0.1:3000/ucanpay/payment");
        assert_eq!(
            serde_json::to_value(&notice.data).unwrap(),
            json!({
                "merchantId": "2000000010", "deviceNo": "web", "currency": "CAD", "sceneType": "NATIVE", "totalAmt": 450, "ucpOrderNo": bench.ucp_order_no(),
                "outTradeNo": "A1", "body": "two coffees", "tradeStatus": "SUCCESS", "timeEnd": "2026-03-01T12:00:00",
            })
        );
    }

    #[test]
    fn an_order_is_paid_once() {
        let mut bench = Bench::with_paid_order();
        assert_eq!(
            bench.pay(PayInstruction::default()),
            Err(BuyerRefusal::AlreadyPaid)
        );
        assert_eq!(bench.decline(), Err(BuyerRefusal::AlreadyPaid));
        assert_eq!(bench.notices.len(), 1);
    }

    #[test]
    fn declining_is_a_payerror_and_leaves_the_order_payable() {
        let mut bench = Bench::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        bench.decline().unwrap();
        assert_eq!(bench.status(), "PAYERROR");
        assert_eq!(bench.notices[0].data.text("tradeStatus"), Some("PAYERROR"));
        bench.pay(PayInstruction::default()).unwrap();
        assert_eq!(bench.status(), "SUCCESS");
    }

    #[test]
    fn a_wrong_amount_is_taken_notified_and_answered() {
        let mut bench = Bench::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        bench
            .pay(PayInstruction {
                amount: Some(449),
                notify: Notify::AsConfigured,
                late: false,
            })
            .unwrap();
        assert_eq!(
            serde_json::to_value(&bench.notices[0].data).unwrap()["totalAmt"],
            449
        );
        let answer = bench
            .call(
                Call::OrderQuery,
                &json!({ "outTradeNo": "A1", "nonceStr": "n", "signType": "RSA" }),
            )
            .unwrap();
        assert_eq!(
            (&answer["totalAmt"], &answer["tradeStatus"]),
            (&json!("449"), &json!("SUCCESS"))
        );
    }

    #[test]
    fn a_notification_can_be_delayed_or_dropped() {
        let mut bench = Bench::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        bench
            .pay(PayInstruction {
                amount: None,
                notify: Notify::After(60_000),
                late: false,
            })
            .unwrap();
        assert_eq!(bench.notices[0].first_attempt_at, bench.now + 60_000);

        let mut bench = Bench::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        bench
            .pay(PayInstruction {
                amount: None,
                notify: Notify::Never,
                late: false,
            })
            .unwrap();
        let refund = bench.refund("R1", 100);
        bench.call(Call::Refund, &refund).unwrap();
        bench.wait(2000);
        assert_eq!(bench.status(), "REFUND");
        assert!(bench.notices.is_empty());
    }
}
