//! What a command needs of the tables.

use sqlx::SqliteConnection;

use crate::id::{PaymentKey, ProviderId, Reference};
use crate::ledger::{FARTHEST, LEASE, Payment, PaymentView, Refund, Target};
use crate::store::{ClaimedEvent, StoreError, row};
use crate::time::Timestamp;

pub(super) const PAYMENT: &str =
    "SELECT * FROM ucanpay_payment WHERE provider = ? AND reference = ?";
pub(super) const RECENT: &str =
    "SELECT * FROM ucanpay_payment ORDER BY created_at DESC, reference LIMIT ?";
pub(super) const REFUNDS: &str =
    "SELECT * FROM ucanpay_refund WHERE provider = ? AND reference = ? ORDER BY created_at, rowid";
pub(super) const GATEWAY_NUMBER_OWNER: &str =
    "SELECT reference FROM ucanpay_payment WHERE provider = ? AND gateway_number = ?";
pub(super) const REFUND_OWNER: &str =
    "SELECT reference FROM ucanpay_refund WHERE provider = ? AND number = ?";
pub(super) const DUE: &str =
    "SELECT provider, reference, NULL AS number, next_check_at FROM ucanpay_payment
      WHERE (next_check_at <= ?1 OR next_check_at > ?2)
        AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
     UNION ALL
     SELECT provider, reference, number, next_check_at FROM ucanpay_refund
      WHERE (next_check_at <= ?1 OR next_check_at > ?2)
        AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
     ORDER BY next_check_at LIMIT ?4";
/// `+position` keeps SQLite from walking the whole outbox in order instead of the few rows that wait.
pub(super) const WAITING_EVENTS: &str = "SELECT * FROM ucanpay_outbox AS waiting
      WHERE delivered_at IS NULL AND (next_attempt_at <= ?1 OR next_attempt_at > ?2)
        AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
        AND NOT EXISTS (SELECT 1 FROM ucanpay_outbox AS earlier
                         WHERE earlier.provider = waiting.provider
                           AND earlier.reference = waiting.reference
                           AND earlier.sequence < waiting.sequence
                           AND earlier.delivered_at IS NULL)
      ORDER BY +position LIMIT ?4";

pub(super) async fn view(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
) -> Result<Option<PaymentView>, StoreError> {
    let found = sqlx::query(PAYMENT)
        .bind(key.provider.as_str())
        .bind(key.reference.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let refunds = refunds(tx, key).await?;
    Ok(Some(PaymentView {
        payment: row::payment(&found)?,
        refunds,
    }))
}

pub(super) async fn recent(
    tx: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    sqlx::query(RECENT)
        .bind(limit)
        .fetch_all(tx)
        .await?
        .iter()
        .map(row::payment)
        .collect()
}

pub(super) async fn refunds(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
) -> Result<Vec<Refund>, StoreError> {
    sqlx::query(REFUNDS)
        .bind(key.provider.as_str())
        .bind(key.reference.as_str())
        .fetch_all(tx)
        .await?
        .iter()
        .map(row::refund)
        .collect()
}

pub(super) async fn gateway_number_owner(
    tx: &mut SqliteConnection,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Reference>, StoreError> {
    owner(tx, GATEWAY_NUMBER_OWNER, provider, number).await
}

pub(super) async fn refund_owner(
    tx: &mut SqliteConnection,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Reference>, StoreError> {
    owner(tx, REFUND_OWNER, provider, number).await
}

async fn owner(
    tx: &mut SqliteConnection,
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

/// Unsettled rows whose time has come and that nobody has, the longest waiting first.
pub(super) async fn due(
    tx: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(PaymentKey, Target)>, StoreError> {
    sqlx::query(DUE)
        .bind(now.as_millis())
        .bind(now.after(FARTHEST).as_millis())
        .bind(now.after(LEASE).as_millis())
        .bind(limit)
        .fetch_all(tx)
        .await?
        .iter()
        .map(row::due)
        .collect()
}

/// Events that wait and that nobody has; of each payment only its first one, so that they arrive in order.
pub(super) async fn waiting_events(
    tx: &mut SqliteConnection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<ClaimedEvent>, StoreError> {
    sqlx::query(WAITING_EVENTS)
        .bind(now.as_millis())
        .bind(now.after(FARTHEST).as_millis())
        .bind(now.after(LEASE).as_millis())
        .bind(limit)
        .fetch_all(tx)
        .await?
        .iter()
        .map(|row| row::waiting_event(row, until))
        .collect()
}
