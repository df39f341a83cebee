//! The ledger counted: the statements, which every database understands as they are, and their rows.

use super::StoreError;
use super::row::{self, Columns};
use crate::ledger::{AGES, AccountCensus, Backlog, Census, LATELY, Unsettled};
use crate::time::Timestamp;

macro_rules! unsettled {
    ($table:literal, $and:literal) => {
        concat!(
            "SELECT provider,
                    count(*) FILTER (WHERE created_at > $2) AS age_0,
                    count(*) FILTER (WHERE created_at <= $2 AND created_at > $3) AS age_1,
                    count(*) FILTER (WHERE created_at <= $3 AND created_at > $4) AS age_2,
                    count(*) FILTER (WHERE created_at <= $4 AND created_at > $5) AS age_3,
                    count(*) FILTER (WHERE created_at <= $5) AS age_4,
                    count(*) FILTER (WHERE next_check_at <= $1) AS due,
                    min(next_check_at) FILTER (WHERE next_check_at <= $1) AS due_since
               FROM ",
            $table,
            " WHERE next_check_at IS NOT NULL",
            $and,
            " GROUP BY provider"
        )
    };
}

/// By account: takes the [`moments`].
const PAYMENTS: &str = unsettled!(
    "ucanpay_payment",
    " AND state <> 'closed' AND (state <> 'paid' OR coalesce(reversal, '') <> 'refused')"
);
/// Likewise: what was closed, or paid and not reversed, and is watched.
const WATCHED_PAYMENTS: &str = unsettled!(
    "ucanpay_payment",
    " AND (state = 'closed' OR (state = 'paid' AND reversal = 'refused'))"
);
/// Likewise.
const REFUNDS: &str = unsettled!("ucanpay_refund", " AND state <> 'failed'");
/// Likewise: what failed, and is watched.
const WATCHED_REFUNDS: &str = unsettled!("ucanpay_refund", " AND state = 'failed'");
pub(super) const BLOCKS: &str = "SELECT provider, blocked_until FROM ucanpay_account";
/// Takes the moment from which on [lately](LATELY) is counted, as do the two after it.
pub(super) const PAID: &str =
    "SELECT count(*) AS count, NULL AS since FROM ucanpay_payment WHERE paid_at > $1";
pub(super) const RECOVERED: &str = "SELECT count(*) AS count, NULL AS since FROM ucanpay_outbox
  WHERE kind = 'recovered_by_query' AND created_at > $1";
/// These take nothing.
pub(super) const REVIEWS: &str = "SELECT count(*) AS count, min(opened_at) AS since FROM ucanpay_discrepancy WHERE closed_at IS NULL";
pub(super) const UNDELIVERED: &str =
    "SELECT count(*) AS count, min(created_at) AS since FROM ucanpay_outbox
  WHERE delivered_at IS NULL AND parked_at IS NULL";
pub(super) const PARKED: &str =
    "SELECT count(*) AS count, min(parked_at) AS since FROM ucanpay_outbox
  WHERE delivered_at IS NULL AND parked_at IS NOT NULL";

/// Now, and the moments at which each age begins.
pub(super) fn moments(now: Timestamp) -> impl Iterator<Item = i64> {
    let ages = AGES.iter().map(move |age| now.before(*age));
    std::iter::once(now).chain(ages).map(Timestamp::as_millis)
}

/// The moment from which on lately is counted.
pub(super) fn lately(now: Timestamp) -> i64 {
    now.before(LATELY).as_millis()
}

/// Picks the rows of an account.
pub(super) type RowsOf = fn(&mut AccountCensus) -> &mut Unsettled;

/// The statements that take the [`moments`], each with the rows that it counts.
pub(super) const BY_ACCOUNT: [(&str, RowsOf); 4] = [
    (PAYMENTS, |account| &mut account.payments),
    (WATCHED_PAYMENTS, |account| &mut account.watched),
    (REFUNDS, |account| &mut account.refunds),
    (WATCHED_REFUNDS, |account| &mut account.watched),
];

/// The rows of an account.
pub(super) fn unsettled(
    census: &mut Census,
    row: &impl Columns,
    rows: RowsOf,
) -> Result<(), StoreError> {
    let mut by_age = [0; 5];
    let columns = ["age_0", "age_1", "age_2", "age_3", "age_4"];
    for (count, column) in by_age.iter_mut().zip(columns) {
        *count = row::unsigned(row, column)?;
    }
    let due = Backlog {
        count: row::unsigned(row, "due")?,
        since: row::optional_moment(row, "due_since")?,
    };
    rows(census.account(&row::provider(row)?)).join(Unsettled { by_age, due });
    Ok(())
}

pub(super) fn block(census: &mut Census, row: &impl Columns) -> Result<(), StoreError> {
    let until = row::moment(row, "blocked_until")?;
    census.account(&row::provider(row)?).blocked_until = Some(until);
    Ok(())
}

pub(super) fn backlog(row: &impl Columns) -> Result<Backlog, StoreError> {
    Ok(Backlog {
        count: row::unsigned(row, "count")?,
        since: row::optional_moment(row, "since")?,
    })
}
