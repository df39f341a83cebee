//! What a command needs of the tables. Each statement serves all the commands of a batch.

use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;
use sqlx::query::Query;

use super::rows::json;
use crate::id::{PaymentKey, ProviderId, Reference};
use crate::ledger::{Census, History, Lease, PaymentView, Schedule};
use crate::store::row::{self, Columns as _};
use crate::store::{ClaimedEvent, ParkedEvent, StoreError, census, history};
use crate::time::Timestamp;

// `CROSS JOIN` keeps SQLite from walking a table in search of the few rows that are wanted: it looks each one up.
pub(super) const PAYMENTS: &str = "
SELECT payment.* FROM json_each(?) AS wanted CROSS JOIN ucanpay_payment AS payment
    ON payment.provider = wanted.value->>0 AND payment.reference = wanted.value->>1";
pub(super) const REFUNDS: &str = "
SELECT refund.* FROM json_each(?) AS wanted CROSS JOIN ucanpay_refund AS refund
    ON refund.provider = wanted.value->>0 AND refund.reference = wanted.value->>1
ORDER BY refund.rowid";
pub(super) const RECENT: &str =
    "SELECT provider, reference FROM ucanpay_payment ORDER BY created_at DESC, reference LIMIT ?";
pub(super) const DISCREPANCIES: &str = "
SELECT discrepancy.* FROM json_each(?) AS wanted CROSS JOIN ucanpay_discrepancy AS discrepancy
    ON discrepancy.provider = wanted.value->>0 AND discrepancy.reference = wanted.value->>1
ORDER BY discrepancy.number";
pub(super) const UNDER_REVIEW: &str = "
SELECT provider, reference FROM ucanpay_discrepancy WHERE closed_at IS NULL
 GROUP BY provider, reference ORDER BY min(opened_at), reference LIMIT ?";
pub(super) const GATEWAY_NUMBER_OWNERS: &str = "
SELECT provider, gateway_number AS number, reference
    FROM json_each(?) AS wanted CROSS JOIN ucanpay_payment
      ON provider = wanted.value->>0 AND gateway_number = wanted.value->>1";
pub(super) const REFUND_OWNERS: &str = "
SELECT provider, number, reference
    FROM json_each(?) AS wanted CROSS JOIN ucanpay_refund
      ON provider = wanted.value->>0 AND number = wanted.value->>1";
/// Each part walks its index in order and stops at the limit, however many rows are overdue.
pub(super) const DUE: &str = "
SELECT * FROM (SELECT provider, reference, NULL AS number, next_check_at FROM ucanpay_payment
    WHERE provider = ?5 AND next_check_at <= ?1 AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
    ORDER BY next_check_at LIMIT ?4)
UNION ALL
SELECT * FROM (SELECT provider, reference, NULL, next_check_at FROM ucanpay_payment
    WHERE provider = ?5 AND next_check_at > ?2 AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
    ORDER BY next_check_at LIMIT ?4)
UNION ALL
SELECT * FROM (SELECT provider, reference, number, next_check_at FROM ucanpay_refund
    WHERE provider = ?5 AND next_check_at <= ?1 AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
    ORDER BY next_check_at LIMIT ?4)
UNION ALL
SELECT * FROM (SELECT provider, reference, number, next_check_at FROM ucanpay_refund
    WHERE provider = ?5 AND next_check_at > ?2 AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
    ORDER BY next_check_at LIMIT ?4)
ORDER BY next_check_at LIMIT ?4";
/// Walks what waits in order and stops at the limit, however many wait: this runs on the connection that settles payments.
/// Left to itself, SQLite walks the whole outbox.
pub(super) const WAITING_EVENTS: &str = "SELECT * FROM ucanpay_outbox AS waiting INDEXED BY ucanpay_outbox_waiting
      WHERE delivered_at IS NULL AND parked_at IS NULL AND (next_attempt_at <= ?1 OR next_attempt_at > ?2)
        AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
        AND NOT EXISTS (SELECT 1 FROM ucanpay_outbox AS earlier
                         WHERE earlier.provider = waiting.provider
                           AND earlier.reference = waiting.reference
                           AND earlier.sequence < waiting.sequence
                           AND earlier.delivered_at IS NULL)
      ORDER BY position LIMIT ?4";
pub(super) const PARKED_EVENTS: &str = "
SELECT * FROM ucanpay_outbox WHERE delivered_at IS NULL AND parked_at IS NOT NULL ORDER BY parked_at LIMIT ?";

/// The payments of these keys with all that belongs to each, oldest first.
pub(super) async fn views(
    tx: &mut SqliteConnection,
    keys: &HashSet<&PaymentKey>,
) -> Result<HashMap<PaymentKey, PaymentView>, StoreError> {
    let wanted: Vec<_> = keys
        .iter()
        .map(|key| [key.provider.as_str(), key.reference.as_str()])
        .collect();
    let wanted = json(&wanted)?;
    let mut views = HashMap::with_capacity(keys.len());
    let payments = sqlx::query(PAYMENTS).bind(&wanted).fetch_all(&mut *tx);
    for found in payments.await? {
        let payment = row::payment(&found)?;
        let view = PaymentView {
            payment,
            refunds: Vec::new(),
            discrepancies: Vec::new(),
        };
        views.insert(view.payment.key.clone(), view);
    }
    let refunds = sqlx::query(REFUNDS).bind(&wanted).fetch_all(&mut *tx);
    for found in refunds.await? {
        if let Some(view) = views.get_mut(&row::key(&found)?) {
            view.refunds.push(row::refund(&found)?);
        }
    }
    let discrepancies = sqlx::query(DISCREPANCIES).bind(&wanted).fetch_all(tx);
    for found in discrepancies.await? {
        if let Some(view) = views.get_mut(&row::key(&found)?) {
            view.discrepancies.push(row::discrepancy(&found)?);
        }
    }
    Ok(views)
}

/// The newest payments first.
pub(super) async fn recent(
    tx: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<PaymentKey>, StoreError> {
    let newest = sqlx::query(RECENT).bind(limit).fetch_all(tx).await?;
    newest.iter().map(row::key).collect()
}

/// The payments with an open discrepancy, the one open longest first.
pub(super) async fn under_review(
    tx: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<PaymentKey>, StoreError> {
    let open = sqlx::query(UNDER_REVIEW).bind(limit).fetch_all(tx).await?;
    open.iter().map(row::key).collect()
}

/// A number at a provider.
type Numbered<'a> = (&'a ProviderId, &'a str);
type Owners = HashMap<(ProviderId, String), Reference>;

/// The payments that have these gateway numbers.
pub(super) async fn gateway_number_owners(
    tx: &mut SqliteConnection,
    numbers: &HashSet<Numbered<'_>>,
) -> Result<Owners, StoreError> {
    owners(tx, GATEWAY_NUMBER_OWNERS, numbers).await
}

/// The payments that have refunds of these numbers.
pub(super) async fn refund_owners(
    tx: &mut SqliteConnection,
    numbers: &HashSet<Numbered<'_>>,
) -> Result<Owners, StoreError> {
    owners(tx, REFUND_OWNERS, numbers).await
}

async fn owners(
    tx: &mut SqliteConnection,
    sql: &'static str,
    numbers: &HashSet<Numbered<'_>>,
) -> Result<Owners, StoreError> {
    if numbers.is_empty() {
        return Ok(Owners::new());
    }
    let wanted: Vec<_> = numbers
        .iter()
        .map(|(provider, number)| [provider.as_str(), number])
        .collect();
    let owners = sqlx::query(sql).bind(json(&wanted)?).fetch_all(tx).await?;
    owners
        .iter()
        .map(|found| {
            let key = row::key(found)?;
            Ok(((key.provider, found.text("number")?), key.reference))
        })
        .collect()
}

/// Unsettled rows of an account whose time has come and that nobody has, the longest waiting first.
pub(super) async fn due(
    tx: &mut SqliteConnection,
    account: &ProviderId,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
    sqlx::query(DUE)
        .bind(now.as_millis())
        .bind(Schedule::farthest_check(now).as_millis())
        .bind(Schedule::farthest_lease(now).as_millis())
        .bind(limit)
        .bind(account.as_str())
        .fetch_all(tx)
        .await?
        .iter()
        .map(|due| row::due(due, until))
        .collect()
}

/// Events that wait and that nobody has; of each payment only its first one, so that they arrive in order. One that is
/// parked is left where it is, and the later ones of its payment wait behind it.
pub(super) async fn waiting_events(
    tx: &mut SqliteConnection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<ClaimedEvent>, StoreError> {
    sqlx::query(WAITING_EVENTS)
        .bind(now.as_millis())
        .bind(Schedule::farthest_check(now).as_millis())
        .bind(Schedule::farthest_lease(now).as_millis())
        .bind(limit)
        .fetch_all(tx)
        .await?
        .iter()
        .map(|row| row::waiting_event(row, until))
        .collect()
}

/// Events that wait for a person, the one parked longest first.
pub(super) async fn parked_events(
    tx: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<ParkedEvent>, StoreError> {
    let parked = sqlx::query(PARKED_EVENTS).bind(limit).fetch_all(tx).await?;
    parked.iter().map(row::parked_event).collect()
}

pub(super) const BLOCKED_UNTIL: &str =
    "SELECT blocked_until FROM ucanpay_account WHERE provider = ?1";

/// Until when an account is blocked, or was.
pub(super) async fn blocked_until(
    tx: &mut SqliteConnection,
    account: &ProviderId,
) -> Result<Option<Timestamp>, StoreError> {
    let until: Option<i64> = sqlx::query_scalar(BLOCKED_UNTIL)
        .bind(account.as_str())
        .fetch_optional(tx)
        .await?;
    Ok(until.map(Timestamp::from_millis))
}

/// All that is kept about a payment.
pub(super) async fn history(
    tx: &mut SqliteConnection,
    view: PaymentView,
) -> Result<History, StoreError> {
    let provider = view.payment.key.provider.as_str();
    let reference = view.payment.key.reference.as_str();
    let about = |sql: &'static str| sqlx::query(sql).bind(provider).bind(reference);
    let transitions = about(history::TRANSITIONS).fetch_all(&mut *tx).await?;
    let evidence = about(history::EVIDENCE).fetch_all(&mut *tx).await?;
    let events = about(history::EVENTS).fetch_all(tx).await?;
    let transitions = transitions.iter().map(history::transition);
    let transitions = transitions.collect::<Result<_, _>>()?;
    let evidence = evidence.iter().map(history::evidence);
    let evidence = evidence.collect::<Result<_, _>>()?;
    let events = events.iter().map(history::event);
    let events = events.collect::<Result<_, _>>()?;
    Ok(History {
        view,
        transitions,
        evidence,
        events,
    })
}

/// The ledger counted.
pub(super) async fn census(
    tx: &mut SqliteConnection,
    now: Timestamp,
) -> Result<Census, StoreError> {
    let mut counted = Census::default();
    for (sql, rows) in census::BY_ACCOUNT {
        let query = census::moments(now).fold(sqlx::query(sql), Query::bind);
        for row in &query.fetch_all(&mut *tx).await? {
            census::unsettled(&mut counted, row, rows)?;
        }
    }
    for row in &sqlx::query(census::BLOCKS).fetch_all(&mut *tx).await? {
        census::block(&mut counted, row)?;
    }
    let lately = |sql: &'static str| sqlx::query(sql).bind(census::lately(now));
    counted.paid = census::backlog(&lately(census::PAID).fetch_one(&mut *tx).await?)?.count;
    counted.recovered =
        census::backlog(&lately(census::RECOVERED).fetch_one(&mut *tx).await?)?.count;
    for (sql, into) in [
        (census::REVIEWS, &mut counted.reviews),
        (census::UNDELIVERED, &mut counted.undelivered),
        (census::PARKED, &mut counted.parked),
    ] {
        *into = census::backlog(&sqlx::query(sql).fetch_one(&mut *tx).await?)?;
    }
    Ok(counted)
}
