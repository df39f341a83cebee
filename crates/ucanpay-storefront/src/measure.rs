//! What is counted, with the feature `metrics`: through the facade of that name, to whatever recorder the shop installs.
//! `docs/operations.md` lists the names; without the feature nothing is counted.
//!
//! Labels hold accounts, kinds and results only: never an order, a buyer or a text of the gateway.

pub(crate) use record::{ENABLED, event, gauges, notification, reconciled};

#[cfg(feature = "metrics")]
mod record {
    use metrics::{counter, gauge};

    use crate::id::ProviderId;
    use crate::ledger::{Backlog, EventKind, Unsettled};
    use crate::payments::{Health, NotificationError};
    use crate::time::Timestamp;

    pub(crate) const ENABLED: bool = true;

    /// The ages of unsettled rows, as the label `age` has them.
    const AGES: [&str; 5] = ["minute", "quarter", "two_hours", "day", "older"];

    /// A notification was answered.
    pub(crate) fn notification(taken: Result<(), &NotificationError>) {
        let result = match taken {
            Ok(_) => "committed",
            Err(NotificationError::UnknownProvider) => "unknown_account",
            Err(NotificationError::Refused { .. }) => "refused",
            Err(NotificationError::Unmatched { .. }) => "unmatched",
            Err(NotificationError::Unavailable { .. }) => "unavailable",
        };
        counter!("ucanpay_notifications_total", "result" => result).increment(1);
    }

    /// A delivery has ended: `delivered`, `failed`, or `parked`.
    pub(crate) fn event(kind: EventKind, result: &'static str) {
        let labels = [("kind", kind.as_str()), ("result", result)];
        counter!("ucanpay_events_total", &labels).increment(1);
    }

    /// The reconciler took so many rows of an account, to ask for them.
    pub(crate) fn reconciled(account: &ProviderId, rows: usize) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        counter!("ucanpay_reconciled_total", "account" => account.to_string()).increment(rows);
    }

    /// What stands in the ledger, over all instances.
    pub(crate) fn gauges(health: &Health) {
        let census = &health.census;
        for (id, account) in &census.accounts {
            for (rows, unsettled) in [
                ("payment", account.payments),
                ("watched", account.watched),
                ("refund", account.refunds),
            ] {
                of_account(id.as_str(), rows, &unsettled, health.at);
            }
            let rest = health.blocked_for(id).unwrap_or_default();
            gauge!("ucanpay_blocked_seconds", "account" => id.to_string()).set(rest.as_secs_f64());
        }
        let at = health.at;
        gauge!("ucanpay_reviews").set(number(census.reviews.count));
        gauge!("ucanpay_reviews_seconds").set(waited(census.reviews, at));
        gauge!("ucanpay_undelivered").set(number(census.undelivered.count));
        gauge!("ucanpay_undelivered_seconds").set(waited(census.undelivered, at));
        gauge!("ucanpay_parked").set(number(census.parked.count));
        gauge!("ucanpay_parked_seconds").set(waited(census.parked, at));
        gauge!("ucanpay_paid_in_a_day").set(number(census.paid));
        gauge!("ucanpay_recovered_in_a_day").set(number(census.recovered));
    }

    fn of_account(account: &str, rows: &'static str, unsettled: &Unsettled, at: Timestamp) {
        for (count, age) in unsettled.by_age.into_iter().zip(AGES) {
            let labels = [
                ("account", account.to_owned()),
                ("rows", rows.to_owned()),
                ("age", age.to_owned()),
            ];
            gauge!("ucanpay_unsettled", &labels).set(number(count));
        }
        let labels = [("account", account.to_owned()), ("rows", rows.to_owned())];
        gauge!("ucanpay_due", &labels).set(number(unsettled.due.count));
        gauge!("ucanpay_due_seconds", &labels).set(waited(unsettled.due, at));
    }

    fn waited(backlog: Backlog, at: Timestamp) -> f64 {
        let since = backlog.since.unwrap_or(at);
        at.since(since).as_secs_f64()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "rows are counted, far below where an f64 becomes coarse"
    )]
    fn number(count: u64) -> f64 {
        count as f64
    }
}

#[cfg(not(feature = "metrics"))]
mod record {
    use crate::id::ProviderId;
    use crate::ledger::EventKind;
    use crate::payments::{Health, NotificationError};

    pub(crate) const ENABLED: bool = false;

    pub(crate) fn notification(_: Result<(), &NotificationError>) {}

    pub(crate) fn event(_: EventKind, _: &'static str) {}

    pub(crate) fn reconciled(_: &ProviderId, _: usize) {}

    pub(crate) fn gauges(_: &Health) {}
}
