//! Rows into values.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use ucanpay_core::{Amount, Currency};

use super::details::EventDetails;
use crate::id::{PaymentKey, ProviderId, Reference, RefundNumber};
use crate::ledger::{
    ClosedReview, Discrepancy, DiscrepancyKind, Event, EventKind, FARTHEST, LEASE, LatePolicy,
    Payment, PaymentState, PaymentView, Refund, RefundState, Reversal, Schedule, Target,
};
use crate::provider::FrozenRequest;
use crate::store::{ClaimedEvent, StoreError};
use crate::time::Timestamp;
use crate::wording::Wording;

pub(super) async fn view(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
) -> Result<Option<PaymentView>, StoreError> {
    let row = sqlx::query("SELECT * FROM ucanpay_payment WHERE provider = ? AND reference = ?")
        .bind(key.provider.as_str())
        .bind(key.reference.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let views = complete(tx, vec![payment(&row)?]).await?;
    Ok(views.into_iter().next())
}

/// Payments with what belongs to each.
pub(super) async fn complete(
    tx: &mut SqliteConnection,
    payments: Vec<Payment>,
) -> Result<Vec<PaymentView>, StoreError> {
    let mut views = Vec::new();
    for payment in payments {
        views.push(PaymentView {
            refunds: refunds(tx, &payment.key).await?,
            discrepancies: discrepancies(tx, &payment.key).await?,
            payment,
        });
    }
    Ok(views)
}

pub(super) async fn recent(
    tx: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    sqlx::query("SELECT * FROM ucanpay_payment ORDER BY created_at DESC, reference LIMIT ?")
        .bind(limit)
        .fetch_all(tx)
        .await?
        .iter()
        .map(payment)
        .collect()
}

/// Payments with an open discrepancy, the one open longest first.
pub(super) async fn under_review(
    tx: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    sqlx::query(
        "SELECT p.* FROM ucanpay_payment AS p
           JOIN (SELECT provider, reference, min(opened_at) AS since FROM ucanpay_discrepancy
                  WHERE closed_at IS NULL GROUP BY provider, reference) AS open
             ON open.provider = p.provider AND open.reference = p.reference
          ORDER BY open.since, p.reference LIMIT ?",
    )
    .bind(limit)
    .fetch_all(tx)
    .await?
    .iter()
    .map(payment)
    .collect()
}

async fn discrepancies(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
) -> Result<Vec<Discrepancy>, StoreError> {
    sqlx::query(
        "SELECT * FROM ucanpay_discrepancy WHERE provider = ? AND reference = ? ORDER BY number",
    )
    .bind(key.provider.as_str())
    .bind(key.reference.as_str())
    .fetch_all(tx)
    .await?
    .iter()
    .map(discrepancy)
    .collect()
}

async fn refunds(tx: &mut SqliteConnection, key: &PaymentKey) -> Result<Vec<Refund>, StoreError> {
    sqlx::query(
        "SELECT * FROM ucanpay_refund WHERE provider = ? AND reference = ? ORDER BY created_at, rowid",
    )
    .bind(key.provider.as_str())
    .bind(key.reference.as_str())
    .fetch_all(tx)
    .await?
    .iter()
    .map(refund)
    .collect()
}

pub(super) async fn gateway_number_owner(
    tx: &mut SqliteConnection,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Reference>, StoreError> {
    let sql = "SELECT reference FROM ucanpay_payment WHERE provider = ? AND gateway_number = ?";
    owner(tx, sql, provider, number).await
}

pub(super) async fn refund_owner(
    tx: &mut SqliteConnection,
    provider: &ProviderId,
    number: &str,
) -> Result<Option<Reference>, StoreError> {
    let sql = "SELECT reference FROM ucanpay_refund WHERE provider = ? AND number = ?";
    owner(tx, sql, provider, number).await
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
    found.map(reference).transpose()
}

/// Unsettled rows whose time has come and that nobody has, the longest waiting first.
pub(super) async fn due(
    tx: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(PaymentKey, Target)>, StoreError> {
    sqlx::query(
        "SELECT provider, reference, NULL AS number, next_check_at FROM ucanpay_payment
          WHERE (next_check_at <= ?1 OR next_check_at > ?2)
            AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
         UNION ALL
         SELECT provider, reference, number, next_check_at FROM ucanpay_refund
          WHERE (next_check_at <= ?1 OR next_check_at > ?2)
            AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
         ORDER BY next_check_at LIMIT ?4",
    )
    .bind(now.as_millis())
    .bind(now.after(FARTHEST).as_millis())
    .bind(now.after(LEASE).as_millis())
    .bind(limit)
    .fetch_all(tx)
    .await?
    .iter()
    .map(|row| {
        let target = match row.try_get::<Option<String>, _>("number")? {
            None => Target::Payment,
            Some(number) => Target::Refund(refund_number(number)?),
        };
        Ok((key(row)?, target))
    })
    .collect()
}

/// (`+position` keeps SQLite from walking the whole outbox in order instead of the few rows that wait.)
/// Events that wait and that nobody has; of each payment only its first one, so that they arrive in order.
pub(super) async fn waiting_events(
    tx: &mut SqliteConnection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<ClaimedEvent>, StoreError> {
    sqlx::query(
        "SELECT * FROM ucanpay_outbox AS waiting
          WHERE delivered_at IS NULL AND (next_attempt_at <= ?1 OR next_attempt_at > ?2)
            AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
            AND NOT EXISTS (SELECT 1 FROM ucanpay_outbox AS earlier
                             WHERE earlier.provider = waiting.provider
                               AND earlier.reference = waiting.reference
                               AND earlier.sequence < waiting.sequence
                               AND earlier.delivered_at IS NULL)
          ORDER BY +position LIMIT ?4",
    )
    .bind(now.as_millis())
    .bind(now.after(FARTHEST).as_millis())
    .bind(now.after(LEASE).as_millis())
    .bind(limit)
    .fetch_all(tx)
    .await?
    .iter()
    .map(|row| {
        let details: EventDetails = serde_json::from_str(row.try_get("details")?)
            .map_err(|_| corrupt("ucanpay_outbox.details"))?;
        let kind: String = row.try_get("kind")?;
        let stated: Option<String> = row.try_get("reference")?;
        Ok(ClaimedEvent {
            event: Event {
                id: row.try_get("id")?,
                provider: provider(row)?,
                reference: stated.map(reference).transpose()?,
                sequence: unsigned(row, "sequence")?,
                kind: EventKind::from_word(&kind).ok_or_else(|| corrupt("ucanpay_outbox.kind"))?,
                amount: details.amount,
                refund: details.refund,
                note: details.note,
                at: moment(row, "created_at")?,
            },
            attempts: row.try_get("attempts")?,
            lease_until: until,
        })
    })
    .collect()
}

fn payment(row: &SqliteRow) -> Result<Payment, StoreError> {
    let state: String = row.try_get("state")?;
    Ok(Payment {
        key: key(row)?,
        merchant: row.try_get("merchant")?,
        amount: amount(row)?,
        currency: Currency::new(row.try_get::<String, _>("currency")?)
            .map_err(|_| corrupt("ucanpay_payment.currency"))?,
        subject: wording(row, "subject")?,
        description: wording(row, "description")?,
        state: PaymentState::from_word(&state).ok_or_else(|| corrupt("ucanpay_payment.state"))?,
        late: row.try_get("late")?,
        reversal: row
            .try_get::<Option<String>, _>("reversal")?
            .map(|word| {
                Reversal::from_word(&word).ok_or_else(|| corrupt("ucanpay_payment.reversal"))
            })
            .transpose()?,
        late_policy: LatePolicy::from_word(row.try_get("late_policy")?)
            .ok_or_else(|| corrupt("ucanpay_payment.late_policy"))?,
        gateway_number: row.try_get("gateway_number")?,
        pay_link: row
            .try_get::<Option<String>, _>("pay_link")?
            .map(Wording::from),
        trouble: row.try_get("trouble")?,
        created_at: moment(row, "created_at")?,
        paid_at: optional_moment(row, "paid_at")?,
        expires_at: moment(row, "expires_at")?,
        closed_at: optional_moment(row, "closed_at")?,
        schedule: schedule(row)?,
        request: request(row)?.ok_or_else(|| corrupt("ucanpay_payment.request_body"))?,
        version: unsigned(row, "version")?,
        events: unsigned(row, "events")?,
    })
}

fn discrepancy(row: &SqliteRow) -> Result<Discrepancy, StoreError> {
    let kind: String = row.try_get("kind")?;
    let note: Option<String> = row.try_get("closing_note")?;
    let closed = optional_moment(row, "closed_at")?.zip(note);
    Ok(Discrepancy {
        number: row.try_get("number")?,
        kind: DiscrepancyKind::from_word(&kind)
            .ok_or_else(|| corrupt("ucanpay_discrepancy.kind"))?,
        note: row.try_get("note")?,
        evidence: row.try_get("evidence")?,
        opened_at: moment(row, "opened_at")?,
        closed: closed.map(|(at, note)| ClosedReview {
            at,
            note: note.into(),
        }),
    })
}

fn refund(row: &SqliteRow) -> Result<Refund, StoreError> {
    let state: String = row.try_get("state")?;
    Ok(Refund {
        number: refund_number(row.try_get("number")?)?,
        reference: reference(row.try_get("reference")?)?,
        amount: amount(row)?,
        reason: wording(row, "reason")?,
        state: RefundState::from_word(&state).ok_or_else(|| corrupt("ucanpay_refund.state"))?,
        gateway_number: row.try_get("gateway_number")?,
        trouble: row.try_get("trouble")?,
        created_at: moment(row, "created_at")?,
        schedule: schedule(row)?,
        request: request(row)?,
        version: unsigned(row, "version")?,
    })
}

fn key(row: &SqliteRow) -> Result<PaymentKey, StoreError> {
    Ok(PaymentKey {
        provider: provider(row)?,
        reference: reference(row.try_get("reference")?)?,
    })
}

fn provider(row: &SqliteRow) -> Result<ProviderId, StoreError> {
    ProviderId::new(row.try_get::<String, _>("provider")?).map_err(|_| corrupt("provider"))
}

fn reference(text: String) -> Result<Reference, StoreError> {
    Reference::new(text).map_err(|_| corrupt("reference"))
}

fn refund_number(text: String) -> Result<RefundNumber, StoreError> {
    RefundNumber::new(text).map_err(|_| corrupt("refund number"))
}

fn amount(row: &SqliteRow) -> Result<Amount, StoreError> {
    Amount::new(row.try_get("amount")?).map_err(|_| corrupt("amount"))
}

fn request(row: &SqliteRow) -> Result<Option<FrozenRequest>, StoreError> {
    let path: Option<String> = row.try_get("request_path")?;
    let body: Option<Vec<u8>> = row.try_get("request_body")?;
    let key: Option<String> = row.try_get("request_key")?;
    Ok(match (path, body, key) {
        (Some(path), Some(body), Some(key)) => Some(FrozenRequest {
            path,
            body: body.into(),
            key,
        }),
        _ => None,
    })
}

fn schedule(row: &SqliteRow) -> Result<Schedule, StoreError> {
    Ok(Schedule {
        next_check_at: optional_moment(row, "next_check_at")?,
        lease_until: optional_moment(row, "lease_until")?,
    })
}

fn wording(row: &SqliteRow, column: &'static str) -> Result<Wording, StoreError> {
    Ok(row.try_get::<String, _>(column)?.into())
}

fn moment(row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

fn optional_moment(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let millis: Option<i64> = row.try_get(column)?;
    Ok(millis.map(Timestamp::from_millis))
}

fn unsigned(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| corrupt(column))
}

fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt { what }
}
