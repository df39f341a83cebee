//! What a command needs of the tables, under its locks.
//!
//! Columns are named one by one: `SELECT *` in a prepared statement fails for good on its connection once another
//! instance, being a newer version, has added a column.

use std::collections::HashMap;

use sqlx::PgConnection;
use sqlx::query::Query;

use crate::id::{PaymentKey, ProviderId, Reference};
use crate::ledger::{Census, Discrepancy, History, Lease, PaymentView, Refund, Schedule};
use crate::store::{ClaimedEvent, ParkedEvent, StoreError, census, history, row};
use crate::time::Timestamp;

macro_rules! payments {
    ($rest:literal) => {
        concat!(
            "SELECT provider, reference, merchant, amount, currency, subject, description, state, late, reversal,
                 late_policy, expires_at, closed_at, gateway_number, pay_link, trouble, created_at, paid_at,
                 next_check_at, lease_until, request_path, request_body, request_key, version, events
               FROM ucanpay_payment ",
            $rest
        )
    };
}

macro_rules! refunds {
    ($rest:literal) => {
        concat!(
            "SELECT provider, reference, number, amount, reason, state, gateway_number, trouble, created_at, failed_at, confirmed_at,
                 next_check_at, lease_until, submissions, request_path, request_body, request_key, version
               FROM ucanpay_refund ",
            $rest
        )
    };
}

macro_rules! discrepancies {
    ($rest:literal) => {
        concat!(
            "SELECT provider, reference, number, kind, note, evidence, opened_at, closed_at, closing_note
               FROM ucanpay_discrepancy ",
            $rest
        )
    };
}

pub(super) const PAYMENT: &str = payments!("WHERE provider = $1 AND reference = $2");
pub(super) const PAYMENT_FOR_UPDATE: &str =
    payments!("WHERE provider = $1 AND reference = $2 FOR UPDATE");
pub(super) const REFUNDS: &str =
    refunds!("WHERE provider = $1 AND reference = $2 ORDER BY position");
pub(super) const REFUNDS_FOR_UPDATE: &str =
    refunds!("WHERE provider = $1 AND reference = $2 ORDER BY position FOR UPDATE");
pub(super) const RECENT: &str = payments!("ORDER BY created_at DESC, reference LIMIT $1");
pub(super) const DISCREPANCIES: &str =
    discrepancies!("WHERE provider = $1 AND reference = $2 ORDER BY number");
pub(super) const UNDER_REVIEW: &str = payments!(
    "JOIN (SELECT provider, reference, min(opened_at) AS since FROM ucanpay_discrepancy
            WHERE closed_at IS NULL GROUP BY provider, reference) AS open USING (provider, reference)
     ORDER BY open.since, reference LIMIT $1"
);
const DISCREPANCIES_OF_MANY: &str = discrepancies!(
    "WHERE (provider, reference) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY number"
);
const REFUNDS_OF_MANY: &str = refunds!(
    "WHERE (provider, reference) IN (SELECT * FROM unnest($1::text[], $2::text[]))
     ORDER BY position"
);
pub(super) const GATEWAY_NUMBER_OWNER: &str =
    "SELECT reference FROM ucanpay_payment WHERE provider = $1 AND gateway_number = $2";
pub(super) const REFUND_OWNER: &str =
    "SELECT reference FROM ucanpay_refund WHERE provider = $1 AND number = $2";
pub(super) const DUE_PAYMENTS: &str =
    "SELECT provider, reference, NULL AS number, next_check_at FROM ucanpay_payment
      WHERE provider = $5 AND (next_check_at <= $1 OR next_check_at > $2)
        AND (lease_until IS NULL OR lease_until <= $1 OR lease_until > $3)
      ORDER BY next_check_at LIMIT $4 FOR UPDATE SKIP LOCKED";
pub(super) const DUE_REFUNDS: &str =
    "SELECT provider, reference, number, next_check_at FROM ucanpay_refund
      WHERE provider = $5 AND (next_check_at <= $1 OR next_check_at > $2)
        AND (lease_until IS NULL OR lease_until <= $1 OR lease_until > $3)
      ORDER BY next_check_at LIMIT $4 FOR UPDATE SKIP LOCKED";
pub(super) const WAITING_EVENTS: &str =
    "SELECT id, provider, reference, sequence, kind, details, created_at, attempts
       FROM ucanpay_outbox AS waiting
      WHERE delivered_at IS NULL AND parked_at IS NULL AND (next_attempt_at <= $1 OR next_attempt_at > $2)
        AND (lease_until IS NULL OR lease_until <= $1 OR lease_until > $3)
        AND NOT EXISTS (SELECT 1 FROM ucanpay_outbox AS earlier
                         WHERE earlier.provider = waiting.provider
                           AND earlier.reference = waiting.reference
                           AND earlier.sequence < waiting.sequence
                           AND earlier.delivered_at IS NULL)
      ORDER BY position LIMIT $4 FOR UPDATE OF waiting SKIP LOCKED";
pub(super) const PARKED_EVENTS: &str =
    "SELECT id, provider, reference, sequence, kind, details, created_at, attempts, parked_at, trouble
       FROM ucanpay_outbox WHERE delivered_at IS NULL AND parked_at IS NOT NULL ORDER BY parked_at LIMIT $1";

pub(super) async fn view(
    tx: &mut PgConnection,
    key: &PaymentKey,
) -> Result<Option<PaymentView>, StoreError> {
    view_by(tx, key, PAYMENT, REFUNDS).await
}

/// The payment first, then its refunds: everybody locks in this order.
pub(super) async fn view_for_update(
    tx: &mut PgConnection,
    key: &PaymentKey,
) -> Result<Option<PaymentView>, StoreError> {
    view_by(tx, key, PAYMENT_FOR_UPDATE, REFUNDS_FOR_UPDATE).await
}

async fn view_by(
    tx: &mut PgConnection,
    key: &PaymentKey,
    payment: &'static str,
    refunds: &'static str,
) -> Result<Option<PaymentView>, StoreError> {
    let found = sqlx::query(payment)
        .bind(key.provider.as_str())
        .bind(key.reference.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let refunds: Result<Vec<Refund>, StoreError> = sqlx::query(refunds)
        .bind(key.provider.as_str())
        .bind(key.reference.as_str())
        .fetch_all(&mut *tx)
        .await?
        .iter()
        .map(row::refund)
        .collect();
    let discrepancies: Result<Vec<_>, StoreError> = sqlx::query(DISCREPANCIES)
        .bind(key.provider.as_str())
        .bind(key.reference.as_str())
        .fetch_all(tx)
        .await?
        .iter()
        .map(row::discrepancy)
        .collect();
    Ok(Some(PaymentView {
        payment: row::payment(&found)?,
        refunds: refunds?,
        discrepancies: discrepancies?,
    }))
}

pub(super) async fn recent(
    tx: &mut PgConnection,
    limit: u32,
) -> Result<Vec<PaymentView>, StoreError> {
    many(tx, RECENT, limit).await
}

/// Payments with an open discrepancy, the one open longest first.
pub(super) async fn under_review(
    tx: &mut PgConnection,
    limit: u32,
) -> Result<Vec<PaymentView>, StoreError> {
    many(tx, UNDER_REVIEW, limit).await
}

/// The payments that a statement finds, with what belongs to each.
async fn many(
    tx: &mut PgConnection,
    payments: &'static str,
    limit: u32,
) -> Result<Vec<PaymentView>, StoreError> {
    let mut views = Vec::new();
    for found in &sqlx::query(payments)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?
    {
        views.push(PaymentView {
            payment: row::payment(found)?,
            refunds: Vec::new(),
            discrepancies: Vec::new(),
        });
    }
    let keys = views.iter().map(|view| &view.payment.key);
    let (providers, references): (Vec<&str>, Vec<&str>) = keys
        .map(|key| (key.provider.as_str(), key.reference.as_str()))
        .unzip();
    let found = sqlx::query(REFUNDS_OF_MANY)
        .bind(&providers)
        .bind(&references)
        .fetch_all(&mut *tx)
        .await?;
    let mut refunds: HashMap<PaymentKey, Vec<Refund>> = HashMap::new();
    for found in &found {
        let of = refunds.entry(row::key(found)?).or_default();
        of.push(row::refund(found)?);
    }
    let found = sqlx::query(DISCREPANCIES_OF_MANY)
        .bind(&providers)
        .bind(&references)
        .fetch_all(tx)
        .await?;
    let mut discrepancies: HashMap<PaymentKey, Vec<Discrepancy>> = HashMap::new();
    for found in &found {
        let of = discrepancies.entry(row::key(found)?).or_default();
        of.push(row::discrepancy(found)?);
    }
    for view in &mut views {
        let key = &view.payment.key;
        view.refunds = refunds.remove(key).unwrap_or_default();
        view.discrepancies = discrepancies.remove(key).unwrap_or_default();
    }
    Ok(views)
}

pub(super) async fn gateway_number_owner(
    tx: &mut PgConnection,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Reference>, StoreError> {
    owner(tx, GATEWAY_NUMBER_OWNER, provider, number).await
}

pub(super) async fn refund_owner(
    tx: &mut PgConnection,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Reference>, StoreError> {
    owner(tx, REFUND_OWNER, provider, number).await
}

async fn owner(
    tx: &mut PgConnection,
    sql: &'static str,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Reference>, StoreError> {
    let found: Option<String> = sqlx::query_scalar(sql)
        .bind(provider.as_str())
        .bind(number)
        .fetch_optional(tx)
        .await?;
    found.map(row::reference).transpose()
}

/// Unsettled rows of an account whose time has come and that nobody has, the longest waiting first; locked, so that
/// nobody else takes them before they are leased. Rows that somebody is changing at this moment are left to them.
pub(super) async fn due(
    tx: &mut PgConnection,
    account: &ProviderId,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
    let mut found: Vec<(PaymentKey, Lease)> = Vec::new();
    for sql in [DUE_PAYMENTS, DUE_REFUNDS] {
        let rows = sqlx::query(sql)
            .bind(now.as_millis())
            .bind(Schedule::farthest_check(now).as_millis())
            .bind(Schedule::farthest_lease(now).as_millis())
            .bind(i64::from(limit))
            .bind(account.as_str())
            .fetch_all(&mut *tx)
            .await?;
        for due in &rows {
            found.push(row::due(due, until)?);
        }
    }
    found.sort_by_key(|(_, lease)| lease.due);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// Events that wait and that nobody has; of each payment only its first one, so that they arrive in order. One that is
/// parked is left where it is, and the later ones of its payment wait behind it.
///
/// The earlier events are looked at without a lock. That is safe: events of a payment are committed in their order, and
/// one that was delivered stays delivered, so an old picture of them can only make an event wait longer.
pub(super) async fn waiting_events(
    tx: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<ClaimedEvent>, StoreError> {
    sqlx::query(WAITING_EVENTS)
        .bind(now.as_millis())
        .bind(Schedule::farthest_check(now).as_millis())
        .bind(Schedule::farthest_lease(now).as_millis())
        .bind(i64::from(limit))
        .fetch_all(tx)
        .await?
        .iter()
        .map(|row| row::waiting_event(row, until))
        .collect()
}

/// Events that wait for a person, the one parked longest first.
pub(super) async fn parked_events(
    tx: &mut PgConnection,
    limit: u32,
) -> Result<Vec<ParkedEvent>, StoreError> {
    let parked = sqlx::query(PARKED_EVENTS)
        .bind(i64::from(limit))
        .fetch_all(tx)
        .await?;
    parked.iter().map(row::parked_event).collect()
}

pub(super) const BLOCKED_UNTIL: &str =
    "SELECT blocked_until FROM ucanpay_account WHERE provider = $1";

/// Until when an account is blocked, or was.
pub(super) async fn blocked_until(
    tx: &mut PgConnection,
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
    tx: &mut PgConnection,
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
pub(super) async fn census(tx: &mut PgConnection, now: Timestamp) -> Result<Census, StoreError> {
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
