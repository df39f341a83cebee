//! What the gateway decides about deliveries: how an attempt goes out, what follows from its outcome, and sending again.

use crate::delivery::{Attempt, Delivery, Outcome, Postponed};
use crate::faults::{Fault, Occasion, Place};
use crate::gateway::{Change, Decision, Gateway};

/// How an attempt goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    AsItIs,
    /// The fault plan spoils it so.
    Spoilt(Fault),
}

impl Gateway {
    /// Decides how a delivery that is due goes out; `None`: not now.
    pub(crate) fn begin_attempt(&self, id: u64, now: i64) -> Decision<Option<Sending>> {
        let Some(delivery) = self.delivery(id) else {
            return Decision::unchanged(None);
        };
        if delivery.next_attempt_at.is_none_or(|at| at > now) {
            return Decision::unchanged(None);
        }
        let occasion = Occasion {
            place: Place::Notification,
            on: delivery.topic.as_str(),
            out_trade_no: delivery.out_trade_no.clone(),
        };
        let draw = self.faults.draw(occasion, |fault| match fault {
            // Once is enough, or it would never be sent.
            Fault::NotificationDelay | Fault::NotificationReorder => {
                delivery.postponed == Postponed::Never
            }
            _ => true,
        });
        let postponed = |wait: i64, postponed| {
            let delivery = Delivery {
                next_attempt_at: Some(now.saturating_add(wait)),
                postponed,
                ..delivery.clone()
            };
            let mut decision = Decision::unchanged(None);
            decision.changes.push(Change::Delivery(delivery));
            decision
        };
        let mut decision = match draw.strike() {
            None => Decision::unchanged(Some(Sending::AsItIs)),
            Some(strike) => match strike.fault {
                Fault::NotificationDelay => postponed(strike.wait, Postponed::Once),
                Fault::NotificationReorder => postponed(strike.wait, Postponed::BehindTheNext),
                fault => Decision::unchanged(Some(Sending::Spoilt(fault))),
            },
        };
        decision.draws.push(draw);
        decision
    }

    /// Records an attempt to deliver. SUCCESS ends the delivery; anything else is tried again after the interval. What
    /// waited for it to go first is due now.
    pub(crate) fn attempted(
        &self,
        id: u64,
        outcome: Outcome,
        fault: Option<Fault>,
        now: i64,
    ) -> Decision<()> {
        let Some(delivery) = self.delivery(id) else {
            return Decision::unchanged(());
        };
        let last = self.attempts(id).last().map_or(0, |attempt| attempt.number);
        let number = last.saturating_add(1);
        let limit = self.terms.switches.notify_times;
        let next_attempt_at = match outcome {
            Outcome::Accepted { .. } => None,
            // It is given up, and can be sent again by hand.
            _ if limit.is_some_and(|limit| number >= limit.get()) => Some(i64::MAX),
            Outcome::Refused { .. } | Outcome::Failed { .. } => {
                Some(now.saturating_add(self.terms.notify_interval))
            }
        };
        let attempt = Attempt {
            delivery: id,
            number,
            at: now,
            outcome,
            fault,
            next_attempt_at,
        };
        let waiting = self.order(&delivery.out_trade_no).into_iter();
        let waiting = waiting.flat_map(|order| self.deliveries_of(order));
        let overtaken = waiting
            .filter(|other| other.id != id && other.postponed == Postponed::BehindTheNext)
            .map(|other| {
                Change::Delivery(Delivery {
                    next_attempt_at: Some(now),
                    postponed: Postponed::Once,
                    ..other.clone()
                })
            });
        let mut delivery = Delivery {
            next_attempt_at,
            ..delivery.clone()
        };
        if delivery.postponed == Postponed::BehindTheNext {
            // It waits no longer, and must not be sent again when the next comes.
            delivery.postponed = Postponed::Once;
        }
        let mut decision = Decision::unchanged(());
        decision.changes.push(Change::Delivery(delivery));
        decision.changes.push(Change::Attempt(attempt));
        decision.changes.extend(overtaken);
        decision
    }

    /// Makes a delivery due now, also one that was accepted; whether there is one.
    pub(crate) fn resend(&self, id: u64, now: i64) -> Decision<bool> {
        let Some(delivery) = self.delivery(id) else {
            return Decision::unchanged(false);
        };
        let delivery = Delivery {
            next_attempt_at: Some(now),
            ..delivery.clone()
        };
        let mut decision = Decision::unchanged(true);
        decision.changes.push(Change::Delivery(delivery));
        decision
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Bench;
    use crate::faults::Faults;
    use crate::orders::PayInstruction;

    fn accepted() -> Outcome {
        Outcome::Accepted {
            status: 200,
            answer: String::new(),
        }
    }

    fn due(bench: &Bench) -> Vec<u64> {
        let due = bench.gateway.due(bench.now);
        due.map(|delivery| delivery.id).collect()
    }

    /// An order with the notification of its refusal put behind the next.
    fn reordered() -> Bench {
        let mut bench = Bench::new();
        let order = crate::bench::order();
        bench.call(crate::call::Call::UnifiedOrder, &order).unwrap();
        let plan = r#"{"faults":[{"fault":"notification.reorder","times":1}]}"#;
        bench.gateway.faults = Faults::new(serde_json::from_str(plan).unwrap());
        bench.decline().unwrap();
        bench.wait(300);
        assert_eq!(bench.begin_attempt(1), None);
        bench
    }

    #[test]
    fn what_is_put_behind_the_next_is_due_once_that_has_gone() {
        let mut bench = reordered();
        bench.pay(PayInstruction::default()).unwrap();
        bench.wait(300);
        assert_eq!(due(&bench), [2]);
        bench.attempted(2, accepted());
        assert_eq!(due(&bench), [1]);
        assert_eq!(bench.begin_attempt(1), Some(Sending::AsItIs));
    }

    #[test]
    fn what_has_waited_long_enough_goes_and_is_not_sent_again_after_the_next() {
        let mut bench = reordered();
        bench.wait(59_999);
        assert!(due(&bench).is_empty());
        bench.wait(1);
        assert_eq!(due(&bench), [1]);
        bench.attempted(1, accepted());
        bench.pay(PayInstruction::default()).unwrap();
        bench.wait(300);
        bench.attempted(2, accepted());
        assert!(due(&bench).is_empty());
    }

    #[test]
    fn nothing_is_sent_before_its_time_or_after_it_is_gone() {
        let mut bench = Bench::with_paid_order();
        assert_eq!(bench.begin_attempt(1), None);
        assert_eq!(bench.begin_attempt(99), None);
        bench.wait(300);
        assert_eq!(bench.begin_attempt(1), Some(Sending::AsItIs));
    }
}
