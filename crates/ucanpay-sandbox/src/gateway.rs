//! The gateway as a pure state machine: `(input, now)` → answer, changed entities, notifications due.
//!
//! A method that takes an input only *decides*; nothing changes until the decision's changes have been
//! written and are handed to [`Gateway::apply`]. The calls come in from `api.rs`, the buyer from
//! `control.rs` and `pages.rs`, results of deliveries from `notifier.rs`, all through `sandbox.rs`.
//! A call comes through `answering.rs`. Orders are decided in `orders.rs`, their end in `ending.rs`, refunds in
//! `refunds.rs`, their results in `results.rs`, deliveries in `sending.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::delivery::{Attempt, Delivery, KEPT_ATTEMPTS, Notice};
use crate::faults::{Draw, Faults};
use crate::guard::Guard;
use crate::message::Members;
use crate::order::Order;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::switches::{Nonces, Switches};

/// The smallest number the gateway gives out: 16 digits.
const FIRST_NUMBER: u64 = 1_000_000_000_000_000;

/// What the gateway is set to; all times in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) merchant_id: String,
    /// RSA or MD5.
    pub(crate) sign_type: &'static str,
    pub(crate) switches: Switches,
    pub(crate) refund_delay: i64,
    pub(crate) first_notification_delay: i64,
    pub(crate) notify_interval: i64,
}

/// An entity as it is after a change. It replaces what was there under its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    Order(Box<Order>),
    Delivery(Delivery),
    Attempt(Attempt),
    Guard(Guard),
    /// A nonce that was used, where none may come again.
    Nonce(String),
}

/// What the gateway wants to happen: answer only after the changes are written.
#[derive(Debug)]
pub(crate) struct Decision<T> {
    pub(crate) answer: T,
    pub(crate) changes: Vec<Change>,
    pub(crate) notices: Vec<Notice>,
    /// What the fault plan was asked on the way; it counts with the changes.
    pub(crate) draws: Vec<Draw>,
}

impl<T> Decision<T> {
    /// An answer that changes nothing.
    pub(crate) fn unchanged(answer: T) -> Self {
        Self {
            answer,
            changes: Vec::new(),
            notices: Vec::new(),
            draws: Vec::new(),
        }
    }

    /// An answer that holds once the order stands as it does here.
    pub(crate) fn changed(answer: T, order: Order) -> Self {
        Self {
            answer,
            changes: vec![Change::Order(Box::new(order))],
            notices: Vec::new(),
            draws: Vec::new(),
        }
    }

    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> Decision<U> {
        Decision {
            answer: with(self.answer),
            changes: self.changes,
            notices: self.notices,
            draws: self.draws,
        }
    }

    pub(crate) fn notifying(mut self, notice: Option<Notice>) -> Self {
        self.notices.extend(notice);
        self
    }
}

impl<T, E> Decision<Result<T, E>> {
    /// A refusal; it never changes anything.
    pub(crate) fn refused(refusal: E) -> Self {
        Self::unchanged(Err(refusal))
    }
}

/// A call's answer: the members of `data`, or the refusal.
pub(crate) type CallAnswer = Result<Members, Refusal>;

/// Everything the gateway knows.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) terms: Terms,
    pub(crate) faults: Faults,
    /// By `outTradeNo`.
    orders: HashMap<String, Order>,
    /// `ucpOrderNo` → `outTradeNo`; the numbers rise, so this is also the order of arrival.
    by_ucp_order_no: BTreeMap<u64, String>,
    /// `outRefundNo` → `outTradeNo`.
    by_out_refund_no: HashMap<String, String>,
    /// When something happens to which order by itself.
    happening: BTreeSet<(i64, String)>,
    deliveries: BTreeMap<u64, Delivery>,
    /// `outTradeNo` → its deliveries, oldest first.
    deliveries_of: HashMap<String, Vec<u64>>,
    attempts: HashMap<u64, Vec<Attempt>>,
    /// When which delivery is due.
    due: BTreeSet<(i64, u64)>,
    guard: Guard,
    /// Where none may come again.
    nonces: HashSet<String>,
    /// The last number given out to an order or a refund.
    last_number: u64,
    last_delivery: u64,
}

impl Gateway {
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            terms,
            faults: Faults::default(),
            orders: HashMap::new(),
            by_ucp_order_no: BTreeMap::new(),
            by_out_refund_no: HashMap::new(),
            happening: BTreeSet::new(),
            deliveries: BTreeMap::new(),
            deliveries_of: HashMap::new(),
            attempts: HashMap::new(),
            due: BTreeSet::new(),
            guard: Guard::default(),
            nonces: HashSet::new(),
            last_number: 0,
            last_delivery: 0,
        }
    }

    /// An empty gateway that gives out no number twice: an attempt that is under way must not meet another delivery under
    /// its number.
    pub(crate) fn begun_anew(&self) -> Self {
        Self {
            last_number: self.last_number,
            last_delivery: self.last_delivery,
            ..Self::new(self.terms.clone())
        }
    }

    /// Decides a call whose merchant and signature have been checked.
    pub(crate) fn call(&self, call: Call, members: &Members, now: i64) -> Decision<CallAnswer> {
        let rules = match Rules::of(call, members, &self.terms) {
            Ok(rules) => rules,
            Err(refusal) => return Decision::refused(refusal),
        };
        let decided = match call {
            Call::UnifiedOrder => self.unified_order(&rules, members, now),
            Call::OrderQuery => self
                .order_query(&rules)
                .map(|data| Decision::unchanged(Ok(data))),
            Call::CloseOrder => self.close_order(&rules, now),
            Call::Reverse => self.reverse(&rules, now),
            Call::Refund => self.submit_refund(&rules, members, now),
            Call::RefundQuery => self
                .refund_query(&rules)
                .map(|data| Decision::unchanged(Ok(data))),
        };
        decided.unwrap_or_else(Decision::refused)
    }

    /// Takes up changes that have been written.
    pub(crate) fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            match change {
                Change::Guard(guard) => self.guard = guard,
                Change::Order(order) => self.apply_order(*order),
                Change::Delivery(delivery) => self.apply_delivery(delivery),
                Change::Attempt(attempt) => self.apply_attempt(attempt),
                Change::Nonce(nonce) => {
                    self.nonces.insert(nonce);
                }
            }
        }
    }

    fn apply_order(&mut self, order: Order) {
        if let Some(happens_at) = self
            .orders
            .get(&order.out_trade_no)
            .and_then(Order::happens_at)
        {
            self.happening
                .remove(&(happens_at, order.out_trade_no.clone()));
        }
        self.happening.extend(
            order
                .happens_at()
                .map(|at| (at, order.out_trade_no.clone())),
        );
        self.by_ucp_order_no
            .insert(order.ucp_order_no, order.out_trade_no.clone());
        for refund in &order.refunds {
            self.by_out_refund_no
                .insert(refund.out_refund_no.clone(), order.out_trade_no.clone());
            self.last_number = self.last_number.max(refund.ucp_refund_no);
        }
        self.last_number = self.last_number.max(order.ucp_order_no);
        self.orders.insert(order.out_trade_no.clone(), order);
    }

    fn apply_delivery(&mut self, delivery: Delivery) {
        match self.deliveries.get(&delivery.id) {
            Some(before) => {
                if let Some(at) = before.next_attempt_at {
                    self.due.remove(&(at, delivery.id));
                }
            }
            None => {
                self.deliveries_of
                    .entry(delivery.out_trade_no.clone())
                    .or_default()
                    .push(delivery.id);
            }
        }
        self.due
            .extend(delivery.next_attempt_at.map(|at| (at, delivery.id)));
        self.last_delivery = self.last_delivery.max(delivery.id);
        self.deliveries.insert(delivery.id, delivery);
    }

    /// Of many attempts the last ones are kept, so that a merchant that stays away does not fill the memory.
    fn apply_attempt(&mut self, attempt: Attempt) {
        let attempts = self.attempts.entry(attempt.delivery).or_default();
        // A state file gives them back in another order.
        let place = attempts.partition_point(|other| other.number < attempt.number);
        attempts.insert(place, attempt);
        if attempts.len() > KEPT_ATTEMPTS {
            attempts.remove(0);
        }
    }

    /// A number for a new order or refund: 16 digits, higher than every one before, also after a restart
    /// and when the clock goes back.
    pub(crate) fn next_number(&self, now: i64) -> u64 {
        let by_time = u64::try_from(now).unwrap_or_default().saturating_mul(1000);
        by_time.max(FIRST_NUMBER).max(self.last_number + 1)
    }

    /// A number for a new delivery.
    pub(crate) fn next_delivery(&self) -> u64 {
        self.last_delivery + 1
    }

    pub(crate) fn delivery(&self, id: u64) -> Option<&Delivery> {
        self.deliveries.get(&id)
    }

    pub(crate) fn guard(&self) -> Guard {
        self.guard
    }

    /// Whether an earlier request had this nonce, where that matters.
    pub(crate) fn knows_nonce(&self, nonce: &str) -> bool {
        self.terms.switches.nonces == Nonces::Once && self.nonces.contains(nonce)
    }

    pub(crate) fn order(&self, out_trade_no: &str) -> Option<&Order> {
        self.orders.get(out_trade_no)
    }

    /// The order of the gateway's own number, as a link or a request writes it.
    pub(crate) fn order_by_ucp_no(&self, ucp_order_no: &str) -> Option<&Order> {
        let number = ucp_order_no.parse().ok()?;
        self.orders.get(self.by_ucp_order_no.get(&number)?)
    }

    /// The order that a refund number was first used for.
    pub(crate) fn order_by_refund_no(&self, out_refund_no: &str) -> Option<&Order> {
        self.orders.get(self.by_out_refund_no.get(out_refund_no)?)
    }

    /// Newest first.
    pub(crate) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.by_ucp_order_no
            .values()
            .rev()
            .filter_map(|out_trade_no| self.orders.get(out_trade_no))
    }

    /// Oldest first.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values()
    }

    /// Oldest first.
    pub(crate) fn deliveries_of(&self, order: &Order) -> impl Iterator<Item = &Delivery> {
        let ids = self
            .deliveries_of
            .get(&order.out_trade_no)
            .into_iter()
            .flatten();
        ids.filter_map(|id| self.deliveries.get(id))
    }

    /// The last ones, oldest first.
    pub(crate) fn attempts(&self, delivery: u64) -> &[Attempt] {
        self.attempts.get(&delivery).map_or(&[], Vec::as_slice)
    }

    /// Deliveries whose time has come, the longest-waiting first.
    pub(crate) fn due(&self, now: i64) -> impl Iterator<Item = &Delivery> {
        self.due
            .range(..=(now, u64::MAX))
            .filter_map(|(_, id)| self.deliveries.get(id))
    }

    /// When the next delivery or order that is not yet due wants attention.
    pub(crate) fn next_event_after(&self, now: i64) -> Option<i64> {
        let delivery = self
            .due
            .range((now.saturating_add(1), 0)..)
            .next()
            .map(|(at, _)| *at);
        let order = self
            .happening
            .range((now.saturating_add(1), String::new())..)
            .next()
            .map(|(at, _)| *at);
        delivery.into_iter().chain(order).min()
    }

    /// Orders to which something should have happened by now.
    pub(crate) fn orders_to_settle(&self, now: i64) -> impl Iterator<Item = &Order> {
        self.happening
            .iter()
            .take_while(move |(at, _)| *at <= now)
            .filter_map(|(_, out_trade_no)| self.orders.get(out_trade_no))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Bench;
    use crate::delivery::Outcome;

    fn refused() -> Outcome {
        Outcome::Refused {
            status: 500,
            answer: "FAIL".to_owned(),
        }
    }

    #[test]
    fn a_delivery_is_due_after_its_delay_and_every_interval_until_accepted() {
        let mut bench = Bench::with_paid_order();
        let due = |bench: &Bench| {
            bench
                .gateway
                .due(bench.now)
                .map(|delivery| delivery.id)
                .collect::<Vec<_>>()
        };
        assert!(due(&bench).is_empty());
        assert_eq!(
            bench.gateway.next_event_after(bench.now),
            Some(bench.now + 300)
        );
        bench.wait(300);
        assert_eq!(due(&bench), [1]);
        bench.attempted(1, refused());
        assert!(due(&bench).is_empty());
        bench.wait(15_000);
        assert_eq!(due(&bench), [1]);
        bench.attempted(
            1,
            Outcome::Accepted {
                status: 200,
                answer: "{}".to_owned(),
            },
        );
        bench.wait(1_000_000);
        assert!(due(&bench).is_empty());
        assert_eq!(
            bench
                .gateway
                .attempts(1)
                .iter()
                .map(|attempt| attempt.number)
                .collect::<Vec<_>>(),
            [1, 2]
        );
    }

    #[test]
    fn of_many_attempts_the_last_are_kept_with_their_numbers() {
        let mut bench = Bench::with_paid_order();
        for _ in 0..50 {
            bench.wait(15_000);
            bench.attempted(1, refused());
        }
        let numbers = |gateway: &Gateway| {
            let attempts = gateway.attempts(1).iter();
            attempts.map(|attempt| attempt.number).collect::<Vec<_>>()
        };
        let kept: Vec<_> = (31..=50).collect();
        assert_eq!(numbers(&bench.gateway), kept);
        // In whatever order a state file gives them back.
        let mut again = Gateway::new(bench.gateway.terms.clone());
        let attempts = bench.gateway.attempts(1).iter().rev().cloned();
        again.apply(attempts.map(Change::Attempt));
        assert_eq!(numbers(&again), kept);
    }

    #[test]
    fn an_interval_without_end_leaves_a_delivery_waiting_for_ever() {
        let mut bench = Bench::with_paid_order();
        bench.gateway.terms.notify_interval = i64::MAX;
        bench.attempted(1, refused());
        assert_eq!(bench.gateway.attempts(1)[0].next_attempt_at, Some(i64::MAX));
        assert_eq!(bench.gateway.due(bench.now).count(), 0);
        assert_eq!(bench.gateway.next_event_after(i64::MAX), Some(i64::MAX));
    }

    #[test]
    fn a_refund_delay_without_end_leaves_a_refund_under_way() {
        let mut bench = Bench::with_paid_order();
        bench.gateway.terms.refund_delay = i64::MAX;
        let refund = bench.refund("R1", 100);
        bench.call(Call::Refund, &refund).unwrap();
        bench.wait(1_000_000_000);
        assert_eq!(bench.gateway.orders_to_settle(bench.now).count(), 0);
    }

    #[test]
    fn changes_written_and_read_back_make_the_same_gateway() {
        let mut bench = Bench::with_paid_order();
        let refund = bench.refund("R1", 100);
        bench.call(Call::Refund, &refund).unwrap();
        bench.wait(300);
        bench.attempted(1, refused());

        let gateway = &bench.gateway;
        let changes = gateway
            .orders()
            .cloned()
            .map(|order| Change::Order(Box::new(order)));
        let changes = changes.chain(gateway.deliveries().cloned().map(Change::Delivery));
        let changes = changes.chain(gateway.attempts(1).iter().cloned().map(Change::Attempt));
        let written: Vec<_> = changes
            .map(|change| serde_json::to_string(&change).unwrap())
            .collect();
        let mut again = Gateway::new(gateway.terms.clone());
        again.apply(
            written
                .iter()
                .map(|change| serde_json::from_str::<Change>(change).unwrap()),
        );
        assert!(again.orders().eq(gateway.orders()));
        assert!(again.deliveries().eq(gateway.deliveries()));
        assert_eq!(again.attempts(1), gateway.attempts(1));
        assert_eq!(
            again.next_event_after(bench.now),
            gateway.next_event_after(bench.now)
        );
        assert_eq!(again.next_number(0), gateway.next_number(0));
        assert_eq!(
            again
                .order_by_refund_no("R1")
                .map(|order| &order.out_trade_no),
            Some(&"A1".to_owned())
        );
    }
}
