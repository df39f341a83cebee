//! What happens to an order without the merchant: refunds have their results, late payments come. When they are due, by
//! `sandbox.rs`; or when the control API says so.

use crate::delivery::{Notice, Topic};
use crate::gateway::{Change, Decision, Gateway};
use crate::order::{Order, Refund, RefundEnd, RefundState};
use crate::orders::BuyerRefusal;

/// Why a refund cannot be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefundRefusal {
    UnknownRefund,
    NotUnderWay,
}

impl Gateway {
    /// Lets happen what is due by now: refunds have their results, late payments come.
    pub(crate) fn settle(&self, now: i64) -> Decision<()> {
        let mut decision = Decision::unchanged(());
        for order in self.orders_to_settle(now) {
            if order.pays_late_at.is_some_and(|at| at <= now) {
                let (order, notice) = self.paid_late(order, now);
                decision.changes.push(Change::Order(Box::new(order)));
                decision.notices.extend(notice);
                continue;
            }
            let mut order = order.clone();
            let mut notice = None;
            for index in 0..order.refunds.len() {
                let refund = &mut order.refunds[index];
                let RefundState::Processing { settles_at, end } = refund.state else {
                    continue;
                };
                refund.state = end.at(settles_at);
                let refund = refund.clone();
                order.happened(settles_at, refund.result());
                notice = self.refund_notice(&order, &refund, now);
            }
            decision.changes.push(Change::Order(Box::new(order)));
            decision.notices.extend(notice);
        }
        decision
    }

    /// Ends a refund that is under way, now.
    pub(crate) fn end_refund(
        &self,
        out_refund_no: &str,
        end: RefundEnd,
        now: i64,
    ) -> Decision<Result<Order, RefundRefusal>> {
        let Some(order) = self.order_by_refund_no(out_refund_no) else {
            return Decision::refused(RefundRefusal::UnknownRefund);
        };
        let mut order = order.clone();
        let under_way = order.refunds.iter_mut().find(|refund| {
            refund.out_refund_no == out_refund_no
                && matches!(refund.state, RefundState::Processing { .. })
        });
        let Some(refund) = under_way else {
            return Decision::refused(RefundRefusal::NotUnderWay);
        };
        refund.state = end.at(now);
        let refund = refund.clone();
        order.happened(now, refund.result());
        let notice = self.refund_notice(&order, &refund, now);
        Decision::changed(Ok(order.clone()), order).notifying(notice)
    }

    fn refund_notice(&self, order: &Order, refund: &Refund, now: i64) -> Option<Notice> {
        (!order.muted).then(|| Notice {
            out_trade_no: order.out_trade_no.clone(),
            topic: Topic::Refund,
            url: refund.notify_url.clone(),
            data: order.refund_notification(refund, &self.terms),
            first_attempt_at: now.saturating_add(self.terms.first_notification_delay),
        })
    }

    /// Lets the next refund submitted for this order fail.
    pub(crate) fn fail_next_refund(
        &self,
        out_trade_no: &str,
    ) -> Decision<Result<Order, BuyerRefusal>> {
        let Some(order) = self.order(out_trade_no) else {
            return Decision::refused(BuyerRefusal::UnknownOrder);
        };
        let order = Order {
            next_refund_fails: true,
            ..order.clone()
        };
        Decision::changed(Ok(order.clone()), order)
    }
}
